/**
 * The clocks of a VM as its host moves them. Always true: the monotonic clock never goes back, and a program that sleeps until a
 * date is told when the date has jumped.
 */

import { wakeUp } from '../kernel/task/wait.ts';
import { realtimeChanged } from '../kernel/time/posix.ts';
import type { Timer } from '../kernel/time/types.ts';
import type { Vm } from './vm.ts';

const NS = 1e9;

/** Nanoseconds since the epoch that the VM's CLOCK_REALTIME is behind (positive) the given time in milliseconds. */
export function realtimeLagNs(vm: Vm, epochMs: number): number {
  const { nowNs, realtimeOffset } = vm.kernel.time;
  return (epochMs / 1000 - realtimeOffset.sec) * NS - realtimeOffset.nsec - nowNs;
}

/** Sets CLOCK_REALTIME forward or back, as after suspend to RAM: the monotonic clock stands. */
export function shiftRealtime(vm: Vm, ns: number): void {
  const { time } = vm.kernel;
  const total = time.realtimeOffset.nsec + Math.round(ns);
  const sec = time.realtimeOffset.sec + Math.floor(total / NS);
  time.realtimeOffset = { sec, nsec: total - Math.floor(total / NS) * NS };
  realtimeChanged(vm.kernel, Math.round(ns));
  wakeUp(vm.kernel, time.clockSet);
}

/** Moves the clock of a wall-clock VM to now, without running it: before it is saved or copied, which starts its clock anew. */
export function catchUp(vm: Vm): void {
  const { time } = vm.kernel;
  if (time.nsPerInstruction === 0)
    time.nowNs = Math.max(time.nowNs, Math.floor(performance.now() * 1e6 - vm.bootHostNs));
}

/** Lets time pass for a wall-clock VM that was not run: timers that came due meanwhile fire when it next runs. */
export function passTime(vm: Vm, ns: number): void {
  vm.bootHostNs -= Math.max(0, ns);
}

/** init looks at its control pipe every five seconds; the kernel looks for hung tasks. Neither has anything to say to anybody. */
const isHousekeeping = ({ kind, arg }: Timer): boolean =>
  kind === 'panic.hung' || (kind === 'task.timeout' && arg === INIT);
const INIT = 1;

/** Nanoseconds until something in the VM wants to run that matters to somebody; Infinity when nothing does. */
export function nextTimerNs(vm: Vm): number {
  const { heap, nowNs } = vm.kernel.time;
  let atNs = Number.POSITIVE_INFINITY;
  for (const timer of heap) if (timer.atNs < atNs && !isHousekeeping(timer)) atNs = timer.atNs;
  return Math.max(0, atNs - nowNs);
}
