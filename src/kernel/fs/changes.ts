/**
 * What of the disk has changed since the durable store last took it. Always true: this lies beside the kernel's state and is no
 * part of it (no guest, hash or checkpoint sees it); without a store (`k.changes` null) it costs one comparison; every inode,
 * name and page of the root file system that differs from what the store took is named here, perhaps with some that do not.
 */

import type { Kernel } from '../kernel.ts';
import { MapFlag, PageFlag } from '../mm/types.ts';
import { isWritable } from './file.ts';
import { isDir } from './flags.ts';
import type { Inode } from './types.ts';

/** The names of what changed. */
export interface DiskChanges {
  /** The store has to take everything, whatever is named here. */
  whole: boolean;
  /** Inodes whose attributes changed. */
  inodes: Set<Inode>;
  /** Directories and the names in them that changed. */
  names: Map<Inode, Set<string>>;
  /** Files and the indices of pages that changed, came or went. */
  pages: Map<Inode, Set<number>>;
  /** Of files with shared mappings: pages that their programs may write without the kernel seeing it. */
  mapped: Map<Inode, Set<number>>;
  /** Instructions of the VM when the store last looked: pages in `mapped` cannot have changed before more have run. */
  mappedAt: number;
  /** Numbers of inodes that are no more. */
  gone: Set<number>;
  /** Inodes born since the store last looked: it knows nothing of them. */
  fresh: Set<Inode>;
}

/** Nothing has changed; or, with `whole`, nothing is known of what the store has. */
export const noChanges = (whole = false): DiskChanges => ({
  whole,
  inodes: new Set(),
  names: new Map(),
  pages: new Map(),
  mapped: new Map(),
  mappedAt: 0,
  gone: new Set(),
  fresh: new Set(),
});

const isOnDisk = (inode: Inode): boolean => inode.sb.type === 'ext4';

function addTo<T>(map: Map<Inode, Set<T>>, inode: Inode, value: T): void {
  const set = map.get(inode);
  if (set) set.add(value);
  else map.set(inode, new Set([value]));
}

/** Attributes of an inode changed. */
export function noteInode(k: Kernel, inode: Inode): void {
  if (k.changes && isOnDisk(inode)) k.changes.inodes.add(inode);
}

/** An inode was born. */
export function noteBirth(k: Kernel, inode: Inode): void {
  if (!k.changes || !isOnDisk(inode)) return;
  k.changes.inodes.add(inode);
  k.changes.fresh.add(inode);
}

/** What a name in a directory leads to changed. */
export function noteName(k: Kernel, dir: Inode, name: string): void {
  if (k.changes && isOnDisk(dir)) addTo(k.changes.names, dir, name);
}

/** A page of a file's own content changed, came or went. */
export function notePage(k: Kernel, inode: Inode, index: number): void {
  if (k.changes && isOnDisk(inode)) addTo(k.changes.pages, inode, index);
}

/** An inode is about to be freed; its pages went before. Of one the store never saw nothing is left to tell. */
export function noteDeath(k: Kernel, inode: Inode): void {
  const { changes } = k;
  if (!changes || !isOnDisk(inode)) return;
  changes.inodes.delete(inode);
  changes.mapped.delete(inode);
  if (changes.fresh.delete(inode)) {
    changes.names.delete(inode);
    changes.pages.delete(inode);
    return;
  }
  changes.gone.add(inode.ino);
  if (isDir(inode.mode))
    for (const name of (inode.data as Map<string, unknown> | null)?.keys() ?? [])
      addTo(changes.names, inode, name);
}

/** A program wants what it wrote to `inode` to survive a power cut: the VM stops until its disk is durable (task/engine.ts). */
export function requestSync(k: Kernel, inode: Inode): void {
  if (isOnDisk(inode)) k.fs.syncs++;
}

/** Bytes that programs may write before the VM stops for the store, so that no commit holds up the machines beside it for long. */
const WRITE_BEHIND = 4 << 20;

/**
 * A program wrote to a file: who writes much waits for the disk, as in balance_dirty_pages (mm/page-writeback.c). It counts with and
 * without a store, so that both VMs stay the same.
 */
export function noteWritten(k: Kernel, inode: Inode, bytes: number): void {
  if (!isOnDisk(inode)) return;
  k.fs.written += bytes;
  if (k.fs.written < WRITE_BEHIND) return;
  k.fs.written = 0;
  k.fs.syncs++;
}

/** Whether there is anything for the store to take. */
export function hasChanges(k: Kernel): boolean {
  const c = k.changes;
  if (!c || c.whole) return true;
  if (c.inodes.size > 0 || c.names.size > 0 || c.pages.size > 0 || c.gone.size > 0) return true;
  return c.mapped.size > 0 && c.mappedAt !== k.sched.retired;
}

/** Files of the disk that some program has mapped shared through a file it may write. */
export function filesMappedForWriting(k: Kernel): Set<Inode> {
  const found = new Set<Inode>();
  for (const task of k.task.tasks.values())
    for (const vma of task.mm?.vmas ?? [])
      if (vma.inode && vma.file && (vma.flags & MapFlag.SHARED) !== 0 && isWritable(vma.file))
        if (isOnDisk(vma.inode)) found.add(vma.inode);
  return found;
}

/** The pages of a file, of those in `pages`, that somebody besides the cache holds: a mapping may still change them. */
export function heldPages(k: Kernel, inode: Inode, pages: Iterable<number>): Set<number> {
  const held = new Set<number>();
  for (const index of pages) {
    const pfn = inode.pages?.get(index);
    if (pfn !== undefined && k.mm.pageRefs[pfn] > 1 && (k.mm.pageFlags[pfn] & PageFlag.CLEAN) === 0)
      held.add(index);
  }
  return held;
}
