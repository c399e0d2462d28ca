/** Which module an address of code or data belongs to, as far as it is loaded. Always true: looking changes nothing. */
import type { Vaddr } from '../cpu/machine.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { moduleAt } from '../kernel/module/symbols.ts';
import type { LoadedModule } from '../kernel/module/types.ts';
import { backtrace, placeLine, registersOf } from '../kernel/panic/trace.ts';
import type { CodePlace } from '../kernel/panic/types.ts';
import type { Task } from '../kernel/task/types.ts';

/** The module in whose memory an address lies. */
export const moduleOfCode = (k: Kernel, address: Vaddr): LoadedModule | undefined =>
  address === 0 ? undefined : moduleAt(k, address);

/** Where a task is inside the kernel, innermost first; nowhere in user mode. */
export function kernelPlaces(k: Kernel, task: Task): CodePlace[] {
  if (task.state === 'zombie' || (task.state === 'running' && (task.kernelMode?.depth ?? 0) === 0)) return [];
  return backtrace(k, task, registersOf(k, task), task.state === 'sleeping');
}

/** The same as /proc/PID/stack would print it. */
export const kernelStack = (k: Kernel, task: Task): string[] => kernelPlaces(k, task).map(placeLine);
