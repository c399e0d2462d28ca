/** list_sort (lib/list_sort.c): a stable merge sort of a list in guest memory. Always true: until it ends the list is whole. */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { int } from './access.ts';
import { isLive, load, store } from './guest.ts';
import { type Merge, newMerge, proceedMerge } from './merge.ts';
import { kapi } from './registry.ts';

/** The longest list that is followed: a broken one has no end. */
const MAX_ENTRIES = 1 << 20;

/** `order` holds the entries' addresses. */
interface Sorting extends Merge {
  priv: number;
  head: Vaddr;
  cmp: Vaddr;
}

function relink(k: Kernel, task: Task, { head, order }: Sorting): number {
  let before = head;
  for (const entry of order) {
    if (!store(k, task, before, entry) || !store(k, task, entry + 8, before)) return 0;
    before = entry;
  }
  store(k, task, before, head);
  store(k, task, head + 8, before);
  return 0;
}

function proceed(k: Kernel, task: Task, s: Sorting, verdict: number | null): Outcome {
  const pair = proceedMerge(s, verdict);
  if (pair) return call(s.cmp, [s.priv, ...pair], { step: 'list_sort.compared', state: s });
  return relink(k, task, s);
}
defineStep('list_sort.compared', (k, task, s: Sorting, entry) =>
  proceed(k, task, s, entry.by === 'result' ? int(entry.value) : 0),
);

kapi('list_sort', (k, task, [priv, head, cmp]) => {
  const order: Vaddr[] = [];
  for (let at = load(k, task, head); at !== head && isLive(k, task); at = load(k, task, at)) {
    if (order.length >= MAX_ENTRIES) return 0;
    order.push(at);
  }
  if (!isLive(k, task) || order.length < 2) return 0;
  return proceed(k, task, { ...newMerge(order), priv, head, cmp }, null);
});
