/**
 * Clocks, delays and sleeps of modules (kernel/time). Always true: everything derives from the one clock `k.time.nowNs`; a busy
 * delay is charged as the instructions it would have spun for.
 */
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { writeK64 } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { RUN_ON } from '../module/runtime.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { NS, realtime, TICK_NS } from '../time/clocks.ts';
import { load, store, store32 } from './guest.ts';
import { kernelSymbol } from './image.ts';
import { HZ, jiffiesNow, msToJiffies } from './jiffies.ts';
import { setState } from './mirror.ts';
import { kapi, wide } from './registry.ts';
import { resumed, schedule } from './sleep.ts';

const MS_PER_JIFFY = 1000 / HZ;
const US_PER_JIFFY = 1_000_000 / HZ;
/** How long a delay goes on between two looks at what else is due. */
const DELAY_TURN_NS = 1_000_000;
const A0 = 10;
const INSTRUCTION_NS = 10;

const u32 = (value: number): number => value >>> 0;

kapi('get_jiffies_64', (k) => jiffiesNow(k));
kapi('__msecs_to_jiffies', (_k, _task, [ms]) => (ms < 0 ? 2 ** 62 : msToJiffies(ms)));
kapi('__usecs_to_jiffies', (_k, _task, [us]) => Math.ceil(u32(us) / US_PER_JIFFY));
kapi('jiffies_to_msecs', (_k, _task, [j]) => (j * MS_PER_JIFFY) | 0);
kapi('jiffies_to_usecs', (_k, _task, [j]) => (j * US_PER_JIFFY) | 0);
kapi('nsecs_to_jiffies', (_k, _task, [ns]) => Math.floor(ns / TICK_NS));
kapi('nsecs_to_jiffies64', (_k, _task, [ns]) => Math.floor(ns / TICK_NS));
kapi('timespec64_to_jiffies', (k, task, [at]) =>
  Math.ceil((load(k, task, at) * NS + load(k, task, at + 8)) / TICK_NS),
);
kapi('jiffies_to_timespec64', (k, task, [jiffies, to]) => {
  const ns = jiffies * TICK_NS;
  if (store(k, task, to, Math.floor(ns / NS))) store(k, task, to + 8, ns % NS);
  return 0;
});

/**
 * Spins for that long: the task's time goes by, others do not run. A long one is taken in turns (what is left goes back into a0),
 * so that interrupts come in between.
 */
function delay(k: Kernel, ns: number, unit: number): Outcome {
  const turn = Math.min(Math.max(0, ns), DELAY_TURN_NS);
  k.sched.kernelWork += Math.ceil(turn / (k.time.nsPerInstruction || INSTRUCTION_NS));
  if (turn === ns || ns <= 0) return 0;
  k.hart.setX(A0, Math.ceil((ns - turn) / unit));
  return RUN_ON;
}
for (const name of ['__udelay', 'udelay']) kapi(name, (k, _task, [us]) => delay(k, us * 1000, 1000));
for (const name of ['__ndelay', 'ndelay']) kapi(name, (k, _task, [ns]) => delay(k, ns, 1));

/** msleep(): at least that long, by a jiffy more as the kernel's arithmetic has it. */
kapi('msleep', (k, task, [ms]) => {
  setState(k, task, 2);
  return sleepUntilJiffy(k, task, jiffiesNow(k) + msToJiffies(u32(ms)) + 1);
});
/** A sleep that goes on until its jiffy even when something else wakes the task. */
function sleepUntilJiffy(k: Kernel, task: Task, jiffy: number): Outcome {
  const outcome = schedule(k, task, jiffy);
  if (typeof outcome === 'number' || outcome.kind !== 'wait') return outcome;
  return { ...outcome, then: [{ step: 'kapi.msleep', state: { jiffy } }, ...outcome.then] };
}
defineStep('kapi.msleep', (k, task, { jiffy }: { jiffy: number }) => {
  if (jiffiesNow(k) >= jiffy) return 0;
  setState(k, task, 2);
  return sleepUntilJiffy(k, task, jiffy);
});

kapi('msleep_interruptible', (k, task, [ms]) => {
  setState(k, task, 1);
  const outcome = schedule(k, task, jiffiesNow(k) + msToJiffies(u32(ms)) + 1);
  if (typeof outcome === 'number' || outcome.kind !== 'wait') return outcome;
  return { ...outcome, then: [{ step: 'kapi.msleft', state: null }, ...outcome.then] };
});
/** The milliseconds that were left of an interrupted sleep. */
defineStep('kapi.msleft', (_k, _task, _state, entry) =>
  entry.by === 'result' ? entry.value * MS_PER_JIFFY : 0,
);

function sleepNs(k: Kernel, ns: number, state: number): Outcome {
  return wait([], {
    untilNs: k.time.nowNs + Math.max(0, ns),
    interruptible: state & 1 ? 'yes' : 'no',
    then: [{ step: 'kapi.slept', state: null }],
  });
}
defineStep('kapi.slept', (k, task, _state, entry) => {
  resumed(k, task);
  setState(k, task, 0);
  return entry.by === 'timeout' ? 0 : -4;
});
kapi('usleep_range', (k, _task, [min]) => sleepNs(k, min * 1000, 2));
kapi('usleep_range_state', (k, _task, [min, , state]) => sleepNs(k, min * 1000, state));

/** schedule_hrtimeout(): sleeps as the state says until `*expires`; 0 when it came to that, else -EINTR. */
function hrtimeout(k: Kernel, task: Task, expires: number, mode: number): Outcome {
  if (expires === 0) return schedule(k, task);
  const at = load(k, task, expires);
  const untilNs = mode & 1 ? k.time.nowNs + at : at;
  const outcome = schedule(k, task);
  if (typeof outcome === 'number' || outcome.kind !== 'wait') return outcome;
  return { ...outcome, untilNs, then: [{ step: 'kapi.hrslept', state: { untilNs } }, ...outcome.then] };
}
defineStep('kapi.hrslept', (k, _task, { untilNs }: { untilNs: number }) =>
  k.time.nowNs >= untilNs ? 0 : -4,
);
kapi('schedule_hrtimeout', (k, task, [expires, mode]) => hrtimeout(k, task, expires, mode));
kapi('schedule_hrtimeout_range', (k, task, [expires, , mode]) => hrtimeout(k, task, expires, mode));

const monotonic = (k: Kernel): number => Math.floor(k.time.nowNs);
for (const name of [
  'ktime_get',
  'ktime_get_raw',
  'ktime_get_boottime',
  'ktime_get_mono_fast_ns',
  'sched_clock',
  'local_clock',
])
  kapi(name, monotonic);
kapi('ktime_get_with_offset', (k, task, [which]) => (which === 0 ? realNs(k, task) : monotonic(k)));
kapi('ktime_get_real', (k, task) => realNs(k, task));

function realNs(k: Kernel, task: Task): number {
  const { sec, nsec } = realtime(k);
  return wide(task, BigInt(sec) * BigInt(NS) + BigInt(nsec));
}
kapi('ktime_get_seconds', (k) => Math.floor(k.time.nowNs / NS));
for (const name of ['ktime_get_real_seconds', 'get_seconds']) kapi(name, (k) => realtime(k).sec);

function writeTime(k: Kernel, task: Task, to: number, sec: number, part: number): number {
  if (store(k, task, to, sec)) store(k, task, to + 8, part);
  return 0;
}
for (const name of ['ktime_get_real_ts64', 'getnstimeofday64', 'getnstimeofday'])
  kapi(name, (k, task, [to]) => {
    const { sec, nsec } = realtime(k);
    return writeTime(k, task, to, sec, nsec);
  });
kapi('ktime_get_coarse_real_ts64', (k, task, [to]) => {
  const { sec, nsec } = realtime(k);
  return writeTime(k, task, to, sec, nsec - (nsec % TICK_NS));
});
for (const name of ['ktime_get_ts64', 'ktime_get_raw_ts64'])
  kapi(name, (k, task, [to]) =>
    writeTime(k, task, to, Math.floor(k.time.nowNs / NS), Math.floor(k.time.nowNs % NS)),
  );
kapi('do_gettimeofday', (k, task, [to]) => {
  const { sec, nsec } = realtime(k);
  return writeTime(k, task, to, sec, Math.floor(nsec / 1000));
});

/** Days since 1970 of a date of the proleptic Gregorian calendar. */
function daysOf(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146097 + dayOfEra - 719468;
}

kapi(
  'mktime64',
  (_k, _task, [year, month, day, hour, min, sec]) =>
    ((daysOf(u32(year), u32(month), u32(day)) * 24 + u32(hour)) * 60 + u32(min)) * 60 + u32(sec),
);

const TM = ['tm_sec', 'tm_min', 'tm_hour', 'tm_mday', 'tm_mon'] as const;
kapi('time64_to_tm', (k, task, [total, offset, to]) => {
  const seconds = total + offset;
  const days = Math.floor(seconds / 86400);
  const rest = seconds - days * 86400;
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysOf(year, 1, 1) > days) year--;
  while (daysOf(year + 1, 1, 1) <= days) year++;
  let month = 12;
  while (daysOf(year, month, 1) > days) month--;
  const values = [
    rest % 60,
    Math.floor(rest / 60) % 60,
    Math.floor(rest / 3600),
    days - daysOf(year, month, 1) + 1,
    month - 1,
  ];
  TM.forEach((name, i) => {
    store32(k, task, to + fieldOf('tm', name).offset, values[i]);
  });
  store(k, task, to + fieldOf('tm', 'tm_year').offset, year - 1900);
  store32(k, task, to + fieldOf('tm', 'tm_wday').offset, (((days + 4) % 7) + 7) % 7);
  store32(k, task, to + fieldOf('tm', 'tm_yday').offset, days - daysOf(year, 1, 1));
  return 0;
});

fillKernelData((k) => {
  const at = kernelSymbol(k, 'loops_per_jiffy');
  if (at !== 0) writeK64(k, at, TICK_NS / INSTRUCTION_NS);
});
