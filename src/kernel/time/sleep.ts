/** Sleeping until a time (man 2 nanosleep, clock_nanosleep). A relative sleep that a signal interrupts goes on to its old deadline. */
import { Errno } from '../abi/errno.ts';
import type { Timespec } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { unsupported } from '../kernel.ts';
import type { Outcome } from '../outcome.ts';
import { defineStep, wait } from '../outcome.ts';
import { Clock, isValidTimespec, realtimeToMonotonic, toNs, toTimespec, writeTimespec } from './clocks.ts';

interface SleepState {
  untilNs: number;
  /** Where the time that was left goes; 0: nowhere. */
  remaining: number;
}

function sleepUntil(k: Kernel, state: SleepState): Outcome {
  if (k.time.nowNs >= state.untilNs) return 0;
  return wait([], {
    untilNs: state.untilNs,
    then: [{ step: sleepDone, state }],
  });
}

const sleepDone: string = defineStep('time.sleep.done', (k, task, state: SleepState, entry) => {
  if (entry.by !== 'signal') return sleepUntil(k, state);
  const leftNs = state.untilNs - k.time.nowNs;
  if (leftNs <= 0) return 0;
  if (state.remaining !== 0 && writeTimespec(k, task, state.remaining, toTimespec(leftNs)) < 0)
    return -Errno.EFAULT;
  task.restart = { step: sleepAgain, state };
  return -Errno.ERESTART_RESTARTBLOCK;
});

const sleepAgain = defineStep('time.sleep.again', (k, _task, state: SleepState) => sleepUntil(k, state));

/** nanosleep(2) and relative clock_nanosleep(2). */
export function sleepFor(k: Kernel, time: Timespec, remaining: number): Outcome {
  if (!isValidTimespec(time)) return -Errno.EINVAL;
  return sleepUntil(k, { untilNs: k.time.nowNs + toNs(time), remaining });
}

/** clock_nanosleep(2) with TIMER_ABSTIME. The handler runs again when the clock is set. */
export function sleepTill(k: Kernel, clock: number, time: Timespec): Outcome {
  if (!isValidTimespec(time)) return -Errno.EINVAL;
  const real = clock === Clock.REALTIME || clock === Clock.TAI || clock === Clock.REALTIME_ALARM;
  const untilNs = real ? realtimeToMonotonic(k, time) : toNs(time);
  if (k.time.nowNs >= untilNs) return 0;
  return wait(real ? [k.time.clockSet] : [], {
    untilNs,
    onSignal: -Errno.ERESTARTNOHAND,
  });
}

/** Whether clock_nanosleep(2) knows the clock: 0 or -errno. */
export function checkSleepClock(k: Kernel, clock: number): number {
  switch (clock) {
    case Clock.REALTIME:
    case Clock.MONOTONIC:
    case Clock.BOOTTIME:
    case Clock.TAI:
      return 0;
    case Clock.PROCESS_CPUTIME:
      unsupported(k, 'clock_nanosleep on a CPU clock');
      return -Errno.EOPNOTSUPP;
    case Clock.MONOTONIC_RAW:
    case Clock.REALTIME_COARSE:
    case Clock.MONOTONIC_COARSE:
      return -Errno.EOPNOTSUPP;
    default:
      return -Errno.EINVAL;
  }
}
