/**
 * The disk between two boots: what is left of a kernel's root file system when the machine is switched off, and how the next
 * kernel finds it. Always true: an ejected disk holds no guest page, no open file and nothing but what has a name; every
 * byte written before is on it, in the inodes' `disk` (see mm/filemap.ts).
 */
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { PageFlag } from '../mm/types.ts';
import { isDir } from './flags.ts';
import { entriesOf, metaCost, type TreeData } from './treefs.ts';
import type { Inode, Superblock } from './types.ts';

/** A root file system that no kernel has. */
export interface Disk {
  sb: Superblock;
  /** Its share of FsRoom.metaBytes. */
  metaBytes: number;
}

/** Moves the changed pages of a file out of guest memory, without freeing them: the memory goes with its kernel. */
function spill(k: Kernel, inode: Inode): void {
  for (const [index, pfn] of inode.pages ?? []) {
    if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) !== 0) continue;
    const bytes = k.guest.page(pfn, false).slice();
    const left = inode.size - index * PAGE_SIZE;
    if (left < PAGE_SIZE) bytes.fill(0, Math.max(0, left));
    inode.disk ??= new Map();
    inode.disk.set(index, bytes);
  }
  inode.pages = null;
}

/** Inodes that only open files, mappings and working directories lead to: the next boot frees them (ext4's orphans). */
function orphans(k: Kernel, sb: Superblock): Set<Inode> {
  const found = new Set<Inode>();
  const note = (inode: Inode | null | undefined): void => {
    if (inode && inode.sb === sb && inode.nlink === 0) found.add(inode);
  };
  for (const task of k.task.tasks.values()) {
    note(task.fs?.cwd.dentry.inode);
    for (const entry of task.files?.fds ?? []) note(entry?.file.inode);
    for (const vma of task.mm?.vmas ?? []) note(vma.inode);
  }
  return found;
}

/** Takes the disk out of a kernel that will not run again. */
export function ejectDisk(k: Kernel): Disk {
  const { sb } = k.fs.rootMount;
  const { inodes } = sb.data as TreeData;
  sb.usedInodes -= orphans(k, sb).size;
  for (const [ino, inode] of inodes) if (inode.nlink === 0) inodes.delete(ino);
  const seen = new Set<Inode>([sb.root, ...inodes.values()]);
  let metaBytes = 0;
  let pages = 0;
  // A set is walked in the order of insertion, additions included: every inode with a name comes by once.
  for (const inode of seen) {
    spill(k, inode);
    Object.assign(inode, { refs: 0, writers: 0, denyWrite: 0, locks: null, watches: null });
    if (isDir(inode.mode)) for (const child of entriesOf(inode)?.values() ?? []) child && seen.add(child);
    else inode.data = null;
    metaBytes += metaCost(inode);
    pages += inode.disk?.size ?? 0;
  }
  sb.usedBytes = pages * PAGE_SIZE;
  sb.flags = 0;
  return { sb, metaBytes };
}

/** The disk's file system, known to a kernel that boots. */
export function insertDisk(k: Kernel, disk: Disk): Superblock {
  disk.sb.id = k.fs.nextSbId++;
  k.fs.superblocks.push(disk.sb);
  k.fs.metaBytes += disk.metaBytes;
  return disk.sb;
}
