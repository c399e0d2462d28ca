/**
 * Wait queues of modules (kernel/sched/wait.c): the macros of linux/wait.h call these. Always true: the queue is the list in guest
 * memory that C code sees; pollers of our own side wait beside it, at the address of its head.
 */

import { fieldOf } from '../abi/structs/declare.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { hasFatal, hasPending } from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import {
  isLive,
  listAdd,
  listAddTail,
  listDelInit,
  listEmpty,
  listInit,
  load,
  loadU32,
  store,
  store32,
} from './guest.ts';
import { kernelSymbol } from './image.ts';
import { jiffiesNow } from './jiffies.ts';
import { setState, taskPointer } from './mirror.ts';
import { kapi, kapiState, wide } from './registry.ts';
import { schedule, touchWatchdog, tryToWakeUp, wakeWaitersAt } from './sleep.ts';

const HEAD = fieldOf('wait_queue_head', 'head').offset;
const FLAGS = fieldOf('wait_queue_entry', 'flags').offset;
const PRIVATE = fieldOf('wait_queue_entry', 'private').offset;
const FUNC = fieldOf('wait_queue_entry', 'func').offset;
const ENTRY = fieldOf('wait_queue_entry', 'entry').offset;
const EXCLUSIVE = 1;
const WOKEN = 2;
const ERESTARTSYS = 512;
const LONG_MAX = 2n ** 63n - 1n;
/** The most entries of a queue that one wake-up looks at: a corrupted list may go round. */
const MAX_ENTRIES = 100_000;

const TASK_NORMAL = 3;

/** A signal that ends a sleep in `state` is pending (signal_pending_state). */
export function signalPendingState(state: number, task: Task): boolean {
  if ((state & 0x81) === 0 || !hasPending(task)) return false;
  return (state & 1) !== 0 || hasFatal(task);
}

function initHead(k: Kernel, task: Task, head: number): number {
  if (store(k, task, head, 0)) listInit(k, task, head + HEAD);
  return 0;
}
kapi('__init_waitqueue_head', (k, task, [head]) => initHead(k, task, head));
kapi('init_waitqueue_head', (k, task, [head]) => initHead(k, task, head));

kapi('init_wait_entry', (k, task, [entry, flags]) => {
  if (!store32(k, task, entry + FLAGS, flags)) return 0;
  store(k, task, entry + PRIVATE, taskPointer(k, task));
  store(k, task, entry + FUNC, kernelSymbol(k, 'autoremove_wake_function'));
  listInit(k, task, entry + ENTRY);
  return 0;
});

function addEntry(k: Kernel, task: Task, head: number, entry: number, exclusive: boolean): void {
  const flags = loadU32(k, task, entry + FLAGS);
  if (!isLive(k, task)) return;
  store32(k, task, entry + FLAGS, exclusive ? flags | EXCLUSIVE : flags & ~EXCLUSIVE);
  if (exclusive) listAddTail(k, task, entry + ENTRY, head + HEAD);
  else listAdd(k, task, entry + ENTRY, head + HEAD);
}

kapi('add_wait_queue', (k, task, [head, entry]) => {
  addEntry(k, task, head, entry, false);
  return 0;
});
kapi('add_wait_queue_exclusive', (k, task, [head, entry]) => {
  addEntry(k, task, head, entry, true);
  return 0;
});
kapi('remove_wait_queue', (k, task, [, entry]) => {
  listDelInit(k, task, entry + ENTRY);
  return 0;
});

function prepare(
  k: Kernel,
  task: Task,
  head: number,
  entry: number,
  state: number,
  exclusive: boolean,
): number {
  const wasEmpty = listEmpty(k, task, head + HEAD);
  if (listEmpty(k, task, entry + ENTRY)) addEntry(k, task, head, entry, exclusive);
  setState(k, task, state);
  return wasEmpty ? 1 : 0;
}
kapi('prepare_to_wait', (k, task, [head, entry, state]) => {
  prepare(k, task, head, entry, state, false);
  return 0;
});
kapi('prepare_to_wait_exclusive', (k, task, [head, entry, state]) =>
  prepare(k, task, head, entry, state, true),
);
kapi('prepare_to_wait_event', (k, task, [head, entry, state]) => {
  if (signalPendingState(state, task)) {
    listDelInit(k, task, entry + ENTRY);
    return -ERESTARTSYS;
  }
  prepare(k, task, head, entry, state, (loadU32(k, task, entry + FLAGS) & EXCLUSIVE) !== 0);
  return 0;
});
kapi('finish_wait', (k, task, [, entry]) => {
  setState(k, task, 0);
  if (!listEmpty(k, task, entry + ENTRY)) listDelInit(k, task, entry + ENTRY);
  return 0;
});

/** What the kernel's own wake functions do with an entry. Answers whether a task was woken. */
function defaultWake(k: Kernel, task: Task, entry: number, mode: number): number {
  return tryToWakeUp(k, load(k, task, entry + PRIVATE), mode);
}
kapi('default_wake_function', (k, task, [entry, mode]) => defaultWake(k, task, entry, mode));
kapi('autoremove_wake_function', (k, task, [entry, mode]) => autoremoveWake(k, task, entry, mode));
kapi('woken_wake_function', (k, task, [entry, mode]) => wokenWake(k, task, entry, mode));

function autoremoveWake(k: Kernel, task: Task, entry: number, mode: number): number {
  const woken = defaultWake(k, task, entry, mode);
  if (woken) listDelInit(k, task, entry + ENTRY);
  return woken;
}
function wokenWake(k: Kernel, task: Task, entry: number, mode: number): number {
  store32(k, task, entry + FLAGS, loadU32(k, task, entry + FLAGS) | WOKEN);
  return defaultWake(k, task, entry, mode);
}

interface Wake {
  head: number;
  /** The list node that is looked at next. */
  next: number;
  mode: number;
  /** How many exclusive waiters may still be woken; 0: all. */
  left: number;
  key: number;
  seen: number;
  /** Flags of the entry whose own function was called. */
  flags: number;
}

/** Goes through the entries; one with a function of the module's own is called and the rest follows after it. */
function wakeEntries(k: Kernel, task: Task, walk: Wake): Outcome {
  const end = walk.head + HEAD;
  while (walk.next !== end && walk.seen++ < MAX_ENTRIES && isLive(k, task)) {
    const entry = walk.next - ENTRY;
    const flags = loadU32(k, task, entry + FLAGS);
    const func = load(k, task, entry + FUNC);
    walk.next = load(k, task, walk.next);
    if (!isLive(k, task)) return 0;
    let woken: number;
    if (func === kernelSymbol(k, 'autoremove_wake_function'))
      woken = autoremoveWake(k, task, entry, walk.mode);
    else if (func === kernelSymbol(k, 'default_wake_function'))
      woken = defaultWake(k, task, entry, walk.mode);
    else if (func === kernelSymbol(k, 'woken_wake_function')) woken = wokenWake(k, task, entry, walk.mode);
    else {
      walk.flags = flags;
      return call(func, [entry, walk.mode, 0, walk.key], { step: 'kapi.wake.next', state: walk });
    }
    if (woken && flags & EXCLUSIVE && --walk.left === 0) break;
  }
  wakeWaitersAt(k, walk.head);
  return 0;
}

defineStep('kapi.wake.next', (k, task, walk: Wake, entry) => {
  const woken = entry.by === 'result' && (entry.value | 0) > 0;
  if (woken && walk.flags & EXCLUSIVE && --walk.left === 0) {
    wakeWaitersAt(k, walk.head);
    return 0;
  }
  return wakeEntries(k, task, walk);
});

/** __wake_up(): wakes sleepers whose state is one of `mode`, `nr` exclusive ones of them at most (0: all). */
export function wakeUpHead(k: Kernel, task: Task, head: number, mode: number, nr: number, key = 0): Outcome {
  const wakes = k.kapi?.wakes;
  const count = wakes?.get(head);
  if (wakes && count !== undefined) wakes.set(head, count + 1);
  const next = load(k, task, head + HEAD);
  // A head that was never initialised is a NULL dereference in the walk.
  if (!isLive(k, task)) return 0;
  return wakeEntries(k, task, { head, next, mode, left: nr, key, seen: 0, flags: 0 });
}

kapi('__wake_up', (k, task, [head, mode, nr, key]) => wakeUpHead(k, task, head, mode, nr, key));
kapi('__wake_up_sync', (k, task, [head, mode]) => wakeUpHead(k, task, head, mode, 1));
kapi('__wake_up_sync_key', (k, task, [head, mode, a, b]) => wakeUpHead(k, task, head, mode, 1, b || a));
kapi('__wake_up_locked', (k, task, [head, mode, nr]) => wakeUpHead(k, task, head, mode, nr));
kapi('__wake_up_locked_key', (k, task, [head, mode, key]) => wakeUpHead(k, task, head, mode, 1, key));
kapi('wake_up_process', (k, _task, [target]) => tryToWakeUp(k, target, TASK_NORMAL));
kapi('wake_up_state', (k, _task, [target, state]) => tryToWakeUp(k, target, state));

kapi('schedule', (k, task) => schedule(k, task));
kapi('schedule_timeout', (k, task, args) => scheduleTimeout(k, task, args[0]));
for (const [name, state] of [
  ['schedule_timeout_interruptible', 1],
  ['schedule_timeout_uninterruptible', 2],
  ['schedule_timeout_killable', 0x82],
  ['schedule_timeout_idle', 0x402],
] as const)
  kapi(name, (k, task, args) => {
    setState(k, task, state);
    return scheduleTimeout(k, task, args[0]);
  });

/** schedule_timeout(): answers the jiffies that were left. */
function scheduleTimeout(k: Kernel, task: Task, timeout: number): Outcome {
  if (timeout >= 2 ** 62) {
    const outcome = schedule(k, task);
    if (typeof outcome === 'number' || outcome.kind !== 'wait') return outcome;
    return { ...outcome, then: [{ step: 'kapi.forever', state: null }, ...outcome.then] };
  }
  if (timeout <= 0) {
    setState(k, task, 0);
    return 0;
  }
  return schedule(k, task, jiffiesNow(k) + timeout);
}

/** A sleep without limit leaves as much as it began with: MAX_SCHEDULE_TIMEOUT. */
defineStep('kapi.forever', (_k, task) => wide(task, LONG_MAX));

kapi('wait_woken', (k, task, [entry, mode, timeout]) => {
  const scratch = kapiState(task);
  const flags = loadU32(k, task, entry + FLAGS);
  if (scratch.scratch === null && (flags & WOKEN) === 0) {
    setState(k, task, mode);
    scratch.scratch = true;
    const outcome = scheduleTimeout(k, task, timeout);
    if (typeof outcome === 'number') return outcome;
    if (outcome.kind === 'wait')
      return { ...outcome, then: [{ step: 'kapi.woken', state: { entry } }, ...outcome.then] };
    return outcome;
  }
  store32(k, task, entry + FLAGS, flags & ~WOKEN);
  return timeout;
});
defineStep('kapi.woken', (k, task, state: { entry: number }, entry) => {
  const flags = loadU32(k, task, state.entry + FLAGS);
  store32(k, task, state.entry + FLAGS, flags & ~WOKEN);
  return entry.by === 'result' ? entry.value : 0;
});

/** How long kernel code keeps the processor between two calls of cond_resched() when others are ready. */
const TURN_NS = 1_000_000;

/** cond_resched(): lets others run when they have waited for a turn. */
function condResched(k: Kernel, task: Task): Outcome {
  if (k.sched.runQueue.length === 0) {
    touchWatchdog(k, task);
    return 0;
  }
  if (k.time.nowNs - (task.kernelMode?.sinceNs ?? 0) < TURN_NS) return 0;
  return wait([], {
    untilNs: k.time.nowNs,
    interruptible: 'no',
    then: [{ step: 'kapi.resched', state: null }],
  });
}
defineStep('kapi.resched', (k, task) => {
  touchWatchdog(k, task);
  return 1;
});
for (const name of ['_cond_resched', '__cond_resched', 'cond_resched']) kapi(name, condResched);
kapi('yield', (k, task) => {
  setState(k, task, 0);
  return schedule(k, task);
});
kapi('io_schedule', (k, task) => schedule(k, task));
kapi('io_schedule_timeout', (k, task, args) => scheduleTimeout(k, task, args[0]));
