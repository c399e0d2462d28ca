/** System calls about time. Decode, then delegate to the time room. */
import { Errno } from '../abi/errno.ts';
import type { Timespec } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, writeI32, writeLong } from '../mm/uaccess.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import {
  clockResolution,
  isValidTimespec,
  readClock,
  readTimespec,
  realtime,
  setRealtime,
  toNs,
  toTimespec,
  writeTimespec,
} from '../time/clocks.ts';
import { getItimer, ITIMER_PROF, setItimer } from '../time/itimer.ts';
import { createTimer, deleteTimer, findTimer, setTimer, timerSetting } from '../time/posix.ts';
import { checkSleepClock, sleepFor, sleepTill } from '../time/sleep.ts';
import { syscall } from './table.ts';

const TIMER_ABSTIME = 1;

syscall(101, 'nanosleep', ['ptr', 'ptr'], (k, task, request, remaining) => {
  const time = readTimespec(k, task, request);
  return time ? sleepFor(k, time, remaining) : -Errno.EFAULT;
});

syscall(115, 'clock_nanosleep', ['int', 'int', 'ptr', 'ptr'], (k, task, clock, flags, request, remaining) => {
  const known = checkSleepClock(k, clock);
  if (known < 0) return known;
  const time = readTimespec(k, task, request);
  if (!time) return -Errno.EFAULT;
  return flags & TIMER_ABSTIME ? sleepTill(k, clock, time) : sleepFor(k, time, remaining);
});

syscall(113, 'clock_gettime', ['int', 'ptr'], (k, task, clock, va) => {
  const time = readClock(k, task, clock);
  return time ? writeTimespec(k, task, va, time) : -Errno.EINVAL;
});
syscall(112, 'clock_settime', ['int', 'ptr'], (k, task, clock, va) => {
  if (clock !== 0) return -Errno.EINVAL;
  const time = readTimespec(k, task, va);
  return time ? setRealtime(k, task, time) : -Errno.EFAULT;
});
syscall(114, 'clock_getres', ['int', 'ptr'], (k, task, clock, va) => {
  const resolution = clockResolution(k, task, clock);
  if (resolution === null) return -Errno.EINVAL;
  return va === 0 ? 0 : writeTimespec(k, task, va, toTimespec(resolution));
});

syscall(169, 'gettimeofday', ['ptr', 'ptr'], (k, task, tv, tz) => {
  if (tv !== 0) {
    const now = realtime(k);
    const wrote = writeTimespec(k, task, tv, {
      sec: now.sec,
      nsec: Math.floor(now.nsec / 1000),
    });
    if (wrote < 0) return wrote;
  }
  return tz === 0 ? 0 : writeLong(k, task, tz, 0);
});
syscall(170, 'settimeofday', ['ptr', 'ptr'], (k, task, tv, tz) => {
  if (tz !== 0 && !capable(task.cred, CAP.SYS_TIME)) return -Errno.EPERM;
  if (tv === 0) return 0;
  const time = readTimespec(k, task, tv);
  if (!time) return -Errno.EFAULT;
  if (time.nsec < 0 || time.nsec >= 1e6) return -Errno.EINVAL;
  return setRealtime(k, task, { sec: time.sec, nsec: time.nsec * 1000 });
});

/** struct timex of a clock that nobody disciplines: TIME_ERROR, unsynchronised. */
const TIME_ERROR = 5;
const STA_UNSYNC = 0x40;
const TIMEX_SIZE = 208;

function adjtimex(k: Kernel, task: Task, va: number): number {
  const bytes = copyIn(k, task, va, TIMEX_SIZE);
  if (!bytes) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const modes = view.getUint32(0, true);
  if (modes !== 0 && (modes & 0xa001) !== 0xa001 && !capable(task.cred, CAP.SYS_TIME)) return -Errno.EPERM;
  const now = realtime(k);
  const set = (at: number, value: number): void => view.setBigInt64(at, BigInt(value), true);
  bytes.fill(0);
  set(24, 16_000_000);
  set(32, 16_000_000);
  view.setInt32(40, STA_UNSYNC, true);
  set(48, 2);
  set(56, 1);
  set(64, 32_768_000);
  set(72, now.sec);
  set(80, Math.floor(now.nsec / 1000));
  set(88, 10_000);
  return copyOut(k, task, va, bytes) < 0 ? -Errno.EFAULT : TIME_ERROR;
}
syscall(171, 'adjtimex', ['ptr'], (k, task, va) => adjtimex(k, task, va), 'partial', 'nothing is adjusted');
syscall(
  266,
  'clock_adjtime',
  ['int', 'ptr'],
  (k, task, clock, va) => (clock === 0 ? adjtimex(k, task, va) : -Errno.EINVAL),
  'partial',
  'nothing is adjusted',
);

const toTimeval = (ns: number): Timespec => {
  const time = toTimespec(ns);
  return { sec: time.sec, nsec: Math.ceil(time.nsec / 1000) };
};

function writeItimer(
  k: Kernel,
  task: Task,
  va: number,
  setting: { valueNs: number; intervalNs: number },
  convert: (ns: number) => Timespec,
): number {
  const wrote = writeTimespec(k, task, va, convert(setting.intervalNs));
  return wrote < 0 ? wrote : writeTimespec(k, task, va + 16, convert(setting.valueNs));
}

syscall(102, 'getitimer', ['int', 'ptr'], (k, task, which, va) =>
  which < 0 || which > ITIMER_PROF
    ? -Errno.EINVAL
    : writeItimer(k, task, va, getItimer(k, task.group, which), toTimeval),
);
syscall(103, 'setitimer', ['int', 'ptr', 'ptr'], (k, task, which, value, old) => {
  const times: Timespec[] = [];
  for (const at of [value, value + 16]) {
    const time = value === 0 ? { sec: 0, nsec: 0 } : readTimespec(k, task, at);
    if (!time) return -Errno.EFAULT;
    if (time.sec < 0 || time.nsec < 0 || time.nsec >= 1e6) return -Errno.EINVAL;
    times.push({ sec: time.sec, nsec: time.nsec * 1000 });
  }
  if (which < 0 || which > ITIMER_PROF) return -Errno.EINVAL;
  const before = getItimer(k, task.group, which);
  setItimer(k, task.group, which, toNs(times[1]), toNs(times[0]));
  return old === 0 ? 0 : writeItimer(k, task, old, before, toTimeval);
});

/** struct sigevent: value, signo, notify, tid. */
syscall(107, 'timer_create', ['int', 'ptr', 'ptr'], (k, task, clock, event, idPtr) => {
  let sigevent = null;
  if (event !== 0) {
    const bytes = copyIn(k, task, event, 64);
    if (!bytes) return -Errno.EFAULT;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    sigevent = {
      value: view.getBigUint64(0, true),
      signo: view.getInt32(8, true),
      notify: view.getInt32(12, true),
      tid: view.getInt32(16, true),
    };
  }
  const id = createTimer(task, clock, sigevent, sigevent ? k.task.tasks.get(sigevent.tid) : undefined);
  if (id < 0) return id;
  if (writeI32(k, task, idPtr, id) < 0) {
    const timer = findTimer(task.group, id);
    if (timer) deleteTimer(k, task.group, timer);
    return -Errno.EFAULT;
  }
  return 0;
});
syscall(108, 'timer_gettime', ['int', 'ptr'], (k, task, id, va) => {
  const timer = findTimer(task.group, id);
  if (!timer) return -Errno.EINVAL;
  return writeItimer(k, task, va, timerSetting(k, task.group, timer), toTimespec);
});
syscall(
  109,
  'timer_getoverrun',
  ['int'],
  (_k, task, id) => findTimer(task.group, id)?.lastOverrun ?? -Errno.EINVAL,
);
syscall(110, 'timer_settime', ['int', 'int', 'ptr', 'ptr'], (k, task, id, flags, value, old) => {
  if (value === 0) return -Errno.EINVAL;
  const interval = readTimespec(k, task, value);
  const first = readTimespec(k, task, value + 16);
  if (!interval || !first) return -Errno.EFAULT;
  if (!isValidTimespec(interval) || !isValidTimespec(first)) return -Errno.EINVAL;
  const timer = findTimer(task.group, id);
  if (!timer) return -Errno.EINVAL;
  const before = timerSetting(k, task.group, timer);
  setTimer(k, task.group, timer, (flags & TIMER_ABSTIME) !== 0, first, interval);
  return old === 0 ? 0 : writeItimer(k, task, old, before, toTimespec);
});
syscall(111, 'timer_delete', ['int'], (k, task, id) => {
  const timer = findTimer(task.group, id);
  if (!timer) return -Errno.EINVAL;
  deleteTimer(k, task.group, timer);
  return 0;
});
