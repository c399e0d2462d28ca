/**
 * How tasks end (kernel/exit.c). Always true: an exited task holds no memory, files or directories; it stays a zombie in
 * `k.task.tasks` until whoever must hear of it has (its tracer, then the parent for a leader), and a leader's zombie can be
 * waited for only when it is the last of its threads.
 */

import { closeFile, putTable } from '../fs/file.ts';
import type { Kernel } from '../kernel.ts';
import { settleAreas } from '../mm/area.ts';
import { putMm } from '../mm/mm.ts';
import { unmapRegion } from '../mm/mmap.ts';
import { writeU32 } from '../mm/uaccess.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { NSIG, newSigInfo, Sa, SIG_IGN, SIGCHLD, SIGKILL, Si, sigBit } from '../signal/bits.ts';
import { enterEventStop, exitTracer, PtraceEvent, unlinkTracer, wantsEvent } from '../signal/ptrace.ts';
import { exitGroup, hasPending, sendSignal, signalWake } from '../signal/send.ts';
import { checkStopComplete, cpuTicks } from '../signal/stop.ts';
import { cancelGroupTimers } from '../time/posix.ts';
import { disassociateCtty } from '../tty/job.ts';
import { putFsContext } from './context.ts';
import { leaderOf, threadsOf } from './create.ts';
import { exitRobustList, forgetFutexWait, futexWakeAddress } from './futex.ts';
import { panic } from './panic.ts';
import { killOrphanedPgrp } from './session.ts';
import type { Task, ThreadGroup } from './types.ts';
import { wakeUp } from './wait.ts';

export { exitGroup };

const alive = (task: Task): boolean => task.state !== 'zombie' && task.state !== 'dead';

/**
 * Ends the calling task with a status as wait4 encodes it. With a tracer that wants to see it the task first stops, and
 * {@link finishExit} ends it.
 */
export function exitTask(k: Kernel, task: Task, status: number): void {
  if (!alive(task)) return;
  const hold = task.ptrace;
  if (hold && hold.exiting === null && wantsEvent(task, PtraceEvent.EXIT)) {
    hold.exiting = status;
    if (enterEventStop(k, task, PtraceEvent.EXIT, status)) return;
  }
  if (!releaseFirst(k, task, status)) leave(k, task, status);
}

/** Goes on with an exit that waited behind PTRACE_EVENT_EXIT. */
export function finishExit(k: Kernel, task: Task): void {
  const status = task.ptrace?.exiting;
  if (status == null) return;
  leave(k, task, status);
}

/** exit_group(2): the whole process ends with this status. */
export function exitProcess(k: Kernel, task: Task, status: number): void {
  exitGroup(k, task.group, status);
  exitTask(k, task, task.group.groupExit ?? status);
}

/**
 * What a task's memory must hear when the task stops using it, at exit and exec (mm_release): robust futexes, the word of
 * CLONE_CHILD_CLEARTID, the parent that waits in vfork.
 */
export function mmRelease(k: Kernel, task: Task): void {
  if (task.mm) {
    exitRobustList(k, task);
    if (task.clearChildTid !== 0 && task.mm.users > 1) {
      writeU32(k, task, task.clearChildTid, 0);
      futexWakeAddress(k, task, task.clearChildTid);
    }
  }
  task.clearChildTid = 0;
  task.robustList = 0;
  task.rseq = null;
  releaseVfork(k, task);
}

/** The parent of a vfork goes on. */
export function releaseVfork(k: Kernel, task: Task): void {
  if (task.vforkParent === 0) return;
  task.vforkParent = 0;
  wakeUp(k, task.vforkDone);
}

/** Whether closing the task's files would have to run module code, which a task that is still one can do best. */
const holdsModuleFiles = (task: Task): boolean =>
  (task.files.users === 1 &&
    task.files.fds.some((entry) => entry?.file.kind === 'module' && entry.file.refs === 1)) ||
  holdsAreas(task);

/** Whether it is the last user of memory that holds mappings of drivers, which are to hear of their end. */
const holdsAreas = (task: Task): boolean => task.mm?.users === 1 && task.mm.vmas.some(({ area }) => area);

/**
 * Closes the files of modules one by one before the task ends (exit_files): their release runs on the task that leaves. What is
 * left of the task until then is this activation.
 */
defineStep('exit.release', (k, task, state: { status: number }) => {
  const { mm } = task;
  if (mm && holdsAreas(task)) {
    for (const { start, end } of mm.vmas.filter(({ area }) => area)) unmapRegion(k, mm, start, end);
    const outcome = settleAreas(k, task, 0);
    if (typeof outcome !== 'number')
      return { ...outcome, then: [{ step: 'exit.release', state }, ...outcome.then] };
  }
  const { fds } = task.files;
  for (let fd = 0; fd < fds.length; fd++) {
    const entry = fds[fd];
    if (entry?.file.kind !== 'module' || entry.file.refs !== 1 || task.files.users !== 1) continue;
    fds[fd] = null;
    const outcome = closeFile(k, task, entry.file, task.files);
    if (task.state !== 'running') return 0;
    if (typeof outcome !== 'number')
      return { ...outcome, then: [{ step: 'exit.release', state }, ...outcome.then] };
  }
  leave(k, task, state.status);
  return 0;
});

/** The status of a task that is on its way out and closes its modules' files (PF_EXITING); null: it is not. */
export const leavingStatus = (task: Task): number | null =>
  task.activations.find(({ step }) => step === 'exit.release')?.state.status ?? null;

export const isLeaving = (task: Task): boolean => leavingStatus(task) !== null;

/** Puts off the end of a task that holds files of modules. A handler that ended its task answers {@link exitOutcome}. */
function releaseFirst(k: Kernel, task: Task, status: number): boolean {
  if (task.state !== 'running' || task.kthread || k.sched.current !== task.tid || !holdsModuleFiles(task))
    return false;
  if (task.activations.some(({ step }) => step === 'exit.release' || step === 'module.frame')) return false;
  task.activations = [{ step: 'exit.release', state: { status } }];
  task.restart = null;
  task.notify = false;
  return true;
}

/** What exit(2) and exit_group(2) answer once the task has ended, or is about to. */
export function exitOutcome(k: Kernel, task: Task): Outcome {
  const last = task.activations[task.activations.length - 1];
  if (task.state !== 'running' || last?.step !== 'exit.release') return 0;
  task.activations = [];
  return wait([], { untilNs: k.time.nowNs, interruptible: 'no', then: [last] });
}

function leave(k: Kernel, task: Task, status: number): void {
  const { group } = task;
  task.exitCode = status;
  const last = [...threadsOf(k, group)].every((thread) => thread === task || !alive(thread));
  if (last) {
    if (group.pid === 1) {
      panicForInit(k, task, group.groupExit ?? status);
      return;
    }
    cancelGroupTimers(k, group);
  }
  forgetFutexWait(k, task);
  const { mm } = task;
  if (mm) group.maxRssPages = Math.max(group.maxRssPages, mm.hiwaterRss, mm.rssAnon + mm.rssFile);
  mmRelease(k, task);
  if (k.sched.loaded === task.tid) k.sched.loaded = 0;
  task.mm = null;
  if (mm) putMm(k, mm);
  putTable(k, task.files, task);
  task.files = { users: 1, fds: [] };
  putFsContext(k, task.fs);
  if (last && group.pid === group.sid) disassociateCtty(k, group, true);
  task.activations = [];
  task.syscall = null;
  task.wait = null;
  task.restart = null;
  for (const zombie of exitTracer(k, task)) announceExit(k, zombie);
  if (last) {
    orphanChildren(k, group);
    killOrphanedPgrp(k, group, null);
  }
  task.state = 'zombie';
  task.stopPending = false;
  const queued = k.sched.runQueue.indexOf(task.tid);
  if (queued >= 0) k.sched.runQueue.splice(queued, 1);
  if (last) {
    group.exitStatus = group.groupExit ?? leaderOf(k, group)?.exitCode ?? status;
    const spawned = k.task.spawned.get(group.pid);
    if (group.spawned && spawned) spawned.status = group.exitStatus;
    const login = group.sid === group.pid ? k.task.spawned.get(group.parentPid) : undefined;
    if (login?.sessionStatus !== undefined) login.sessionStatus = group.exitStatus;
  } else retargetPending(k, group);
  announceExit(k, task);
  checkStopComplete(k, group);
  wakeUp(k, group.exitWait);
}

/** Signals that waited for the whole process may need another thread now. */
function retargetPending(k: Kernel, group: ThreadGroup): void {
  if (group.pending.set === 0n) return;
  for (const thread of threadsOf(k, group))
    if (alive(thread) && (group.pending.set & ~thread.blocked) !== 0n) {
      thread.notify = true;
      if (hasPending(thread)) signalWake(k, thread, false);
    }
}

function panicForInit(k: Kernel, task: Task, status: number): void {
  task.state = 'zombie';
  panic(k, `Attempted to kill init! exitcode=0x${status.toString(16).padStart(8, '0')}`, task);
}

/** Whether the process is a zombie that its parent may reap: only the leader is left. */
export const isReapable = (k: Kernel, group: ThreadGroup): boolean =>
  group.threads.length === 1 && leaderOf(k, group)?.state === 'zombie';

/** Tells whoever must know of a zombie: its tracer, or for a reapable leader the parent. Releases what nobody waits for. */
export function announceExit(k: Kernel, task: Task): void {
  const { group } = task;
  const isLeader = task.tid === group.pid;
  if (task.ptrace) {
    const tracer = k.task.tasks.get(task.ptrace.tracer);
    const own = tracer?.group.pid === group.parentPid;
    const signo = isLeader && isReapable(k, group) && own ? group.exitSignal : SIGCHLD;
    if (tracer && notifyParent(k, task, tracer.group, signo)) releaseTask(k, task);
    return;
  }
  if (!isLeader) releaseTask(k, task);
  else if (isReapable(k, group)) {
    const parent = k.task.groups.get(group.parentPid);
    if (!parent || notifyParent(k, task, parent, group.exitSignal)) releaseTask(k, task);
  }
}

/** SIGCHLD (or what clone asked for) to `parent`. Answers whether the child vanishes at once (do_notify_parent). */
function notifyParent(k: Kernel, task: Task, parent: ThreadGroup, signo: number): boolean {
  const { group } = task;
  const status = task.tid === group.pid && group.exitStatus !== -1 ? group.exitStatus : task.exitCode;
  const action = parent.actions[SIGCHLD];
  const ignored = action.handler === SIG_IGN;
  const autoreap = signo === SIGCHLD && !task.ptrace && (ignored || (action.flags & Sa.NOCLDWAIT) !== 0);
  const signal = status & 0x7f;
  const code = signal === 0 ? Si.CLD_EXITED : status & 0x80 ? Si.CLD_DUMPED : Si.CLD_KILLED;
  // Woken first: a wait finds the child, and the signal comes after it.
  wakeUp(k, parent.childWait);
  if (signo > 0 && signo <= NSIG && !(signo === SIGCHLD && ignored && autoreap))
    sendSignal(
      k,
      parent,
      newSigInfo(signo, code, {
        pid: task.tid,
        uid: task.cred.uid,
        status: signal === 0 ? (status >> 8) & 0xff : signal,
        value: cpuTicks(task),
      }),
    );
  return autoreap;
}

/** Takes a zombie out of the world; its leader may become reapable by that (release_task). */
export function releaseTask(k: Kernel, task: Task): void {
  const { group } = task;
  unlinkTracer(k, task);
  task.state = 'dead';
  k.task.tasks.delete(task.tid);
  const at = group.threads.indexOf(task.tid);
  if (at >= 0) group.threads.splice(at, 1);
  if (task.tid === group.pid) {
    k.task.groups.delete(group.pid);
    const siblings = k.task.groups.get(group.parentPid)?.children;
    const index = siblings?.indexOf(group.pid) ?? -1;
    if (index >= 0) siblings?.splice(index, 1);
  } else {
    const leader = leaderOf(k, group);
    if (leader && isReapable(k, group) && !leader.ptrace) announceExit(k, leader);
  }
  wakeUp(k, group.exitWait);
}

/** Whom the children of a dying process go to: the nearest living subreaper above, else init, else nobody (0). */
function findReaper(k: Kernel, group: ThreadGroup): number {
  const seen = new Set<number>([group.pid]);
  for (let pid = group.parentPid; pid > 0 && !seen.has(pid); ) {
    seen.add(pid);
    const ancestor = k.task.groups.get(pid);
    if (!ancestor) break;
    if (ancestor.isChildSubreaper && ancestor.exitStatus === -1) return pid;
    pid = ancestor.parentPid;
  }
  const init = k.task.groups.get(1);
  return init && init.exitStatus === -1 && init !== group ? 1 : 0;
}

/** Children of a process that ends get a new parent (forget_original_parent). */
function orphanChildren(k: Kernel, group: ThreadGroup): void {
  if (group.children.length === 0) return;
  const reaper = findReaper(k, group);
  const adopter = k.task.groups.get(reaper);
  const children = group.children;
  group.children = [];
  for (const pid of children) {
    const child = k.task.groups.get(pid);
    if (!child) continue;
    child.parentPid = reaper;
    child.exitSignal = SIGCHLD;
    adopter?.children.push(pid);
    const leader = leaderOf(k, child);
    if (leader && leader.pdeathSignal !== 0 && alive(leader))
      sendSignal(k, child, newSigInfo(leader.pdeathSignal, Si.USER));
    killOrphanedPgrp(k, child, group);
    if (leader && !leader.ptrace && isReapable(k, child)) announceExit(k, leader);
  }
}

/**
 * exec by one of several threads: the others are killed. Answers whether they are all gone; else the caller waits on
 * `group.exitWait` and asks again (de_thread).
 */
export function killOtherThreads(k: Kernel, task: Task): boolean {
  const { group } = task;
  group.execing = task.tid;
  let gone = true;
  for (const thread of threadsOf(k, group)) {
    if (thread === task || !alive(thread)) continue;
    gone = false;
    if (thread.pending.set & sigBit(SIGKILL)) continue;
    thread.pending.set |= sigBit(SIGKILL);
    thread.pending.queue.push(newSigInfo(SIGKILL, Si.KERNEL));
    signalWake(k, thread, true);
  }
  return gone;
}

/** The exec is through, with only `task` alive: it becomes the leader and takes the process's pid. */
export function becomeLeader(k: Kernel, task: Task): void {
  const { group } = task;
  group.execing = 0;
  if (task.tid === group.pid) return;
  const old = leaderOf(k, group);
  const formerTid = task.tid;
  if (old) unlinkTracer(k, old);
  if (old) old.state = 'dead';
  k.task.tasks.delete(formerTid);
  k.task.tasks.set(group.pid, task);
  task.tid = group.pid;
  group.threads = [group.pid];
  const tracer = task.ptrace ? k.task.tasks.get(task.ptrace.tracer) : undefined;
  if (tracer) tracer.tracees = tracer.tracees.map((tid) => (tid === formerTid ? task.tid : tid));
  for (const tid of task.tracees) {
    const hold = k.task.tasks.get(tid)?.ptrace;
    if (hold) hold.tracer = task.tid;
  }
  if (k.sched.loaded === formerTid) k.sched.loaded = task.tid;
  if (k.sched.current === formerTid) k.sched.current = task.tid;
}
