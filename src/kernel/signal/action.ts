/** Actions, masks and alternate stacks of the calling thread (man 2 sigaction, sigprocmask, sigaltstack, sigsuspend). */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Outcome } from '../outcome.ts';
import { wait } from '../outcome.ts';
import { threadsOf } from '../task/create.ts';
import { getReg, Reg } from '../task/regs.ts';
import type { Task } from '../task/types.ts';
import { NSIG, SIGKILL, SIGSTOP, sigBit, UNBLOCKABLE } from './bits.ts';
import { dequeueSignal } from './deliver.ts';
import { altStackFlags, onAltStack } from './frame.ts';
import { flushSignals, isIgnored, recalcNotify } from './send.ts';
import type { SigAction, SigInfo } from './types.ts';

/** MINSIGSTKSZ of riscv64. */
const MINSIGSTKSZ = 2048;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;

/** Sets the action of a signal; one that is now ignored is thrown out of the queues. 0 or -EINVAL. */
export function setAction(k: Kernel, task: Task, signo: number, action: SigAction): number {
  if (signo < 1 || signo > NSIG || signo === SIGKILL || signo === SIGSTOP) return -Errno.EINVAL;
  const { group } = task;
  group.actions[signo] = { ...action, mask: action.mask & ~UNBLOCKABLE };
  if (isIgnored(group, signo)) {
    flushSignals(group.pending, sigBit(signo));
    for (const thread of threadsOf(k, group)) flushSignals(thread.pending, sigBit(signo));
  }
  return 0;
}

/** Sets the blocked mask and sees whether that lets a signal through. */
export function setBlocked(task: Task, mask: bigint): void {
  task.blocked = mask & ~UNBLOCKABLE;
  if (((task.pending.set | task.group.pending.set) & ~task.blocked) !== 0n) recalcNotify(task);
}

/** rt_sigprocmask(2): SIG_BLOCK 0, SIG_UNBLOCK 1, SIG_SETMASK 2. */
export function changeMask(task: Task, how: number, set: bigint): number {
  if (how === 0) setBlocked(task, task.blocked | set);
  else if (how === 1) setBlocked(task, task.blocked & ~set);
  else if (how === 2) setBlocked(task, set);
  else return -Errno.EINVAL;
  return 0;
}

/**
 * Installs the temporary mask of sigsuspend, ppoll, pselect6 and epoll_pwait when the call first runs; beforeUser puts the
 * old one back after a handler's frame has been made. Such a call that ends without a signal calls {@link restoreMask}.
 */
export function useTemporaryMask(task: Task, mask: bigint): void {
  if (task.savedMask === null) task.savedMask = task.blocked;
  setBlocked(task, mask);
  task.notify = true;
}

/** Puts the mask back that {@link useTemporaryMask} replaced. */
export function restoreMask(task: Task): void {
  if (task.savedMask === null) return;
  const mask = task.savedMask;
  task.savedMask = null;
  setBlocked(task, mask);
}

/** rt_sigsuspend(2): sleeps with another mask until a signal is delivered. */
export function sigsuspend(task: Task, mask: bigint): Outcome {
  useTemporaryMask(task, mask);
  return wait([], { onSignal: -Errno.ERESTARTNOHAND });
}

/** rt_sigtimedwait(2): the signal, or -EAGAIN after the deadline. */
export function sigtimedwait(
  k: Kernel,
  task: Task,
  mask: bigint,
  timeoutNs: number | null,
): SigInfo | Outcome {
  const info = dequeueSignal(k, task, mask & ~UNBLOCKABLE);
  if (info) {
    recalcNotify(task);
    return info;
  }
  if (timeoutNs === 0) return -Errno.EAGAIN;
  const call = task.syscall;
  if (call && call.deadlineNs === null)
    call.deadlineNs = timeoutNs === null ? Number.POSITIVE_INFINITY : k.time.nowNs + timeoutNs;
  const deadline = call?.deadlineNs ?? Number.POSITIVE_INFINITY;
  if (k.time.nowNs >= deadline) return -Errno.EAGAIN;
  return wait([task.group.signalWait], {
    untilNs: deadline,
    onSignal: -Errno.EINTR,
  });
}

/** What sigaltstack(2) answers of the present stack. */
export function currentAltStack(k: Kernel, task: Task): { sp: number; flags: number; size: number } {
  const { altStack } = task;
  const flags = altStackFlags(task, getReg(k, task, Reg.sp)) | (altStack.flags & SS_AUTODISARM);
  return { sp: altStack.sp, flags: flags >>> 0, size: altStack.size };
}

/** sigaltstack(2): sets the stack. 0 or -errno. */
export function setAltStack(k: Kernel, task: Task, sp: number, flags: number, size: number): number {
  if (onAltStack(task, getReg(k, task, Reg.sp))) return -Errno.EPERM;
  const mode = flags & ~SS_AUTODISARM;
  if (mode !== 0 && mode !== 1 && mode !== SS_DISABLE) return -Errno.EINVAL;
  if (mode === SS_DISABLE) task.altStack = { sp: 0, size: 0, flags: SS_DISABLE };
  else if (size < MINSIGSTKSZ) return -Errno.ENOMEM;
  else task.altStack = { sp, size, flags: flags & SS_AUTODISARM };
  return 0;
}
