/**
 * Mappings whose pages a driver gives (mm/mmap.c, mm/memory.c: vm_ops, VM_PFNMAP). Always true: such a mapping has an `area`, the
 * address of its struct vm_area_struct, that no other mapping has; it never merges; what it shows holds a reference like any page.
 */
import type { Access as AccessKind, Pfn, Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { pageDown } from './layout.ts';
import type { MapRequest } from './mmap.ts';
import { getPage } from './pages.ts';
import { findPte, makePte, pteFlags, ptePfn, releaseLeaf, setPte } from './pagetable.ts';
import type { Mm, Vma } from './types.ts';
import { MapFlag } from './types.ts';

/** What the room of exported functions does for such mappings. */
export interface AreaProvider {
  /** mmap of a file whose driver maps: the address, or -errno. */
  map(k: Kernel, task: Task, mm: Mm, request: MapRequest): Outcome;
  /** The mapping is a copy of another (split, fork, mremap): it needs a struct of its own, and vm_ops->open is due. */
  copied(k: Kernel, vma: Vma): void;
  /** Its bounds changed. */
  changed(k: Kernel, vma: Vma): void;
  /** It is gone: vm_ops->close is due, then its hold on the file ends. `orphan`: no system call will see to that. */
  dropped(k: Kernel, vma: Vma, orphan: boolean): void;
  /** Makes the page at `va` present by vm_ops->fault. Null: there is none. */
  fill(k: Kernel, task: Task, vma: Vma, va: Vaddr, write: boolean): Outcome | null;
  /** Makes the calls that are due, then answers `result`. */
  settle(k: Kernel, task: Task, result: number): Outcome;
}

let provider: AreaProvider | null = null;

export function provideAreas(areas: AreaProvider): void {
  provider = areas;
}
export const areas = (): AreaProvider => {
  if (!provider) throw new Error('no room provides mappings of drivers');
  return provider;
};

/** What a File's `mmap` operation answers when its driver maps. */
export const DRIVER_MEMORY = 2;

/** After a call that may have split, copied or dropped mappings of drivers. */
export const settleAreas = (k: Kernel, task: Task, result: number): Outcome =>
  provider ? provider.settle(k, task, result) : result;

/** Puts a page of the driver's into a mapping; what was there goes. -ENOMEM when there is no memory for the table. */
export function showDriverPage(k: Kernel, mm: Mm, vma: Vma, va: Vaddr, pfn: Pfn, writable: boolean): number {
  const at = makePte(k, mm, mm.root, va);
  if (at < 0) return -Errno.ENOMEM;
  const old = k.guest.load32(at);
  getPage(k, pfn);
  setPte(k, at, pfn, pteFlags(vma.prot, writable && (vma.flags & MapFlag.SHARED) !== 0));
  mm.rssFile++;
  k.hart.flushTlbPage(va);
  if ((old & PTE.V) !== 0) releaseLeaf(k, mm, old);
  return 0;
}

/** Whether a page of the mapping is there. */
export function isShown(k: Kernel, mm: Mm, va: Vaddr): boolean {
  const at = findPte(k, mm.root, va);
  return at >= 0 && (k.guest.load32(at) & PTE.V) !== 0;
}

/**
 * A fault in a driver's mapping, for mapPage: a write to a page that is there and shared makes it writable; a page that is not there
 * is noted for whoever can call the driver.
 */
export function faultInArea(k: Kernel, vma: Vma, va: Vaddr, at: number, write: boolean): number {
  const pte = k.guest.load32(at);
  if ((pte & PTE.V) === 0) {
    k.mm.areaFault = { va, write };
    return -Errno.EIO;
  }
  setPte(k, at, ptePfn(pte), pteFlags(vma.prot, write || (pte & PTE.W) !== 0) | (pte & PTE.SOFT));
  return 0;
}

/**
 * The driver's answer to a fault of `task` at `va`: null when no driver has to do with it. Called where the task can run module
 * code: in place of the faulting instruction, or of a system call that would answer -EFAULT.
 */
export function askDriver(k: Kernel, task: Task, va: Vaddr, access: AccessKind): Outcome | null {
  const { mm } = task;
  const page = pageDown(va);
  const vma = mm?.vmas.find(({ start, end }) => va >= start && va < end);
  if (!mm || !vma?.area || isShown(k, mm, page)) return null;
  const needed = [1, 2, 4][access];
  if ((vma.prot & needed) === 0) return null;
  return areas().fill(k, task, vma, page, access === 1);
}

/** The page offset in the file that a mapping shows at `va`. */
export const areaOffset = (vma: Vma, va: Vaddr): number => (vma.offset + (va - vma.start)) / PAGE_SIZE;
