/**
 * Interval timers (man 2 setitimer) and the limits on CPU time. Always true: a real-time timer that is armed has its place in the
 * heap; a periodic one is armed anew when its SIGALRM is taken, so that an unread signal costs nothing; CPU timers are looked
 * at when the engine accounts for a slice.
 */
import type { Kernel } from '../kernel.ts';
import { SIGALRM, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU } from '../signal/bits.ts';
import { kernelSigInfo, sendSignal } from '../signal/send.ts';
import { Rlim } from '../task/rlimit.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { NS } from './clocks.ts';
import { checkPosixCpuTimers } from './posix.ts';
import { addTimer, cancelTimer, defineTimer } from './timers.ts';
import type { GroupTimers, IntervalTimer } from './types.ts';

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;

const newIntervalTimer = (): IntervalTimer => ({
  atNs: 0,
  intervalNs: 0,
  timerId: 0,
});

/** The timers of a process, made on first use. */
export function timersOf(group: ThreadGroup): GroupTimers {
  group.timers ??= {
    real: newIntervalTimer(),
    virtual: newIntervalTimer(),
    prof: newIntervalTimer(),
    posix: new Map(),
    nextId: 0,
    cpuCheckNs: Number.POSITIVE_INFINITY,
  };
  return group.timers;
}

const cpuOf = (group: ThreadGroup): number => group.utimeNs + group.stimeNs;
const clockOf = (k: Kernel, group: ThreadGroup, which: number): number =>
  which === ITIMER_REAL ? k.time.nowNs : which === ITIMER_VIRTUAL ? group.utimeNs : cpuOf(group);

function pick(timers: GroupTimers, which: number): IntervalTimer {
  return which === ITIMER_REAL ? timers.real : which === ITIMER_VIRTUAL ? timers.virtual : timers.prof;
}

/** getitimer(2): what is left and the period, in nanoseconds. */
export function getItimer(
  k: Kernel,
  group: ThreadGroup,
  which: number,
): { valueNs: number; intervalNs: number } {
  if (!group.timers) return { valueNs: 0, intervalNs: 0 };
  const timer = pick(group.timers, which);
  if (timer.atNs === 0) return { valueNs: 0, intervalNs: timer.intervalNs };
  // A timer that is due but has not fired yet still has a moment to go.
  const valueNs = Math.max(timer.atNs - clockOf(k, group, which), 1000);
  return { valueNs, intervalNs: timer.intervalNs };
}

/** setitimer(2). */
export function setItimer(
  k: Kernel,
  group: ThreadGroup,
  which: number,
  valueNs: number,
  intervalNs: number,
): void {
  const timers = timersOf(group);
  const timer = pick(timers, which);
  if (timer.timerId !== 0) cancelTimer(k, timer.timerId);
  timer.timerId = 0;
  timer.atNs = valueNs === 0 ? 0 : clockOf(k, group, which) + valueNs;
  timer.intervalNs = valueNs === 0 ? 0 : intervalNs;
  if (timer.atNs === 0) return;
  if (which === ITIMER_REAL) timer.timerId = addTimer(k, timer.atNs, 'itimer.real', group.pid);
  else noteCpuTimer(group, timers);
}

/** A CPU timer was armed: the next accounting looks at all of them. */
export function noteCpuTimer(group: ThreadGroup, timers: GroupTimers): void {
  timers.cpuCheckNs = Math.min(timers.cpuCheckNs, cpuOf(group));
}

defineTimer('itimer.real', (k, pid: number) => {
  const group = k.task.groups.get(pid);
  const timer = group?.timers?.real;
  if (!group || !timer) return;
  timer.timerId = 0;
  if (timer.intervalNs === 0) timer.atNs = 0;
  sendSignal(k, group, kernelSigInfo(SIGALRM));
});

/** SIGALRM was taken: a periodic timer starts its next round. */
export function rearmRealTimer(k: Kernel, group: ThreadGroup): void {
  const timer = group.timers?.real;
  if (timer?.timerId !== 0 || timer.intervalNs === 0 || timer.atNs === 0) return;
  const behind = Math.max(0, Math.floor((k.time.nowNs - timer.atNs) / timer.intervalNs));
  timer.atNs += (behind + 1) * timer.intervalNs;
  timer.timerId = addTimer(k, timer.atNs, 'itimer.real', group.pid);
}

function expire(k: Kernel, group: ThreadGroup, timer: IntervalTimer, nowNs: number, signo: number): number {
  if (timer.atNs === 0) return Number.POSITIVE_INFINITY;
  if (nowNs >= timer.atNs) {
    if (timer.intervalNs > 0) {
      const behind = Math.floor((nowNs - timer.atNs) / timer.intervalNs);
      timer.atNs += (behind + 1) * timer.intervalNs;
    } else timer.atNs = 0;
    sendSignal(k, group, kernelSigInfo(signo));
  }
  return timer.atNs === 0 ? Number.POSITIVE_INFINITY : timer.atNs - nowNs;
}

/**
 * Called by the engine after it has accounted CPU time to a task: fires ITIMER_VIRTUAL, ITIMER_PROF, CPU clock timers and
 * the CPU limit. Cheap when nothing is armed.
 */
export function checkCpuTimers(k: Kernel, task: Task): void {
  const { group } = task;
  const limit = group.rlimits[Rlim.CPU];
  if (limit.cur !== Number.POSITIVE_INFINITY || limit.max !== Number.POSITIVE_INFINITY)
    checkCpuLimit(k, group);
  const { timers } = group;
  if (!timers) return;
  const total = cpuOf(group);
  if (total < timers.cpuCheckNs) return;
  const left = Math.min(
    expire(k, group, timers.virtual, group.utimeNs, SIGVTALRM),
    expire(k, group, timers.prof, total, SIGPROF),
    checkPosixCpuTimers(k, group, timers),
  );
  timers.cpuCheckNs = total + left;
}

/** RLIMIT_CPU: SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one. */
function checkCpuLimit(k: Kernel, group: ThreadGroup): void {
  const limit = group.rlimits[Rlim.CPU];
  const seconds = cpuOf(group) / NS;
  if (seconds >= limit.max) sendSignal(k, group, kernelSigInfo(SIGKILL));
  else if (seconds >= limit.cur) {
    sendSignal(k, group, kernelSigInfo(SIGXCPU));
    group.rlimits[Rlim.CPU] = { cur: Math.floor(seconds) + 1, max: limit.max };
  }
}
