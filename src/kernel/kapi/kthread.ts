/**
 * Kernel threads of modules (kernel/kthread.c). Always true: a thread is a child of kthreadd with its own entry in
 * `tasking.kthreads` by the address of its task_struct; it is told to stop by a flag and a wake-up, never killed.
 */
import type { Kernel } from '../kernel.ts';
import { createKernelTask } from '../module/interrupt.ts';
import { readKString } from '../module/kmem.ts';
import { abandonKernelMode, call } from '../module/runtime.ts';
import { defineStep, newWaitQueue, type Outcome, wait } from '../outcome.ts';
import { exitTask } from '../task/exit.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { callingModule } from './access.ts';
import { complete } from './completion.ts';
import { bad, errPtr } from './guest.ts';
import { setState, taskPointer } from './mirror.ts';
import { kapi, kapiState } from './registry.ts';
import { resumed, tryToWakeUp } from './sleep.ts';
import type { Kthread } from './tasking.ts';
import { callArgs, format } from './vsprintf.ts';

const EINTR = 4;
const EAGAIN = 11;
const ENOMEM = 12;
const ENOSYS = 38;
const TASK_NORMAL = 3;
/** TASK_PARKED. */
const PARKED = 0x40;

/** kthread_create_on_node(): a thread that waits for its first wake-up. */
kapi('kthread_create_on_node', (k, task, [fn, data, , fmt]) => {
  const text = readKString(k, fmt, 256);
  if (text === null) return bad(k, task, fmt, false);
  const name = format(k, task, text, callArgs(k, 4));
  return name === null ? 0 : createKthread(k, task, name, fn, data);
});
kapi('kthread_create_on_cpu', (k, task, [fn, data, cpu, fmt]) => {
  const text = readKString(k, fmt, 256);
  return text === null
    ? bad(k, task, fmt, false)
    : createKthread(k, task, text.replace('%u', `${cpu}`), fn, data);
});

/** A thread that waits for its first wake-up; the address of its task_struct, or a negative errno. */
export function createKthread(k: Kernel, task: Task, name: string, fn: number, data: number): number {
  const thread = createKernelTask(k, name.slice(0, 15), { step: 'kthread.main', state: { fn, data } });
  if (!thread) return errPtr(EAGAIN);
  const address = taskPointer(k, thread);
  if (address === 0) return errPtr(ENOMEM);
  k.tasking.kthreads.set(address, {
    tid: thread.tid,
    task: address,
    data,
    fn,
    module: callingModule(k, task),
    shouldStop: false,
    shouldPark: false,
    parked: false,
    result: null,
    changed: newWaitQueue(),
  });
  return address;
}

/** The entry of the running thread; undefined for anything that kthread_create did not make. */
export function ownKthread(k: Kernel, task: Task): Kthread | undefined {
  const address = k.tasking.mirrors.get(task.tid)?.address;
  return address === undefined ? undefined : k.tasking.kthreads.get(address);
}

/** The entry of a thread that a module names; a pointer to anything else is a fault of the caller. */
function named(k: Kernel, task: Task, address: number): Kthread | null {
  const thread = k.tasking.kthreads.get(address);
  if (!thread) bad(k, task, address < 0 && address > -4096 ? address : address || 0, false);
  return thread ?? null;
}

/** kthread(): runs the function, unless the thread was stopped before it ran. */
defineStep('kthread.main', (k, task, { fn, data }: { fn: number; data: number }): Outcome => {
  const thread = ownKthread(k, task);
  if (thread?.shouldStop) {
    thread.result = -EINTR;
    return 0;
  }
  return call(fn, [data], { step: 'kthread.returned', state: null });
});

function ended(k: Kernel, task: Task, result: number): void {
  const thread = ownKthread(k, task);
  if (!thread) return;
  thread.result = result | 0;
  wakeUp(k, thread.changed);
}

defineStep('kthread.returned', (k, task, _state, entry) => {
  const result = entry.by === 'result' ? entry.value : 0;
  ended(k, task, result);
  return 0;
});

/** The thread leaves from wherever it is. */
function leave(k: Kernel, task: Task, code: number): number {
  ended(k, task, code);
  abandonKernelMode(k, task);
  exitTask(k, task, (code & 0xff) << 8);
  return 0;
}
for (const name of ['do_exit', 'kthread_exit']) kapi(name, (k, task, [code]) => leave(k, task, code));
for (const name of ['kthread_complete_and_exit', 'complete_and_exit'])
  kapi(name, (k, task, [completion, code]) => {
    if (completion !== 0) complete(k, task, completion);
    return task.state === 'running' ? leave(k, task, code) : 0;
  });

kapi('kthread_should_stop', (k, task) => (ownKthread(k, task)?.shouldStop ? 1 : 0));
kapi('kthread_should_park', (k, task) => (ownKthread(k, task)?.shouldPark ? 1 : 0));
kapi('kthread_freezable_should_stop', (k, task) => (ownKthread(k, task)?.shouldStop ? 1 : 0));

/** kthread_stop(): tells the thread, wakes it, waits until it is gone; what its function returned. */
kapi('kthread_stop', (k, task, [address]) => stopKthread(k, task, address));

export function stopKthread(k: Kernel, task: Task, address: number): Outcome {
  const thread = named(k, task, address);
  if (!thread) return 0;
  if (kapiState(task).entered === 'start') {
    thread.shouldStop = true;
    if (thread.parked) unpark(k, thread);
    tryToWakeUp(k, address, TASK_NORMAL | PARKED);
    wakeUp(k, thread.changed);
  }
  const running = k.task.tasks.get(thread.tid);
  if (running?.kthread && thread.result === null)
    return wait([thread.changed, running.group.exitWait], { interruptible: 'no' });
  resumed(k, task);
  k.tasking.kthreads.delete(address);
  return thread.result ?? -EINTR;
}

kapi('kthread_park', (k, task, [address]) => {
  const thread = named(k, task, address);
  if (!thread) return 0;
  if (thread.result !== null) return -ENOSYS;
  if (kapiState(task).entered === 'start') {
    thread.shouldPark = true;
    tryToWakeUp(k, address, TASK_NORMAL);
  }
  if (!thread.parked && thread.tid !== task.tid && thread.result === null)
    return wait([thread.changed], { interruptible: 'no' });
  resumed(k, task);
  return 0;
});
function unpark(k: Kernel, thread: Kthread): void {
  thread.shouldPark = false;
  thread.parked = false;
  wakeUp(k, thread.changed);
}
kapi('kthread_unpark', (k, task, [address]) => {
  const thread = named(k, task, address);
  if (thread) unpark(k, thread);
  return 0;
});
kapi('kthread_parkme', (k, task) => {
  const thread = ownKthread(k, task);
  if (!thread) return 0;
  if (!thread.shouldPark) {
    resumed(k, task);
    setState(k, task, 0);
    return 0;
  }
  thread.parked = true;
  wakeUp(k, thread.changed);
  return wait([thread.changed], { interruptible: 'no' });
});

for (const name of [
  'kthread_bind',
  'kthread_bind_mask',
  'kthread_set_per_cpu',
  'set_freezable',
  'try_to_freeze',
])
  kapi(name, () => 0);
kapi('kthread_data', (k, task, [address]) => named(k, task, address)?.data ?? 0);
