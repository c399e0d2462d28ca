/**
 * The tree that rootfs, tmpfs and devtmpfs are made of: directories are maps from names to inodes, laid over a directory of
 * the image where `lower` says so. Always true: in a directory's map an inode is an entry, null hides an entry of the image
 * (a whiteout), and a name that is not there shows what the image has. Image inodes come to life once a file system, kept
 * in `sb.data.inodes` by image number; one that was never changed (version 0) may be forgotten and made again.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { dropPages } from '../mm/filemap.ts';
import type { Task } from '../task/types.ts';
import { noteBirth, noteDeath, noteName } from './changes.ts';
import { isDir, isLink, isReg, modeToDt } from './flags.ts';
import type { ImageFs } from './image.ts';
import { bareInode, currentTime, evictInode, newInode, touchChanged, touchModified } from './inode.ts';
import type { FsType } from './ops.ts';
import { chargeMeta } from './super.ts';
import type { Inode, Superblock } from './types.ts';

/** Entries of a directory that differ from the image's. */
export type Entries = Map<string, Inode | null>;
/** What a superblock of this kind keeps: living image inodes by number. */
export interface TreeData {
  inodes: Map<number, Inode>;
  /** Bytes of the image's files; computed at the first statfs. */
  imageBytes: number;
}

export const entriesOf = (dir: Inode): Entries | null => dir.data as Entries | null;

function ownEntries(dir: Inode): Entries {
  if (!dir.data) dir.data = new Map() satisfies Entries;
  return dir.data as Entries;
}

/** The inode over an image inode, brought to life at the first look-up. */
export function lowerInode(k: Kernel, sb: Superblock, ino: number): Inode {
  const known = (sb.data as TreeData).inodes.get(ino);
  if (known) return known;
  const inode = bareLowerInode(k.image, sb, ino);
  for (const [name, value] of inode.xattrs ?? []) k.fs.metaBytes += name.length + value.length;
  return inode;
}

/** The same, not counted. */
export function bareLowerInode(lower: ImageFs, sb: Superblock, ino: number): Inode {
  const image = lower.inode(ino);
  if (!image) throw new Error(`the image has no inode ${ino}`);
  const init = {
    mode: image.mode,
    uid: image.uid,
    gid: image.gid,
    nlink: image.nlink,
    size: isLink(image.mode) ? (image.link?.length ?? 0) : isDir(image.mode) ? 4096 : image.size,
    rdev: image.rdev,
    link: image.link,
  };
  const inode = bareInode(sb, init, ino, { sec: image.mtime, nsec: 0 });
  inode.lower = ino;
  if (isReg(image.mode)) inode.lowerSize = image.size;
  if (image.xattrs && image.xattrs.size > 0) inode.xattrs = new Map(image.xattrs);
  (sb.data as TreeData).inodes.set(ino, inode);
  return inode;
}

function lookup(k: Kernel, dir: Inode, name: string): Inode | number {
  const own = entriesOf(dir)?.get(name);
  if (own !== undefined) return own ?? -Errno.ENOENT;
  if (dir.lower === 0) return -Errno.ENOENT;
  const ino = k.image.lookup(dir.lower, name);
  return ino === 0 ? -Errno.ENOENT : lowerInode(k, dir.sb, ino);
}

function readdir(k: Kernel, dir: Inode): { name: string; ino: number; type: number }[] {
  const own = entriesOf(dir);
  const list = dir.lower === 0 ? [] : k.image.readdir(dir.lower);
  if (!own) return list;
  const out = list.filter((entry) => !own.has(entry.name));
  for (const [name, inode] of own) if (inode) out.push({ name, ino: inode.ino, type: modeToDt(inode.mode) });
  return out;
}

/** Whether a directory shows no entries. */
export function isEmptyDir(k: Kernel, dir: Inode): boolean {
  const own = entriesOf(dir);
  if (own) for (const inode of own.values()) if (inode) return false;
  if (dir.lower === 0) return true;
  for (const entry of k.image.readdir(dir.lower)) if (!own?.has(entry.name)) return false;
  return true;
}

/** About what an inode, and an entry of a directory, take of the host's memory. */
const INODE_COST = 600;
const entryCost = (name: string): number => 80 + name.length;
const inodeCost = (inode: Inode): number => INODE_COST + (inode.link?.length ?? 0);

/** What an inode and the entries it holds take of {@link chargeMeta}'s budget. */
export function metaCost(inode: Inode): number {
  let cost = inode.lower === 0 ? inodeCost(inode) : 0;
  for (const [name, value] of inode.xattrs ?? []) cost += name.length + value.length;
  if (isDir(inode.mode)) for (const name of entriesOf(inode)?.keys() ?? []) cost += entryCost(name);
  return cost;
}

function setEntry(k: Kernel, dir: Inode, name: string, inode: Inode): void {
  const own = ownEntries(dir);
  noteName(k, dir, name);
  if (!own.has(name)) k.fs.metaBytes += entryCost(name);
  own.set(name, inode);
}

function clearEntry(k: Kernel, dir: Inode, name: string): void {
  const own = ownEntries(dir);
  noteName(k, dir, name);
  if (dir.lower !== 0 && k.image.lookup(dir.lower, name) !== 0) {
    if (!own.has(name)) k.fs.metaBytes += entryCost(name);
    own.set(name, null);
  } else if (own.delete(name)) k.fs.metaBytes -= entryCost(name);
}

function create(
  k: Kernel,
  dir: Inode,
  name: string,
  init: {
    mode: number;
    uid: number;
    gid: number;
    rdev: number;
    link: string | null;
  },
): Inode | number {
  const { sb } = dir;
  if (dir.nlink === 0) return -Errno.ENOENT;
  if (sb.usedInodes >= sb.maxInodes) return -Errno.ENOSPC;
  const cost = INODE_COST + (init.link?.length ?? 0);
  if (chargeMeta(k, cost + entryCost(name)) < 0) return -Errno.ENOSPC;
  k.fs.metaBytes -= entryCost(name);
  const inode = newInode(k, sb, init);
  if (isDir(init.mode)) {
    inode.size = 4096;
    dir.nlink++;
  }
  inode.version = 1;
  noteBirth(k, inode);
  sb.usedInodes++;
  setEntry(k, dir, name, inode);
  touchModified(k, dir);
  return inode;
}

function link(k: Kernel, dir: Inode, name: string, inode: Inode): number {
  if (dir.nlink === 0) return -Errno.ENOENT;
  if (inode.nlink >= 65000) return -Errno.EMLINK;
  if (chargeMeta(k, entryCost(name)) < 0) return -Errno.ENOSPC;
  k.fs.metaBytes -= entryCost(name);
  inode.nlink++;
  touchChanged(k, inode);
  setEntry(k, dir, name, inode);
  touchModified(k, dir);
  return 0;
}

function dropName(k: Kernel, inode: Inode, byNames: number): void {
  inode.nlink = Math.max(0, inode.nlink - byNames);
  touchChanged(k, inode);
  if (inode.nlink === 0 && inode.refs <= 0) evictInode(k, inode);
}

function unlink(k: Kernel, dir: Inode, name: string, inode: Inode): number {
  clearEntry(k, dir, name);
  touchModified(k, dir);
  dropName(k, inode, 1);
  return 0;
}

function rmdir(k: Kernel, dir: Inode, name: string, inode: Inode): number {
  if (!isEmptyDir(k, inode)) return -Errno.ENOTEMPTY;
  clearEntry(k, dir, name);
  dir.nlink--;
  touchModified(k, dir);
  dropName(k, inode, inode.nlink);
  return 0;
}

function rename(
  k: Kernel,
  oldDir: Inode,
  oldName: string,
  newDir: Inode,
  newName: string,
  target: Inode | null,
  exchange: boolean,
): number {
  const moved = lookup(k, oldDir, oldName);
  if (typeof moved === 'number') return moved;
  if (newDir.nlink === 0) return -Errno.ENOENT;
  const movedIsDir = isDir(moved.mode);
  if (exchange && target) {
    setEntry(k, oldDir, oldName, target);
    setEntry(k, newDir, newName, moved);
    if (movedIsDir !== isDir(target.mode) && oldDir !== newDir) {
      oldDir.nlink += movedIsDir ? -1 : 1;
      newDir.nlink += movedIsDir ? 1 : -1;
    }
    touchChanged(k, target);
  } else {
    if (target && isDir(target.mode)) {
      if (!isEmptyDir(k, target)) return -Errno.ENOTEMPTY;
      newDir.nlink--;
      dropName(k, target, target.nlink);
    } else if (target) dropName(k, target, 1);
    clearEntry(k, oldDir, oldName);
    setEntry(k, newDir, newName, moved);
    if (movedIsDir && oldDir !== newDir) {
      oldDir.nlink--;
      newDir.nlink++;
    }
  }
  touchChanged(k, moved);
  touchModified(k, oldDir);
  if (newDir !== oldDir) touchModified(k, newDir);
  return 0;
}

function evict(k: Kernel, inode: Inode): void {
  const { sb } = inode;
  if (isReg(inode.mode)) dropPages(k, inode);
  noteDeath(k, inode);
  sb.usedInodes--;
  if (inode.lower !== 0) (sb.data as TreeData | null)?.inodes.delete(inode.lower);
  k.fs.metaBytes -= metaCost(inode);
  inode.data = null;
}

/** The operations every tree has; each file system adds its name and how it is mounted. */
export function treeOps() {
  return {
    cached: true,
    lookup: (k: Kernel, _task: Task | null, dir: Inode, name: string) => lookup(k, dir, name),
    readdir: (k: Kernel, _task: Task | null, dir: Inode) => readdir(k, dir),
    create,
    link,
    unlink,
    rmdir,
    rename,
    evict,
  } satisfies Omit<FsType, 'name' | 'nodev' | 'mount'>;
}

/** An inode of `sb` without a name (O_TMPFILE, memfd_create): nlink 0 until somebody links it. */
export function unnamedInode(
  k: Kernel,
  sb: Superblock,
  init: { mode: number; uid: number; gid: number },
): Inode | number {
  if (sb.usedInodes >= sb.maxInodes || chargeMeta(k, INODE_COST) < 0) return -Errno.ENOSPC;
  const inode = newInode(k, sb, { ...init, nlink: 0, time: currentTime(k) });
  inode.version = 1;
  noteBirth(k, inode);
  sb.usedInodes++;
  return inode;
}

/** Empties a tree that no mount shows any more; what is still open lives on until it is closed. */
export function freeTree(k: Kernel, sb: Superblock): void {
  const left: Inode[] = [sb.root];
  for (let dir = left.pop(); dir; dir = left.pop()) {
    for (const inode of entriesOf(dir)?.values() ?? []) {
      if (!inode || inode.nlink === 0) continue;
      if (isDir(inode.mode)) left.push(inode);
      else {
        inode.nlink = 0;
        if (inode.refs <= 0) evictInode(k, inode);
      }
    }
    dir.nlink = 0;
    evict(k, dir);
  }
}
