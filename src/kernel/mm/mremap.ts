/**
 * mremap(2) (mm/mremap.c). Always true: a move carries page table entries over, so no page is copied and none is lost; when
 * it cannot get the memory for tables, everything is where it was.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { areas } from './area.ts';
import { pageOffset, pageUp, TASK_SIZE } from './layout.ts';
import { checkLock, findFreeArea, mayExpand, populate, unmapRegion } from './mmap.ts';
import { forEachLeaf, makePte } from './pagetable.ts';
import type { Mm, Vma } from './types.ts';
import { MapFlag } from './types.ts';
import {
  findVmaIndex,
  hasRoomForMaps,
  holdBacking,
  insertVma,
  isolate,
  mergeRange,
  overlaps,
  vmaAt,
} from './vma.ts';

const MREMAP = { MAYMOVE: 1, FIXED: 2 } as const;

/** mremap(2): the new address, or -errno. */
export function doMremap(
  k: Kernel,
  task: Task,
  mm: Mm,
  from: Vaddr,
  oldSize: number,
  newSize: number,
  flags: number,
  target: Vaddr,
): Vaddr | number {
  if ((flags & ~(MREMAP.MAYMOVE | MREMAP.FIXED)) !== 0) return -Errno.EINVAL;
  const fixed = (flags & MREMAP.FIXED) !== 0;
  const mayMove = (flags & MREMAP.MAYMOVE) !== 0;
  if (fixed && !mayMove) return -Errno.EINVAL;
  if (from < 0 || pageOffset(from) !== 0 || newSize === 0) return -Errno.EINVAL;
  if (oldSize > TASK_SIZE || newSize > TASK_SIZE) return newSize > TASK_SIZE ? -Errno.ENOMEM : -Errno.EINVAL;
  const oldLength = pageUp(oldSize);
  const newLength = pageUp(newSize);
  if (fixed) {
    if (target < 0 || pageOffset(target) !== 0 || target + newLength > TASK_SIZE) return -Errno.EINVAL;
    if (target < from + oldLength && from < target + newLength) return -Errno.EINVAL;
    if (!hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
    unmapRegion(k, mm, target, target + newLength);
  }
  const vma = vmaAt(mm, from);
  if (!vma) return -Errno.EFAULT;
  if (from + oldLength > TASK_SIZE) return -Errno.EINVAL;
  let length = oldLength;
  if (length >= newLength && !fixed) {
    if (length > newLength) unmapRegion(k, mm, from + newLength, from + length);
    return from;
  }
  if (length > newLength) {
    unmapRegion(k, mm, from + newLength, from + length);
    length = newLength;
  }
  if (length === 0 && (vma.flags & MapFlag.SHARED) === 0) return -Errno.EINVAL;
  if (length > vma.end - from) return -Errno.EFAULT;
  const added = (newLength - length) / PAGE_SIZE;
  const refused = mayExpand(k, task, mm, added, vma.prot, vma.flags);
  if (refused < 0) return refused;
  if (vma.area && added > 0) return -Errno.EFAULT;
  const locked = (vma.flags & MapFlag.LOCKED) !== 0;
  if (locked && checkLock(task, mm, added) < 0) return -Errno.EAGAIN;
  if (!fixed && length > 0 && from + length === vma.end && canGrow(mm, vma, from + newLength)) {
    vma.end = from + newLength;
    mm.totalVmPages += added;
    if (locked) {
      mm.lockedPages += added;
      populate(k, task, mm, from + length, vma.end);
    }
    mergeRange(k, mm, findVmaIndex(mm, from), findVmaIndex(mm, from));
    return from;
  }
  if (!mayMove || !hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
  const to = fixed ? target : findFreeArea(mm, newLength);
  if (to < 0) return to;
  return move(k, mm, from, length, to, newLength);
}

const canGrow = (mm: Mm, vma: Vma, end: Vaddr): boolean => end <= TASK_SIZE && !overlaps(mm, vma.end, end);

function move(k: Kernel, mm: Mm, from: Vaddr, length: number, to: Vaddr, newLength: number): number {
  // Tables first: after this nothing can fail.
  let failed = false;
  forEachLeaf(k, mm.root, from, from + length, (va) => {
    if (!failed && makePte(k, mm, mm.root, to + (va - from)) < 0) failed = true;
  });
  if (failed) return -Errno.ENOMEM;
  if (length > 0) isolate(k, mm, from, from + length);
  const source = vmaAt(mm, from)!;
  const copy: Vma = {
    ...source,
    start: to,
    end: to + newLength,
    offset: source.inode ? source.offset + (from - source.start) : 0,
  };
  holdBacking(copy);
  if (copy.area) areas().copied(k, copy);
  insertVma(k, mm, copy);
  if ((copy.flags & MapFlag.LOCKED) !== 0) mm.lockedPages += newLength / PAGE_SIZE;
  forEachLeaf(k, mm.root, from, from + length, (va, at, pte) => {
    k.guest.store32(makePte(k, mm, mm.root, to + (va - from)), pte);
    k.guest.store32(at, 0);
  });
  k.hart.flushTlb();
  if (length > 0) unmapRegion(k, mm, from, from + length);
  return to;
}
