/**
 * Shared anonymous memory: an inode that only mappings hold (mm/shmem.c, `/dev/zero (deleted)` in /proc/PID/maps). Always
 * true: its `refs` counts mappings; the last one frees its pages.
 */
import { newInode } from '../fs/inode.ts';
import type { Inode } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { dropPages } from './filemap.ts';

/** A fresh inode of `size` bytes with one reference. */
export function newSharedMemory(k: Kernel, size: number): Inode {
  const inode = newInode(k, k.fs.anonfs, { mode: 0o100777, nlink: 0, size });
  inode.refs = 1;
  return inode;
}

/** A mapping of it is gone. */
export function putSharedMemory(k: Kernel, inode: Inode): void {
  if (--inode.refs === 0) dropPages(k, inode);
}
