/**
 * Threads that work a queue off (kernel/kthread.c, kthread_worker). Always true: what waits is the worker's work_list in guest memory;
 * who waits for a worker to be done sleeps at the worker's address plus one, the worker itself at its address.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf, sizeOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { readKString } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { bad, isLive, listAddTail, listDelInit, listEmpty, listInit, load, store } from './guest.ts';
import { kernelSymbol } from './image.ts';
import { createKthread, ownKthread, stopKthread } from './kthread.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi, kapiState } from './registry.ts';
import { resumed, sleepAt, tryToWakeUp, waitersAt, wakeWaitersAt } from './sleep.ts';
import { callArgs, format } from './vsprintf.ts';

const LIST = fieldOf('kthread_worker', 'work_list').offset;
const TASK = fieldOf('kthread_worker', 'task').offset;
const CURRENT = fieldOf('kthread_worker', 'current_work').offset;
const FUNC = fieldOf('kthread_work', 'func').offset;
const WORKER = fieldOf('kthread_work', 'worker').offset;
const TASK_NORMAL = 3;

/** Takes the next item, or sleeps, or ends when the thread is told to stop. */
function work(k: Kernel, task: Task, worker: Vaddr): Outcome {
  if (!isLive(k, task)) return 0;
  store(k, task, worker + CURRENT, 0);
  if (!listEmpty(k, task, worker + LIST)) {
    const item = load(k, task, worker + LIST);
    listDelInit(k, task, item);
    store(k, task, worker + CURRENT, item);
    const func = load(k, task, item + FUNC);
    return isLive(k, task) ? call(func, [item], { step: 'kthread.worked', state: { worker } }) : 0;
  }
  wakeWaitersAt(k, worker + 1);
  if (ownKthread(k, task)?.shouldStop) {
    store(k, task, worker + TASK, 0);
    return 0;
  }
  const state = { worker };
  const own = ownKthread(k, task);
  return wait([waitersAt(k, worker), ...(own ? [own.changed] : [])], {
    interruptible: 'no',
    then: [{ step: 'kthread.worked', state }],
  });
}
defineStep('kthread.worked', (k, task, { worker }: { worker: Vaddr }) => {
  resumed(k, task);
  return work(k, task, worker);
});
kapi('kthread_worker_fn', (k, task, [worker]) => {
  const own = k.tasking.mirrors.get(task.tid)?.address ?? 0;
  store(k, task, worker + TASK, own);
  return work(k, task, worker);
});

kapi('kthread_create_worker', (k, task, [, fmt]) => {
  const text = readKString(k, fmt, 256);
  if (text === null) return bad(k, task, fmt, false);
  const name = format(k, task, text, callArgs(k, 2));
  const worker = kmalloc(k, task, sizeOf('kthread_worker'));
  if (name === null || worker === 0) return -Errno.ENOMEM;
  listInit(k, task, worker + LIST);
  const thread = createKthread(k, task, name, kernelSymbol(k, 'kthread_worker_fn'), worker);
  if (thread < 0 && thread >= -4095) {
    kfree(k, task, worker);
    return thread;
  }
  store(k, task, worker + TASK, thread);
  tryToWakeUp(k, thread, TASK_NORMAL);
  return worker;
});
kapi('kthread_queue_work', (k, task, [worker, item]) => {
  if (!listEmpty(k, task, item) || !isLive(k, task)) return 0;
  store(k, task, item + WORKER, worker);
  listAddTail(k, task, item, worker + LIST);
  wakeWaitersAt(k, worker);
  return 1;
});
/** Until nothing is queued and nothing runs. */
function flush(k: Kernel, task: Task, worker: Vaddr): Outcome {
  if (worker === 0) return 0;
  const idle = listEmpty(k, task, worker + LIST) && load(k, task, worker + CURRENT) === 0;
  if (!isLive(k, task)) return 0;
  if (!idle) return sleepAt(k, worker + 1, 'no');
  resumed(k, task);
  return 0;
}
kapi('kthread_flush_worker', (k, task, [worker]) => flush(k, task, worker));
kapi('kthread_flush_work', (k, task, [item]) => flush(k, task, load(k, task, item + WORKER)));
kapi('kthread_cancel_work_sync', (k, task, [item]) => {
  const worker = load(k, task, item + WORKER);
  if (!isLive(k, task) || worker === 0) return 0;
  const queued = !listEmpty(k, task, item);
  if (queued) listDelInit(k, task, item);
  else if (load(k, task, worker + CURRENT) === item) return sleepAt(k, worker + 1, 'no');
  resumed(k, task);
  return queued ? 1 : 0;
});
kapi('kthread_destroy_worker', (k, task, [worker]) => {
  const state = kapiState(task);
  if (state.scratch === null) {
    const flushed = flush(k, task, worker);
    if (typeof flushed !== 'number') return flushed;
    state.scratch = load(k, task, worker + TASK);
    if (!isLive(k, task)) return 0;
    state.entered = 'start';
  }
  const stopped = stopKthread(k, task, state.scratch as Vaddr);
  if (typeof stopped !== 'number') return stopped;
  kfree(k, task, worker);
  return 0;
});
