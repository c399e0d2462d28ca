/**
 * mempool (mm/mempool.c). Always true: `elements` holds the `curr_nr` elements in reserve; an element comes from the pool's own function
 * as long as that gives any, else from the reserve; what is given back fills the reserve first.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { int } from './access.ts';
import { isLive, load, loadInt, store, store32 } from './guest.ts';
import { kfree, kmalloc } from './memory.ts';
import { findKapi, kapi } from './registry.ts';

const at = (name: string): number => fieldOf('mempool_s', name).offset;
const [MIN, NOW, ELEMENTS, DATA, ALLOC, FREE] = [
  'min_nr',
  'curr_nr',
  'elements',
  'pool_data',
  'alloc',
  'free',
].map(at);
const MAX_RESERVE = 1 << 16;

/** Calls one of the pool's functions, which may be a module's or one of ours. */
const callFunction = (k: Kernel, task: Task, pool: Vaddr, offset: number, args: number[]): Outcome =>
  call(load(k, task, pool + offset), args);

interface Filling {
  pool: Vaddr;
}

/** Fills the reserve; without memory for all of it there is no pool. */
function fill(k: Kernel, task: Task, state: Filling): Outcome {
  const { pool } = state;
  if (loadInt(k, task, pool + NOW) >= loadInt(k, task, pool + MIN)) return isLive(k, task) ? pool : 0;
  const fn = load(k, task, pool + ALLOC);
  return call(fn, [0xcc0, load(k, task, pool + DATA)], { step: 'mempool.filled', state });
}
function keep(k: Kernel, task: Task, pool: Vaddr, element: number): void {
  const now = loadInt(k, task, pool + NOW);
  store(k, task, load(k, task, pool + ELEMENTS) + 8 * now, element);
  store32(k, task, pool + NOW, now + 1);
}
defineStep('mempool.filled', (k, task, state: Filling, entry) => {
  const element = entry.by === 'result' ? entry.value : 0;
  if (element === 0) return destroy(k, task, state.pool);
  keep(k, task, state.pool, element);
  return isLive(k, task) ? fill(k, task, state) : 0;
});
kapi('mempool_create', (k, task, [min, alloc, free, data]) => {
  const count = int(min);
  if (count < 0 || count > MAX_RESERVE) return 0;
  const pool = kmalloc(k, task, sizeOf('mempool_s'));
  const elements = pool === 0 ? 0 : kmalloc(k, task, Math.max(8, 8 * count));
  if (elements === 0) {
    if (pool !== 0) kfree(k, task, pool);
    return 0;
  }
  store32(k, task, pool + MIN, count);
  for (const [offset, value] of [
    [ELEMENTS, elements],
    [DATA, data],
    [ALLOC, alloc],
    [FREE, free],
  ])
    store(k, task, pool + offset, value);
  return fill(k, task, { pool });
});

function destroy(k: Kernel, task: Task, pool: Vaddr): Outcome {
  const left = loadInt(k, task, pool + NOW);
  if (!isLive(k, task)) return 0;
  if (left <= 0) {
    kfree(k, task, load(k, task, pool + ELEMENTS));
    kfree(k, task, pool);
    return 0;
  }
  store32(k, task, pool + NOW, left - 1);
  const element = load(k, task, load(k, task, pool + ELEMENTS) + 8 * (left - 1));
  const fn = load(k, task, pool + FREE);
  return call(fn, [element, load(k, task, pool + DATA)], { step: 'mempool.emptied', state: { pool } });
}
defineStep('mempool.emptied', (k, task, { pool }: Filling) => destroy(k, task, pool));
kapi('mempool_destroy', (k, task, [pool]) => (pool === 0 ? 0 : destroy(k, task, pool)));

kapi('mempool_alloc', (k, task, [pool, gfp]) => {
  const fn = load(k, task, pool + ALLOC);
  const data = load(k, task, pool + DATA);
  return isLive(k, task) ? call(fn, [gfp, data], { step: 'mempool.asked', state: { pool } }) : 0;
});
defineStep('mempool.asked', (k, task, { pool }: Filling, entry) => {
  if (entry.by === 'result' && entry.value !== 0) return entry.value;
  const left = loadInt(k, task, pool + NOW);
  if (!isLive(k, task) || left <= 0) return 0;
  store32(k, task, pool + NOW, left - 1);
  return load(k, task, load(k, task, pool + ELEMENTS) + 8 * (left - 1));
});
kapi('mempool_free', (k, task, [element, pool]) => {
  if (element === 0) return 0;
  const now = loadInt(k, task, pool + NOW);
  if (now >= loadInt(k, task, pool + MIN))
    return isLive(k, task) ? callFunction(k, task, pool, FREE, [element, load(k, task, pool + DATA)]) : 0;
  keep(k, task, pool, element);
  return 0;
});

/** The functions that come with pools over a cache, kmalloc and whole pages: other exports, called the other way round. */
const through = (name: string, to: string, swap: (args: readonly number[]) => number[]): void =>
  kapi(name, (k, task, args) => findKapi(to)!(k, task, swap(args)));
through('mempool_alloc_slab', 'kmem_cache_alloc', ([gfp, cache]) => [cache, gfp]);
through('mempool_free_slab', 'kmem_cache_free', ([element, cache]) => [cache, element]);
through('mempool_kmalloc', '__kmalloc', ([gfp, size]) => [size, gfp]);
through('mempool_kfree', 'kfree', ([element]) => [element]);
through('mempool_alloc_pages', 'alloc_pages', ([gfp, order]) => [gfp, order]);
through('mempool_free_pages', '__free_pages', ([page, order]) => [page, order]);
