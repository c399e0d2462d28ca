/**
 * Misuse of the heap: who allocated, who freed, who used it after that (what mm/kasan/report.c would tell). Always true: watching
 * changes nothing of what a guest sees; the newest frees are remembered with a sum over the object's bytes, so that a write after
 * the free is found when the memory is handed out again.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { readK } from '../module/kmem.ts';
import { symbolic } from '../panic/trace.ts';
import type { Task } from '../task/types.ts';
import { callingModule } from './access.ts';
import type { Allocation } from './memory.ts';
import { kapiRoom } from './room.ts';

/** An object that was given back. */
export interface Freed {
  was: Allocation;
  /** The code that freed it, by whom and when. */
  caller: Vaddr;
  tid: number;
  timeNs: number;
  /** Over its bytes as they were left; null: not kept. */
  sum: number | null;
}

export interface HeapError {
  kind: 'double-free' | 'invalid-free' | 'use-after-free' | 'out-of-bounds';
  address: Vaddr;
  size: number;
  cache: string | null;
  timeNs: number;
  tid: number;
  comm: string;
  caller: string;
  allocatedBy: string | null;
  freedBy: string | null;
  module: string | null;
}

const MAX_FREED = 4096;
const MAX_ERRORS = 1000;

/** The return address of the exported call that runs; 0: the kernel itself. */
export const callerOf = (k: Kernel, task: Task): Vaddr =>
  task.kernelMode && task.kernelMode.depth > 0 ? k.hart.x(1) : 0;

/** FNV-1a over an object's words, but for the link to the next free one. */
function sumOf(k: Kernel, address: Vaddr, size: number, link: number): number | null {
  const bytes = readK(k, address, size);
  if (!bytes) return null;
  let sum = 0x811c9dc5;
  for (let i = 0; i < size; i++) if (i < link || i >= link + 8) sum = Math.imul(sum ^ bytes[i], 0x01000193);
  return sum >>> 0;
}

/** Where the link to the next free object lies (freelist pointer in the middle, as slub has it). */
export const linkOffset = (size: number): number => Math.floor(size / 16) * 8;

/** Remembers a free. `slabSize`: bytes of an object of a cache; 0: pages, which are gone. */
export function noteFree(k: Kernel, task: Task, was: Allocation, slabSize: number): void {
  const { freed } = kapiRoom(k).heap;
  freed.delete(was.address);
  if (freed.size >= MAX_FREED)
    for (const oldest of freed.keys()) {
      freed.delete(oldest);
      break;
    }
  const sum = slabSize === 0 ? null : sumOf(k, was.address, slabSize, linkOffset(slabSize));
  freed.set(was.address, { was, caller: callerOf(k, task), tid: task.tid, timeNs: k.time.nowNs, sum });
}

/** A misuse in words. `freed`: what is known of the object. */
function heapError(
  k: Kernel,
  task: Pick<Task, 'tid' | 'comm'>,
  kind: HeapError['kind'],
  address: Vaddr,
  caller: Vaddr,
  freed: Freed | undefined,
  live?: Allocation,
): HeapError {
  const was = freed?.was ?? live;
  return {
    kind,
    address,
    size: was?.size ?? 0,
    cache: was && was.cache !== '' ? was.cache : null,
    timeNs: k.time.nowNs,
    tid: task.tid,
    comm: task.comm,
    caller: symbolic(k, caller),
    allocatedBy: was ? symbolic(k, was.caller) : null,
    freedBy: freed ? symbolic(k, freed.caller) : null,
    module: was?.module ?? null,
  };
}

/** Writes down a misuse. */
export function noteHeapError(
  k: Kernel,
  task: Task,
  kind: HeapError['kind'],
  address: Vaddr,
  freed: Freed | undefined,
  live?: Allocation,
): void {
  const { errors } = kapiRoom(k).heap;
  if (errors.length >= MAX_ERRORS) errors.shift();
  const error = heapError(k, task, kind, address, callerOf(k, task), freed, live);
  errors.push({ ...error, module: error.module ?? callingModule(k, task) });
}

/** An object is about to be handed out again: whoever wrote to it after the free has left a trace. */
export function checkReuse(k: Kernel, task: Task, address: Vaddr, size: number): void {
  const { freed } = kapiRoom(k).heap;
  const known = freed.get(address);
  if (!known) return;
  freed.delete(address);
  if (known.sum !== null && sumOf(k, address, size, linkOffset(size)) !== known.sum)
    noteHeapError(k, task, 'use-after-free', address, known);
}

/** An object is freed that is not allocated. */
export const noteBadFree = (k: Kernel, task: Task, address: Vaddr): void => {
  const known = k.kapi?.heap.freed.get(address);
  noteHeapError(k, task, known ? 'double-free' : 'invalid-free', address, known);
};

/**
 * Objects that were written to after they were freed and have not been handed out since: what a look finds that no allocation has
 * noticed yet. Changes nothing.
 */
export function writtenAfterFree(k: Kernel, cacheAt: (address: Vaddr) => string | null): HeapError[] {
  const found: HeapError[] = [];
  for (const known of k.kapi?.heap.freed.values() ?? []) {
    const { was, sum, tid, timeNs } = known;
    if (sum === null || cacheAt(was.address) !== was.cache) continue;
    const cache = k.kapi?.heap.caches.find((each) => each?.name === was.cache);
    if (!cache || sumOf(k, was.address, cache.size, linkOffset(cache.size)) === sum) continue;
    const nobody = { tid, comm: was.comm };
    found.push({ ...heapError(k, nobody, 'use-after-free', was.address, 0, known), timeNs });
  }
  return found;
}
