/**
 * What a task does about signals, stops, tracing and its own end before it enters user mode (get_signal, do_signal). Always
 * true: when {@link beforeUser} answers true the task has nothing left to act on, an interrupted system call has been
 * turned into its result or its repetition, and `notify` is clear (but for traced tasks).
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { SIGRETURN_TRAMPOLINE } from '../mm/layout.ts';
import { exitTask, finishExit } from '../task/exit.ts';
import { getPc, getReg, Reg, setPc, setReg } from '../task/regs.ts';
import { Rlim } from '../task/rlimit.ts';
import { leaveSequence } from '../task/rseq.ts';
import { isOrphanedPgrp } from '../task/session.ts';
import type { Task } from '../task/types.ts';
import { timerSignalTaken } from '../time/posix.ts';
import {
  CORE_SIGNALS,
  IGNORED_BY_DEFAULT,
  lowestSignal,
  newSigInfo,
  Sa,
  SIG_DFL,
  SIG_IGN,
  SIGKILL,
  SIGSEGV,
  SIGSTOP,
  SIGTRAP,
  Si,
  STOP_SIGNALS,
  SYNCHRONOUS,
  sigBit,
  UNBLOCKABLE,
} from './bits.ts';
import { pushFrame } from './frame.ts';
import { enterEventStop, enterStop, enterSyscallStop, PtraceEvent, tracerIds } from './ptrace.ts';
import { exitGroup, forceSignal, hasPending, isUnkillable, sendSignalTask } from './send.ts';
import { beginGroupStop, stopHere } from './stop.ts';
import type { SigInfo, SigPending } from './types.ts';

const NR_RESTART_SYSCALL = 128;

/** Takes the first signal of `mask` out of one queue. */
function takeFrom(k: Kernel, task: Task, pending: SigPending, mask: bigint): SigInfo | null {
  const ready = pending.set & mask;
  if (ready === 0n) return null;
  const signo = lowestSignal(ready & SYNCHRONOUS) || lowestSignal(ready);
  const at = pending.queue.findIndex((info) => info.signo === signo);
  const info = at >= 0 ? pending.queue.splice(at, 1)[0] : newSigInfo(signo, Si.USER);
  if (!pending.queue.some((other) => other.signo === signo)) pending.set &= ~sigBit(signo);
  if (task.group.timers !== null) timerSignalTaken(k, task.group, info);
  return info;
}

/** Dequeues a pending signal in `mask`, the thread's own first; null when there is none. For signalfd and sigtimedwait, too. */
export function dequeueSignal(k: Kernel, task: Task, mask: bigint): SigInfo | null {
  return takeFrom(k, task, task.pending, mask) ?? takeFrom(k, task, task.group.pending, mask);
}

/** How an interrupted system call goes on when a handler runs: EINTR, or again afterwards (handle_signal). */
function resolveForHandler(k: Kernel, task: Task, saRestart: boolean): void {
  const call = task.syscall;
  if (!call) return;
  task.syscall = null;
  const result = -getReg(k, task, Reg.a0);
  const again = result === Errno.ERESTARTNOINTR || (result === Errno.ERESTARTSYS && saRestart);
  if (again) {
    setReg(k, task, Reg.a0, call.args[0]);
    setPc(k, task, getPc(k, task) - 4);
  } else if (
    result === Errno.ERESTARTSYS ||
    result === Errno.ERESTARTNOHAND ||
    result === Errno.ERESTART_RESTARTBLOCK
  )
    setReg(k, task, Reg.a0, -Errno.EINTR);
}

/** How it goes on when no handler runs: it is repeated. */
function resolveWithoutHandler(k: Kernel, task: Task): void {
  const call = task.syscall;
  if (!call) return;
  const result = -getReg(k, task, Reg.a0);
  if (result < Errno.ERESTARTSYS || result > Errno.ERESTART_RESTARTBLOCK || result === Errno.ENOIOCTLCMD)
    return;
  task.syscall = null;
  setReg(k, task, Reg.a0, call.args[0]);
  if (result === Errno.ERESTART_RESTARTBLOCK) setReg(k, task, Reg.a7, NR_RESTART_SYSCALL);
  setPc(k, task, getPc(k, task) - 4);
}

function runHandler(k: Kernel, task: Task, info: SigInfo): void {
  const { group } = task;
  const action = group.actions[info.signo];
  resolveForHandler(k, task, (action.flags & Sa.RESTART) !== 0);
  leaveSequence(k, task);
  const mask = task.savedMask ?? task.blocked;
  if (action.flags & Sa.RESETHAND) group.actions[info.signo] = { ...action, handler: SIG_DFL };
  if (!pushFrame(k, task, action, info, mask, SIGRETURN_TRAMPOLINE)) {
    if (info.signo === SIGSEGV) group.actions[SIGSEGV] = { handler: SIG_DFL, flags: 0, mask: 0n };
    forceSignal(k, task, SIGSEGV, Si.KERNEL);
    return;
  }
  task.savedMask = null;
  task.blocked |= action.mask;
  if (!(action.flags & Sa.NODEFER)) task.blocked |= sigBit(info.signo);
  task.blocked &= ~UNBLOCKABLE;
}

/** Ends the process because of `signo`. */
function die(k: Kernel, task: Task, signo: number): void {
  const core =
    (CORE_SIGNALS & sigBit(signo)) !== 0n && task.group.rlimits[Rlim.CORE].cur > 0 && task.group.dumpable;
  exitGroup(k, task.group, signo | (core ? 0x80 : 0));
  exitTask(k, task, task.group.groupExit ?? signo);
}

/** Acts on one signal. Answers false when the task does not go on now. */
function act(k: Kernel, task: Task, info: SigInfo): boolean {
  const { signo } = info;
  const { group } = task;
  const { handler } = group.actions[signo];
  if (handler === SIG_IGN && signo !== SIGKILL) return true;
  if (handler !== SIG_DFL) {
    runHandler(k, task, info);
    return true;
  }
  const bit = sigBit(signo);
  if (IGNORED_BY_DEFAULT & bit) return true;
  if (isUnkillable(group) && info.code !== Si.KERNEL && !(info.code > 0 && SYNCHRONOUS & bit)) return true;
  if (STOP_SIGNALS & bit) {
    if (signo !== SIGSTOP && isOrphanedPgrp(k, group.pgid)) return true;
    beginGroupStop(k, group, signo);
    stopHere(k, task);
    return task.state === 'running';
  }
  die(k, task, signo);
  return false;
}

/** What the tracer made of the signal at the last delivery stop; null: nothing is to be delivered. */
function signalFromTracer(k: Kernel, task: Task): SigInfo | null {
  const hold = task.ptrace;
  const resume = hold?.resume;
  if (!hold || !resume) return null;
  hold.resume = null;
  if (resume.signal === 0) return null;
  const info =
    resume.info?.signo === resume.signal
      ? resume.info
      : newSigInfo(resume.signal, Si.USER, tracerIds(k, hold));
  if (task.blocked & sigBit(info.signo)) {
    sendSignalTask(k, task, info);
    return null;
  }
  return info;
}

/** The stops of tracing that are due. Answers true when the task has stopped. */
function tracingStop(k: Kernel, task: Task): boolean {
  const hold = task.ptrace;
  if (!hold) return false;
  while (hold.events.length > 0) {
    const next = hold.events.shift()!;
    if (enterEventStop(k, task, next.event, next.message)) return true;
  }
  if (hold.exitStopDue) {
    hold.exitStopDue = false;
    if (hold.syscallTrace && enterSyscallStop(k, task, hold, 'syscall-exit')) return true;
  }
  return false;
}

/** A seized task's PTRACE_EVENT_STOP (do_jobctl_trap). */
function trapStop(k: Kernel, task: Task): boolean {
  const hold = task.ptrace;
  if (!hold?.trapStop) return false;
  hold.trapStop = false;
  const signo = task.group.stop ? task.group.stop.signal : SIGTRAP;
  const code = signo | (PtraceEvent.STOP << 8);
  return enterStop(k, task, 'event', code, newSigInfo(signo, code, { pid: task.tid, uid: task.cred.uid }));
}

/**
 * Called by the engine whenever `task.notify` is set before it enters user mode, with the result of a system call in
 * a0. Answers false when the task does not go to user mode now: it stopped, or it is gone.
 */
export function beforeUser(k: Kernel, task: Task): boolean {
  for (;;) {
    if (task.ptrace?.exiting != null) {
      finishExit(k, task);
      return false;
    }
    if (task.group.groupExit !== null) {
      exitTask(k, task, task.group.groupExit);
      return false;
    }
    if (tracingStop(k, task)) return false;
    if (task.stopPending) {
      stopHere(k, task);
      if (task.state !== 'running') return false;
      continue;
    }
    if (trapStop(k, task)) return false;
    let info: SigInfo | null;
    if (task.detachSignal) {
      info = task.detachSignal;
      task.detachSignal = null;
    } else if (task.ptrace?.resume) {
      info = signalFromTracer(k, task);
      if (!info) continue;
    } else {
      info = dequeueSignal(k, task, ~task.blocked);
      if (!info) break;
      if (task.group.execing !== 0 && task.group.execing !== task.tid && info.signo === SIGKILL) {
        exitTask(k, task, SIGKILL);
        return false;
      }
      if (task.ptrace && info.signo !== SIGKILL && enterStop(k, task, 'signal', info.signo, info))
        return false;
    }
    if (!act(k, task, info)) return false;
  }
  resolveWithoutHandler(k, task);
  if (task.savedMask !== null) {
    task.blocked = task.savedMask;
    task.savedMask = null;
    if (((task.pending.set | task.group.pending.set) & ~task.blocked) !== 0n) return beforeUser(k, task);
  }
  task.notify = true;
  task.notify = hasPending(task);
  return true;
}
