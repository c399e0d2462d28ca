/**
 * Kernel timers, tasklets, hrtimers and RCU callbacks (kernel/time/timer.c, hrtimer.c, softirq.c). Always true: what is armed is an entry
 * in the heap and in `tasking.timers` by the address of the C object; the object is read when it is due, in interrupt context,
 * so one whose memory is gone is a fault there and the end of the VM, as on Linux.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { stepInInterrupt } from '../module/interrupt.ts';
import { readK8, writeK8, writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { realtime, TICK_NS } from '../time/clocks.ts';
import { addTimer, cancelTimer, defineTimer } from '../time/timers.ts';
import { bad, isLive, load, loadInt, store, store32 } from './guest.ts';
import { kernelSymbol } from './image.ts';
import { jiffiesNow, jiffyNs } from './jiffies.ts';
import { setPreemptCount } from './mirror.ts';
import { findKapi, kapi } from './registry.ts';
import { resumed } from './sleep.ts';
import { delayedWorkFires } from './workqueue.ts';

const PPREV = fieldOf('timer_list', 'entry').offset + 8;
const EXPIRES = fieldOf('timer_list', 'expires').offset;
const FUNCTION = fieldOf('timer_list', 'function').offset;
const FLAGS = fieldOf('timer_list', 'flags').offset;
/** preempt_count() in a softirq and in a hard interrupt. */
const SOFTIRQ = 0x100;
const HARDIRQ = 0x10000;
/** A grace period, about. */
const GRACE_NS = 2 * TICK_NS;

kapi('init_timer_key', (k, task, [timer, func, flags]) => {
  if (!store(k, task, timer, 0)) return 0;
  store(k, task, timer + PPREV, 0);
  store(k, task, timer + FUNCTION, func);
  store32(k, task, timer + FLAGS, flags);
  return 0;
});

/** Takes a timer out of the heap; true when it was pending. */
export function disarm(k: Kernel, timer: Vaddr): boolean {
  const armed = k.tasking.timers.get(timer);
  if (!armed) return false;
  k.tasking.timers.delete(timer);
  cancelTimer(k, armed.id);
  return true;
}

/** Arms a struct timer_list for a jiffy; what was pending is replaced. Answers 1 when it was. */
export function armTimer(k: Kernel, task: Task, timer: Vaddr, expires: number): number {
  const was = disarm(k, timer);
  if (!store(k, task, timer + EXPIRES, expires)) return 0;
  // A linked entry: timer_pending() looks at pprev.
  if (!store(k, task, timer + PPREV, timer)) return 0;
  const due = Math.max(jiffyNs(expires), jiffyNs(jiffiesNow(k) + 1));
  k.tasking.timers.set(timer, { id: addTimer(k, due, 'kapi.timer', timer), kind: 'timer' });
  return was ? 1 : 0;
}

/** del_timer(): 1 when it was pending. */
export function deleteTimer(k: Kernel, task: Task, timer: Vaddr): number {
  const was = disarm(k, timer);
  if (was) store(k, task, timer + PPREV, 0);
  return was ? 1 : 0;
}

kapi('mod_timer', (k, task, [timer, expires]) => modTimer(k, task, timer, expires));
function modTimer(k: Kernel, task: Task, timer: Vaddr, expires: number): number {
  const func = load(k, task, timer + FUNCTION);
  // A timer that was shut down stays so.
  return func === 0 || !isLive(k, task) ? 0 : armTimer(k, task, timer, expires);
}
kapi('mod_timer_pending', (k, task, [timer, expires]) =>
  k.tasking.timers.has(timer) ? modTimer(k, task, timer, expires) : 0,
);
kapi('timer_reduce', (k, task, [timer, expires]) => {
  if (k.tasking.timers.has(timer) && load(k, task, timer + EXPIRES) <= expires) return 1;
  return modTimer(k, task, timer, expires);
});
for (const name of ['add_timer', 'add_timer_on'])
  kapi(name, (k, task, [timer]) => {
    const expires = load(k, task, timer + EXPIRES);
    if (isLive(k, task)) modTimer(k, task, timer, expires);
    return 0;
  });
for (const name of [
  'del_timer',
  'del_timer_sync',
  'timer_delete',
  'timer_delete_sync',
  'try_to_del_timer_sync',
])
  kapi(name, (k, task, [timer]) => deleteTimer(k, task, timer));
for (const name of ['timer_shutdown', 'timer_shutdown_sync'])
  kapi(name, (k, task, [timer]) => {
    const was = deleteTimer(k, task, timer);
    store(k, task, timer + FUNCTION, 0);
    return was;
  });

defineTimer('kapi.timer', (k, timer: Vaddr) => {
  const armed = k.tasking.timers.get(timer);
  if (armed) stepInInterrupt(k, { step: 'kapi.timer.run', state: { timer, id: armed.id } });
});

/** run_timer_softirq: one timer that is due. It may have been deleted or armed anew since. */
defineStep('kapi.timer.run', (k, task, { timer, id }: { timer: Vaddr; id: number }): Outcome => {
  if (k.tasking.timers.get(timer)?.id !== id) return 0;
  k.tasking.timers.delete(timer);
  if (!writeK64(k, timer + PPREV, 0)) return bad(k, task, timer + PPREV, true);
  const func = load(k, task, timer + FUNCTION);
  if (!isLive(k, task) || func === 0) return 0;
  if (func === kernelSymbol(k, 'delayed_work_timer_fn')) {
    delayedWorkFires(k, task, timer);
    return 0;
  }
  return softirq(k, task, func, timer);
});

/** Calls module code as a softirq does. */
function softirq(k: Kernel, task: Task, func: Vaddr, arg: number): Outcome {
  setPreemptCount(k, task, SOFTIRQ);
  return call(func, [arg], { step: 'kapi.irq.done', state: null });
}
defineStep('kapi.irq.done', (k, task) => {
  setPreemptCount(k, task, 0);
  return 0;
});

// High resolution timers.

const HR_EXPIRES = fieldOf('hrtimer', 'node.expires').offset;
const HR_SOFT = fieldOf('hrtimer', '_softexpires').offset;
const HR_FUNCTION = fieldOf('hrtimer', 'function').offset;
const HR_STATE = fieldOf('hrtimer', 'state').offset;
const HR_CLOCK = fieldOf('hrtimer', 'clock_id').offset;
const HR_MODE = fieldOf('hrtimer', 'mode').offset;
const RELATIVE = 1;
const CLOCK_REALTIME = 0;

/** What the timer's clock is ahead of the monotonic one, in nanoseconds. */
function clockAhead(k: Kernel, task: Task, timer: Vaddr): number {
  if (loadInt(k, task, timer + HR_CLOCK) !== CLOCK_REALTIME) return 0;
  const { sec, nsec } = realtime(k);
  return sec * 1e9 + nsec - k.time.nowNs;
}

kapi('hrtimer_init', (k, task, [timer, clock, mode]) => hrtimerInit(k, task, timer, clock, mode));
kapi('hrtimer_setup', (k, task, [timer, func, clock, mode]) => {
  hrtimerInit(k, task, timer, clock, mode);
  if (isLive(k, task)) store(k, task, timer + HR_FUNCTION, func);
  return 0;
});
function hrtimerInit(k: Kernel, task: Task, timer: Vaddr, clock: number, mode: number): number {
  if (!store(k, task, timer + HR_EXPIRES, 0)) return 0;
  store(k, task, timer + HR_SOFT, 0);
  store32(k, task, timer + HR_CLOCK, clock);
  store32(k, task, timer + HR_MODE, mode);
  store32(k, task, timer + HR_STATE, 0);
  return 0;
}

function hrEnqueue(k: Kernel, task: Task, timer: Vaddr, expires: number): void {
  disarm(k, timer);
  if (!store(k, task, timer + HR_EXPIRES, expires) || !store(k, task, timer + HR_SOFT, expires)) return;
  writeK8(k, timer + HR_STATE, 1);
  const atNs = Math.max(k.time.nowNs, expires - clockAhead(k, task, timer));
  k.tasking.timers.set(timer, { id: addTimer(k, atNs, 'kapi.hrtimer', timer), kind: 'hrtimer' });
}

kapi('hrtimer_start_range_ns', (k, task, [timer, time, , mode]) => {
  const from = mode & RELATIVE ? k.time.nowNs + clockAhead(k, task, timer) : 0;
  if (isLive(k, task)) hrEnqueue(k, task, timer, Math.floor(from + time));
  return 0;
});
function hrCancel(k: Kernel, task: Task, timer: Vaddr): number {
  const was = disarm(k, timer);
  if (k.tasking.runningTimer === timer) k.tasking.runningTimer = 0;
  const state = readK8(k, timer + HR_STATE);
  if (state === null) return bad(k, task, timer + HR_STATE, false);
  if (was) writeK8(k, timer + HR_STATE, 0);
  return was ? 1 : 0;
}
for (const name of ['hrtimer_cancel', 'hrtimer_try_to_cancel'])
  kapi(name, (k, task, [timer]) => hrCancel(k, task, timer));
kapi('hrtimer_active', (k, _task, [timer]) =>
  k.tasking.timers.has(timer) || k.tasking.runningTimer === timer ? 1 : 0,
);
kapi('__hrtimer_get_remaining', (k, task, [timer]) =>
  Math.floor(load(k, task, timer + HR_EXPIRES) - clockAhead(k, task, timer) - k.time.nowNs),
);
kapi('hrtimer_forward', (k, task, [timer, now, interval]) => {
  const expires = load(k, task, timer + HR_EXPIRES);
  if (!isLive(k, task) || now < expires || interval <= 0) return 0;
  const missed = Math.floor((now - expires) / interval) + 1;
  store(k, task, timer + HR_EXPIRES, expires + missed * interval);
  store(k, task, timer + HR_SOFT, expires + missed * interval);
  return missed;
});

defineTimer('kapi.hrtimer', (k, timer: Vaddr) => {
  const armed = k.tasking.timers.get(timer);
  if (armed) stepInInterrupt(k, { step: 'kapi.hrtimer.run', state: { timer, id: armed.id } });
});
defineStep('kapi.hrtimer.run', (k, task, { timer, id }: { timer: Vaddr; id: number }): Outcome => {
  if (k.tasking.timers.get(timer)?.id !== id) return 0;
  k.tasking.timers.delete(timer);
  if (!writeK8(k, timer + HR_STATE, 0)) return bad(k, task, timer + HR_STATE, true);
  const func = load(k, task, timer + HR_FUNCTION);
  if (!isLive(k, task)) return 0;
  k.tasking.runningTimer = timer;
  setPreemptCount(k, task, HARDIRQ);
  return call(func, [timer], { step: 'kapi.hrtimer.ran', state: { timer } });
});
/** HRTIMER_RESTART arms it again, at what its function set, unless it was started or cancelled meanwhile. */
defineStep('kapi.hrtimer.ran', (k, task, { timer }: { timer: Vaddr }, entry) => {
  setPreemptCount(k, task, 0);
  const cancelled = k.tasking.runningTimer !== timer;
  k.tasking.runningTimer = 0;
  const again = entry.by === 'result' && (entry.value & 1) === 1;
  if (again && !cancelled && !k.tasking.timers.has(timer)) {
    const expires = load(k, task, timer + HR_EXPIRES);
    if (isLive(k, task)) hrEnqueue(k, task, timer, expires);
  }
  return 0;
});

// Tasklets.

const TASKLET_STATE = fieldOf('tasklet_struct', 'state').offset;
const TASKLET_COUNT = fieldOf('tasklet_struct', 'count').offset;
const TASKLET_CALLBACK = fieldOf('tasklet_struct', 'use_callback').offset;
const TASKLET_FUNC = fieldOf('tasklet_struct', 'func').offset;
const TASKLET_DATA = fieldOf('tasklet_struct', 'data').offset;
const SCHEDULED = 1;

function taskletInit(k: Kernel, task: Task, t: Vaddr, func: Vaddr, data: number, callback: boolean): number {
  if (!store(k, task, t, 0)) return 0;
  store(k, task, t + TASKLET_STATE, 0);
  store32(k, task, t + TASKLET_COUNT, 0);
  store32(k, task, t + TASKLET_CALLBACK, callback ? 1 : 0);
  store(k, task, t + TASKLET_FUNC, func);
  store(k, task, t + TASKLET_DATA, data);
  return 0;
}
kapi('tasklet_init', (k, task, [t, func, data]) => taskletInit(k, task, t, func, data, false));
kapi('tasklet_setup', (k, task, [t, func]) => taskletInit(k, task, t, func, 0, true));
/** The inline tasklet_schedule() has set the bit that says it is scheduled. */
for (const name of ['__tasklet_schedule', '__tasklet_hi_schedule'])
  kapi(name, (k, _task, [t]) => {
    stepInInterrupt(k, { step: 'kapi.tasklet', state: { tasklet: t } });
    return 0;
  });
defineStep('kapi.tasklet', (k, task, { tasklet }: { tasklet: Vaddr }): Outcome => {
  const state = load(k, task, tasklet + TASKLET_STATE);
  if (!isLive(k, task) || (state & SCHEDULED) === 0) return 0;
  if (loadInt(k, task, tasklet + TASKLET_COUNT) !== 0) {
    // Disabled: it stays scheduled and is looked at again.
    addTimer(k, k.time.nowNs + TICK_NS, 'kapi.tasklet', tasklet);
    return 0;
  }
  store(k, task, tasklet + TASKLET_STATE, state & ~SCHEDULED);
  const func = load(k, task, tasklet + TASKLET_FUNC);
  const callback = readK8(k, tasklet + TASKLET_CALLBACK) !== 0;
  const data = callback ? tasklet : load(k, task, tasklet + TASKLET_DATA);
  return isLive(k, task) ? softirq(k, task, func, data) : 0;
});
defineTimer('kapi.tasklet', (k, tasklet: Vaddr) =>
  stepInInterrupt(k, { step: 'kapi.tasklet', state: { tasklet } }),
);
/** One that is scheduled runs before any task goes on; only a disabled one is still there. */
kapi('tasklet_kill', (k, task, [t]) => {
  store(k, task, t + TASKLET_STATE, 0);
  return 0;
});
kapi('tasklet_unlock_wait', () => 0);

// Read-copy-update: on one processor a reader ends before anybody else runs, or sleeps at its own risk.

kapi('__rcu_read_lock', () => 0);
kapi('__rcu_read_unlock', () => 0);
for (const name of ['synchronize_rcu', 'synchronize_sched', 'synchronize_rcu_expedited', 'synchronize_net'])
  kapi(name, (k) =>
    wait([], {
      untilNs: k.time.nowNs + GRACE_NS,
      interruptible: 'no',
      then: [{ step: 'kapi.rcu.past', state: null }],
    }),
  );
defineStep('kapi.rcu.past', (k, task) => {
  resumed(k, task);
  return 0;
});

function callRcu(k: Kernel, head: Vaddr, func: Vaddr, free: Vaddr): number {
  k.tasking.rcuPending++;
  addTimer(k, k.time.nowNs + GRACE_NS, 'kapi.rcu', { head, func, free });
  return 0;
}
for (const name of ['call_rcu', 'call_rcu_sched', 'call_rcu_hurry'])
  kapi(name, (k, _task, [head, func]) => callRcu(k, head, func, 0));
/** kfree_rcu(): `ptr` is the object, or in older kernels the offset of the head in it. */
for (const name of ['kvfree_call_rcu', 'kfree_call_rcu'])
  kapi(name, (k, _task, [head, ptr]) => callRcu(k, head, 0, ptr >= 0 && ptr < 4096 ? head - ptr : ptr));
defineTimer('kapi.rcu', (k, state) => stepInInterrupt(k, { step: 'kapi.rcu.run', state }));
defineStep('kapi.rcu.run', (k, task, state: { head: Vaddr; func: Vaddr; free: Vaddr }): Outcome => {
  k.tasking.rcuPending--;
  if (k.tasking.rcuPending === 0) wakeUp(k, k.tasking.rcuDone);
  if (state.func !== 0) return softirq(k, task, state.func, state.head);
  return findKapi('kfree')?.(k, task, [state.free, 0, 0, 0, 0, 0, 0, 0]) ?? 0;
});
for (const name of ['rcu_barrier', 'rcu_barrier_sched'])
  kapi(name, (k, task) => {
    if (k.tasking.rcuPending > 0) return wait([k.tasking.rcuDone], { interruptible: 'no' });
    resumed(k, task);
    return 0;
  });
