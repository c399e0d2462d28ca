/**
 * Sending signals (kernel/signal.c of Linux). Always true: a signal number below SIGRTMIN is queued at most once in each
 * queue; whenever a task may have something to act on, `task.notify` is set and an interruptible sleep is over.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import { leaderOf, threadsOf } from '../task/create.ts';
import { Rlim } from '../task/rlimit.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { wakeTask, wakeUp } from '../task/wait.ts';
import {
  CORE_SIGNALS,
  IGNORED_BY_DEFAULT,
  kernelSigInfo,
  NSIG,
  newSigInfo,
  SIG_DFL,
  SIG_IGN,
  SIGCONT,
  SIGKILL,
  SIGRTMIN,
  SIGSTOP,
  Si,
  STOP_SIGNALS,
  sigBit,
} from './bits.ts';
import { continueGroup } from './stop.ts';
import type { SigInfo, SigPending } from './types.ts';

export { kernelSigInfo };

const alive = (task: Task): boolean => task.state !== 'zombie' && task.state !== 'dead';

/** Whether there is something an interruptible wait must end for. */
export function hasPending(task: Task): boolean {
  if (!task.notify) return false;
  const { group } = task;
  if (group.groupExit !== null || task.stopPending || task.ptrace?.trapStop) return true;
  return ((task.pending.set | group.pending.set) & ~task.blocked) !== 0n;
}

/** Whether a killable wait must end: the task is about to be killed. */
export const hasFatal = (task: Task): boolean =>
  task.group.groupExit !== null || (task.pending.set & sigBit(SIGKILL)) !== 0n;

/** Sets `notify` after anything that may have made a signal deliverable (a mask change, a dequeue). */
export function recalcNotify(task: Task): void {
  task.notify = true;
  task.notify = hasPending(task) || task.ptrace !== null;
}

/** Puts a stopped or traced task back on the run queue; it goes on where it stopped. */
export function resumeTask(k: Kernel, task: Task): void {
  if (task.state !== 'stopped' && task.state !== 'traced') return;
  if (task.ptrace) {
    task.ptrace.stop = null;
    task.ptrace.listening = false;
  }
  task.state = 'running';
  task.notify = true;
  k.sched.runQueue.push(task.tid);
}

/** Makes a task look at its signals. `fatal` ends killable waits and every kind of stop, too. */
export function signalWake(k: Kernel, task: Task, fatal: boolean): void {
  if (!alive(task)) return;
  task.notify = true;
  if (task.state === 'sleeping' && task.wait) {
    const { interruptible } = task.wait;
    if (interruptible === 'yes' || (fatal && interruptible === 'killable')) wakeTask(k, task, 'signal');
  } else if (fatal) resumeTask(k, task);
}

/** Whether this process is init, which only signals that it handles can reach. */
export const isUnkillable = (group: ThreadGroup): boolean => group.pid === 1;

/** Whether the action for `signo` is to ignore it (sig_handler_ignored). */
export function isIgnored(group: ThreadGroup, signo: number): boolean {
  const { handler } = group.actions[signo];
  return handler === SIG_IGN || (handler === SIG_DFL && (IGNORED_BY_DEFAULT & sigBit(signo)) !== 0n);
}

/** Whether sending `signo` has no effect at all (sig_ignored). */
function isDropped(task: Task, signo: number, force: boolean): boolean {
  if (task.blocked & sigBit(signo)) return false;
  if (task.ptrace && signo !== SIGKILL) return false;
  if (isUnkillable(task.group) && task.group.actions[signo].handler === SIG_DFL && !force) return true;
  return isIgnored(task.group, signo);
}

/** Takes all signals of `mask` out of a queue. */
export function flushSignals(pending: SigPending, mask: bigint): void {
  if ((pending.set & mask) === 0n) return;
  pending.set &= ~mask;
  pending.queue = pending.queue.filter((info) => (mask & sigBit(info.signo)) === 0n);
}

function flushEverywhere(k: Kernel, group: ThreadGroup, mask: bigint): void {
  flushSignals(group.pending, mask);
  for (const thread of threadsOf(k, group)) flushSignals(thread.pending, mask);
}

/** Stop signals and SIGCONT cancel each other, whatever becomes of them later (prepare_signal). */
function prepare(k: Kernel, group: ThreadGroup, signo: number): void {
  if (STOP_SIGNALS & sigBit(signo)) flushEverywhere(k, group, sigBit(SIGCONT));
  else if (signo === SIGCONT) {
    flushEverywhere(k, group, STOP_SIGNALS);
    continueGroup(k, group);
  }
}

/** Queues the signal; 0, 1 when it was there already, or -EAGAIN when a real-time signal finds the queue full. */
function enqueue(group: ThreadGroup, pending: SigPending, info: SigInfo): number {
  const bit = sigBit(info.signo);
  if (info.signo < SIGRTMIN && pending.set & bit) return 1;
  if (info.signo >= SIGRTMIN && pending.queue.length >= Math.min(group.rlimits[Rlim.SIGPENDING].cur, 65536)) {
    if (info.code !== Si.USER && info.code < 0) return -Errno.EAGAIN;
    pending.set |= bit;
    return 0;
  }
  pending.queue.push(info);
  pending.set |= bit;
  return 0;
}

/** Whether the signal's default action, if it is taken, ends the process. */
export const isFatalByDefault = (group: ThreadGroup, signo: number): boolean =>
  group.actions[signo].handler === SIG_DFL && ((IGNORED_BY_DEFAULT | STOP_SIGNALS) & sigBit(signo)) === 0n;

/** Begins the end of a whole process: every thread leaves with `status` at its next chance (do_group_exit). */
export function exitGroup(k: Kernel, group: ThreadGroup, status: number): void {
  if (group.groupExit === null) group.groupExit = status;
  group.stop = null;
  for (const thread of threadsOf(k, group)) {
    thread.stopPending = false;
    if (thread.ptrace) thread.ptrace.listening = false;
    signalWake(k, thread, true);
  }
}

function wantsSignal(task: Task, signo: number): boolean {
  if (!alive(task) || task.blocked & sigBit(signo)) return false;
  return signo === SIGKILL || (task.state !== 'stopped' && task.state !== 'traced');
}

/** Chooses who acts on a newly queued signal and wakes it (complete_signal). */
function complete(k: Kernel, target: Task, info: SigInfo, toGroup: boolean, force: boolean): void {
  const { group } = target;
  const { signo } = info;
  if (group.signalWait.tids.length > 0) wakeUp(k, group.signalWait);
  let chosen: Task | null = wantsSignal(target, signo) ? target : null;
  if (!chosen && toGroup)
    for (const thread of threadsOf(k, group))
      if (wantsSignal(thread, signo)) {
        chosen = thread;
        break;
      }
  if (!chosen) return;
  const fatal =
    isFatalByDefault(group, signo) &&
    group.groupExit === null &&
    (signo === SIGKILL || (!chosen.ptrace && !(CORE_SIGNALS & sigBit(signo)))) &&
    (force || !isUnkillable(group));
  if (fatal) exitGroup(k, group, signo);
  else signalWake(k, chosen, signo === SIGKILL);
}

function send(k: Kernel, task: Task, info: SigInfo, toGroup: boolean): number {
  const { group } = task;
  const { signo } = info;
  if (!alive(task) && !(toGroup && group.exitStatus === -1)) return 0;
  if (group.groupExit !== null) return 0;
  const force = info.code === Si.KERNEL;
  prepare(k, group, signo);
  if (isDropped(task, signo, force)) return 0;
  const queued = enqueue(group, toGroup ? group.pending : task.pending, info);
  if (queued !== 0) return Math.min(queued, 0);
  complete(k, task, info, toGroup, force);
  return 0;
}

/** Sends to a process: any thread may take it. 0 or -EAGAIN. */
export function sendSignal(k: Kernel, group: ThreadGroup, info: SigInfo): number {
  const leader = leaderOf(k, group);
  return leader ? send(k, leader, info, true) : 0;
}

/** Sends to one thread. */
export const sendSignalTask = (k: Kernel, task: Task, info: SigInfo): number => send(k, task, info, false);

/** Sends to every process of a process group, without a permission check. 0, or -ESRCH when the group is empty. */
export function sendSignalPgrp(k: Kernel, pgid: number, info: SigInfo): number {
  let found = false;
  for (const group of [...k.task.groups.values()])
    if (group.pgid === pgid) {
      found = true;
      sendSignal(k, group, { ...info });
    }
  return found ? 0 : -Errno.ESRCH;
}

/**
 * Raises a signal that the task cannot escape (force_sig_info): when it is blocked or ignored the default action is taken.
 */
export function forceSignal(k: Kernel, task: Task, signo: number, code: number, addr = 0): void {
  forceSigInfo(k, task, newSigInfo(signo, code, { addr }));
}

export function forceSigInfo(k: Kernel, task: Task, info: SigInfo): void {
  const { group } = task;
  const bit = sigBit(info.signo);
  const blocked = (task.blocked & bit) !== 0n;
  if (blocked || group.actions[info.signo].handler === SIG_IGN)
    group.actions[info.signo] = { handler: SIG_DFL, flags: 0, mask: 0n };
  if (blocked) task.blocked &= ~bit;
  task.lastFault = info;
  flushSignals(task.pending, bit);
  if (enqueue(group, task.pending, info) === 0) complete(k, task, info, false, true);
  task.notify = true;
}

/** The siginfo of kill(2) and friends. */
export const userSigInfo = (task: Task, signo: number, code: number = Si.USER): SigInfo =>
  newSigInfo(signo, code, { pid: task.group.pid, uid: task.cred.uid });

/** Whether `task` may send `signo` to `target` (kill_ok_by_cred, check_kill_permission): 0 or -EPERM. */
export function mayKill(task: Task, target: Task, signo: number): number {
  if (task.group === target.group) return 0;
  const { cred } = task;
  const other = target.cred;
  if (
    cred.euid === other.suid ||
    cred.euid === other.uid ||
    cred.uid === other.suid ||
    cred.uid === other.uid ||
    capable(cred, CAP.KILL)
  )
    return 0;
  return signo === SIGCONT && task.group.sid === target.group.sid ? 0 : -Errno.EPERM;
}

/** kill(2) on one process, with its checks. */
export function killGroup(k: Kernel, task: Task, group: ThreadGroup, info: SigInfo): number {
  if (info.signo < 0 || info.signo > NSIG) return -Errno.EINVAL;
  const leader = leaderOf(k, group);
  if (!leader) return -Errno.ESRCH;
  const allowed = mayKill(task, leader, info.signo);
  if (allowed < 0 || info.signo === 0) return allowed;
  return sendSignal(k, group, info);
}

/** kill(2): one process, a process group (0, negative), or everything (-1). */
export function kill(k: Kernel, task: Task, pid: number, signo: number): number {
  if (signo < 0 || signo > NSIG) return -Errno.EINVAL;
  if (pid > 0) {
    const group = k.task.tasks.get(pid)?.group ?? k.task.groups.get(pid);
    return group ? killGroup(k, task, group, userSigInfo(task, signo)) : -Errno.ESRCH;
  }
  if (pid === -2147483648) return -Errno.ESRCH;
  const pgid = pid === 0 ? task.group.pgid : -pid;
  let found = 0;
  let result = pid === -1 ? 0 : -Errno.ESRCH;
  for (const group of [...k.task.groups.values()]) {
    const wanted =
      pid === -1 ? group.pid > 1 && group !== task.group && !isKthread(k, group) : group.pgid === pgid;
    if (!wanted) continue;
    found++;
    const sent = killGroup(k, task, group, userSigInfo(task, signo));
    if (pid === -1) {
      if (sent !== -Errno.EPERM) result = sent;
    } else if (sent === 0 || result !== 0) result = sent === 0 ? 0 : result === -Errno.ESRCH ? sent : result;
  }
  return found === 0 ? -Errno.ESRCH : result;
}

const isKthread = (k: Kernel, group: ThreadGroup): boolean => leaderOf(k, group)?.kthread ?? false;

/** tkill(2), tgkill(2), rt_tgsigqueueinfo(2): one thread, checked. `tgid` 0: any process. */
export function killThread(k: Kernel, task: Task, tgid: number, tid: number, info: SigInfo): number {
  if (info.signo < 0 || info.signo > NSIG) return -Errno.EINVAL;
  const target = k.task.tasks.get(tid);
  if (!target || target.state === 'dead' || (tgid > 0 && target.group.pid !== tgid)) return -Errno.ESRCH;
  const allowed = mayKill(task, target, info.signo);
  if (allowed < 0 || info.signo === 0) return allowed;
  const sent = sendSignalTask(k, target, info);
  return sent;
}

/** Whether anything queued for the task is in `mask` (sigpending, signalfd). */
export const pendingIn = (task: Task, mask: bigint): bigint =>
  (task.pending.set | task.group.pending.set) & mask;

export { SIGSTOP };
