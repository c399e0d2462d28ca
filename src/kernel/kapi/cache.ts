/**
 * kmem_cache (mm/slab_common.c, mm/slub.c). Always true: a cache is one of the heap's, named by the struct kmem_cache that its maker
 * holds; it goes only when none of its objects is left.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { kfault } from '../module/fault.ts';
import { call } from '../module/runtime.ts';
import { defineStep } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { loadString, moduleAt } from './access.ts';
import { guardedAlloc, guardedFree } from './guarded.ts';
import {
  define,
  freeContiguous,
  giveBack,
  heap,
  KMALLOC_MAX_SIZE,
  kfree,
  kmalloc,
  newCache,
  record,
  slabOf,
  take,
} from './memory.ts';
import { kapi } from './registry.ts';
import { kernelWarn } from './report.ts';

const MAX_CACHES = 1000;

function createCache(k: Kernel, task: Task, name: number, size: number, align: number, ctor: number): Vaddr {
  const text = loadString(k, task, name, 256);
  const room = heap(k);
  if (text === null || size <= 0 || size > KMALLOC_MAX_SIZE || room.caches.length >= MAX_CACHES) return 0;
  const unit = Math.max(8, align > 0 && align <= PAGE_SIZE ? align : 8);
  const cache = newCache(text, size, Math.ceil(size / unit) * unit);
  cache.ctor = ctor;
  cache.module = moduleAt(k, k.hart.x(1));
  const handle = kmalloc(k, task, 64);
  if (handle === 0) return 0;
  room.objects.delete(handle);
  room.cacheOf.set(handle, room.caches.push(cache) - 1);
  return handle;
}
kapi('__kmem_cache_create', (k, task, [name, size, align, , ctor]) =>
  createCache(k, task, name, size, align, ctor),
);
kapi('kmem_cache_create', (k, task, [name, size, align, , ctor]) =>
  createCache(k, task, name, size, align, ctor),
);
kapi('kmem_cache_create_usercopy', (k, task, args) =>
  createCache(k, task, args[0], args[1], args[2], args[6]),
);

define([
  'kmem_cache_alloc',
  'kmem_cache_alloc_noprof',
  'kmem_cache_zalloc',
  'kmem_cache_alloc_node',
  'kmem_cache_alloc_node_noprof',
], (k, task, [handle]) => {
  const index = heap(k).cacheOf.get(handle);
  const cache = index === undefined ? null : heap(k).caches[index];
  if (!cache || index === undefined) return kfault(k, task, handle, false);
  const guarded = guardedAlloc(k, task, cache.size, cache, 'cache');
  const address = guarded ?? take(k, task, index);
  if (address === 0) return 0;
  if (guarded === null)
    record(k, task, { address, size: cache.size, room: cache.stride, kind: 'cache', cache: cache.name });
  return cache.ctor === 0
    ? address
    : call(cache.ctor, [address], { step: 'kmem_cache.made', state: { address } });
});
defineStep('kmem_cache.made', (_k, _task, state: { address: Vaddr }) => state.address);
kapi('kmem_cache_free', (k, task, [handle, address]) => {
  const index = heap(k).cacheOf.get(handle);
  if (index === undefined) return kfault(k, task, handle, false);
  if (guardedFree(k, task, address)) return 0;
  const slab = slabOf(k, address);
  if (!slab || slab.index !== index) {
    kernelWarn(
      k,
      task,
      { file: 'mm/slub.c:4645', symbol: 'cache_from_obj+0xa2/0xc4' },
      'cache_from_obj: Wrong slab cache',
    );
    return 0;
  }
  giveBack(k, task, address, index);
  return 0;
});
kapi('kmem_cache_size', (k, _task, [handle]) => heap(k).caches[heap(k).cacheOf.get(handle) ?? -1]?.size ?? 0);
kapi('kmem_cache_shrink', () => 0);
kapi('kmem_cache_destroy', (k, task, [handle]) => {
  const room = heap(k);
  const index = room.cacheOf.get(handle);
  const cache = index === undefined ? null : room.caches[index];
  if (handle === 0 || !cache || index === undefined) return 0;
  if (cache.active > 0) {
    const text = `kmem_cache_destroy ${cache.name}: Slab cache still has objects when called from module`;
    kernelWarn(k, task, { file: 'mm/slab_common.c:528', symbol: 'kmem_cache_destroy+0x12c/0x140' }, text);
    return 0;
  }
  for (const [base, of] of room.slabs)
    if (of === index) {
      room.slabs.delete(base);
      freeContiguous(k, base, cache.pages);
    }
  room.caches[index] = null;
  room.cacheOf.delete(handle);
  kfree(k, task, handle);
  return 0;
});
