/**
 * Inodes: birth, references, times, permission. Always true: an inode with `nlink` 0 and `refs` 0 has been evicted; a
 * Timespec is replaced, never changed, so that inodes may share one.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Cred, Task } from '../task/types.ts';
import { noteInode } from './changes.ts';
import { isDir, May, Ms, S } from './flags.ts';
import { findFsType } from './ops.ts';
import type { Inode, Mount, Superblock, Timespec } from './types.ts';

/** The realtime clock as a Timespec (CLOCK_REALTIME, man 2 clock_gettime). */
export function currentTime(k: Kernel): Timespec {
  const { nowNs, realtimeOffset } = k.time;
  let sec = Math.floor(nowNs / 1e9) + realtimeOffset.sec;
  let nsec = Math.floor(nowNs % 1e9) + realtimeOffset.nsec;
  if (nsec >= 1e9) {
    nsec -= 1e9;
    sec++;
  }
  return { sec, nsec };
}

/** What a new inode is made of; everything else begins empty. */
export interface InodeInit {
  ino?: number;
  mode: number;
  uid?: number;
  gid?: number;
  nlink?: number;
  size?: number;
  rdev?: number;
  link?: string | null;
  time?: Timespec;
}

/** A new inode of `sb`, not linked anywhere. Does not count against the superblock's limits. */
export const newInode = (k: Kernel, sb: Superblock, init: InodeInit): Inode =>
  bareInode(sb, init, init.ino ?? sb.nextIno++, init.time ?? currentTime(k));

/** The same, of a file system that no kernel has yet. */
export function bareInode(sb: Superblock, init: InodeInit, ino: number, time: Timespec): Inode {
  return {
    sb,
    ino,
    mode: init.mode,
    uid: init.uid ?? 0,
    gid: init.gid ?? 0,
    nlink: init.nlink ?? (isDir(init.mode) ? 2 : 1),
    size: init.size ?? (init.link ? init.link.length : 0),
    rdev: init.rdev ?? 0,
    atime: time,
    mtime: time,
    ctime: time,
    btime: time,
    refs: 0,
    writers: 0,
    denyWrite: 0,
    pages: null,
    lower: 0,
    lowerSize: 0,
    link: init.link ?? null,
    locks: null,
    watches: null,
    xattrs: null,
    data: null,
    version: 0,
  };
}

/** Takes a reference: an open file, a mapping. */
export function getInode(inode: Inode): Inode {
  inode.refs++;
  return inode;
}

/** Gives a reference back; the last one of an unlinked inode frees its pages. */
export function putInode(k: Kernel, inode: Inode): void {
  inode.refs--;
  if (inode.refs <= 0 && inode.nlink <= 0) evictInode(k, inode);
}

/** Frees what an inode holds once neither names nor files lead to it. */
export function evictInode(k: Kernel, inode: Inode): void {
  findFsType(inode.sb.type)?.evict?.(k, inode);
}

/** Brings a synthetic inode's mode, owner and times up to date. */
export function revalidate(k: Kernel, inode: Inode): void {
  findFsType(inode.sb.type)?.revalidate?.(k, inode);
}

export const inGroup = (cred: Cred, gid: number): boolean => cred.fsgid === gid || cred.groups.includes(gid);

/**
 * Discretionary access control (man 7 path_resolution, fs/namei.c generic_permission): 0 or -EACCES. `mask` is made of
 * May.READ, WRITE, EXEC.
 */
export function permission(k: Kernel, who: Task | Cred, inode: Inode, mask: number): number {
  const cred = 'cred' in who ? who.cred : who;
  revalidate(k, inode);
  const { mode } = inode;
  let bits = mode & 7;
  if (cred.fsuid === inode.uid) bits = (mode >> 6) & 7;
  else if (inGroup(cred, inode.gid)) bits = (mode >> 3) & 7;
  if ((mask & ~bits) === 0) return 0;
  if (isDir(mode)) {
    if ((mask & May.WRITE) === 0 && capable(cred, CAP.DAC_READ_SEARCH)) return 0;
    return capable(cred, CAP.DAC_OVERRIDE) ? 0 : -Errno.EACCES;
  }
  if (mask === May.READ && capable(cred, CAP.DAC_READ_SEARCH)) return 0;
  if (((mask & May.EXEC) === 0 || (mode & 0o111) !== 0) && capable(cred, CAP.DAC_OVERRIDE)) return 0;
  return -Errno.EACCES;
}

/** Whether the caller is the owner in the eyes of chmod and utimens (inode_owner_or_capable). */
export const ownerOrCapable = (cred: Cred, inode: Inode): boolean =>
  cred.fsuid === inode.uid || capable(cred, CAP.FOWNER);

/** Marks an inode changed: content and status times move. */
export function touchModified(k: Kernel, inode: Inode): void {
  const now = currentTime(k);
  inode.mtime = now;
  inode.ctime = now;
  inode.version++;
  noteInode(k, inode);
}

/** Marks a change of status only. */
export function touchChanged(k: Kernel, inode: Inode): void {
  inode.ctime = currentTime(k);
  inode.version++;
  noteInode(k, inode);
}

const DAY = 86400;

/** Moves the access time by the rules of relatime (man 8 mount); never counts as a change of the file. */
export function touchAccessed(k: Kernel, mnt: Mount | null, inode: Inode): void {
  if (!mnt || (mnt.flags & (Ms.NOATIME | Ms.RDONLY)) !== 0 || (inode.sb.flags & Ms.RDONLY) !== 0) return;
  if (isDir(inode.mode) && (mnt.flags & Ms.NODIRATIME) !== 0) return;
  const { atime, mtime, ctime } = inode;
  if ((mnt.flags & Ms.STRICTATIME) === 0 && !olderOrSame(atime, mtime) && !olderOrSame(atime, ctime)) {
    if (Math.floor(k.time.nowNs / 1e9) + k.time.realtimeOffset.sec - atime.sec < DAY) return;
  }
  inode.atime = currentTime(k);
  if (inode.version > 0) noteInode(k, inode);
}

const olderOrSame = (a: Timespec, b: Timespec): boolean =>
  a.sec < b.sec || (a.sec === b.sec && a.nsec <= b.nsec);

/**
 * What a write or truncation by someone without CAP_FSETID takes away: set-user-ID, and set-group-ID of executables
 * (file_remove_privs).
 */
export function removePrivileges(cred: Cred, inode: Inode): void {
  if ((inode.mode & (S.ISUID | S.ISGID)) === 0 || (inode.mode & S.IFMT) !== S.IFREG) return;
  if (capable(cred, CAP.FSETID)) return;
  let kill = inode.mode & S.ISUID;
  if ((inode.mode & S.IXGRP) !== 0) kill |= inode.mode & S.ISGID;
  inode.mode &= ~kill;
}
