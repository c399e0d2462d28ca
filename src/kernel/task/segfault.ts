/**
 * What the log says of a program that dies of a fault of its own (do_trap of arch/riscv/kernel/traps.c): nothing when it
 * handles or is traced for the signal.
 */
import type { Kernel } from '../kernel.ts';
import { vmaAt } from '../mm/vma.ts';
import { Level, printk, ratelimit } from '../printk/printk.ts';
import { SIG_DFL, SIGKILL } from '../signal/bits.ts';
import { getPc, getReg, Reg } from './regs.ts';
import type { Task } from './types.ts';

const hex = (value: number): string =>
  (value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value)).toString(16).padStart(16, '0');

/** `bash[123]: unhandled signal 11 code 0x1 at 0x… in bash[2aaa…+f0000]`, then where it was. */
export function reportUnhandled(k: Kernel, task: Task, signo: number, code: number, addr: number): void {
  if (signo === SIGKILL || task.ptrace || task.group.actions[signo].handler !== SIG_DFL) return;
  if (!ratelimit(k, k.printk.ratelimit, 'do_trap')) return;
  const pc = getPc(k, task);
  const vma = task.mm ? vmaAt(task.mm, pc) : null;
  const name = vma?.file?.path?.dentry.name;
  const where =
    vma && name ? ` in ${name}[${vma.start.toString(16)}+${(vma.end - vma.start).toString(16)}]` : '';
  printk(
    k,
    Level.INFO,
    `${task.comm}[${task.tid}]: unhandled signal ${signo} code 0x${code.toString(16)} at 0x${hex(addr)}${where}`,
  );
  printk(
    k,
    Level.INFO,
    `sepc: ${hex(pc)} ra : ${hex(getReg(k, task, Reg.ra))} sp : ${hex(getReg(k, task, Reg.sp))}`,
  );
}
