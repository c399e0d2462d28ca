/**
 * Sessions that were left and never come back to. Always true: a terminal outlives its viewers, but not for ever; it is hung up
 * only when the host, too, says that nobody is attached (SSH, another server's page).
 */
import type { App } from './context.ts';

const CONSOLE = 'console';

/** Keeps count of who sits where. `sits` answers what to call when they leave. */
export function hangUpAbandoned(app: App): { sits(vm: string, terminal: string): () => void } {
  const seats = new Map<string, { count: number; timer: NodeJS.Timeout | null }>();
  app.addHook('onClose', async () => {
    for (const { timer } of seats.values()) if (timer !== null) clearTimeout(timer);
  });

  async function hangUp(vm: string, terminal: string): Promise<void> {
    const found = (await app.host.terminals(vm)).find(({ id }) => id === terminal);
    if (found === undefined || found.exit !== null || found.viewers.length > 0) return;
    await app.host.hangup(vm, terminal);
    app.log.info({ vm, terminal }, 'an abandoned session was hung up');
  }

  return {
    sits(vm, terminal) {
      if (terminal === CONSOLE) return () => {};
      const key = `${vm} ${terminal}`;
      const seat = seats.get(key) ?? { count: 0, timer: null };
      seats.set(key, seat);
      seat.count++;
      if (seat.timer !== null) clearTimeout(seat.timer);
      seat.timer = null;
      return () => {
        if (--seat.count > 0) return;
        seat.timer = setTimeout(() => {
          seats.delete(key);
          hangUp(vm, terminal).catch((error) => app.log.debug({ err: error }, 'nothing to hang up'));
        }, app.limits.abandonedMs);
        seat.timer.unref();
      };
    },
  };
}
