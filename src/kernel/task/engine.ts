/**
 * The engine: the one place where tasks, traps, waits, activations and signals meet (DESIGN.md, "How a task waits"). Always true:
 * between two calls of {@link run} every task is plain data and the hart holds nothing of this VM; a slice ends after a
 * number of instructions that does not depend on how the host cut its budgets; the running task is not in the run queue.
 */
import { Access, Trap } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { refreshJiffies } from '../kapi/jiffies.ts';
import type { Kernel } from '../kernel.ts';
import { askDriver } from '../mm/area.ts';
import { handleFault } from '../mm/fault.ts';
import { activateMm } from '../mm/mm.ts';
import { outOfMemory, reclaim } from '../mm/reclaim.ts';
import { checkLockup, sleptInInterrupt } from '../module/fault.ts';
import { interruptPending, isInterrupt, nextInterrupt } from '../module/interrupt.ts';
import { inKernelMode, kernelTrap, pushFrame, RUN_ON } from '../module/runtime.ts';
import { defineStep, type Entry, findStep, type Outcome, type Wait } from '../outcome.ts';
import { beforeUser } from '../signal/deliver.ts';
import { syscallStop } from '../signal/ptrace.ts';
import { forceSignal, hasFatal, hasPending } from '../signal/send.ts';
import { checkCpuTimers } from '../time/itimer.ts';
import { fireTimers, nextDeadline } from '../time/timers.ts';
import { account, chargeKernel, nsPerInstruction, untilCpuTimer } from './account.ts';
import { callHandler, dispatchStep, performCall, SYSCALL_WORK } from './dispatch.ts';
import { saveLoaded } from './regs.ts';
import { leaveSequence } from './rseq.ts';
import { reportUnhandled } from './segfault.ts';
import type { Task } from './types.ts';
import { park } from './wait.ts';

/** What came of a run. `idle`: nothing is ready; `k.time.heap` says when something will be. */
export interface RunResult {
  /** Instructions retired, with what kernel work counts for. */
  retired: number;
  /** `sync`: as of now the disk is to be durable before anything of the VM goes on. */
  state: 'busy' | 'idle' | 'halted' | 'sync';
}

/** Instructions of a time slice at nice 0. */
const SLICE = 100_000;
/** What one step of nice takes from or adds to a slice. */
const SLICE_PER_NICE = 4_500;
/** What a call of an exported function counts for. */
const KAPI_WORK = 20;
const SIG = { ILL: 4, TRAP: 5, BUS: 7 } as const;
const ILL_ILLOPC = 1;
const TRAP_BRKPT = 1;
const BUS_ADRALN = 1;
const BUS_ADRERR = 2;

/** Runs the VM for about `budget` instructions: less when it falls idle or halts, more by the work of the last kernel entry. */
export function run(k: Kernel, budget: number): RunResult {
  const { sched } = k;
  const begin = sched.retired;
  const end = begin + budget;
  sched.loaded = 0;
  k.mm.activeMm = null;
  if (sched.idleSinceNs >= 0) {
    sched.idleNs += Math.max(0, k.time.nowNs - sched.idleSinceNs);
    sched.idleSinceNs = -1;
  }
  const state = loop(k, end);
  k.fs.syncsSeen = k.fs.syncs;
  saveLoaded(k);
  k.mm.activeMm = null;
  if (state === 'idle') sched.idleSinceNs = k.time.nowNs;
  return { retired: sched.retired - begin, state };
}

function loop(k: Kernel, end: number): RunResult['state'] {
  const { sched } = k;
  for (;;) {
    if (k.halted) return 'halted';
    if (k.fs.syncs !== k.fs.syncsSeen) return 'sync';
    if (nextDeadline(k) <= k.time.nowNs) fireTimers(k);
    if (interruptPending(k)) {
      if (sched.retired >= end) return 'busy';
      runInterrupt(k, end);
      continue;
    }
    const task = nextReady(k);
    if (!task) return 'idle';
    if (sched.retired >= end) return 'busy';
    sched.runQueue.shift();
    runTask(k, task, end);
    if (task.state !== 'running' || !k.task.tasks.has(task.tid)) continue;
    // Kernel code is not preempted (CONFIG_PREEMPT_VOLUNTARY).
    if (task.sliceLeft > 0 || inKernelMode(task)) sched.runQueue.unshift(task.tid);
    else sched.runQueue.push(task.tid);
  }
}

/** The task at the head of the run queue; entries that went stale are dropped. */
function nextReady(k: Kernel): Task | null {
  const { runQueue } = k.sched;
  while (runQueue.length > 0) {
    const task = k.task.tasks.get(runQueue[0]);
    if (task?.state === 'running') return task;
    runQueue.shift();
  }
  return null;
}

/** Puts the task's registers and address space into the hart. */
function load(k: Kernel, task: Task): void {
  const { sched } = k;
  if (sched.loaded !== task.tid) {
    saveLoaded(k);
    const goesOn = sched.lastTid === task.tid;
    k.hart.loadContext(task.context, goesOn);
    sched.loaded = task.tid;
    if (!goesOn) sched.contextSwitches++;
  }
  if (task.mm ? k.mm.activeMm !== task.mm : task.kthread) activateMm(k, task.mm);
}

/** Goes on with the interrupt work at the head of the queue, in the place of whatever task there is. */
function runInterrupt(k: Kernel, end: number): void {
  const task = nextInterrupt(k);
  if (!task) return;
  saveLoaded(k);
  activateMm(k, null);
  k.hart.loadContext(task.context);
  task.sliceLeft = SLICE;
  if (resume(k, task)) userLoop(k, task, end);
  k.hart.saveContext(task.context);
  k.sched.lastTid = 0;
}

/** Runs one task until it waits, stops, ends, or has used up its slice or the budget. */
function runTask(k: Kernel, task: Task, end: number): void {
  // A slice that ran out in kernel code is made up for on the way back to user mode (need_resched).
  if (task.sliceLeft <= 0 && !inKernelMode(task)) task.sliceLeft = SLICE - task.nice * SLICE_PER_NICE;
  load(k, task);
  k.sched.current = task.tid;
  if (resume(k, task)) userLoop(k, task, end);
  k.sched.current = 0;
  k.sched.lastTid = task.tid;
}

/** The loop between user mode and the kernel. */
function userLoop(k: Kernel, task: Task, end: number): void {
  const { hart, sched, time } = k;
  for (;;) {
    if (k.fs.syncs !== k.fs.syncsSeen) return;
    if (time.heap.length > 0 && time.heap[0].atNs <= time.nowNs) fireTimers(k);
    const inKernel = inKernelMode(task);
    if (k.halted || (interruptPending(k) && !isInterrupt(k, task))) return;
    if (inKernel) checkLockup(k, task);
    else {
      if (task.notify && !beforeUser(k, task)) return;
      if (k.halted || task.kthread) return;
      task.syscall = null;
    }
    const slice = inKernel ? Math.max(task.sliceLeft, SLICE) : task.sliceLeft;
    let budget = Math.min(slice, end - sched.retired);
    if (budget <= 0) {
      if (task.sliceLeft <= 0) {
        task.involuntarySwitches++;
        if (!inKernel) leaveSequence(k, task);
      }
      return;
    }
    let due = Math.min(time.heap.length > 0 ? time.heap[0].atNs - time.nowNs : Infinity, untilCpuTimer(task));
    if (inKernel) due = Math.min(due, refreshJiffies(k));
    if (due < Infinity) budget = Math.min(budget, Math.max(1, Math.ceil(due / nsPerInstruction(k))));
    const trap = hart.run(budget);
    account(k, task, hart.retired, !inKernel);
    checkCpuTimers(k, task);
    if (trap === Trap.BudgetSpent) continue;
    if (inKernel) {
      const came = kernelTrap(k, task, trap);
      const goesOn = came === null || settle(k, task, came.outcome);
      chargeKernel(k, task, KAPI_WORK);
      if (!goesOn || task.state !== 'running') return;
      continue;
    }
    if (trap === Trap.EcallFromUser) {
      const goesOn = enterSyscall(k, task);
      chargeKernel(k, task, SYSCALL_WORK);
      if (!goesOn) return;
    } else {
      const goesOn = handleTrap(k, task, trap);
      chargeKernel(k, task, 0);
      if (!goesOn) return;
    }
  }
}

/** A fault or an illegal instruction of user code. Answers whether the task goes on. */
function handleTrap(k: Kernel, task: Task, trap: number): boolean {
  const { hart } = k;
  const { pc, tval } = hart;
  switch (trap) {
    case Trap.LoadPageFault:
    case Trap.StorePageFault:
    case Trap.FetchPageFault: {
      const access =
        trap === Trap.LoadPageFault
          ? Access.Read
          : trap === Trap.StorePageFault
            ? Access.Write
            : Access.Execute;
      k.mm.areaFault = null;
      const signal = handleFault(k, task, tval, access);
      const driver = signal && k.mm.areaFault ? askDriver(k, task, tval, access) : null;
      if (driver !== null) return settle(k, task, atInstruction(driver));
      if (signal) raise(k, task, signal.signo, signal.code, tval);
      return true;
    }
    case Trap.StoreAccess:
    case Trap.LoadAccess:
    case Trap.FetchAccess:
      // The worker has no frame left for a private copy: make room, or somebody has to go.
      if (reclaim(k, 64) > 0) return true;
      if (!outOfMemory(k, task)) raise(k, task, SIG.BUS, BUS_ADRERR, tval);
      return true;
    case Trap.IllegalInstruction:
      raise(k, task, SIG.ILL, ILL_ILLOPC, pc);
      return true;
    case Trap.Breakpoint:
      raise(k, task, SIG.TRAP, TRAP_BRKPT, pc);
      return true;
    default:
      raise(k, task, SIG.BUS, BUS_ADRALN, tval);
      return true;
  }
}

/** What a step answers that stood in for an instruction, not for a system call: there is no result to give. */
const NO_RESULT = Number.NEGATIVE_INFINITY;
const atInstruction = (outcome: Outcome): Outcome =>
  typeof outcome === 'number'
    ? NO_RESULT
    : { ...outcome, then: [{ step: instructionStep, state: null }, ...outcome.then] };
const instructionStep = defineStep('engine.instruction', () => NO_RESULT);

function raise(k: Kernel, task: Task, signo: number, code: number, addr: number): void {
  reportUnhandled(k, task, signo, code, addr);
  forceSignal(k, task, signo, code, addr);
}

/** An ecall: reads number and arguments, then does the call. Answers whether the task goes on to user mode. */
function enterSyscall(k: Kernel, task: Task): boolean {
  const { hart } = k;
  hart.pc += 4;
  task.syscall = {
    nr: hart.x(17),
    args: [hart.x(10), hart.x(11), hart.x(12), hart.x(13), hart.x(14), hart.x(15)],
    deadlineNs: null,
    scratch: null,
  };
  if (task.ptrace && syscallStop(k, task, 'enter')) {
    task.activations.push({ step: dispatchStep, state: null });
    return false;
  }
  return settle(k, task, performCall(k, task));
}

/** Takes up a task where it left off. Answers whether it goes on to user mode. */
function resume(k: Kernel, task: Task): boolean {
  const { wait } = task;
  if (wait) {
    task.wait = null;
    const by = task.wakeReason;
    if (by === 'signal' && wait.then.length === 0) return settle(k, task, wait.onSignal);
    return settle(k, task, enter(k, task, { by }));
  }
  if (task.activations.length > 0) return settle(k, task, enter(k, task, { by: 'event' }));
  return true;
}

/** Enters the top activation, or the system call's handler when there is none. */
function enter(k: Kernel, task: Task, entry: Entry): Outcome {
  const top = task.activations[task.activations.length - 1];
  if (top) return findStep(top.step)(k, task, top.state, entry);
  return task.syscall ? callHandler(k, task) : 0;
}

/** Whether a wait that begins now would end at once because of a signal or a stop. */
function isInterrupted(task: Task, wait: Wait): boolean {
  if (!task.notify || wait.interruptible === 'no') return false;
  if (hasFatal(task)) return true;
  if (wait.interruptible === 'killable') return false;
  return hasPending(task) || task.stopPending || task.ptrace?.trapStop === true;
}

/** Carries out what a step answered, until the task parks or the call is over. Answers whether it goes on to user mode. */
function settle(k: Kernel, task: Task, first: Outcome): boolean {
  let outcome = first;
  for (;;) {
    if (task.state !== 'running') return false;
    const { activations } = task;
    if (typeof outcome === 'number') {
      activations.pop();
      if (activations.length === 0) {
        finishCall(k, task, outcome);
        return true;
      }
      outcome = enter(k, task, { by: 'result', value: outcome });
    } else if (outcome.kind === 'wait') {
      if (isInterrupt(k, task)) {
        sleptInInterrupt(k, task);
        if (k.halted) return false;
        outcome = outcome.then.length > 0 ? 0 : outcome.onSignal;
        continue;
      }
      k.module.irqsOff = 0;
      if (outcome.then.length > 0) {
        activations.pop();
        activations.push(...outcome.then);
      }
      if (!isInterrupted(task, outcome)) {
        park(k, task, outcome);
        return false;
      }
      outcome = outcome.then.length > 0 ? enter(k, task, { by: 'signal' }) : outcome.onSignal;
    } else if (outcome === RUN_ON) return true;
    else {
      activations.pop();
      activations.push(...outcome.then);
      const error = pushFrame(k, task, outcome);
      if (error === 0) return true;
      // What was to be entered with the call's result hears of the error in its place.
      activations.push({ step: 'module.frame', state: null });
      outcome = error;
    }
  }
}

/** Gives a system call's result to the program. A handler that set all registers itself (rt_sigreturn) has cleared `syscall`. */
function finishCall(k: Kernel, task: Task, result: number): void {
  if (result === NO_RESULT) return;
  if (task.syscall && k.sched.loaded === task.tid) k.hart.setX(10, result);
  if (task.syscall && result <= -Errno.ERESTARTSYS && result >= -Errno.ERESTART_RESTARTBLOCK)
    task.notify = true;
  if (task.ptrace) syscallStop(k, task, 'exit');
}
