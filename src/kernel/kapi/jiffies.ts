/**
 * The tick (CONFIG_HZ=250) as modules see it. Always true: `jiffies` is a function of the clock; the variable in guest memory is
 * brought up to date whenever code that could read it is about to run, so an idle VM has no tick.
 */
import type { Kernel } from '../kernel.ts';
import { writeK64 } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { TICK_NS } from '../time/clocks.ts';
import { kernelSymbol } from './image.ts';
import { tickCurrent } from './mirror.ts';

export const HZ = 250;
/** INITIAL_JIFFIES: five minutes before the 32-bit counter turns over. */
const INITIAL = 2 ** 32 - 300 * HZ;

export const jiffiesNow = (k: Kernel): number => INITIAL + Math.floor(k.time.nowNs / TICK_NS);

/** The monotonic time at which `jiffies` becomes that number. */
export const jiffyNs = (jiffy: number): number => (jiffy - INITIAL) * TICK_NS;

/** Writes `jiffies` for code that is about to run. Answers the nanoseconds until it changes. */
export function refreshJiffies(k: Kernel): number {
  const now = jiffiesNow(k);
  if (now !== k.tasking.jiffies && k.module.mapped) {
    k.tasking.jiffies = now;
    for (const name of ['jiffies', 'jiffies_64']) {
      const at = kernelSymbol(k, name);
      if (at !== 0) writeK64(k, at, now);
    }
    const task = k.task.tasks.get(k.sched.current);
    if (task) tickCurrent(k, task);
  }
  return jiffyNs(now + 1) - k.time.nowNs;
}

fillKernelData((k) => {
  k.tasking.jiffies = 0;
  refreshJiffies(k);
});

/** Milliseconds as jiffies, rounded up as the kernel does. */
export const msToJiffies = (ms: number): number => Math.ceil((ms * HZ) / 1000);
