/**
 * Changing what is mapped (mm/mprotect.c, mremap.c, madvise.c, mlock.c, msync.c). Always true: a range is checked to be mapped before
 * or while it is walked, as the man page of each call says; page rights never exceed the mapping's.
 */

import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { requestSync } from '../fs/changes.ts';
import { isWritable } from '../fs/file.ts';
import { Ms } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { punchHole } from './filemap.ts';
import { pageOffset, pageUp, TASK_SIZE } from './layout.ts';
import { checkLock, mayExpand, populate } from './mmap.ts';
import { forEachLeaf, pteFlags, ptePfn, setPte, zapRange } from './pagetable.ts';
import type { Mm, Vma } from './types.ts';
import { MapFlag, Prot, VmaFlag } from './types.ts';
import { findVmaIndex, hasRoomForMaps, isolate, mergeRange } from './vma.ts';

const PROT_GROWSDOWN = 0x01000000;
const PROT_GROWSUP = 0x02000000;

/** Calls `visit` for each mapping of [start, end) in order; -ENOMEM when there are gaps (after visiting all), or what it answers. */
function eachVma(mm: Mm, start: Vaddr, end: Vaddr, visit: (vma: Vma) => number): number {
  let at = start;
  let gap = false;
  for (let i = findVmaIndex(mm, start); i < mm.vmas.length && mm.vmas[i].start < end; i++) {
    const vma = mm.vmas[i];
    if (vma.start > at) gap = true;
    const result = visit(vma);
    if (result < 0) return result;
    at = vma.end;
  }
  return gap || at < end ? -Errno.ENOMEM : 0;
}

const isMapped = (mm: Mm, start: Vaddr, end: Vaddr): boolean => eachVma(mm, start, end, () => 0) === 0;

/** Gives present pages of a mapping its present rights; a page that was not writable stays so until it is written. */
function applyProt(k: Kernel, mm: Mm, vma: Vma): void {
  forEachLeaf(k, mm.root, vma.start, vma.end, (_va, at, pte) => {
    setPte(k, at, ptePfn(pte), pteFlags(vma.prot, (pte & PTE.W) !== 0) | (pte & PTE.SOFT));
  });
}

/** mprotect(2). */
export function doMprotect(k: Kernel, task: Task, mm: Mm, from: Vaddr, size: number, prot: number): number {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return -Errno.EINVAL;
  if (pageOffset(from) !== 0 || from < 0) return -Errno.EINVAL;
  if (size === 0) return 0;
  if (size > TASK_SIZE) return -Errno.ENOMEM;
  if ((prot & ~(7 | 8 | PROT_GROWSDOWN | PROT_GROWSUP)) !== 0) return -Errno.EINVAL;
  const end = from + pageUp(size);
  const want = prot & 7;
  let start = from;
  const first = mm.vmas[findVmaIndex(mm, from)];
  if (!first || (first.start > from && grows === 0)) return -Errno.ENOMEM;
  if (grows === PROT_GROWSDOWN) {
    if ((first.flags & MapFlag.GROWSDOWN) === 0) return -Errno.EINVAL;
    start = first.start;
  } else if (grows !== 0) return -Errno.EINVAL;
  if (!hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
  let failed = 0;
  const checked = eachVma(mm, start, end, (vma) => {
    const writesFile = vma.file && (vma.flags & MapFlag.SHARED) !== 0 && (want & Prot.WRITE) !== 0;
    if (writesFile && !isWritable(vma.file!)) return -Errno.EACCES;
    if (vma.file?.path && (want & Prot.EXEC) !== 0 && (vma.file.path.mnt.flags & Ms.NOEXEC) !== 0)
      return -Errno.EACCES;
    return 0;
  });
  // Linux changes what lies before a gap and then says ENOMEM.
  if (checked === -Errno.EACCES) return checked;
  failed = checked;
  const range = isolate(k, mm, start, end);
  for (let i = range.first; i < range.last; i++) {
    const vma = mm.vmas[i];
    if (i > range.first && vma.start !== mm.vmas[i - 1].end) break;
    if (vma.prot === want) continue;
    if ((want & Prot.WRITE) !== 0 && (vma.prot & Prot.WRITE) === 0 && (vma.flags & MapFlag.SHARED) === 0) {
      const refused = mayExpand(k, task, mm, 0, want, vma.flags);
      if (refused < 0) {
        failed = refused;
        break;
      }
    }
    vma.prot = want;
    applyProt(k, mm, vma);
  }
  k.hart.flushTlb();
  mergeRange(k, mm, range.first, range.last);
  return failed;
}

const Madv = {
  NORMAL: 0,
  RANDOM: 1,
  SEQUENTIAL: 2,
  WILLNEED: 3,
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  DONTFORK: 10,
  DOFORK: 11,
  MERGEABLE: 12,
  UNMERGEABLE: 13,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
} as const;

const setFlags: Record<number, { set: number; clear: number }> = {
  [Madv.DONTFORK]: { set: VmaFlag.DONTFORK, clear: 0 },
  [Madv.DOFORK]: { set: 0, clear: VmaFlag.DONTFORK },
  [Madv.DONTDUMP]: { set: VmaFlag.DONTDUMP, clear: 0 },
  [Madv.DODUMP]: { set: 0, clear: VmaFlag.DONTDUMP },
  [Madv.WIPEONFORK]: { set: VmaFlag.WIPEONFORK, clear: 0 },
  [Madv.KEEPONFORK]: { set: 0, clear: VmaFlag.WIPEONFORK },
};

/** madvise(2). */
export function doMadvise(k: Kernel, mm: Mm, start: Vaddr, size: number, advice: number): number {
  if (!Object.values(Madv).includes(advice as never)) return -Errno.EINVAL;
  if (pageOffset(start) !== 0 || start < 0) return -Errno.EINVAL;
  const end = start + pageUp(size);
  if (size < 0 || end < start) return -Errno.EINVAL;
  if (end === start) return 0;
  const change = setFlags[advice];
  if (change) {
    if (!hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
    const { first, last } = isolate(k, mm, start, end);
    for (let i = first; i < last; i++) {
      const vma = mm.vmas[i];
      if (advice === Madv.WIPEONFORK && (vma.inode || (vma.flags & MapFlag.SHARED) !== 0))
        return -Errno.EINVAL;
      vma.flags = (vma.flags | change.set) & ~change.clear;
    }
    const mapped = isMapped(mm, start, end);
    mergeRange(k, mm, first, last);
    return mapped ? 0 : -Errno.ENOMEM;
  }
  return eachVma(mm, start, end, (vma) => {
    const from = Math.max(start, vma.start);
    const to = Math.min(end, vma.end);
    if (advice === Madv.DONTNEED || advice === Madv.FREE) {
      if (advice === Madv.FREE && vma.inode) return -Errno.EINVAL;
      if ((vma.flags & MapFlag.LOCKED) !== 0) return -Errno.EINVAL;
      zapRange(k, mm, from, to);
    } else if (advice === Madv.REMOVE) {
      if (!vma.inode || (vma.flags & MapFlag.SHARED) === 0 || (vma.file && !isWritable(vma.file)))
        return -Errno.EACCES;
      const offset = vma.offset + (from - vma.start);
      return punchHole(k, vma.inode, offset, offset + (to - from));
    }
    return 0;
  });
}

/** msync(2). Shared pages are the file's own, so there is nothing to write back but to the durable disk. */
export function doMsync(k: Kernel, mm: Mm, start: Vaddr, size: number, flags: number): number {
  const [ASYNC, INVALIDATE, SYNC] = [1, 2, 4];
  if ((flags & ~(ASYNC | INVALIDATE | SYNC)) !== 0 || pageOffset(start) !== 0) return -Errno.EINVAL;
  if ((flags & ASYNC) !== 0 && (flags & SYNC) !== 0) return -Errno.EINVAL;
  if (size > TASK_SIZE || start < 0) return -Errno.ENOMEM;
  const result = eachVma(mm, start, start + pageUp(size), (vma) => {
    if ((flags & INVALIDATE) !== 0 && (vma.flags & MapFlag.LOCKED) !== 0) return -Errno.EBUSY;
    if ((flags & SYNC) !== 0 && vma.file && (vma.flags & MapFlag.SHARED) !== 0)
      requestSync(k, vma.file.inode);
    return 0;
  });
  return size === 0 ? 0 : result;
}

/** mlock(2), munlock(2): with `lock` the pages are faulted in. Nothing is ever paged out here but clean file pages. */
export function doMlock(
  k: Kernel,
  task: Task,
  mm: Mm,
  from: Vaddr,
  size: number,
  lock: boolean,
  onFault = false,
): number {
  const start = from - pageOffset(from);
  const end = pageUp(from + size);
  if (from < 0 || size > TASK_SIZE || end > TASK_SIZE) return -Errno.ENOMEM;
  const pages = (end - start) / PAGE_SIZE;
  if (lock) {
    const refused = checkLock(task, mm, pages);
    if (refused < 0) return refused === -Errno.EAGAIN ? -Errno.ENOMEM : refused;
  }
  if (pages === 0) return 0;
  if (!hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
  const { first, last } = isolate(k, mm, start, end);
  for (let i = first; i < last; i++) setLocked(mm, mm.vmas[i], lock);
  const mapped = isMapped(mm, start, end);
  mergeRange(k, mm, first, last);
  if (!mapped) return -Errno.ENOMEM;
  return lock && !onFault ? populate(k, task, mm, start, end) : 0;
}

function setLocked(mm: Mm, vma: Vma, lock: boolean): void {
  const pages = (vma.end - vma.start) / PAGE_SIZE;
  const was = (vma.flags & MapFlag.LOCKED) !== 0;
  if (was === lock) return;
  mm.lockedPages += lock ? pages : -pages;
  vma.flags = lock ? vma.flags | MapFlag.LOCKED : vma.flags & ~MapFlag.LOCKED;
}

const Mcl = { CURRENT: 1, FUTURE: 2, ONFAULT: 4 } as const;

/** mlockall(2); flags of 0 stand for munlockall(2). */
export function doMlockall(k: Kernel, task: Task, mm: Mm, flags: number): number {
  if ((flags & ~7) !== 0 || flags === Mcl.ONFAULT) return -Errno.EINVAL;
  if (flags !== 0) {
    const refused = checkLock(task, mm, (flags & Mcl.CURRENT) !== 0 ? mm.totalVmPages - mm.lockedPages : 0);
    if (refused < 0) return refused === -Errno.EAGAIN ? -Errno.ENOMEM : refused;
  }
  mm.lockFuture = (flags & Mcl.FUTURE) !== 0;
  if (flags === 0 || (flags & Mcl.CURRENT) !== 0) {
    for (const vma of mm.vmas) {
      setLocked(mm, vma, flags !== 0);
      if (flags !== 0 && (flags & Mcl.ONFAULT) === 0 && vma.prot !== 0)
        populate(k, task, mm, vma.start, vma.end);
    }
  }
  return 0;
}
