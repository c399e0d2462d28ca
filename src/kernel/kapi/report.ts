/**
 * What kernel code of ours says when a module misuses it: WARN, BUG, a stack dump. Always true: the panic room's reports, once
 * registered, replace the plain ones here.
 */
import { Trap } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { oops } from '../module/fault.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { kapiRoom } from './room.ts';

const TAINT_WARN = 1 << 9;

/** Where a report comes from, as Linux names it: `fs/proc/generic.c:399`, `proc_register+0x142/0x1d6`. */
export interface Place {
  readonly file: string;
  readonly symbol: string;
  /** The kernel's functions between there and the module, innermost first, when it is more than the function called. */
  readonly below?: readonly string[];
}

export interface Reports {
  /** WARN(): text (without newline) and a trace; the task goes on. */
  warn(k: Kernel, task: Task, place: Place, text: string): void;
  /** BUG(): the task, or the VM, ends. */
  bug(k: Kernel, task: Task, place: Place): void;
  dumpStack(k: Kernel, task: Task, frames: readonly string[]): void;
}

let reports: Reports = {
  warn(k, task, place, text) {
    printk(k, Level.WARNING, '------------[ cut here ]------------');
    if (text !== '') printk(k, Level.WARNING, text);
    printk(k, Level.WARNING, `WARNING: CPU: 0 PID: ${task.tid} at ${place.file} ${place.symbol}`);
    printk(k, Level.WARNING, '---[ end trace 0000000000000000 ]---');
  },
  bug(k, task, place) {
    printk(k, Level.EMERG, '------------[ cut here ]------------');
    printk(k, Level.EMERG, `kernel BUG at ${place.file}!`);
    oops(k, task, { cause: Trap.Breakpoint, tval: 0, pc: k.hart.pc });
  },
  dumpStack(k, task) {
    printk(k, Level.WARNING, `CPU: 0 PID: ${task.tid} Comm: ${task.comm} ${k.identity.release}`);
    printk(k, Level.WARNING, 'Call Trace:');
  },
};

/** The panic room registers its reports here. */
export function provideReports(better: Reports): void {
  reports = better;
}

/** WARN_ON and WARN of kernel code. */
export function kernelWarn(k: Kernel, task: Task, place: Place, text = ''): void {
  reports.warn(k, task, place, text);
  k.taint |= TAINT_WARN;
}

/** The same, at most once in the life of the VM. */
export function kernelWarnOnce(k: Kernel, task: Task, place: Place, text = ''): void {
  const { warned } = kapiRoom(k);
  if (warned.has(place.file)) return;
  warned.add(place.file);
  kernelWarn(k, task, place, text);
}

/** BUG_ON of kernel code. */
export const kernelBug = (k: Kernel, task: Task, place: Place): void => reports.bug(k, task, place);

/** dump_stack(), below the kernel functions named (innermost first). */
export const dumpStack = (k: Kernel, task: Task, frames: readonly string[] = []): void =>
  reports.dumpStack(k, task, frames);
