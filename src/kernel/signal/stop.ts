/**
 * Job control stops of whole processes, and what parents and tracers are told (do_signal_stop, do_notify_parent_cldstop).
 * Always true: `group.stop.complete` exactly when every living thread is stopped or in a tracer's stop.
 */
import type { Kernel } from '../kernel.ts';
import { leaderOf, threadsOf } from '../task/create.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { newSigInfo, Sa, SIG_IGN, SIGCHLD, SIGCONT, SIGTRAP, Si } from './bits.ts';
import { enterStop } from './ptrace.ts';
import { resumeTask, sendSignal, signalWake } from './send.ts';

const CLOCK_TICK_NS = 10_000_000;

/** SIGCHLD to the parent (or the tracer's process) of a task that stopped or went on. */
export function notifyCldStop(k: Kernel, task: Task, toTracer: boolean, why: number): void {
  const { group } = task;
  const tracer = toTracer && task.ptrace ? k.task.tasks.get(task.ptrace.tracer) : undefined;
  const parent = toTracer ? tracer?.group : k.task.groups.get(group.parentPid);
  if (!parent) return;
  const about = toTracer ? task : (leaderOf(k, group) ?? task);
  let status = SIGCONT;
  if (why === Si.CLD_STOPPED) status = (group.stop?.signal ?? 0) & 0x7f;
  else if (why === Si.CLD_TRAPPED) status = (task.ptrace?.stop?.code ?? SIGTRAP) & 0x7f;
  wakeUp(k, parent.childWait);
  const action = parent.actions[SIGCHLD];
  if (action.handler !== SIG_IGN && !(action.flags & Sa.NOCLDSTOP))
    sendSignal(
      k,
      parent,
      newSigInfo(SIGCHLD, why, {
        pid: about.tid,
        uid: about.cred.uid,
        status,
        value: cpuTicks(about),
      }),
    );
}

/** utime and stime in clock ticks, packed low and high, for the siginfo of SIGCHLD. */
export const cpuTicks = (task: Task): bigint =>
  BigInt(Math.floor(task.group.utimeNs / CLOCK_TICK_NS)) |
  (BigInt(Math.floor(task.group.stimeNs / CLOCK_TICK_NS)) << 32n);

/** Begins a group stop: every other thread is asked to take part. The caller stops itself with {@link stopHere}. */
export function beginGroupStop(k: Kernel, group: ThreadGroup, signo: number): void {
  if (group.stop) group.stop.signal = signo;
  else group.stop = { signal: signo, complete: false, reported: false };
  group.continued = false;
  for (const thread of threadsOf(k, group)) {
    if (thread.state === 'zombie' || thread.state === 'stopped') continue;
    thread.stopPending = true;
    if (thread.tid !== k.sched.current) signalWake(k, thread, false);
  }
}

/** The task takes part in its group's stop: it leaves the run queue until SIGCONT, its tracer or SIGKILL. */
export function stopHere(k: Kernel, task: Task): void {
  const { group } = task;
  const stop = group.stop;
  task.stopPending = false;
  if (!stop) return;
  if (task.ptrace) enterStop(k, task, 'group', stop.signal, null);
  else task.state = 'stopped';
  checkStopComplete(k, group);
}

/** Tells the parent when the last thread has stopped; also called when a thread exits meanwhile. */
export function checkStopComplete(k: Kernel, group: ThreadGroup): void {
  const { stop } = group;
  if (!stop || stop.complete) return;
  for (const thread of threadsOf(k, group)) {
    if (thread.state === 'zombie' || thread.state === 'dead') continue;
    if (thread.stopPending || (thread.state !== 'stopped' && thread.state !== 'traced')) return;
  }
  stop.complete = true;
  const leader = leaderOf(k, group);
  if (!leader) return;
  const tracer = leader.ptrace ? k.task.tasks.get(leader.ptrace.tracer) : undefined;
  if (tracer?.group.pid !== group.parentPid) notifyCldStop(k, leader, false, Si.CLD_STOPPED);
}

/** SIGCONT: every thread goes on, and the parent hears of it (prepare_signal). */
export function continueGroup(k: Kernel, group: ThreadGroup): void {
  const { stop } = group;
  for (const thread of threadsOf(k, group)) {
    thread.stopPending = false;
    const { ptrace } = thread;
    if (ptrace?.seized) {
      ptrace.trapStop = true;
      thread.notify = true;
      if (ptrace.listening) {
        ptrace.listening = false;
        resumeTask(k, thread);
      }
    } else if (thread.state === 'stopped') resumeTask(k, thread);
  }
  if (!stop) return;
  group.stop = null;
  const leader = leaderOf(k, group);
  if (stop.complete) group.continued = true;
  if (leader) notifyCldStop(k, leader, false, stop.complete ? Si.CLD_CONTINUED : Si.CLD_STOPPED);
}
