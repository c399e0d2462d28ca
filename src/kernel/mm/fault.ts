/**
 * Page faults (mm/memory.c, arch/riscv/mm/fault.c): demand paging, copy-on-write, stack growth, and the signal when there is
 * nothing to show. Always true: a private page is written only while this address space is its one holder; a page of a
 * file's cache becomes writable only after it was charged to the file (page_mkwrite).
 */
import type { Access as AccessKind, Pfn, Vaddr } from '../../cpu/machine.ts';
import { Access, PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { faultInArea } from './area.ts';
import { cachePage, cachePageForWrite, touchContent } from './filemap.ts';
import { pageDown, STACK_GUARD_GAP, TASK_SIZE } from './layout.ts';
import { allocPage, clonePage, getPage, pageRefs, putPage } from './pages.ts';
import { findPte, makePte, PTE_ANON, PTE_SPECIAL, pteFlags, ptePfn, setPte } from './pagetable.ts';
import { outOfMemory } from './reclaim.ts';
import type { FaultSignal, Mm, Vma } from './types.ts';
import { MapFlag, Prot } from './types.ts';
import { findVmaIndex } from './vma.ts';

const SIGBUS = 7;
const SIGKILL = 9;
const SIGSEGV = 11;
const MAPERR: FaultSignal = { signo: SIGSEGV, code: 1 };
const ACCERR: FaultSignal = { signo: SIGSEGV, code: 2 };
/** BUS_ADRERR: nothing behind the mapping here. */
const BUS: FaultSignal = { signo: SIGBUS, code: 2 };
const KILL: FaultSignal = { signo: SIGKILL, code: 0x80 };
const NEEDED = [Prot.READ, Prot.WRITE, Prot.EXEC] as const;
const RLIMIT_STACK = 3;
/** Pages around a read fault that are mapped along when the cache has them (fault_around_bytes). */
const AROUND = 16;

const isShared = (vma: Vma): boolean => (vma.flags & MapFlag.SHARED) !== 0;

/** Makes the stack reach down to `va`, or says that it may not. */
function growStack(task: Task | null, mm: Mm, index: number, va: Vaddr): boolean {
  const vma = mm.vmas[index];
  const start = pageDown(va);
  const limit = task?.group.rlimits[RLIMIT_STACK]?.cur ?? 8 * 1024 * 1024;
  if (vma.end - start > limit) return false;
  const below = mm.vmas[index - 1];
  if (
    below &&
    (below.flags & MapFlag.GROWSDOWN) === 0 &&
    below.prot !== 0 &&
    start - below.end < STACK_GUARD_GAP
  )
    return false;
  if (below && start < below.end) return false;
  mm.totalVmPages += (vma.start - start) / PAGE_SIZE;
  vma.start = start;
  return true;
}

/** Resolves a fault of `task` (loaded or not) at `va`; answers the signal to raise where it cannot. */
export function handleFault(k: Kernel, task: Task, va: Vaddr, access: AccessKind): FaultSignal | null {
  if (!task.mm) return MAPERR;
  const { majorFaults } = k.mm;
  const signal = faultIn(k, task.mm, va, access, task);
  k.mm.pageFaults++;
  if (k.mm.majorFaults > majorFaults) task.group.majFaults++;
  else task.group.minFaults++;
  return signal;
}

/** The same for an address space; `task` is whose limits count, and may be null. */
export function faultIn(
  k: Kernel,
  mm: Mm,
  va: Vaddr,
  access: AccessKind,
  task: Task | null,
): FaultSignal | null {
  if (!(va >= 0 && va < TASK_SIZE)) return MAPERR;
  const index = findVmaIndex(mm, va);
  const vma = mm.vmas[index];
  if (!vma) return MAPERR;
  if (vma.start > va && ((vma.flags & MapFlag.GROWSDOWN) === 0 || !growStack(task, mm, index, va)))
    return MAPERR;
  if ((vma.prot & NEEDED[access]) === 0) return ACCERR;
  return resolve(k, mm, vma, pageDown(va), access === Access.Write, task);
}

/** Resolves with memory pressure: kills somebody and tries again, a bounded number of times. */
function resolve(
  k: Kernel,
  mm: Mm,
  vma: Vma,
  va: Vaddr,
  write: boolean,
  task: Task | null,
): FaultSignal | null {
  for (let attempt = 0; attempt < 8; attempt++) {
    const result = mapPage(k, mm, vma, va, write);
    if (result >= 0) return null;
    if (result !== -Errno.ENOMEM) return BUS;
    const victim = outOfMemory(k, task);
    if (!victim || victim === mm) return KILL;
  }
  return KILL;
}

/** Makes one page present with the rights that the access needs: 0, -ENOMEM, or another errno for SIGBUS. */
function mapPage(k: Kernel, mm: Mm, vma: Vma, va: Vaddr, write: boolean): number {
  const at = makePte(k, mm, mm.root, va);
  if (at < 0) return -Errno.ENOMEM;
  const pte = k.guest.load32(at);
  k.sched.kernelWork += 100;
  if (vma.area && ((vma.flags & MapFlag.SHARED) !== 0 || (pte & PTE.V) === 0)) {
    const result = faultInArea(k, vma, va, at, write);
    k.hart.flushTlbPage(va);
    return result;
  }
  if ((pte & PTE.V) !== 0) {
    const result = write ? makeWritable(k, mm, vma, va, at, pte) : refresh(k, vma, at, pte);
    k.hart.flushTlbPage(va);
    return result;
  }
  if (!vma.inode) return mapAnonymous(k, mm, vma, at, write);
  return mapFromFile(k, mm, vma, va, at, write);
}

/** A page that is there, with rights that lag behind the mapping's. */
function refresh(k: Kernel, vma: Vma, at: number, pte: number): number {
  const writable = (pte & PTE.W) !== 0;
  setPte(k, at, ptePfn(pte), pteFlags(vma.prot, writable) | (pte & PTE.SOFT));
  return 0;
}

function mapAnonymous(k: Kernel, mm: Mm, vma: Vma, at: number, write: boolean): number {
  if (!write) {
    setPte(k, at, k.mm.zeroPage, pteFlags(vma.prot, false) | PTE_SPECIAL);
    return 0;
  }
  return installOwn(k, mm, vma, at, allocPage(k));
}

/** Shows `pfn` (fresh, its one reference handed over) as the address space's own page. */
function installOwn(k: Kernel, mm: Mm, vma: Vma, at: number, pfn: Pfn): number {
  if (pfn < 0) return -Errno.ENOMEM;
  setPte(k, at, pfn, pteFlags(vma.prot, true) | PTE_ANON);
  mm.rssAnon++;
  noteRss(mm);
  return 0;
}

function noteRss(mm: Mm): void {
  const rss = mm.rssAnon + mm.rssFile;
  if (rss > mm.hiwaterRss) mm.hiwaterRss = rss;
}

function mapFromFile(k: Kernel, mm: Mm, vma: Vma, va: Vaddr, at: number, write: boolean): number {
  const inode = vma.inode!;
  const index = (vma.offset + (va - vma.start)) / PAGE_SIZE;
  if (index * PAGE_SIZE >= inode.size) return -Errno.EIO;
  if (write && isShared(vma)) {
    const pfn = cachePageForWrite(k, inode, index);
    if (pfn < 0) return pfn;
    if (vma.file) touchContent(k, inode);
    showCached(k, mm, at, pfn, pteFlags(vma.prot, true));
    return 0;
  }
  const known = inode.pages?.has(index) === true;
  const pfn = cachePage(k, inode, index);
  if (pfn < 0) return pfn;
  if (write) {
    getPage(k, pfn);
    const own = clonePage(k, pfn);
    putPage(k, pfn);
    return installOwn(k, mm, vma, at, own);
  }
  // Shared anonymous memory has no charge to wait for: it may be writable at once.
  showCached(k, mm, at, pfn, pteFlags(vma.prot, isShared(vma) && vma.file === null));
  if (!known) k.mm.majorFaults++;
  faultAround(k, mm, vma, va);
  return 0;
}

function showCached(k: Kernel, mm: Mm, at: number, pfn: Pfn, flags: number): void {
  getPage(k, pfn);
  setPte(k, at, pfn, flags);
  mm.rssFile++;
  noteRss(mm);
}

/** Maps cached neighbours of a file page read-only, within its mapping and its page table. */
function faultAround(k: Kernel, mm: Mm, vma: Vma, va: Vaddr): void {
  const inode = vma.inode!;
  const window = AROUND * PAGE_SIZE;
  const from = Math.max(Math.floor(va / window) * window, vma.start);
  const to = Math.min(from + window, vma.end, vma.start - vma.offset + inode.size);
  const flags = pteFlags(vma.prot, false);
  let at = findPte(k, mm.root, from);
  for (let here = from; here < to; here += PAGE_SIZE, at += 8) {
    if (here % 2 ** 21 === 0) at = findPte(k, mm.root, here);
    if (at < 0) return;
    if ((k.guest.load32(at) & PTE.V) !== 0) continue;
    const pfn = inode.pages?.get((vma.offset + (here - vma.start)) / PAGE_SIZE);
    if (pfn !== undefined) showCached(k, mm, at, pfn, flags);
  }
}

/** First write to a page that is there: copy-on-write, or leave to write a page of a shared mapping. */
function makeWritable(k: Kernel, mm: Mm, vma: Vma, va: Vaddr, at: number, pte: number): number {
  const pfn = ptePfn(pte);
  if (isShared(vma)) {
    const inode = vma.inode!;
    const index = (vma.offset + (va - vma.start)) / PAGE_SIZE;
    const charged = cachePageForWrite(k, inode, index);
    if (charged < 0) return charged;
    if (vma.file) touchContent(k, inode);
    setPte(k, at, pfn, pteFlags(vma.prot, true));
    return 0;
  }
  if ((pte & PTE_SPECIAL) !== 0) return installOwn(k, mm, vma, at, allocPage(k));
  if (pageRefs(k, pfn) === 1) {
    if ((pte & PTE_ANON) === 0) {
      mm.rssFile--;
      mm.rssAnon++;
    }
    setPte(k, at, pfn, pteFlags(vma.prot, true) | PTE_ANON);
    return 0;
  }
  const own = clonePage(k, pfn);
  if (own < 0) return -Errno.ENOMEM;
  k.hart.flushTlbPage(va);
  if ((pte & PTE_ANON) !== 0) mm.rssAnon--;
  else mm.rssFile--;
  putPage(k, pfn);
  return installOwn(k, mm, vma, at, own);
}

/**
 * Makes a page of a mapping the address space's own and answers it, whatever the mapping's rights (FOLL_FORCE: ptrace's
 * pokes and exec's first stack): a shared page only if the mapping may be written. -EFAULT, -ENOMEM.
 */
export function forceOwn(k: Kernel, mm: Mm, va: Vaddr): Pfn {
  const index = findVmaIndex(mm, va);
  const vma = mm.vmas[index];
  if (!vma || (vma.start > va && ((vma.flags & MapFlag.GROWSDOWN) === 0 || !growStack(null, mm, index, va))))
    return -Errno.EFAULT;
  if (isShared(vma) && (vma.prot & Prot.WRITE) === 0) return -Errno.EFAULT;
  const page = pageDown(va);
  const result = mapPage(k, mm, vma, page, true);
  if (result < 0) return result === -Errno.ENOMEM ? result : -Errno.EFAULT;
  return ptePfn(k.guest.load32(findPte(k, mm.root, page)));
}

/** The page that shows `va` for reading, whatever the mapping's rights; -EFAULT, -ENOMEM. */
export function forceRead(k: Kernel, mm: Mm, va: Vaddr): Pfn {
  const vma = mm.vmas[findVmaIndex(mm, va)];
  if (!vma || vma.start > va) return -Errno.EFAULT;
  const page = pageDown(va);
  const at = findPte(k, mm.root, page);
  if (at >= 0) {
    const pte = k.guest.load32(at);
    if ((pte & PTE.V) !== 0) return ptePfn(pte);
  }
  const result = mapPage(k, mm, vma, page, false);
  if (result < 0) return result === -Errno.ENOMEM ? result : -Errno.EFAULT;
  return ptePfn(k.guest.load32(findPte(k, mm.root, page)));
}
