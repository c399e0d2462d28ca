/**
 * The report of a fault in kernel code (arch/riscv/kernel/traps.c, arch/riscv/mm/fault.c). Always true: it is told in the words of
 * the VM's kernel version; it kills nobody itself, but says whether the task dies, goes on, or the VM has stopped.
 */
import { Trap } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { type Fault, provideFaultReporter } from '../module/fault.ts';
import { STACK_BYTES } from '../module/memory.ts';
import { consoleVerbose, Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { afterDie, die } from './die.ts';
import { isModern } from './frames.ts';
import { callerOf, insideKernel } from './inside.ts';
import { panic } from './panic.ts';
import { printState, record, stateAt } from './report.ts';
import { backtrace, hex64, kernelPlace, type Registers, registersOf } from './trace.ts';
import { reportBreakpoint } from './warn.ts';

const PAGE = 4096;
/** What the entry code keeps on the stack (struct pt_regs). */
const FRAME_BYTES = 288;
/** How far below its stack a stack pointer may be and still mean an overflow. */
const OVERFLOW_REACH = 65_536;

/** What faults other than page faults are called. */
const TRAPS: Readonly<Record<number, string>> = {
  [Trap.FetchMisaligned]: 'Oops - instruction address misaligned',
  [Trap.FetchAccess]: 'Oops - instruction access fault',
  [Trap.IllegalInstruction]: 'Oops - illegal instruction',
  [Trap.Breakpoint]: 'Kernel BUG',
  [Trap.LoadMisaligned]: 'Oops - load address misaligned',
  [Trap.LoadAccess]: 'Oops - load access fault',
  [Trap.StoreMisaligned]: 'Oops - store (or AMO) address misaligned',
  [Trap.StoreAccess]: 'Oops - store (or AMO) access fault',
  [Trap.EcallFromUser]: 'Oops - environment call from U-mode',
  [Trap.EcallFromSupervisor]: 'Oops - environment call from S-mode',
};

const isPageFault = (cause: number): boolean =>
  cause === Trap.FetchPageFault || cause === Trap.LoadPageFault || cause === Trap.StorePageFault;

/** What a page fault is told to be: it depends on the address, and since 5.x on whether there is a user half to touch. */
function accessText(k: Kernel, task: Task, address: number): string {
  if (isModern(k) && address >= 0 && address < 2 ** 55 && task.mm !== null && task !== k.module.swapper)
    return 'access to user memory without uaccess routines';
  return address >= 0 && address < PAGE ? 'NULL pointer dereference' : 'paging request';
}

/** The stack is spent: nothing can be handled any more (handle_bad_stack). */
function stackOverflow(k: Kernel, task: Task, fault: Fault, registers: Registers, base: number): 'halted' {
  consoleVerbose(k);
  const at = (from: number, to: number): string => `[0x${hex64(from)}..0x${hex64(to)}]`;
  const overflow = (k.module.stacks.get(0) ?? base) + STACK_BYTES - PAGE;
  printk(k, Level.EMERG, 'Insufficient stack space to handle exception!');
  printk(k, Level.EMERG, `Task stack:     ${at(base, base + STACK_BYTES)}`);
  printk(k, Level.EMERG, `Overflow stack: ${at(overflow, overflow + PAGE)}`);
  let state = stateAt(k, task, registers, fault);
  const inside = insideKernel(k, task, fault, registers);
  if (inside) state = { ...state, epc: inside[0] };
  printState(k, task, state);
  const trace = inside ?? backtrace(k, task, registers, false);
  record(k, task, 'stack overflow', 'Insufficient stack space to handle exception!', {
    state,
    cause: fault.cause,
    trace,
  });
  panic(
    k,
    'Kernel stack overflow',
    task,
    ['walk_stackframe+0x0/0x16c'],
    inside ? inside.slice(1, 2) : trace.slice(0, 1),
  );
  return 'halted';
}

/** The reporter that the module room calls for every fault of kernel code. */
provideFaultReporter((k, task, fault) => {
  const registers: Registers = { ...registersOf(k, task), pc: fault.pc };
  if (fault.cause === Trap.Breakpoint) {
    const verdict = reportBreakpoint(k, task, fault, registers);
    if (verdict) return verdict;
  }
  const base = k.module.stacks.get(task.tid);
  const sp = Number(BigInt.asIntN(64, registers.x[2]));
  if (base !== undefined && sp - FRAME_BYTES < base && sp > base - OVERFLOW_REACH)
    return stackOverflow(k, task, fault, registers, base);
  let message = TRAPS[fault.cause] ?? 'Oops - unknown exception';
  let heading = message;
  if (isPageFault(fault.cause)) {
    heading = 'Oops';
    message = `Unable to handle kernel ${accessText(k, task, fault.tval)} at virtual address ${hex64(fault.exact ?? fault.tval)}`;
    printk(k, Level.ALERT, message);
  }
  let state = stateAt(k, task, registers, fault);
  let trace = insideKernel(k, task, fault, registers);
  if (trace && trace.length > 0) {
    const caller = callerOf(trace[0].symbol);
    const ra = caller === trace[0].symbol ? (trace[1] ?? state.ra) : kernelPlace(caller);
    state = { ...state, epc: trace[0], ra };
  }
  trace = trace && trace.length > 0 ? trace : backtrace(k, task, registers, false);
  die(k, task, heading, message, state, fault, trace);
  return afterDie(k, task, fault.cause === Trap.Breakpoint && isModern(k));
});
