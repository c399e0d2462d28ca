/**
 * The kernel heap: kmalloc and what caches, vmalloc and pages build on (mm/slub.c). Always true: every live
 * allocation is in `objects` with its size, caller and module; fresh memory is zeroed; a cache hands out last what was freed
 * last; a freed object keeps its bytes but for the eight in its middle, where the (mixed) pointer to the next free one lies.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE } from '../mm/layout.ts';
import { allocPage, putPage } from '../mm/pages.ts';
import { kfault } from '../module/fault.ts';
import { fillK, KernelPage, readK, writeK, writeKBig } from '../module/kmem.ts';
import { mapFresh, unmapPages } from '../module/memory.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, load, loadString, moduleAt, store, unsigned } from './access.ts';
import { guardedAlloc, guardedFree, guardedSize } from './guarded.ts';
import { checkReuse, type Freed, type HeapError, linkOffset, noteBadFree, noteFree } from './heap-errors.ts';
import { pageStruct } from './page-struct.ts';
import { kapi } from './registry.ts';
import { kernelBug, kernelWarnOnce, type Place } from './report.ts';
import { kapiRoom } from './room.ts';

/** Where an allocation of more pages than there are in a block is warned of. */
const TOO_LARGE: Place = {
  file: 'mm/page_alloc.c:4817',
  symbol: '__alloc_pages_noprof+0x2e0/0xd56',
  below: [
    'alloc_pages_mpol_noprof+0xc4/0x1ba',
    'alloc_pages_noprof+0x60/0xa6',
    '___kmalloc_large_node+0xe4/0x164',
    '__kmalloc_large_node_noprof+0x2a/0xfe',
    '__kmalloc_noprof+0x32c/0x442',
  ],
};

/** One live allocation, for leak reports and inspection. */
export interface Allocation {
  address: Vaddr;
  /** Bytes asked for, and bytes given. */
  size: number;
  room: number;
  /** Return address of the call that made it; the module it lies in, or null. */
  caller: Vaddr;
  module: string | null;
  kind: 'kmalloc' | 'cache' | 'vmalloc' | 'pages';
  cache: string;
  timeNs: number;
  tid: number;
  comm: string;
}

export interface KmemCache {
  name: string;
  size: number;
  stride: number;
  /** Pages of one slab. */
  pages: number;
  free: Vaddr[];
  total: number;
  active: number;
  ctor: Vaddr;
  module: string | null;
}

interface Area {
  base: Vaddr;
  pages: number;
}

export interface HeapRoom {
  /** The first ones are kmalloc's; a destroyed cache leaves a hole. */
  caches: (KmemCache | null)[];
  /** Base address of each slab: its cache, by index. */
  slabs: Map<Vaddr, number>;
  /** Allocations of whole pages, by address: how many. */
  large: Map<Vaddr, number>;
  objects: Map<Vaddr, Allocation>;
  /** Mapped stretches of vmalloc space, ascending. */
  areas: Area[];
  /** struct kmem_cache in guest memory: its cache, by index. */
  cacheOf: Map<Vaddr, number>;
  /** The newest objects that were given back and not handed out again, and what was done wrong. */
  freed: Map<Vaddr, Freed>;
  errors: HeapError[];
}

const CLASSES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192];
export const ZERO_SIZE_PTR = 16;
const MAX_CACHE_SIZE = 8192;
export const KMALLOC_MAX_SIZE = 1 << 22;
/** Contiguous pages of more than one live here: above all the memory the linear map can have. */
const WINDOW_BASE = LINEAR_BASE + 2 ** 35;
/** Every record costs the host memory that no page counts. */
const MAX_OBJECTS = 1_000_000;

export function heap(k: Kernel): HeapRoom {
  const room = kapiRoom(k).heap;
  if (room.caches.length === 0)
    for (const size of CLASSES)
      room.caches.push(newCache(`kmalloc-${size >= 1024 ? `${size / 1024}k` : size}`, size, size));
  return room;
}

export const newCache = (name: string, size: number, stride: number): KmemCache => ({
  name,
  size,
  stride,
  pages: Math.max(1, Math.ceil(stride / PAGE_SIZE)),
  free: [],
  total: 0,
  active: 0,
  ctor: 0,
  module: null,
});

/** First fit among the areas between `from` and `to`, with a guard page after each; nothing is mapped there yet. Null: no room. */
export function placeArea(k: Kernel, from: Vaddr, to: Vaddr, pages: number): Vaddr | null {
  const { areas } = heap(k);
  let base = from;
  let at = areas.findIndex((area) => area.base >= from);
  if (at < 0) at = areas.length;
  for (; at < areas.length && areas[at].base < to; at++) {
    if (areas[at].base - base >= (pages + 1) * PAGE_SIZE) break;
    base = areas[at].base + (areas[at].pages + 1) * PAGE_SIZE;
  }
  if (base + pages * PAGE_SIZE > to) return null;
  areas.splice(at, 0, { base, pages });
  k.sched.kernelWork += pages * 20;
  return base;
}

/** An area with fresh pages. Null: no room or no memory. */
export function mapArea(k: Kernel, from: Vaddr, to: Vaddr, pages: number): Vaddr | null {
  const base = placeArea(k, from, to, pages);
  if (base === null || mapFresh(k, base, pages, KernelPage.DATA)) return base;
  const { areas } = heap(k);
  areas.splice(
    areas.findIndex((area) => area.base === base),
    1,
  );
  return null;
}

export function unmapArea(k: Kernel, base: Vaddr): boolean {
  const { areas } = heap(k);
  const at = areas.findIndex((area) => area.base === base);
  if (at < 0) return false;
  unmapPages(k, base, areas[at].pages);
  areas.splice(at, 1);
  return true;
}

/** Physically contiguous pages as far as a module can tell; 0: no memory. */
function contiguous(k: Kernel, pages: number): Vaddr {
  if (pages === 1) {
    const pfn = allocPage(k);
    return pfn < 0 ? 0 : LINEAR_BASE + pfn * PAGE_SIZE;
  }
  return mapArea(k, WINDOW_BASE, WINDOW_BASE + 2 ** 34, pages) ?? 0;
}

export function freeContiguous(k: Kernel, base: Vaddr, pages: number): void {
  if (pages === 1) putPage(k, (base - LINEAR_BASE) / PAGE_SIZE);
  else unmapArea(k, base);
}

export function record(
  k: Kernel,
  task: Task,
  of: Pick<Allocation, 'address' | 'size' | 'room' | 'kind' | 'cache'>,
): void {
  const { objects } = heap(k);
  if (objects.size >= MAX_OBJECTS) return;
  const caller = task.kernelMode && task.kernelMode.depth > 0 ? k.hart.x(1) : 0;
  objects.set(of.address, {
    ...of,
    caller,
    module: caller === 0 ? null : moduleAt(k, caller),
    timeNs: k.time.nowNs,
    tid: task.tid,
    comm: task.comm,
  });
}

function grow(k: Kernel, cache: KmemCache, index: number): boolean {
  const base = contiguous(k, cache.pages);
  if (base === 0) return false;
  const count = Math.floor((cache.pages * PAGE_SIZE) / cache.stride);
  heap(k).slabs.set(base, index);
  for (let i = count - 1; i >= 0; i--) cache.free.push(base + i * cache.stride);
  cache.total += count;
  return true;
}

export function take(k: Kernel, task: Task, index: number): Vaddr {
  const cache = heap(k).caches[index]!;
  if (cache.free.length === 0 && !grow(k, cache, index)) return 0;
  const address = cache.free.pop()!;
  cache.active++;
  checkReuse(k, task, address, cache.size);
  fillK(k, address, cache.stride, 0);
  k.sched.kernelWork += 30 + (cache.stride >> 5);
  return address;
}

export const slabOf = (k: Kernel, address: Vaddr): { index: number; base: Vaddr } | null => {
  const room = heap(k);
  const page = address - (((address % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE);
  for (const base of [page, page - PAGE_SIZE]) {
    const index = room.slabs.get(base);
    if (index === undefined) continue;
    const cache = room.caches[index];
    if (cache && address < base + cache.pages * PAGE_SIZE) return { index, base };
  }
  return null;
};

/** Puts an object back. Its bytes stay, but for the link to the next free one. */
export function giveBack(k: Kernel, task: Task, address: Vaddr, index: number): void {
  const room = heap(k);
  const cache = room.caches[index]!;
  const next = cache.free[cache.free.length - 1];
  const known = room.objects.get(address);
  // What the kernel itself keeps on modules' behalf is in no record; it must be an object that is not free.
  const live = known !== undefined || (!room.freed.has(address) && !cache.free.includes(address));
  if (!live) noteBadFree(k, task, address);
  if (next === address) {
    kernelBug(k, task, { file: 'mm/slub.c:547', symbol: 'kfree+0x2ba/0x32a' });
    return;
  }
  room.objects.delete(address);
  if (live) cache.active--;
  if (known) noteFree(k, task, known, cache.size);
  if (cache.free.length > cache.total * 2) return;
  cache.free.push(address);
  const link = BigInt.asUintN(64, BigInt(next ?? 0)) ^ (BigInt(kapiRoom(k).pointerKey) * 0x9e3779b97f4a7c15n);
  writeKBig(k, address + linkOffset(cache.size), link);
  k.sched.kernelWork += 20;
}

/** kmalloc: zeroed memory, or 0. */
export function kmalloc(k: Kernel, task: Task, wanted: number): Vaddr {
  if (wanted === 0) return ZERO_SIZE_PTR;
  if (wanted > KMALLOC_MAX_SIZE) {
    kernelWarnOnce(k, task, TOO_LARGE);
    return 0;
  }
  if (wanted > MAX_CACHE_SIZE) {
    const pages = 2 ** Math.ceil(Math.log2(wanted / PAGE_SIZE));
    return takePages(k, task, pages, wanted, 'kmalloc');
  }
  const index = CLASSES.findIndex((size) => size >= wanted);
  const guarded = guardedAlloc(k, task, wanted, heap(k).caches[index]!, 'kmalloc');
  if (guarded !== null) return guarded;
  const address = take(k, task, index);
  if (address !== 0)
    record(k, task, {
      address,
      size: wanted,
      room: CLASSES[index],
      kind: 'kmalloc',
      cache: heap(k).caches[index]!.name,
    });
  return address;
}

/** Whole pages, zeroed; 0: no memory. */
export function takePages(
  k: Kernel,
  task: Task,
  pages: number,
  size: number,
  kind: 'kmalloc' | 'pages',
): Vaddr {
  const address = contiguous(k, pages);
  if (address === 0) return 0;
  heap(k).large.set(address, pages);
  record(k, task, { address, size, room: pages * PAGE_SIZE, kind, cache: '' });
  return address;
}

/** kfree of anything a module passes. */
export function kfree(k: Kernel, task: Task, address: Vaddr): void {
  if (address >= 0 && address <= ZERO_SIZE_PTR) return;
  if (guardedFree(k, task, address)) return;
  const room = heap(k);
  const slab = slabOf(k, address);
  if (slab) {
    giveBack(k, task, address, slab.index);
    return;
  }
  const pages = room.large.get(address);
  if (pages !== undefined) {
    room.large.delete(address);
    const known = room.objects.get(address);
    if (known) noteFree(k, task, known, 0);
    room.objects.delete(address);
    freeContiguous(k, address, pages);
    return;
  }
  noteBadFree(k, task, address);
  const linear = address >= LINEAR_BASE && address < LINEAR_BASE + k.guest.maxPages * PAGE_SIZE;
  if (linear) kernelWarnOnce(k, task, { file: 'mm/slub.c:4689', symbol: 'free_large_kmalloc+0x5c/0x9c' });
  else kfault(k, task, pageStruct(address) + 8, false);
}

/** Bytes an allocation really has (ksize). */
function ksize(k: Kernel, address: Vaddr): number {
  if (address >= 0 && address <= ZERO_SIZE_PTR) return 0;
  const guarded = guardedSize(k, address);
  if (guarded !== null) return guarded;
  const slab = slabOf(k, address);
  if (slab) return heap(k).caches[slab.index]!.size;
  return (heap(k).large.get(address) ?? 0) * PAGE_SIZE;
}

/**
 * Hardened usercopy (mm/usercopy.c): whether a copy of `length` bytes at `address` would leave the heap object it lies in. Says so,
 * and ends the task as a BUG does.
 */
export function usercopyRefused(
  k: Kernel,
  task: Task,
  address: Vaddr,
  length: number,
  toUser: boolean,
): boolean {
  const slab = k.kapi ? slabOf(k, address) : null;
  if (!slab) return false;
  const cache = heap(k).caches[slab.index]!;
  const offset = (address - slab.base) % cache.stride;
  if (offset + length <= cache.size) return false;
  const what = toUser ? 'exposure attempt detected from' : 'overwrite attempt detected to';
  const where = `SLUB object '${cache.name}' (offset ${offset}, size ${length})`;
  printk(k, Level.EMERG, `usercopy: Kernel memory ${what} ${where}!`);
  kernelBug(k, task, { file: 'mm/usercopy.c:102', symbol: 'usercopy_abort+0x7c/0x7e' });
  return true;
}

/** Live allocations in the order they were made. */
export const allocations = (k: Kernel): Allocation[] => (k.kapi ? [...k.kapi.heap.objects.values()] : []);

/** Rows of /proc/slabinfo. */
export const kmemCaches = (k: Kernel): KmemCache[] =>
  k.kapi ? heap(k).caches.filter((cache) => cache !== null) : [];

export const variants = (name: string): string[] => [name, `__${name}`, `${name}_noprof`, `__${name}_noprof`];
export const define = (names: readonly string[], handler: Parameters<typeof kapi>[1]): void => {
  for (const name of names) kapi(name, handler);
};

define([...variants('kmalloc'), ...variants('kzalloc')], (k, task, [size]) =>
  kmalloc(k, task, unsigned(size)));
define([...variants('kmalloc_node'), ...variants('kzalloc_node')], (k, task, [size]) =>
  kmalloc(k, task, unsigned(size)));
define(['kmalloc_track_caller', '__kmalloc_track_caller'], (k, task, [size]) =>
  kmalloc(k, task, unsigned(size)));
/** kmalloc_array, kcalloc: 0 when the product is beyond any memory. */
define([...variants('kmalloc_array'), ...variants('kcalloc')], (k, task, [n, size]) => {
  const bytes = unsigned(n) * unsigned(size);
  return bytes > Number.MAX_SAFE_INTEGER ? 0 : kmalloc(k, task, bytes);
});
define(['kfree', 'kfree_sensitive', 'kzfree', 'kfree_const'], (k, task, [address]) => {
  kfree(k, task, address);
  return 0;
});
define(['ksize', '__ksize'], (k, _task, [address]) => ksize(k, address));

function resize(k: Kernel, task: Task, old: Vaddr, size: number): Vaddr {
  if (size === 0) {
    kfree(k, task, old);
    return ZERO_SIZE_PTR;
  }
  const had = ksize(k, old);
  if (had >= size) {
    const known = heap(k).objects.get(old);
    if (known) known.size = size;
    return old;
  }
  const address = kmalloc(k, task, size);
  if (address === 0 || had === 0) return address;
  const bytes = readK(k, old, had);
  if (bytes) writeK(k, address, bytes);
  kfree(k, task, old);
  return address;
}
define([...variants('krealloc')], (k, task, [old, size]) => resize(k, task, old, unsigned(size)));

/** A copy of bytes in fresh memory. */
function copied(k: Kernel, task: Task, bytes: Uint8Array | null): Vaddr {
  if (!bytes) return 0;
  const address = kmalloc(k, task, bytes.length);
  if (address !== 0 && bytes.length > 0) store(k, task, address, bytes);
  return address;
}
define(['kmemdup', 'kmemdup_noprof'], (k, task, [from, size]) =>
  unsigned(size) > KMALLOC_MAX_SIZE ? 0 : copied(k, task, load(k, task, from, size)));
define(['kstrdup', 'kstrdup_noprof', 'kstrdup_const'], (k, task, [from]) => {
  if (from === 0) return 0;
  const text = loadString(k, task, from);
  return text === null ? 0 : copied(k, task, bytesOf(`${text}\0`));
});
define(['kstrndup', 'kmemdup_nul'], (k, task, [from, max]) => {
  if (from === 0) return 0;
  const text = loadString(k, task, from, Math.min(unsigned(max), KMALLOC_MAX_SIZE));
  return text === null ? 0 : copied(k, task, bytesOf(`${text}\0`));
});
