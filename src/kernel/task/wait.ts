/**
 * Waiting and waking (kernel/sched/wait.c). A parked task is on every queue of its {@link Wait}; waking takes it off
 * all of them and puts it on the run queue. Why it was woken is kept for the engine in `wakeReason`.
 */
import type { Kernel } from '../kernel.ts';
import type { Wait, WaitQueue } from '../outcome.ts';
import { addTimer, cancelTimer, defineTimer } from '../time/timers.ts';
import type { Task } from './types.ts';

export type WakeReason = 'event' | 'timeout' | 'signal';

let watchHung: (k: Kernel) => void = () => {};
/** The room that reports hung tasks wants to know when kernel code begins to wait without end. */
export function provideHungWatcher(watch: (k: Kernel) => void): void {
  watchHung = watch;
}

/** Parks `task`: it is `sleeping` until {@link wakeTask}. The engine calls this with what a step answered. */
export function park(k: Kernel, task: Task, wait: Wait): void {
  task.state = 'sleeping';
  task.wait = wait;
  for (const queue of wait.queues) queue.tids.push(task.tid);
  task.sleepTimer =
    wait.untilNs < Number.POSITIVE_INFINITY ? addTimer(k, wait.untilNs, 'task.timeout', task.tid) : 0;
  task.voluntarySwitches++;
  const inModule = task.kernelMode !== null && task.kernelMode.depth > 0;
  if (inModule && wait.interruptible === 'no' && wait.untilNs === Number.POSITIVE_INFINITY) watchHung(k);
}

/** Takes a sleeping task off its queues and makes it ready. Does nothing when it does not sleep. */
export function wakeTask(k: Kernel, task: Task, reason: WakeReason): void {
  if (task.state !== 'sleeping' || !task.wait) return;
  for (const queue of task.wait.queues) {
    const at = queue.tids.indexOf(task.tid);
    if (at >= 0) queue.tids.splice(at, 1);
  }
  if (task.sleepTimer !== 0) cancelTimer(k, task.sleepTimer);
  task.sleepTimer = 0;
  task.wakeReason = reason;
  task.state = 'running';
  k.sched.runQueue.push(task.tid);
}

/** Wakes all that wait on `queue`, or at most `count` of them, first come first served. Answers how many. */
export function wakeUp(k: Kernel, queue: WaitQueue, count = Number.POSITIVE_INFINITY): number {
  let woken = 0;
  while (queue.tids.length > 0 && woken < count) {
    const tid = queue.tids[0];
    const task = k.task.tasks.get(tid);
    if (task?.state !== 'sleeping') {
      queue.tids.shift();
      continue;
    }
    wakeTask(k, task, 'event');
    woken++;
  }
  return woken;
}

defineTimer('task.timeout', (k, tid: number) => {
  const task = k.task.tasks.get(tid);
  if (!task) return;
  task.sleepTimer = 0;
  wakeTask(k, task, 'timeout');
});
