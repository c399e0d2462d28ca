/** What a worker counts and measures, by name; the host adds the workers up. */
import type { WorkerContext } from './context.ts';

export const newCounters = (): Record<string, number> => ({
  boots: 0,
  commits: 0,
  created: 0,
  forks: 0,
  hibernations: 0,
  instructions: 0,
  simulatorBugs: 0,
  slices: 0,
  syncs: 0,
  terminalBytes: 0,
  unsupported: 0,
  wakes: 0,
});

/** Counters end in `_total`; the rest are gauges. */
export function measure(w: WorkerContext): Record<string, number> {
  const out: Record<string, number> = {};
  for (const [name, value] of Object.entries(w.counters))
    out[`${name.replaceAll(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}_total`] = value;
  const { framesUsed, framesFree, sharedFrames, decodedPages } = w.machine.stats();
  let awake = 0;
  let terminals = 0;
  let viewers = 0;
  for (const r of w.residents.values()) {
    if (r.vm) awake++;
    terminals += r.terminals.size - 1;
    viewers += r.viewers.size;
  }
  return {
    ...out,
    vms_awake: awake,
    vms_ready: w.scheduler.readyCount,
    terminals,
    viewers,
    frames_used: framesUsed,
    frames_free: framesFree,
    frames_shared: sharedFrames,
    decoded_pages: decodedPages,
  };
}
