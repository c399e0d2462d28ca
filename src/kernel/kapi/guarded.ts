/**
 * Heap objects of modules while the VM was booted with `kasan`: each lies alone at the end of its pages, with a page behind it that
 * nothing maps; what was freed is not mapped either, until a quarantine lets go of it. So the hart itself notices a use after free and
 * an overrun. Always true: a report does not stop the access; the page is mapped and the instruction tried again (mm/kasan).
 */
import type { Pfn, Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE, pageDown } from '../mm/layout.ts';
import { putPage } from '../mm/pages.ts';
import { type Fault, provideDemand } from '../module/fault.ts';
import { KernelPage, mapKernelPage, readK16, unmapKernelPage } from '../module/kmem.ts';
import { mapFresh } from '../module/memory.ts';
import { backtrace, registersOf } from '../panic/trace.ts';
import type { CodePlace } from '../panic/types.ts';
import type { Task } from '../task/types.ts';
import { callingModule } from './access.ts';
import { noteFree, noteHeapError } from './heap-errors.ts';
import { heap, mapArea, record } from './memory.ts';
import { kapiRoom } from './room.ts';

/** One object. */
export interface Guarded {
  address: Vaddr;
  /** Bytes asked for, and of an object of its cache. */
  size: number;
  cacheSize: number;
  cache: string;
  base: Vaddr;
  pages: number;
  allocated: Track;
  freed: Track | null;
  /** Frames of a freed object that are not mapped now. */
  hidden: Pfn[];
}

/** Who did it. */
export interface Track {
  tid: number;
  trace: CodePlace[];
}

export interface KasanRoom {
  objects: Map<Vaddr, Guarded>;
  /** Objects by each of their pages and by the page behind them. */
  pages: Map<Vaddr, Vaddr>;
  /** Freed objects, the oldest first, and how many pages they hold. */
  quarantine: Vaddr[];
  quarantined: number;
  /** The first report was made; without kasan_multi_shot it is the last. */
  told: boolean;
}

const KASAN_BASE = LINEAR_BASE + 2 ** 35 + 2 ** 34;
const KASAN_END = KASAN_BASE + 2 ** 34;
/** Pages of freed objects that are kept. */
const QUARANTINE_PAGES = 1024;

/** What a misuse is reported by; the panic room registers itself here. */
export type KasanReport = (
  k: Kernel,
  task: Task,
  what: { kind: string; object: Guarded | null; address: Vaddr; size: number; write: boolean },
) => void;
let report: KasanReport = () => {};
export function provideKasan(reporter: KasanReport): void {
  report = reporter;
}

/** Whether the VM was booted with `kasan` or `kasan=on` on its command line. */
export const kasanOn = (k: Kernel): boolean => /(^| )kasan(=on)?( |$)/.test(k.identity.cmdline);

function room(k: Kernel): KasanRoom {
  const all = kapiRoom(k);
  all.kasan ??= { objects: new Map(), pages: new Map(), quarantine: [], quarantined: 0, told: false };
  return all.kasan;
}

const track = (k: Kernel, task: Task): Track => ({
  tid: task.tid,
  trace: backtrace(k, task, registersOf(k, task), true).slice(0, 16),
});

/** An object for a module, or null: kasan is off, or the kernel itself asks. 0: no memory. */
export function guardedAlloc(
  k: Kernel,
  task: Task,
  size: number,
  cache: { name: string; size: number },
  kind: 'kmalloc' | 'cache',
): Vaddr | null {
  if (!kasanOn(k) || callingModule(k, task) === null) return null;
  const pages = Math.ceil(size / PAGE_SIZE);
  const base = mapArea(k, KASAN_BASE, KASAN_END, pages);
  if (base === null) return 0;
  const address = base + pages * PAGE_SIZE - Math.ceil(size / 8) * 8;
  const { objects, pages: byPage } = room(k);
  objects.set(address, {
    address,
    size,
    cacheSize: cache.size,
    cache: cache.name,
    base,
    pages,
    allocated: track(k, task),
    freed: null,
    hidden: [],
  });
  for (let i = 0; i <= pages; i++) byPage.set(base + i * PAGE_SIZE, address);
  record(k, task, { address, size, room: cache.size, kind, cache: cache.name });
  return address;
}

/** Bytes of an object of ours; null: it is none. */
export const guardedSize = (k: Kernel, address: Vaddr): number | null =>
  k.kapi?.kasan?.objects.get(address)?.size ?? null;

/** kfree and kmem_cache_free: true when the address is one of ours, or was. */
export function guardedFree(k: Kernel, task: Task, address: Vaddr): boolean {
  if (!k.kapi?.kasan) return false;
  const { objects, pages: byPage } = k.kapi.kasan;
  const object = objects.get(address) ?? objects.get(byPage.get(pageDown(address)) ?? 0);
  if (!object) return false;
  const live = heap(k).objects.get(object.address);
  if (object.freed || object.address !== address) {
    const kind = object.freed ? 'double-free' : 'invalid-free';
    noteHeapError(k, task, kind, address, heap(k).freed.get(object.address), live);
    tell(k, task, { kind, object, address, size: 0, write: false });
    return true;
  }
  object.freed = track(k, task);
  if (live) noteFree(k, task, live, 0);
  heap(k).objects.delete(address);
  for (let i = 0; i <= object.pages; i++) {
    const pfn = unmapKernelPage(k, object.base + i * PAGE_SIZE);
    if (i < object.pages) object.hidden.push(pfn);
    else if (pfn >= 0) putPage(k, pfn);
  }
  const all = k.kapi.kasan;
  all.quarantine.push(address);
  all.quarantined += object.pages;
  while (all.quarantined > QUARANTINE_PAGES && all.quarantine.length > 1) release(k, all);
  return true;
}

/** The oldest freed object leaves for good. */
function release(k: Kernel, all: KasanRoom): void {
  const address = all.quarantine.shift();
  const object = address === undefined ? undefined : all.objects.get(address);
  if (!object) return;
  for (let i = 0; i <= object.pages; i++) {
    const page = object.base + i * PAGE_SIZE;
    const shown = unmapKernelPage(k, page);
    const pfn = shown >= 0 ? shown : (object.hidden[i] ?? -1);
    if (pfn >= 0) putPage(k, pfn);
    all.pages.delete(page);
  }
  const { areas } = heap(k);
  const at = areas.findIndex(({ base }) => base === object.base);
  if (at >= 0) areas.splice(at, 1);
  all.objects.delete(object.address);
  all.quarantined -= object.pages;
}

function tell(k: Kernel, task: Task, what: Parameters<KasanReport>[2]): void {
  const all = room(k);
  if (all.told && !/(^| )kasan_multi_shot( |$)/.test(k.identity.cmdline)) return;
  all.told = true;
  report(k, task, what);
}

/** Bytes that the load or store at `pc` moves; 1 for a function of the kernel's own. */
function accessSize(k: Kernel, pc: Vaddr): number {
  const low = readK16(k, pc) ?? 0;
  const funct3 = low >> 13;
  if ((low & 3) === 3) return 1 << ((low >> 12) & 3);
  if ((low & 3) === 0 && funct3 === 4) return ((low >> 10) & 1) === 0 ? 1 : 2;
  return funct3 === 2 || funct3 === 6 ? 4 : 8;
}

const STORE_PAGE_FAULT = 15;

provideDemand((k, task, fault: Fault) => {
  const all = k.kapi?.kasan;
  if (!all) return false;
  const page = pageDown(fault.tval);
  const object = all.objects.get(all.pages.get(page) ?? 0);
  if (!object) return false;
  const write = fault.cause === STORE_PAGE_FAULT;
  const inside = page < object.base + object.pages * PAGE_SIZE;
  const size = accessSize(k, fault.pc);
  const known = heap(k).freed.get(object.address);
  if (object.freed) noteHeapError(k, task, 'use-after-free', fault.tval, known);
  else noteHeapError(k, task, 'out-of-bounds', fault.tval, undefined, heap(k).objects.get(object.address));
  tell(k, task, {
    kind: object.freed ? 'slab-use-after-free' : 'slab-out-of-bounds',
    object,
    address: fault.tval,
    size,
    write,
  });
  if (k.halted) return false;
  const pfn = inside ? object.hidden[(page - object.base) / PAGE_SIZE] : -1;
  if (pfn === undefined) return false;
  return pfn >= 0 ? mapKernelPage(k, page, pfn, KernelPage.DATA) : mapFresh(k, page, 1, KernelPage.DATA);
});
