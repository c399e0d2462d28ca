/**
 * How kernel code on the hart sleeps and is woken (kernel/sched/core.c: schedule, try_to_wake_up). Always true: a task that sleeps by
 * its own state is parked with the step `kapi.scheduled` on top; that is how a wake-up knows it; its state in guest memory is
 * TASK_RUNNING again when it goes on.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { wakeNewTask } from '../module/interrupt.ts';
import { defineStep, newWaitQueue, type Outcome, type Wait, type WaitQueue, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeTask, wakeUp } from '../task/wait.ts';
import { jiffiesNow, jiffyNs } from './jiffies.ts';
import { refreshCurrent, setState, stateOf, TaskStateBits, taskAt } from './mirror.ts';

const STEP = 'kapi.scheduled';
/** What a look through the run queue and a switch count for. */
const SWITCH_WORK = 500;

/** The tasks that wait for the object at `address`. */
export function waitersAt(k: Kernel, address: Vaddr): WaitQueue {
  const known = k.tasking.waiters.get(address);
  if (known) return known;
  const fresh = newWaitQueue();
  k.tasking.waiters.set(address, fresh);
  return fresh;
}

/** Wakes those that wait for the object at `address`, or the first `count` of them. */
export function wakeWaitersAt(k: Kernel, address: Vaddr, count = Number.POSITIVE_INFINITY): number {
  const queue = k.tasking.waiters.get(address);
  if (!queue) return 0;
  const woken = wakeUp(k, queue, count);
  if (queue.tids.length === 0) k.tasking.waiters.delete(address);
  return woken;
}

/** Sleeps for the object at `address`; the handler runs again when woken. */
export function sleepAt(
  k: Kernel,
  address: Vaddr,
  interruptible: Wait['interruptible'],
  options: { untilNs?: number; onSignal?: number } = {},
): Wait {
  return wait([waitersAt(k, address)], { interruptible, ...options });
}

/** What kind of sleep a task state means. */
function interruptibleBy(state: number): Wait['interruptible'] {
  if (state & TaskStateBits.INTERRUPTIBLE) return 'yes';
  return state & TaskStateBits.WAKEKILL ? 'killable' : 'no';
}

/**
 * schedule(): gives the processor away; sleeps when the task's state says so, until woken or until `untilNs`. The result is
 * what {@link timeLeft} of `deadline` (in jiffies; Infinity: none) says then.
 */
export function schedule(k: Kernel, task: Task, deadline = Number.POSITIVE_INFINITY): Outcome {
  const state = stateOf(k, task);
  touchWatchdog(k, task);
  k.sched.kernelWork += SWITCH_WORK;
  const then = [{ step: STEP, state: { deadline } }];
  if (state === TaskStateBits.RUNNING) return wait([], { untilNs: k.time.nowNs, interruptible: 'no', then });
  const untilNs = deadline === Number.POSITIVE_INFINITY ? deadline : jiffyNs(deadline);
  return wait([], { untilNs, interruptible: interruptibleBy(state), then });
}

defineStep(STEP, (k, task, { deadline }: { deadline: number }) => {
  setState(k, task, TaskStateBits.RUNNING);
  resumed(k, task);
  return timeLeft(k, deadline);
});

/** Jiffies until `deadline`; 0 when it is over or there is none. */
export const timeLeft = (k: Kernel, deadline: number): number =>
  deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(0, deadline - jiffiesNow(k));

/** The task goes on after a sleep: `current` is right again and the watchdog starts anew. */
export function resumed(k: Kernel, task: Task): void {
  touchWatchdog(k, task);
  refreshCurrent(k, task);
}

export function touchWatchdog(k: Kernel, task: Task): void {
  if (task.kernelMode) task.kernelMode.sinceNs = k.time.nowNs;
}

/** Whether the task sleeps in {@link schedule}. */
const isScheduledAway = (task: Task): boolean =>
  task.state === 'sleeping' && task.wait?.then[task.wait.then.length - 1]?.step === STEP;

/**
 * try_to_wake_up(): the task whose struct lies at `address` runs again if its state is one of `mask`. Answers 1 when that
 * made a difference.
 */
export function tryToWakeUp(k: Kernel, address: Vaddr, mask: number): number {
  const task = taskAt(k, address);
  if (!task || task.state === 'zombie' || task.state === 'dead') return 0;
  if (task.state === 'sleeping' && task.activations.at(-1)?.step === 'kthread.main') {
    wakeNewTask(k, task);
    return 1;
  }
  const state = stateOf(k, task);
  if (isScheduledAway(task)) {
    if ((state & mask) === 0 && state !== 0) return 0;
    wakeTask(k, task, 'event');
    setState(k, task, TaskStateBits.RUNNING);
    return 1;
  }
  if (task.state !== 'running' || (state & mask) === 0) return 0;
  setState(k, task, TaskStateBits.RUNNING);
  return 1;
}
