/**
 * The clocks of a VM as its host moves them. Always true: the monotonic clock never goes back, and a program that sleeps until a
 * date is told when the date has jumped.
 */

import { wakeUp } from '../kernel/task/wait.ts';
import { realtimeChanged } from '../kernel/time/posix.ts';
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

/** Lets time pass for a wall-clock VM that was not run: timers that came due meanwhile fire when it next runs. */
export function passTime(vm: Vm, ns: number): void {
  vm.bootHostNs -= Math.max(0, ns);
}

/** Nanoseconds until the VM's next timer; Infinity when it has none. */
export const nextTimerNs = (vm: Vm): number =>
  Math.max(0, (vm.kernel.time.heap[0]?.atNs ?? Number.POSITIVE_INFINITY) - vm.kernel.time.nowNs);
