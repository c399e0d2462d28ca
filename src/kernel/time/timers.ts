/**
 * The heap of what is due. A timer is data: a registered kind and an argument. Always true: `heap[0]` is due first; equal
 * deadlines fire in the order they were added.
 */
import type { Kernel } from '../kernel.ts';
import type { Plain } from '../outcome.ts';
import type { Timer } from './types.ts';

type TimerFunction = (k: Kernel, arg: Plain) => void;
const kinds = new Map<string, TimerFunction>();

/** Registers what a kind of timer does when it is due. It runs between instructions, in no task's context. */
export function defineTimer(kind: string, fire: TimerFunction): void {
  if (kinds.has(kind)) throw new Error(`timer kind ${kind} is defined twice`);
  kinds.set(kind, fire);
}

const before = (a: Timer, b: Timer): boolean => a.atNs < b.atNs || (a.atNs === b.atNs && a.id < b.id);

/** Adds a timer; answers its id (never 0). */
export function addTimer(k: Kernel, atNs: number, kind: string, arg: Plain): number {
  const { heap } = k.time;
  const timer: Timer = { id: k.time.nextTimerId++, atNs, kind, arg };
  let i = heap.push(timer) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if (!before(heap[i], heap[parent])) break;
    [heap[i], heap[parent]] = [heap[parent], heap[i]];
    i = parent;
  }
  return timer.id;
}

function siftDown(heap: Timer[], start: number): void {
  let i = start;
  for (;;) {
    const left = 2 * i + 1;
    let least = i;
    if (left < heap.length && before(heap[left], heap[least])) least = left;
    if (left + 1 < heap.length && before(heap[left + 1], heap[least])) least = left + 1;
    if (least === i) return;
    [heap[i], heap[least]] = [heap[least], heap[i]];
    i = least;
  }
}

function removeAt(heap: Timer[], at: number): void {
  const last = heap.pop();
  if (at >= heap.length || !last) return;
  heap[at] = last;
  siftDown(heap, at);
  let i = at;
  while (i > 0 && before(heap[i], heap[(i - 1) >> 1])) {
    const parent = (i - 1) >> 1;
    [heap[i], heap[parent]] = [heap[parent], heap[i]];
    i = parent;
  }
}

/** Takes a timer out; does nothing when it fired already. Answers whether it was pending. */
export function cancelTimer(k: Kernel, id: number): boolean {
  const at = k.time.heap.findIndex((timer) => timer.id === id);
  if (at < 0) return false;
  removeAt(k.time.heap, at);
  return true;
}

/** When the next timer is due, in monotonic nanoseconds; Infinity for none. */
export const nextDeadline = (k: Kernel): number => k.time.heap[0]?.atNs ?? Number.POSITIVE_INFINITY;

/** Fires everything that is due at `k.time.nowNs`. */
export function fireTimers(k: Kernel): void {
  const { heap } = k.time;
  while (heap.length > 0 && heap[0].atNs <= k.time.nowNs) {
    const timer = heap[0];
    removeAt(heap, 0);
    kinds.get(timer.kind)?.(k, timer.arg);
  }
}
