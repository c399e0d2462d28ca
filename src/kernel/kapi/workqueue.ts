/**
 * Workqueues (kernel/workqueue.c). Always true: an item that waits is in exactly one queue's `pending`, and its PENDING bit is set in
 * guest memory until a worker takes it; workers are kernel threads `kworker/0:N` that come and go with the need, so an item
 * that sleeps does not hold up the others of a queue that allows more at a time.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, offsetOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { startKernelTask } from '../module/interrupt.ts';
import { readK64, readKString, writeK64 } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { call } from '../module/runtime.ts';
import { defineStep, newWaitQueue, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { callingModule } from './access.ts';
import { arenaAlloc, bad, isLive, listInit, load, store } from './guest.ts';
import { kernelSymbol } from './image.ts';
import { jiffiesNow } from './jiffies.ts';
import { kapi, kapiState } from './registry.ts';
import { resumed } from './sleep.ts';
import type { Worker, Workqueue } from './tasking.ts';
import { armTimer, deleteTimer } from './timer.ts';
import { callArgs, format } from './vsprintf.ts';

const DATA = fieldOf('work_struct', 'data').offset;
const ENTRY = fieldOf('work_struct', 'entry').offset;
const FUNC = fieldOf('work_struct', 'func').offset;
const TIMER = offsetOf('delayed_work', 'timer');
const TIMER_FUNCTION = TIMER + fieldOf('timer_list', 'function').offset;
const DELAYED_WQ = offsetOf('delayed_work', 'wq');
const PENDING = 1;
const MAX_WORKERS = 32;
const WQ_DFL_ACTIVE = 256;
/** The kernel's own queues, by the variable that points to them. */
const SYSTEM = [
  'system_wq',
  'system_highpri_wq',
  'system_long_wq',
  'system_unbound_wq',
  'system_freezable_wq',
];
const NAMES = ['events', 'events_highpri', 'events_long', 'events_unbound', 'events_freezable'];

function newQueue(k: Kernel, name: string, maxActive: number, system: boolean, module: string | null): Vaddr {
  const address = arenaAlloc(k, 64);
  if (address === 0) return 0;
  k.tasking.workqueues.set(address, {
    address,
    name,
    maxActive,
    pending: [],
    active: [],
    done: newWaitQueue(),
    system,
    module,
  });
  return address;
}

fillKernelData((k) => {
  SYSTEM.forEach((name, i) => {
    const at = kernelSymbol(k, name);
    if (at !== 0) writeK64(k, at, newQueue(k, NAMES[i], WQ_DFL_ACTIVE, true, null));
  });
});

/** The queue at `address`; a pointer to none is a fault of the caller. */
function queueAt(k: Kernel, task: Task, address: Vaddr): Workqueue | null {
  const queue = k.tasking.workqueues.get(address);
  if (!queue) bad(k, task, address, false);
  return queue ?? null;
}

const queueOf = (k: Kernel, work: Vaddr): Workqueue | undefined => {
  for (const queue of k.tasking.workqueues.values()) if (queue.pending.includes(work)) return queue;
  return undefined;
};
const runnerOf = (k: Kernel, work: Vaddr): Workqueue | undefined => {
  for (const queue of k.tasking.workqueues.values()) if (queue.active.includes(work)) return queue;
  return undefined;
};

/** Sets the PENDING bit; false when it was set. */
function claim(k: Kernel, task: Task, work: Vaddr): boolean {
  const data = load(k, task, work + DATA);
  if (!isLive(k, task) || data & PENDING) return false;
  return store(k, task, work + DATA, data | PENDING);
}
function release(k: Kernel, task: Task, work: Vaddr): boolean {
  const data = load(k, task, work + DATA);
  return isLive(k, task) && store(k, task, work + DATA, data & ~PENDING);
}

function enqueue(k: Kernel, queue: Workqueue, work: Vaddr): void {
  queue.pending.push(work);
  needWorker(k);
}

/** Makes sure that somebody looks at the queues: an idle worker, or a new one. */
function needWorker(k: Kernel): void {
  const { workers, workerWait } = k.tasking;
  if (wakeUp(k, workerWait, 1) > 0) return;
  k.tasking.workers = workers.filter(({ tid }) => k.task.tasks.has(tid));
  const free = k.tasking.workers.some(
    ({ tid, item }) => item === 0 && k.task.tasks.get(tid)?.state === 'running',
  );
  if (free || k.tasking.workers.length >= MAX_WORKERS) return;
  const worker: Worker = { tid: 0, queue: 0, item: 0 };
  const task = startKernelTask(k, `kworker/0:${++k.tasking.workerNumber}`, {
    step: 'kworker',
    state: worker,
  });
  if (!task) return;
  worker.tid = task.tid;
  k.tasking.workers.push(worker);
}

/** An item that may run now, and its queue. */
function nextItem(k: Kernel): { queue: Workqueue; work: Vaddr } | null {
  for (const queue of k.tasking.workqueues.values()) {
    if (queue.active.length >= queue.maxActive) continue;
    const at = queue.pending.findIndex((work) => !queue.active.includes(work));
    if (at >= 0) return { queue, work: queue.pending.splice(at, 1)[0] };
  }
  return null;
}

/** worker_thread(): takes items while there are any, then sleeps. */
defineStep('kworker', (k, task, worker: Worker): Outcome => {
  const next = nextItem(k);
  if (!next)
    return wait([k.tasking.workerWait], { interruptible: 'no', then: [{ step: 'kworker', state: worker }] });
  const { queue, work } = next;
  worker.queue = queue.address;
  worker.item = work;
  queue.active.push(work);
  // An item that sleeps must not keep the rest waiting.
  if (queue.pending.length > 0) needWorker(k);
  const func = load(k, task, work + FUNC);
  if (!isLive(k, task) || !release(k, task, work)) return 0;
  return call(func, [work], { step: 'kworker.done', state: worker });
});

defineStep('kworker.done', (k, _task, worker: Worker): Outcome => {
  const queue = k.tasking.workqueues.get(worker.queue);
  if (queue) {
    const at = queue.active.indexOf(worker.item);
    if (at >= 0) queue.active.splice(at, 1);
    wakeUp(k, queue.done);
  }
  worker.item = 0;
  worker.queue = 0;
  return wait([], { untilNs: k.time.nowNs, interruptible: 'no', then: [{ step: 'kworker', state: worker }] });
});

kapi('queue_work_on', (k, task, [, wq, work]) => {
  if (!claim(k, task, work)) return 0;
  const queue = queueAt(k, task, wq);
  if (queue) enqueue(k, queue, work);
  return 1;
});

function queueDelayed(k: Kernel, task: Task, wq: Vaddr, dwork: Vaddr, delay: number): void {
  const queue = queueAt(k, task, wq);
  if (!queue) return;
  if (delay === 0) enqueue(k, queue, dwork);
  else {
    store(k, task, dwork + DELAYED_WQ, wq);
    store(k, task, dwork + TIMER_FUNCTION, kernelSymbol(k, 'delayed_work_timer_fn'));
    armTimer(k, task, dwork + TIMER, jiffiesNow(k) + delay);
  }
}
kapi('queue_delayed_work_on', (k, task, [, wq, dwork, delay]) => {
  if (!claim(k, task, dwork)) return 0;
  queueDelayed(k, task, wq, dwork, delay);
  return 1;
});
kapi('mod_delayed_work_on', (k, task, [, wq, dwork, delay]) => {
  const was = takeBack(k, task, dwork, true);
  if (claim(k, task, dwork)) queueDelayed(k, task, wq, dwork, delay);
  return was ? 1 : 0;
});
kapi('delayed_work_timer_fn', (k, task, [timer]) => {
  delayedWorkFires(k, task, timer);
  return 0;
});

/** The timer of a delayed work is due: the item goes to its queue. */
export function delayedWorkFires(k: Kernel, task: Task, timer: Vaddr): void {
  const dwork = timer - TIMER;
  const wq = load(k, task, dwork + DELAYED_WQ);
  const queue = isLive(k, task) ? queueAt(k, task, wq) : null;
  if (queue) enqueue(k, queue, dwork);
}

/** Takes an item that has not begun out of its queue, or stops its timer; true when it was pending. */
function takeBack(k: Kernel, task: Task, work: Vaddr, delayed: boolean): boolean {
  const timed = delayed && deleteTimer(k, task, work + TIMER) === 1;
  const queue = queueOf(k, work);
  if (queue) queue.pending.splice(queue.pending.indexOf(work), 1);
  if (!timed && !queue) return false;
  if (isLive(k, task)) release(k, task, work);
  return true;
}

/** Cancels and waits until the item does not run; a worker that cancels what it runs itself does not wait. */
function cancelSync(k: Kernel, task: Task, work: Vaddr, delayed: boolean): Outcome {
  const state = kapiState(task);
  const was = takeBack(k, task, work, delayed);
  state.scratch = state.scratch === true || was;
  const running = runnerOf(k, work);
  if (running && !k.tasking.workers.some(({ tid, item }) => tid === task.tid && item === work))
    return wait([running.done], { interruptible: 'no' });
  resumed(k, task);
  return state.scratch ? 1 : 0;
}
kapi('cancel_work', (k, task, [work]) => (takeBack(k, task, work, false) ? 1 : 0));
kapi('cancel_delayed_work', (k, task, [work]) => (takeBack(k, task, work, true) ? 1 : 0));
kapi('cancel_work_sync', (k, task, [work]) => cancelSync(k, task, work, false));
kapi('cancel_delayed_work_sync', (k, task, [work]) => cancelSync(k, task, work, true));

/** Waits until an item neither waits nor runs; 1 when there was something to wait for. */
function flush(k: Kernel, task: Task, work: Vaddr): Outcome {
  const busy = queueOf(k, work) ?? runnerOf(k, work);
  if (busy) return wait([busy.done], { interruptible: 'no' });
  resumed(k, task);
  return kapiState(task).entered === 'start' ? 0 : 1;
}
kapi('flush_work', (k, task, [work]) => flush(k, task, work));
kapi('flush_delayed_work', (k, task, [work]) => {
  if (deleteTimer(k, task, work + TIMER) === 1) delayedWorkFires(k, task, work + TIMER);
  return flush(k, task, work);
});
kapi('work_busy', (k, _task, [work]) => (queueOf(k, work) ? 1 : 0) | (runnerOf(k, work) ? 2 : 0));

/** Waits until the queue is empty; with items that queue themselves again that may never come (drain_workqueue warns). */
function flushQueue(k: Kernel, task: Task, wq: Vaddr): Outcome {
  const queue = queueAt(k, task, wq);
  if (queue && (queue.pending.length > 0 || queue.active.length > 0))
    return wait([queue.done], { interruptible: 'no' });
  if (queue) resumed(k, task);
  return 0;
}
for (const name of ['__flush_workqueue', 'flush_workqueue', 'drain_workqueue'])
  kapi(name, (k, task, [wq]) => flushQueue(k, task, wq));
kapi('destroy_workqueue', (k, task, [wq]) => {
  const outcome = flushQueue(k, task, wq);
  if (typeof outcome === 'number') k.tasking.workqueues.delete(wq);
  return outcome;
});

const WQ_UNBOUND = 2;
const ORDERED = 1 << 17;

kapi('alloc_workqueue', (k, task, [fmt, flags, maxActive]) =>
  allocWorkqueue(k, task, fmt, flags, maxActive, 3),
);
kapi('__alloc_workqueue_key', (k, task, [fmt, flags, maxActive]) =>
  allocWorkqueue(k, task, fmt, flags, maxActive, 5),
);
function allocWorkqueue(
  k: Kernel,
  task: Task,
  fmt: Vaddr,
  flags: number,
  maxActive: number,
  first: number,
): number {
  const text = readKString(k, fmt, 256);
  if (text === null) return bad(k, task, fmt, false);
  const name = format(k, task, text, callArgs(k, first));
  if (name === null) return 0;
  const ordered = (flags & ORDERED) !== 0 || (maxActive === 1 && (flags & WQ_UNBOUND) !== 0);
  return newQueue(
    k,
    name.slice(0, 23),
    ordered ? 1 : maxActive > 0 ? maxActive : WQ_DFL_ACTIVE,
    false,
    callingModule(k, task),
  );
}

kapi('current_work', (k, task) => k.tasking.workers.find(({ tid }) => tid === task.tid)?.item ?? 0);
kapi('schedule_on_each_cpu', (k, task, [func]) => {
  const state = kapiState(task);
  if (state.scratch === null) {
    const work = arenaAlloc(k, 64);
    const events = readK64(k, kernelSymbol(k, 'system_wq'));
    const queue = events === null ? undefined : k.tasking.workqueues.get(events);
    if (work === 0 || !queue) return -12;
    state.scratch = work;
    store(k, task, work + DATA, PENDING);
    listInit(k, task, work + ENTRY);
    store(k, task, work + FUNC, func);
    enqueue(k, queue, work);
  }
  const outcome = flush(k, task, state.scratch as number);
  return typeof outcome === 'number' ? 0 : outcome;
});
