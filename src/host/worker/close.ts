/** The end of a worker. Always true: when it answers, every machine that ran sleeps in the store and nothing runs any more. */
import type { WorkerContext } from './context.ts';
import { commit } from './loop.ts';
import { sleep, withLock } from './residency.ts';

const AT_ONCE = 4;

/** Puts every machine to sleep. One that cannot be is left with its disk saved: it boots next time. */
export async function closeAll(w: WorkerContext): Promise<void> {
  w.closing = true;
  const waiting = [...w.residents.values()];
  const work = async (): Promise<void> => {
    for (let r = waiting.pop(); r; r = waiting.pop()) {
      const resident = r;
      await withLock(resident, async () => {
        const { vm } = resident;
        if (!vm) return;
        for (const exec of resident.execs) exec.halted(vm);
        resident.execs.clear();
        for (const bridge of resident.bridges.values())
          bridge.lose({ code: 'closed', message: 'the host is closing' });
        resident.bridges.clear();
        try {
          await sleep(w, resident, true);
        } catch (error) {
          w.log('error', `${resident.id} cannot be put to sleep: ${(error as Error).message}`);
          await commit(w, resident, vm);
        }
      });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await w.store.close();
}
