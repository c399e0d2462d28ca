/**
 * Faults of kernel code (arch/riscv/kernel/traps.c die, make_task_dead). Always true: a fault ends the task with locks and
 * references left as they are, or the VM when it was in interrupt context, in init, or panic_on_oops is set.
 */
import { Trap } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { defineStep, wait } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import { exitTask, isLeaving } from '../task/exit.ts';
import { panic } from '../task/panic.ts';
import type { Task } from '../task/types.ts';
import { park } from '../task/wait.ts';

/** What the hart said. `cause` is a code of {@link Trap}. */
export interface Fault {
  cause: number;
  tval: number;
  /** tval to the last bit, where a number cannot tell it. */
  exact?: bigint;
  pc: number;
}

export const TAINT_DIE = 1 << 7;
const SIGSEGV = 11;

/**
 * Tells of a fault and decides: `dies` as an oops does, `goes on` (a WARN; the reporter has moved the pc), `halted` when the
 * report was a panic.
 */
export type FaultReporter = (k: Kernel, task: Task, fault: Fault) => 'dies' | 'goes on' | 'halted';

const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

let reporter: FaultReporter = (k, _task, fault) => {
  const text =
    fault.cause === Trap.IllegalInstruction
      ? 'illegal instruction'
      : 'Unable to handle kernel paging request';
  printk(k, Level.ALERT, `${text} at virtual address ${hex(fault.tval)}`);
  printk(k, Level.EMERG, `Oops [#${k.module.oopses}]`);
  return 'dies';
};

/** The panic room registers its report here. */
export function provideFaultReporter(report: FaultReporter): void {
  reporter = report;
}

/** Kernel memory that is made when it is first touched: true when the faulting instruction can be tried again. */
type Demand = (k: Kernel, task: Task, fault: Fault) => boolean;
const demands: Demand[] = [];
export function provideDemand(demand: Demand): void {
  demands.push(demand);
}
const PAGE_FAULTS: readonly number[] = [Trap.LoadPageFault, Trap.StorePageFault];
export const isDemand = (k: Kernel, task: Task, fault: Fault): boolean =>
  fault.tval < 0 && PAGE_FAULTS.includes(fault.cause) && demands.some((demand) => demand(k, task, fault));

/** An oops: report, taint, death of the task (die, make_task_dead). */
export function oops(k: Kernel, task: Task, fault: Fault): void {
  k.module.oopses++;
  const verdict = reporter(k, task, fault);
  if (verdict === 'goes on') {
    k.module.oopses--;
    return;
  }
  if (verdict === 'halted' || k.halted) return;
  k.taint |= TAINT_DIE;
  killInKernel(k, task);
}

/** Ends a task that was in kernel code with SIGSEGV's status; whatever it held stays held. */
export function killInKernel(k: Kernel, task: Task, signal = SIGSEGV): void {
  const inInterrupt = task === k.module.swapper;
  if (inInterrupt) {
    panic(k, 'Fatal exception in interrupt', task);
    return;
  }
  if ((k.sysctl['kernel.panic_on_oops'] ?? '0') !== '0') {
    panic(k, 'Fatal exception', task);
    return;
  }
  const leaving = isLeaving(task);
  task.activations = [];
  task.syscall = null;
  if (task.kernelMode) task.kernelMode = null;
  k.module.irqsOff = 0;
  if (leaving) {
    // A task that faults while it ends is left where it is: nobody will hear of its end.
    printk(k, Level.ALERT, 'Fixing recursive fault but reboot is needed!');
    park(k, task, wait([], { interruptible: 'no' }));
    return;
  }
  exitTask(k, task, signal);
  // Closing files of modules comes first: whatever this call's caller still answers ends this step, not that.
  if (task.activations.length > 0) task.activations.push({ step: 'fault.over', state: null });
}
defineStep('fault.over', () => 0);

/** A handler of an exported function met a bad pointer of its caller: what the hart would have said there. Answers 0. */
export function kfault(k: Kernel, task: Task, address: number, write: boolean): number {
  oops(k, task, { cause: write ? Trap.StorePageFault : Trap.LoadPageFault, tval: address, pc: k.hart.pc });
  return 0;
}

type Lockup = (k: Kernel, task: Task, seconds: number) => void;

let lockup: Lockup = (k, task, seconds) =>
  printk(
    k,
    Level.EMERG,
    `watchdog: BUG: soft lockup - CPU#0 stuck for ${seconds}s! [${task.comm}:${task.tid}]`,
  );

/** The panic room registers its report of soft lockups here. */
export function provideLockup(report: Lockup): void {
  lockup = report;
}

/** What the watchdog allows per second of watchdog_thresh: twice that, and who checks is late by a period (recorded: 26 s at 10). */
const LOCKUP_NS = 2.6e9;

/** Called now and then while kernel code runs. */
export function checkLockup(k: Kernel, task: Task): void {
  const mode = task.kernelMode;
  if (!mode || k.time.nowNs - mode.sinceNs < LOCKUP_NS * (mode.lockups + 1)) return;
  const threshold = Number(k.sysctl['kernel.watchdog_thresh'] ?? '10');
  if (k.time.nowNs - mode.sinceNs < LOCKUP_NS * threshold * (mode.lockups + 1)) return;
  mode.lockups++;
  lockup(k, task, Math.floor((k.time.nowNs - mode.sinceNs) / 1e9));
}

type AtomicSleep = (k: Kernel, task: Task) => void;
let atomicSleep: AtomicSleep = (k, task) =>
  printk(k, Level.ERR, `BUG: scheduling while atomic: ${task.comm}/${task.tid}/0x00000100`);

/** The panic room registers its report of sleeps in interrupt context here. */
export function provideAtomicSleep(report: AtomicSleep): void {
  atomicSleep = report;
}
export const sleptInInterrupt = (k: Kernel, task: Task): void => atomicSleep(k, task);
