/**
 * The disk between two boots: what is left of a kernel's root file system when the machine is switched off, and how the next
 * kernel finds it. Always true: an ejected disk holds no guest page, no open file and nothing but what has a name; every
 * byte written before is on it, in the inodes' `disk` (see mm/filemap.ts).
 */
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { hasOwnContent, knownPages } from '../mm/filemap.ts';
import { PageFlag } from '../mm/types.ts';
import { type DiskChanges, noChanges, noteDeath, notePage } from './changes.ts';
import { isDir } from './flags.ts';
import type { ImageFs } from './image.ts';
import { bareInode } from './inode.ts';
import { bareRootfs } from './rootfs.ts';
import { bareLowerInode, type Entries, entriesOf, metaCost, type TreeData } from './treefs.ts';
import type { Inode, Superblock } from './types.ts';

/** A root file system that no kernel has. */
export interface Disk {
  sb: Superblock;
  /** Its share of FsRoom.metaBytes. */
  metaBytes: number;
}

/** A page of a file's own content as it lies on disk: zeros after the end; null where the file has none of its own. */
export function ownPage(k: Kernel, inode: Inode, index: number): Uint8Array | null {
  const stored = inode.disk?.get(index);
  if (stored) return stored;
  const pfn = inode.pages?.get(index);
  if (pfn === undefined || (k.mm.pageFlags[pfn] & PageFlag.CLEAN) !== 0) return null;
  const bytes = new Uint8Array(PAGE_SIZE);
  const length = Math.max(0, Math.min(PAGE_SIZE, inode.size - index * PAGE_SIZE));
  bytes.set(k.guest.page(pfn, false).subarray(0, length));
  return bytes;
}

/** Moves the changed pages of a file out of guest memory, without freeing them: the memory goes with its kernel. */
function spill(k: Kernel, inode: Inode): void {
  for (const index of inode.pages?.keys() ?? []) {
    const bytes = ownPage(k, inode, index);
    if (!bytes) continue;
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

/** Every living inode that a name leads to, and living inodes of the image. */
function named(sb: Superblock): Set<Inode> {
  const seen = new Set<Inode>([sb.root, ...(sb.data as TreeData).inodes.values()]);
  // A set is walked in the order of insertion, additions included: every inode with a name comes by once.
  for (const inode of seen)
    if (isDir(inode.mode)) for (const child of entriesOf(inode)?.values() ?? []) child && seen.add(child);
  return seen;
}

/** Everything the disk has over the image, as changes: for a store that has nothing of it yet. */
export function allChanges(k: Kernel): DiskChanges {
  const { sb } = k.fs.rootMount;
  const changes = noChanges();
  for (const inode of new Set([...named(sb), ...orphans(k, sb)])) {
    const names = isDir(inode.mode) ? entriesOf(inode) : null;
    if (inode.version === 0 && !names && !hasOwnContent(k, inode)) continue;
    changes.inodes.add(inode);
    if (names) changes.names.set(inode, new Set(names.keys()));
    const pages = new Set(knownPages(inode));
    if (pages.size > 0) changes.pages.set(inode, pages);
  }
  return changes;
}

/** What open files still held dies with the kernel; what mappings may have written is what it is now. */
function settleChanges(k: Kernel, lost: Set<Inode>): void {
  const { changes } = k;
  if (!changes) return;
  for (const inode of lost) {
    for (const index of knownPages(inode)) notePage(k, inode, index);
    noteDeath(k, inode);
  }
  for (const [inode, pages] of changes.mapped) for (const index of pages) notePage(k, inode, index);
  changes.mapped.clear();
}

/** Takes the disk out of a kernel that will not run again. */
export function ejectDisk(k: Kernel): Disk {
  const { sb } = k.fs.rootMount;
  const { inodes } = sb.data as TreeData;
  const lost = orphans(k, sb);
  settleChanges(k, lost);
  sb.usedInodes -= lost.size;
  for (const [ino, inode] of inodes) if (inode.nlink === 0) inodes.delete(ino);
  let metaBytes = 0;
  let pages = 0;
  for (const inode of named(sb)) {
    spill(k, inode);
    Object.assign(inode, { refs: 0, writers: 0, denyWrite: 0, locks: null, watches: null });
    if (!isDir(inode.mode)) inode.data = null;
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

/** Attributes of an inode that are kept when the machine is off. */
export type KeptAttributes = Pick<
  Inode,
  | 'mode'
  | 'uid'
  | 'gid'
  | 'nlink'
  | 'size'
  | 'rdev'
  | 'atime'
  | 'mtime'
  | 'ctime'
  | 'btime'
  | 'lowerSize'
  | 'link'
  | 'xattrs'
>;

/** An inode outside any kernel: what it is, its names (0: hides what the image has) and its own pages. */
export interface KeptInode {
  ino: number;
  attributes: KeptAttributes;
  names: Map<string, number> | null;
  pages: Map<number, Uint8Array> | null;
}

/** A disk made of kept inodes. Throws an Error where they do not fit together. */
export function assembleDisk(
  image: ImageFs,
  kept: Iterable<KeptInode>,
  counts: { nextIno: number; usedInodes: number },
): Disk {
  const sb = Object.assign(bareRootfs(image), counts);
  const living = (sb.data as TreeData).inodes;
  const all = new Map<number, Inode>();
  const directories: [Inode, Map<string, number>][] = [];
  let pages = 0;
  for (const { ino, attributes, names, pages: content } of kept) {
    const inode = Object.assign(bareInode(sb, { mode: 0 }, ino, attributes.mtime), attributes, {
      version: 1,
    });
    if (ino <= image.inodeCount) {
      inode.lower = ino;
      living.set(ino, inode);
    }
    all.set(ino, inode);
    if (content) inode.disk = content;
    pages += content?.size ?? 0;
    if (names && isDir(inode.mode)) directories.push([inode, names]);
  }
  const find = (ino: number): Inode => all.get(ino) ?? living.get(ino) ?? bareLowerInode(image, sb, ino);
  sb.root = find(1);
  for (const [dir, names] of directories) {
    const entries: Entries = new Map();
    for (const [name, ino] of names) entries.set(name, ino === 0 ? null : find(ino));
    dir.data = entries;
  }
  sb.usedBytes = pages * PAGE_SIZE;
  let metaBytes = 0;
  for (const inode of named(sb)) metaBytes += metaCost(inode);
  return { sb, metaBytes };
}
