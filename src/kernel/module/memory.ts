/**
 * Pages for module code and data, kernel stacks, and the kernel's own image. Always true: a region is mapped whole or not at all,
 * an unmapped guard page follows each, and what is freed is unmapped at once, so that stale pointers fault.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { imageOf, KERNEL_DATA, KERNEL_TEXT, RETURN_ADDRESS, textPage } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import { MODULES_BASE } from '../mm/layout.ts';
import { allocPage, putPage } from '../mm/pages.ts';
import type { Task } from '../task/types.ts';
import { KernelPage, mapKernelPage, unmapKernelPage } from './kmem.ts';
import type { Region } from './types.ts';

/** THREAD_SIZE on riscv64. */
export const STACK_BYTES = 16384;
/** Stacks lie above the kernel's image, each with a guard page below it. */
const STACKS_BASE = -0x40000000;
/** What one module may take. */
const MAX_PAGES = 16384;

/** Maps fresh zeroed pages at `base`; all or none. */
export function mapFresh(k: Kernel, base: Vaddr, pages: number, flags: number): boolean {
  for (let i = 0; i < pages; i++) {
    const pfn = allocPage(k);
    if (pfn >= 0 && mapKernelPage(k, base + i * PAGE_SIZE, pfn, flags)) continue;
    if (pfn >= 0) putPage(k, pfn);
    unmapPages(k, base, i);
    return false;
  }
  return true;
}

/** Unmaps and frees what {@link mapFresh} mapped. */
export function unmapPages(k: Kernel, base: Vaddr, pages: number): void {
  for (let i = 0; i < pages; i++) {
    const pfn = unmapKernelPage(k, base + i * PAGE_SIZE);
    if (pfn >= 0) putPage(k, pfn);
  }
}

/** Gives every page of a region other rights (set_memory_ro and the like). */
export function protectPages(k: Kernel, base: Vaddr, pages: number, flags: number): void {
  for (let i = 0; i < pages; i++) {
    const pfn = unmapKernelPage(k, base + i * PAGE_SIZE);
    if (pfn >= 0) mapKernelPage(k, base + i * PAGE_SIZE, pfn, flags);
  }
}

/** Module memory, writable until the module is formed. Null when memory is spent. First fit, as vmalloc does. */
export function allocRegion(k: Kernel, pages: number): Region | null {
  if (pages <= 0 || pages > MAX_PAGES) return null;
  const { regions } = k.module;
  let base = MODULES_BASE;
  let at = 0;
  for (; at < regions.length; at++) {
    if (regions[at].base - base >= (pages + 1) * PAGE_SIZE) break;
    base = regions[at].base + (regions[at].pages + 1) * PAGE_SIZE;
  }
  if (base + pages * PAGE_SIZE > KERNEL_TEXT) return null;
  if (!mapFresh(k, base, pages, KernelPage.DATA)) return null;
  const region = { base, pages };
  regions.splice(at, 0, region);
  return region;
}

export function freeRegion(k: Kernel, region: Region): void {
  const { regions } = k.module;
  const at = regions.findIndex(({ base }) => base === region.base);
  if (at < 0) return;
  regions.splice(at, 1);
  unmapPages(k, region.base, region.pages);
}

/** Maps kernel text and data, at the first need: a VM that never loads a module pays nothing. False: no memory. */
export function mapKernelImage(k: Kernel): boolean {
  if (k.module.mapped) return true;
  const { textEnd, dataEnd } = imageOf(k);
  const textPages = Math.ceil((textEnd - RETURN_ADDRESS) / PAGE_SIZE);
  const dataPages = Math.ceil((dataEnd - KERNEL_DATA) / PAGE_SIZE);
  for (let i = 0; i < textPages; i++) {
    const va = RETURN_ADDRESS + i * PAGE_SIZE;
    const pfn = allocPage(k);
    if (pfn < 0 || !mapKernelPage(k, va, pfn, KernelPage.TEXT)) {
      if (pfn >= 0) putPage(k, pfn);
      unmapPages(k, RETURN_ADDRESS, i);
      return false;
    }
    textPage(k, va, k.guest.page(pfn, true));
  }
  if (!mapFresh(k, KERNEL_DATA, dataPages, KernelPage.DATA)) {
    unmapPages(k, RETURN_ADDRESS, textPages);
    return false;
  }
  k.module.mapped = true;
  for (const fill of dataFillers) fill(k);
  return true;
}

const dataFillers: ((k: Kernel) => void)[] = [];

/** Registers what writes first values of kernel data symbols, when they get their memory. */
export function fillKernelData(fill: (k: Kernel) => void): void {
  dataFillers.push(fill);
}

/** The task's kernel stack, made at first use: its lowest address; 0 when there is no memory. Stacks of the dead go round. */
export function kernelStack(k: Kernel, task: Task): Vaddr {
  const { stacks } = k.module;
  const own = stacks.get(task.tid);
  if (own !== undefined) return own;
  for (const [tid, base] of stacks) {
    if (tid === 0 || k.task.tasks.has(tid)) continue;
    stacks.delete(tid);
    stacks.set(task.tid, base);
    return base;
  }
  const base = k.module.nextStack;
  if (!mapFresh(k, base, STACK_BYTES / PAGE_SIZE, KernelPage.DATA)) return 0;
  k.module.nextStack = base + STACK_BYTES + 4 * PAGE_SIZE;
  stacks.set(task.tid, base);
  return base;
}

export const FIRST_STACK = STACKS_BASE + 4 * PAGE_SIZE;
