/**
 * Waiting for children and tracees (do_wait of kernel/exit.c). A wait finds, in order: the processes that are the caller's
 * children, then the tasks its threads trace. What it reports is consumed unless WNOWAIT is given.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { SIGCHLD, SIGCONT, Si } from '../signal/bits.ts';
import { unlinkTracer } from '../signal/ptrace.ts';
import { leaderOf, threadsOf } from './create.ts';
import { announceExit, isReapable, releaseTask } from './exit.ts';
import type { Usage } from './rusage.ts';
import { addUsage, collectChild, usageOfChildren, usageOfGroup, usageOfTask } from './rusage.ts';
import type { Task, ThreadGroup } from './types.ts';

export const WaitOption = {
  NOHANG: 1,
  UNTRACED: 2,
  EXITED: 4,
  CONTINUED: 8,
  NOWAIT: 0x01000000,
  NOTHREAD: 0x20000000,
  ALL: 0x40000000,
  CLONE: 0x80000000,
} as const;

/** Whom to wait for: everyone, one process (or traced thread), or a process group. */
export type Who = { kind: 'all' } | { kind: 'pid'; pid: number } | { kind: 'pgid'; pgid: number };

/** What a wait found. */
export interface WaitResult {
  pid: number;
  uid: number;
  /** CLD_*. */
  code: number;
  /** The status word of wait4, and si_status of waitid. */
  status: number;
  siStatus: number;
  usage: Usage;
}

function isEligible(task: Task, who: Who, options: number, traced: boolean): boolean {
  const { group } = task;
  if (who.kind === 'pid' && task.tid !== who.pid) return false;
  if (who.kind === 'pgid' && group.pgid !== who.pgid) return false;
  if (traced || options & WaitOption.ALL) return true;
  return (group.exitSignal !== SIGCHLD) === ((options & WaitOption.CLONE) !== 0);
}

function result(k: Kernel, task: Task, code: number, status: number, siStatus: number): WaitResult {
  const own = task.tid === task.group.pid ? usageOfGroup(k, task.group) : usageOfTask(k, task);
  const usage = addUsage(own, usageOfChildren(task.group));
  return { pid: task.tid, uid: task.cred.uid, code, status, siStatus, usage };
}

function reap(k: Kernel, waiter: Task, task: Task, options: number, traced: boolean): WaitResult {
  const { group } = task;
  const isLeader = task.tid === group.pid;
  const status = isLeader && group.exitStatus !== -1 ? group.exitStatus : task.exitCode;
  const signal = status & 0x7f;
  const code = signal === 0 ? Si.CLD_EXITED : status & 0x80 ? Si.CLD_DUMPED : Si.CLD_KILLED;
  const found = result(k, task, code, status & 0xffff, signal === 0 ? (status >> 8) & 0xff : signal);
  if (options & WaitOption.NOWAIT) return found;
  const foreign = traced && (!isLeader || group.parentPid !== waiter.group.pid);
  if (!foreign) collectChild(k, waiter.group, group);
  if (foreign && isLeader && isReapable(k, group)) {
    unlinkTracer(k, task);
    announceExit(k, task);
  } else releaseTask(k, task);
  return found;
}

function stopped(k: Kernel, task: Task, options: number, traced: boolean): WaitResult | null {
  const consume = !(options & WaitOption.NOWAIT);
  if (traced) {
    const stop = task.state === 'traced' ? task.ptrace?.stop : null;
    if (!stop || stop.reported) return null;
    if (consume) stop.reported = true;
    return result(k, task, Si.CLD_TRAPPED, ((stop.code << 8) | 0x7f) >>> 0, stop.code);
  }
  const { stop } = task.group;
  if (!(options & WaitOption.UNTRACED) || !stop?.complete || stop.reported) return null;
  if (consume) stop.reported = true;
  return result(k, task, Si.CLD_STOPPED, (stop.signal << 8) | 0x7f, stop.signal);
}

function continued(k: Kernel, task: Task, options: number): WaitResult | null {
  if (!(options & WaitOption.CONTINUED) || !task.group.continued) return null;
  if (!(options & WaitOption.NOWAIT)) task.group.continued = false;
  return result(k, task, Si.CLD_CONTINUED, 0xffff, SIGCONT);
}

function consider(k: Kernel, waiter: Task, task: Task, options: number, traced: boolean): WaitResult | null {
  if (task.state === 'dead') return null;
  if (task.state === 'zombie') {
    if (!traced && task.ptrace) return null;
    if (task.tid === task.group.pid && !isReapable(k, task.group))
      return traced ? null : (stopped(k, task, options, false) ?? continued(k, task, options));
    return options & WaitOption.EXITED ? reap(k, waiter, task, options, traced) : null;
  }
  return stopped(k, task, options, traced) ?? continued(k, task, options);
}

/** Looks for something to report once. A result, null when it would have to wait, or -ECHILD. */
export function findWaitable(k: Kernel, task: Task, who: Who, options: number): WaitResult | null | number {
  let candidates = 0;
  for (const pid of [...task.group.children]) {
    const child = k.task.groups.get(pid);
    const leader = child ? leaderOf(k, child) : undefined;
    if (!leader || !isEligible(leader, who, options, false)) continue;
    candidates++;
    if (isTracedBy(k, leader, task.group)) continue;
    const found = consider(k, task, leader, options, false);
    if (found) return found;
  }
  for (const thread of options & WaitOption.NOTHREAD ? [task] : threadsOf(k, task.group))
    for (const tid of [...thread.tracees]) {
      const tracee = k.task.tasks.get(tid);
      if (!tracee || !isEligible(tracee, who, options, true)) continue;
      candidates++;
      const found = consider(k, task, tracee, options, true);
      if (found) return found;
    }
  return candidates === 0 ? -Errno.ECHILD : null;
}

const isTracedBy = (k: Kernel, task: Task, group: ThreadGroup): boolean =>
  task.ptrace !== null && k.task.tasks.get(task.ptrace.tracer)?.group === group;
