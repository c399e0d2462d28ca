/**
 * From a file to the address spaces that map it. There is no reverse index: the rare operations that need one (truncate,
 * punching holes) look through the mappings of all tasks.
 */
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Inode } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { forEachLeaf, PTE_ANON, releaseLeaf } from './pagetable.ts';
import type { Mm } from './types.ts';

/** Every address space in use, once. */
export function allMms(k: Kernel): Set<Mm> {
  const mms = new Set<Mm>();
  for (const task of k.task.tasks.values()) if (task.mm) mms.add(task.mm);
  return mms;
}

/** Whether any page of the cache has a holder besides the cache. */
function anyMapped(k: Kernel, inode: Inode): boolean {
  if (inode.pages) for (const pfn of inode.pages.values()) if (k.mm.pageRefs[pfn] > 1) return true;
  return false;
}

/** Takes cached pages `first` to `last` (exclusive) of a file out of all mappings; private copies stay. */
export function unmapInode(k: Kernel, inode: Inode, first: number, last: number): void {
  if (!anyMapped(k, inode)) return;
  for (const mm of allMms(k)) {
    for (const vma of mm.vmas) {
      if (vma.inode !== inode) continue;
      const start = Math.max(vma.start, vma.start + first * PAGE_SIZE - vma.offset);
      const end = Math.min(vma.end, vma.start + last * PAGE_SIZE - vma.offset);
      if (start >= end) continue;
      const gone: number[] = [];
      forEachLeaf(k, mm.root, start, end, (_va, at, pte) => {
        if ((pte & PTE_ANON) !== 0) return;
        k.guest.store32(at, 0);
        gone.push(pte);
      });
      if (gone.length > 0) k.hart.flushTlb();
      for (const pte of gone) releaseLeaf(k, mm, pte);
    }
  }
}
