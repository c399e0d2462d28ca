/** list_sort (lib/list_sort.c): a stable merge sort of a list in guest memory. Always true: until it ends the list is whole. */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { int } from './access.ts';
import { isLive, load, store } from './guest.ts';
import { kapi } from './registry.ts';

/** The longest list that is followed: a broken one has no end. */
const MAX_ENTRIES = 1 << 20;

/** Bottom-up: `order` is the permutation so far, `merged` the pair of runs that is being joined. */
interface Sorting {
  priv: number;
  head: Vaddr;
  cmp: Vaddr;
  order: Vaddr[];
  merged: Vaddr[];
  width: number;
  left: number;
  i: number;
  j: number;
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
  let answer = verdict;
  const n = s.order.length;
  while (s.width < n) {
    const middle = Math.min(s.left + s.width, n);
    const end = Math.min(s.left + 2 * s.width, n);
    if (s.i < middle && s.j < end) {
      if (answer === null)
        return call(s.cmp, [s.priv, s.order[s.i], s.order[s.j]], { step: 'list_sort.compared', state: s });
      // Equal entries keep their order.
      s.merged.push(answer <= 0 ? s.order[s.i++] : s.order[s.j++]);
      answer = null;
      continue;
    }
    while (s.i < middle) s.merged.push(s.order[s.i++]);
    while (s.j < end) s.merged.push(s.order[s.j++]);
    s.left = end;
    if (s.left >= n) {
      s.order = s.merged;
      s.merged = [];
      s.width *= 2;
      s.left = 0;
    }
    s.i = s.left;
    s.j = Math.min(s.left + s.width, n);
  }
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
  return proceed(k, task, { priv, head, cmp, order, merged: [], width: 1, left: 0, i: 0, j: 1 }, null);
});
