/**
 * POSIX timers (man 2 timer_create). Always true: at most one signal of a timer is queued; a periodic timer is armed anew when its
 * signal is taken, and what was missed meanwhile is its overrun.
 */
import { Errno } from '../abi/errno.ts';
import type { Timespec } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { NSIG, newSigInfo, SIGALRM, Si, sigBit } from '../signal/bits.ts';
import { isIgnored, sendSignal, sendSignalTask } from '../signal/send.ts';
import type { SigInfo } from '../signal/types.ts';
import { Rlim } from '../task/rlimit.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { Clock, realtimeToMonotonic, TICK_NS, toNs } from './clocks.ts';
import { noteCpuTimer, rearmRealTimer, timersOf } from './itimer.ts';
import { addTimer, cancelTimer, defineTimer } from './timers.ts';
import type { GroupTimers, PosixTimer } from './types.ts';

export const SIGEV_SIGNAL = 0;
export const SIGEV_NONE = 1;
export const SIGEV_THREAD_ID = 4;
const DELAYTIMER_MAX = 0x7fffffff;

const isCpuClock = (clock: number): boolean =>
  clock === Clock.PROCESS_CPUTIME || clock === Clock.THREAD_CPUTIME;

/** timer_create(2): the timer's id or -errno. */
export function createTimer(
  task: Task,
  clock: number,
  event: { notify: number; signo: number; value: bigint; tid: number } | null,
  thread: Task | undefined,
): number {
  const known: readonly number[] = [
    Clock.REALTIME,
    Clock.MONOTONIC,
    Clock.BOOTTIME,
    Clock.TAI,
    Clock.PROCESS_CPUTIME,
    Clock.THREAD_CPUTIME,
  ];
  if (!known.includes(clock)) return -Errno.EINVAL;
  const { group } = task;
  const notify = event?.notify ?? SIGEV_SIGNAL;
  if (notify !== SIGEV_SIGNAL && notify !== SIGEV_NONE && notify !== SIGEV_THREAD_ID && notify !== 2)
    return -Errno.EINVAL;
  if (notify === SIGEV_THREAD_ID && thread?.group !== group) return -Errno.EINVAL;
  if (event && notify !== SIGEV_NONE && (event.signo < 1 || event.signo > NSIG)) return -Errno.EINVAL;
  const timers = timersOf(group);
  if (timers.posix.size >= Math.min(group.rlimits[Rlim.SIGPENDING].cur, 4096)) return -Errno.EAGAIN;
  const id = timers.nextId++;
  timers.posix.set(id, {
    id,
    clock,
    notify,
    signo: event ? event.signo : SIGALRM,
    value: event ? event.value : BigInt(id),
    tid: notify === SIGEV_THREAD_ID ? (event?.tid ?? 0) : task.tid,
    atNs: 0,
    intervalNs: 0,
    timerId: 0,
    overrun: 0,
    lastOverrun: 0,
    absoluteRealtime: false,
    queued: false,
  });
  return id;
}

export const findTimer = (group: ThreadGroup, id: number): PosixTimer | undefined =>
  group.timers?.posix.get(id);

/** The present reading of the clock a timer counts on, in the scale of its `atNs`. */
function nowOf(k: Kernel, group: ThreadGroup, timer: PosixTimer): number {
  if (timer.clock === Clock.PROCESS_CPUTIME) return group.utimeNs + group.stimeNs;
  if (timer.clock === Clock.THREAD_CPUTIME) {
    const task = k.task.tasks.get(timer.tid);
    return task ? task.utimeNs + task.stimeNs : 0;
  }
  return k.time.nowNs;
}

/** timer_gettime(2). */
export function timerSetting(
  k: Kernel,
  group: ThreadGroup,
  timer: PosixTimer,
): { valueNs: number; intervalNs: number } {
  if (timer.atNs === 0) return { valueNs: 0, intervalNs: timer.intervalNs };
  const now = nowOf(k, group, timer);
  let at = timer.atNs;
  if (at <= now && timer.intervalNs > 0)
    at += (Math.floor((now - at) / timer.intervalNs) + 1) * timer.intervalNs;
  return {
    valueNs: at > now ? at - now : timer.notify === SIGEV_NONE ? 0 : 1,
    intervalNs: timer.intervalNs,
  };
}

function arm(k: Kernel, group: ThreadGroup, timer: PosixTimer): void {
  if (isCpuClock(timer.clock)) noteCpuTimer(group, timersOf(group));
  else if (timer.notify !== SIGEV_NONE)
    timer.timerId = addTimer(k, timer.atNs, 'posix.timer', {
      pid: group.pid,
      id: timer.id,
    });
}

function disarm(k: Kernel, timer: PosixTimer): void {
  if (timer.timerId !== 0) cancelTimer(k, timer.timerId);
  timer.timerId = 0;
  timer.atNs = 0;
}

/** timer_settime(2). */
export function setTimer(
  k: Kernel,
  group: ThreadGroup,
  timer: PosixTimer,
  absolute: boolean,
  value: Timespec,
  interval: Timespec,
): void {
  disarm(k, timer);
  timer.overrun = 0;
  timer.lastOverrun = 0;
  timer.intervalNs = toNs(interval);
  timer.absoluteRealtime = false;
  if (value.sec === 0 && value.nsec === 0) return;
  if (!absolute) timer.atNs = nowOf(k, group, timer) + toNs(value);
  else if (timer.clock === Clock.REALTIME || timer.clock === Clock.TAI) {
    timer.absoluteRealtime = true;
    timer.atNs = Math.max(1, realtimeToMonotonic(k, value));
  } else timer.atNs = Math.max(1, toNs(value));
  arm(k, group, timer);
}

/** timer_delete(2). */
export function deleteTimer(k: Kernel, group: ThreadGroup, timer: PosixTimer): void {
  disarm(k, timer);
  group.timers?.posix.delete(timer.id);
}

/** A timer is due: queue its signal. */
function fire(k: Kernel, group: ThreadGroup, timer: PosixTimer): void {
  timer.timerId = 0;
  if (timer.intervalNs === 0) timer.atNs = 0;
  if (timer.notify === SIGEV_NONE) return;
  const info = newSigInfo(timer.signo, Si.TIMER, {
    timerId: timer.id,
    value: timer.value,
  });
  const thread = timer.notify === SIGEV_THREAD_ID ? k.task.tasks.get(timer.tid) : undefined;
  timer.queued = true;
  if (thread) sendSignalTask(k, thread, info);
  else sendSignal(k, group, info);
  const target = thread ?? k.task.tasks.get(group.pid);
  const ignored =
    isIgnored(group, timer.signo) && !((target?.blocked ?? 0n) & sigBit(timer.signo)) && !target?.ptrace;
  if (!ignored) return;
  // Nobody will take it: keep the period going, but not faster than the tick.
  timer.queued = false;
  if (timer.intervalNs > 0 && !isCpuClock(timer.clock)) {
    timer.atNs = k.time.nowNs + Math.max(timer.intervalNs, TICK_NS);
    arm(k, group, timer);
  }
}

defineTimer('posix.timer', (k, arg: { pid: number; id: number }) => {
  const group = k.task.groups.get(arg.pid);
  const timer = group?.timers?.posix.get(arg.id);
  if (group && timer) fire(k, group, timer);
});

/** A signal left a queue: its timer, if a timer sent it, starts its next round; `info.overrun` says what was missed. */
export function timerSignalTaken(k: Kernel, group: ThreadGroup, info: SigInfo): void {
  if (info.signo === SIGALRM && info.code === Si.KERNEL) rearmRealTimer(k, group);
  if (info.code !== Si.TIMER) return;
  const timer = group.timers?.posix.get(info.timerId);
  if (!timer?.queued) return;
  timer.queued = false;
  timer.lastOverrun = timer.overrun;
  timer.overrun = 0;
  if (timer.atNs !== 0 && timer.intervalNs > 0 && timer.timerId === 0) {
    const now = nowOf(k, group, timer);
    const missed = Math.max(0, Math.floor((now - timer.atNs) / timer.intervalNs));
    timer.lastOverrun = Math.min(timer.lastOverrun + missed, DELAYTIMER_MAX);
    timer.atNs += (missed + 1) * timer.intervalNs;
    arm(k, group, timer);
  }
  info.overrun = timer.lastOverrun;
}

/** Fires CPU clock timers that are due; answers how much CPU time is left to the next (Infinity: none). */
export function checkPosixCpuTimers(k: Kernel, group: ThreadGroup, timers: GroupTimers): number {
  let left = Number.POSITIVE_INFINITY;
  for (const timer of timers.posix.values()) {
    if (!isCpuClock(timer.clock) || timer.atNs === 0 || timer.queued) continue;
    const remaining = timer.atNs - nowOf(k, group, timer);
    if (remaining <= 0) fire(k, group, timer);
    else left = Math.min(left, remaining);
  }
  return left;
}

/** CLOCK_REALTIME was set: timers that wait for a date are due at another moment now. */
export function realtimeChanged(k: Kernel, shiftNs: number): void {
  for (const group of k.task.groups.values())
    for (const timer of group.timers?.posix.values() ?? []) {
      if (!timer.absoluteRealtime || timer.timerId === 0) continue;
      cancelTimer(k, timer.timerId);
      timer.atNs = Math.max(1, timer.atNs - shiftNs);
      arm(k, group, timer);
    }
}

/** exec drops POSIX timers; exit drops all. */
export function cancelPosixTimers(k: Kernel, group: ThreadGroup): void {
  for (const timer of [...(group.timers?.posix.values() ?? [])]) deleteTimer(k, group, timer);
}

export function cancelGroupTimers(k: Kernel, group: ThreadGroup): void {
  if (!group.timers) return;
  cancelPosixTimers(k, group);
  if (group.timers.real.timerId !== 0) cancelTimer(k, group.timers.real.timerId);
  group.timers = null;
}
