/** timerfd (man 2 timerfd_create). Always true: an armed timer has one entry in the kernel's heap; missed periods are counted. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyToIo } from '../mm/uio.ts';
import { newWaitQueue, type WaitQueue, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { Clock, realtimeToMonotonic, toNs } from '../time/clocks.ts';
import { addTimer, cancelTimer, defineTimer } from '../time/timers.ts';
import { getFile, installOrPut, newFile } from './file.ts';
import { O, Poll } from './flags.ts';
import { newInode } from './inode.ts';
import { defineFileOps } from './ops.ts';
import type { Timespec } from './types.ts';

const TFD_TIMER_ABSTIME = 1;
const TFD_TIMER_CANCEL_ON_SET = 2;

interface TimerFd {
  clock: number;
  /** Monotonic nanoseconds of the next expiry; Infinity: disarmed. */
  atNs: number;
  intervalNs: number;
  expirations: number;
  timer: number;
  readWait: WaitQueue;
  seq: number;
}

const CLOCKS: readonly number[] = [
  Clock.REALTIME,
  Clock.MONOTONIC,
  Clock.BOOTTIME,
  Clock.REALTIME_ALARM,
  Clock.BOOTTIME_ALARM,
];

/** timerfd_create(2). */
export function createTimerfd(k: Kernel, task: Task, clock: number, flags: number): number {
  if ((flags & ~(O.CLOEXEC | O.NONBLOCK)) !== 0 || !CLOCKS.includes(clock)) return -Errno.EINVAL;
  const data: TimerFd = {
    clock,
    atNs: Number.POSITIVE_INFINITY,
    intervalNs: 0,
    expirations: 0,
    timer: 0,
    readWait: newWaitQueue(),
    seq: 0,
  };
  const inode = newInode(k, k.fs.anonfs, { mode: 0o600 });
  const label = 'anon_inode:[timerfd]';
  const file = newFile(k, {
    kind: 'timerfd',
    inode,
    flags: O.RDWR | (flags & O.NONBLOCK),
    label,
    data,
  });
  return installOrPut(k, task, file, (flags & O.CLOEXEC) !== 0);
}

function timerOf(task: Task, fd: number): TimerFd | number {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  return file.kind === 'timerfd' ? (file.data as TimerFd) : -Errno.EINVAL;
}

/** The time left and the period, in nanoseconds. */
export interface TimerSetting {
  valueNs: number;
  intervalNs: number;
}

const settingOf = (k: Kernel, timer: TimerFd): TimerSetting => ({
  valueNs: timer.atNs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, timer.atNs - k.time.nowNs),
  intervalNs: timer.intervalNs,
});

/** timerfd_gettime(2). */
export function getTimerfd(k: Kernel, task: Task, fd: number): TimerSetting | number {
  const timer = timerOf(task, fd);
  return typeof timer === 'number' ? timer : settingOf(k, timer);
}

/** timerfd_settime(2): answers what was set before. */
export function setTimerfd(
  k: Kernel,
  task: Task,
  fd: number,
  flags: number,
  value: Timespec,
  interval: Timespec,
): TimerSetting | number {
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) !== 0) return -Errno.EINVAL;
  const timer = timerOf(task, fd);
  if (typeof timer === 'number') return timer;
  const old = settingOf(k, timer);
  if (timer.timer !== 0) cancelTimer(k, timer.timer);
  timer.timer = 0;
  timer.expirations = 0;
  timer.atNs = Number.POSITIVE_INFINITY;
  timer.intervalNs = toNs(interval);
  if (value.sec !== 0 || value.nsec !== 0) {
    const wall = timer.clock === Clock.REALTIME || timer.clock === Clock.REALTIME_ALARM;
    const absolute = wall ? realtimeToMonotonic(k, value) : toNs(value);
    timer.atNs = (flags & TFD_TIMER_ABSTIME) !== 0 ? absolute : k.time.nowNs + toNs(value);
    timer.timer = addTimer(k, timer.atNs, 'timerfd', timer);
  }
  return old;
}

defineTimer('timerfd', (k, timer: TimerFd) => {
  timer.timer = 0;
  timer.expirations++;
  timer.seq++;
  if (timer.intervalNs > 0) {
    const missed = Math.floor(Math.max(0, k.time.nowNs - timer.atNs) / timer.intervalNs);
    timer.expirations += missed;
    timer.atNs += (missed + 1) * timer.intervalNs;
    timer.timer = addTimer(k, timer.atNs, 'timerfd', timer);
  } else timer.atNs = Number.POSITIVE_INFINITY;
  wakeUp(k, timer.readWait);
});

defineFileOps('timerfd', {
  read(k, task, file, buf) {
    const timer = file.data as TimerFd;
    if (buf.length < 8) return -Errno.EINVAL;
    if (timer.expirations === 0) {
      if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
      return wait([timer.readWait]);
    }
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(timer.expirations), true);
    timer.expirations = 0;
    const n = copyToIo(k, task, buf, bytes);
    return n < 0 ? n : 8;
  },
  poll(_k, file) {
    const timer = file.data as TimerFd;
    const events = timer.expirations > 0 ? Poll.IN | Poll.RDNORM : 0;
    return { events, queues: [timer.readWait], seq: timer.seq };
  },
  release(k, file) {
    const timer = file.data as TimerFd;
    if (timer.timer !== 0) cancelTimer(k, timer.timer);
  },
});
