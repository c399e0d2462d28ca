/**
 * Interrupt context and the kernel's own threads. Always true: interrupt work is data in a queue; it runs on the idle task
 * `swapper/0` (tid 0, in no table of tasks), before any other task goes on, one call at a time and to its end; it may not
 * wait.
 */
import { newTable } from '../fs/file.ts';
import { newFsContext } from '../fs/room.ts';
import type { Kernel } from '../kernel.ts';
import type { Activation } from '../outcome.ts';
import { defineStep, findStep, wait } from '../outcome.ts';
import { SIG_IGN } from '../signal/bits.ts';
import { dupFsContext } from '../task/context.ts';
import { newTask, startTask } from '../task/create.ts';
import { rootCred } from '../task/cred.ts';
import { exitTask } from '../task/exit.ts';
import { KTHREADD_PID } from '../task/kthreads.ts';
import { defaultRlimits } from '../task/rlimit.ts';
import type { Task } from '../task/types.ts';
import { call } from './runtime.ts';
import type { InterruptWork } from './types.ts';

/** The most that may wait: a module that arms timers faster than they run loses the rest. */
const MAX_QUEUE = 10_000;

/** Queues a call for interrupt context; `then` is entered on swapper/0 with what it returned. */
export function runInInterrupt(
  k: Kernel,
  work: { entry: number; args: readonly number[]; then?: Activation | null },
): void {
  const { irqQueue } = k.module;
  if (irqQueue.length >= MAX_QUEUE) return;
  const item: InterruptWork = { entry: work.entry, args: [...work.args], then: work.then ?? null };
  irqQueue.push(item);
}

/** Queues a step for interrupt context: it is entered on swapper/0 and may call module code. */
export function stepInInterrupt(k: Kernel, step: Activation): void {
  if (k.module.irqQueue.length < MAX_QUEUE) k.module.irqQueue.push({ entry: 0, args: [], then: step });
}

/** Whether interrupt work is to run now. Kernel code that has turned interrupts off is waited for. */
export const interruptPending = (k: Kernel): boolean =>
  (k.module.irqQueue.length > 0 && k.module.irqsOff === 0) ||
  (k.module.swapper !== null && k.module.swapper.activations.length > 0);

/** Whether the task is the one that stands for interrupt context. */
export const isInterrupt = (k: Kernel, task: Task): boolean => task === k.module.swapper;

/** The idle task. It has no tid of its own, so it is made by hand from a kernel thread's mould. */
function makeSwapper(k: Kernel): Task | null {
  const { nextPid } = k.task;
  const task = kernelTask(k, 'swapper/0');
  if (!task) return null;
  k.task.nextPid = nextPid;
  k.task.tasks.delete(task.tid);
  k.task.groups.delete(task.tid);
  const siblings = k.task.groups.get(KTHREADD_PID)?.children;
  const at = siblings?.indexOf(task.tid) ?? -1;
  if (at >= 0) siblings?.splice(at, 1);
  task.tid = 0;
  task.group.pid = 0;
  task.group.parentPid = 0;
  task.group.threads = [0];
  k.module.swapper = task;
  return task;
}

/** The next piece of interrupt work on the idle task; null when there is none or no memory for it. */
export function nextInterrupt(k: Kernel): Task | null {
  const task = k.module.swapper ?? makeSwapper(k);
  if (!task) {
    k.module.irqQueue.length = 0;
    return null;
  }
  if (task.activations.length === 0) {
    const work = k.module.irqQueue.shift();
    if (!work) return null;
    task.activations = [{ step: 'interrupt.run', state: work }];
  }
  task.state = 'running';
  return task;
}

defineStep('interrupt.run', (k, task, work: InterruptWork, entry) => {
  if (entry.by === 'result') return 0;
  if (work.entry === 0 && work.then) return findStep(work.then.step)(k, task, work.then.state, entry);
  return call(work.entry, work.args, ...(work.then ? [work.then] : []));
});

function kernelTask(k: Kernel, comm: string): Task | null {
  const fs = dupFsContext(newFsContext(k));
  const task = newTask(k, {
    group: null,
    comm: comm.slice(0, 15),
    mm: null,
    files: newTable(),
    fs,
    cred: rootCred,
    parentPid: KTHREADD_PID,
    actions: Array.from({ length: 65 }, () => ({ handler: SIG_IGN, flags: 0, mask: 0n })),
    rlimits: defaultRlimits(k),
    kthread: true,
  });
  if (typeof task === 'number') return null;
  task.group.pgid = 0;
  task.group.sid = 0;
  return task;
}

/**
 * A kernel thread, child of kthreadd, not yet ready: {@link startKernelTask} or startTask makes it so. It runs the call
 * `entry(args)` or the given activation, and ends with what that answered as its exit code.
 */
export function createKernelTask(
  k: Kernel,
  comm: string,
  entry: number | Activation,
  args: readonly number[] = [],
): Task | null {
  const task = kernelTask(k, comm);
  if (!task) return null;
  const first = typeof entry === 'number' ? { step: 'ktask.call', state: { entry, args: [...args] } } : entry;
  task.activations = [{ step: 'ktask.done', state: null }, first];
  task.state = 'sleeping';
  task.wait = wait([], { interruptible: 'no' });
  return task;
}

/** Makes a kernel thread and lets it run. Null: no memory or too many tasks. */
export function startKernelTask(
  k: Kernel,
  comm: string,
  entry: number | Activation,
  args: readonly number[] = [],
): Task | null {
  const task = createKernelTask(k, comm, entry, args);
  if (task) wakeNewTask(k, task);
  return task;
}

/** The first wake-up of a task that {@link createKernelTask} made. */
export function wakeNewTask(k: Kernel, task: Task): void {
  task.wait = null;
  startTask(k, task);
}

defineStep('ktask.call', (_k, _task, state: { entry: number; args: number[] }) =>
  call(state.entry, state.args),
);

defineStep('ktask.done', (k, task, _state, entry) => {
  exitTask(k, task, entry.by === 'result' ? (entry.value & 0xff) << 8 : 0);
  return 0;
});
