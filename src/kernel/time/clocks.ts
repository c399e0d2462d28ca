/**
 * Clocks (man 2 clock_gettime). Always true: CLOCK_MONOTONIC is `k.time.nowNs`, which only grows; CLOCK_REALTIME is that plus
 * `realtimeOffset`; CPU clocks come from the accounting of tasks.
 */
import { Errno } from '../abi/errno.ts';
import type { Timespec } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readLong, writeLong } from '../mm/uaccess.ts';
import { newWaitQueue } from '../outcome.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { realtimeChanged } from './posix.ts';
import type { TimeRoom } from './types.ts';

export const Clock = {
  REALTIME: 0,
  MONOTONIC: 1,
  PROCESS_CPUTIME: 2,
  THREAD_CPUTIME: 3,
  MONOTONIC_RAW: 4,
  REALTIME_COARSE: 5,
  MONOTONIC_COARSE: 6,
  BOOTTIME: 7,
  REALTIME_ALARM: 8,
  BOOTTIME_ALARM: 9,
  TAI: 11,
} as const;
export const NS = 1_000_000_000;
/** A jiffy: CONFIG_HZ=250, the grain of the coarse clocks. */
export const TICK_NS = 4_000_000;

/** `nsPerInstruction` above 0 makes the clock follow the retired instructions (deterministic mode). */
export function createTimeRoom(realtime: Timespec = { sec: 0, nsec: 0 }, nsPerInstruction = 0): TimeRoom {
  return {
    nowNs: 0,
    realtimeOffset: { ...realtime },
    nsPerInstruction,
    heap: [],
    nextTimerId: 1,
    clockSet: newWaitQueue(),
  };
}

/** Nanoseconds as seconds and nanoseconds. */
export const toTimespec = (ns: number): Timespec => {
  const sec = Math.floor(ns / NS);
  return { sec, nsec: Math.floor(ns - sec * NS) };
};
/** Exact below 104 days; never beyond what the clock can reach. */
export const toNs = (time: Timespec): number => time.sec * NS + time.nsec;

/** CLOCK_REALTIME. */
export function realtime(k: Kernel): Timespec {
  const { sec, nsec } = k.time.realtimeOffset;
  const now = toTimespec(k.time.nowNs);
  const sum = nsec + now.nsec;
  return sum >= NS ? { sec: sec + now.sec + 1, nsec: sum - NS } : { sec: sec + now.sec, nsec: sum };
}

/** The monotonic nanosecond at which CLOCK_REALTIME reads `time`, as it is set now. */
export function realtimeToMonotonic(k: Kernel, time: Timespec): number {
  const { sec, nsec } = k.time.realtimeOffset;
  return (time.sec - sec) * NS + (time.nsec - nsec);
}

/** The task whose CPU time a negative clock id means (CPUCLOCK_*), with the kind of clock; null: no such clock. */
function cpuClock(
  k: Kernel,
  task: Task,
  clock: number,
): { target: Task; perThread: boolean; kind: number } | null {
  const kind = clock & 3;
  if (kind === 3) return null;
  const pid = ~(clock >> 3);
  const perThread = (clock & 4) !== 0;
  const target = pid === 0 ? task : k.task.tasks.get(pid);
  if (!target || (!perThread && target.tid !== target.group.pid && pid !== 0)) return null;
  if (perThread && target.group !== task.group) return null;
  return { target, perThread, kind };
}

const totalOf = (account: { utimeNs: number; stimeNs: number }): number => account.utimeNs + account.stimeNs;

/** Reads a clock; null when there is none of that id. */
export function readClock(k: Kernel, task: Task, clock: number): Timespec | null {
  switch (clock) {
    case Clock.REALTIME:
    case Clock.REALTIME_ALARM:
      return realtime(k);
    case Clock.TAI:
      return realtime(k);
    case Clock.MONOTONIC:
    case Clock.MONOTONIC_RAW:
    case Clock.BOOTTIME:
    case Clock.BOOTTIME_ALARM:
      return toTimespec(k.time.nowNs);
    case Clock.MONOTONIC_COARSE:
      return toTimespec(k.time.nowNs - (k.time.nowNs % TICK_NS));
    case Clock.REALTIME_COARSE: {
      const now = realtime(k);
      return { sec: now.sec, nsec: now.nsec - (now.nsec % TICK_NS) };
    }
    case Clock.PROCESS_CPUTIME:
      return toTimespec(totalOf(task.group));
    case Clock.THREAD_CPUTIME:
      return toTimespec(totalOf(task));
    default: {
      if (clock >= 0) return null;
      const cpu = cpuClock(k, task, clock);
      if (!cpu) return null;
      const account = cpu.perThread ? cpu.target : cpu.target.group;
      return toTimespec(cpu.kind === 1 ? account.utimeNs : totalOf(account));
    }
  }
}

/** clock_getres(2): nanoseconds, or null. */
export function clockResolution(k: Kernel, task: Task, clock: number): number | null {
  if (clock === Clock.MONOTONIC_COARSE || clock === Clock.REALTIME_COARSE) return TICK_NS;
  return readClock(k, task, clock) === null ? null : 1;
}

/** clock_settime(2), settimeofday(2). */
export function setRealtime(k: Kernel, task: Task, time: Timespec): number {
  if (time.sec < 0 || time.nsec < 0 || time.nsec >= NS) return -Errno.EINVAL;
  if (!capable(task.cred, CAP.SYS_TIME)) return -Errno.EPERM;
  const now = toTimespec(k.time.nowNs);
  let sec = time.sec - now.sec;
  let nsec = time.nsec - now.nsec;
  if (nsec < 0) {
    nsec += NS;
    sec--;
  }
  if (sec < 0) return -Errno.EINVAL;
  const old = k.time.realtimeOffset;
  k.time.realtimeOffset = { sec, nsec };
  realtimeChanged(k, (sec - old.sec) * NS + (nsec - old.nsec));
  wakeUp(k, k.time.clockSet);
  return 0;
}

/** Reads a struct timespec (or timeval, whose second word the caller scales); null: bad address. */
export function readTimespec(k: Kernel, task: Task, va: number): Timespec | null {
  const sec = readLong(k, task, va);
  const nsec = readLong(k, task, va + 8);
  return sec === null || nsec === null ? null : { sec, nsec };
}

export function writeTimespec(k: Kernel, task: Task, va: number, time: Timespec): number {
  const wrote = writeLong(k, task, va, time.sec);
  return wrote < 0 ? wrote : writeLong(k, task, va + 8, time.nsec);
}

export const isValidTimespec = (time: Timespec): boolean => time.sec >= 0 && time.nsec >= 0 && time.nsec < NS;
