/**
 * Making and removing names (man 2 mkdir, mknod, symlink, link, unlink, rmdir; fs/namei.c). Always true: the file system is
 * asked only after permission, stickiness, read-only mounts and mount points have been checked; the cache follows it.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { childDentry, depthOf, MAX_DEPTH, markDeleted } from './dcache.ts';
import { At, isDir, isReg, May, Ms, S } from './flags.ts';
import { ownerOrCapable, permission } from './inode.ts';
import { lookupChild, lookupParent, lookupPath } from './namei.ts';
import { NotifyMask, notifyEntry, notifySelf } from './notify.ts';
import { findFsType } from './ops.ts';
import type { Dentry, Inode, Path } from './types.ts';

const readOnly = (path: Path): boolean => ((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0;

/** Whether an entry may be added to a directory. */
export function mayCreate(k: Kernel, task: Task, dir: Path): number {
  const inode = dir.dentry.inode as Inode;
  if (inode.nlink === 0) return -Errno.ENOENT;
  if (readOnly(dir)) return -Errno.EROFS;
  return permission(k, task, inode, May.WRITE | May.EXEC);
}

/** Whether `victim` may be taken out of `dir`; `wantDir`: by rmdir, or replaced by a directory (may_delete). */
export function mayDelete(k: Kernel, task: Task, dir: Path, victim: Dentry, wantDir: boolean): number {
  const dirInode = dir.dentry.inode as Inode;
  const inode = victim.inode as Inode;
  const denied = permission(k, task, dirInode, May.WRITE | May.EXEC);
  if (denied < 0) return denied;
  const { fsuid } = task.cred;
  if ((dirInode.mode & S.ISVTX) !== 0 && inode.uid !== fsuid && dirInode.uid !== fsuid)
    if (!capable(task.cred, CAP.FOWNER)) return -Errno.EPERM;
  if (wantDir) {
    if (!isDir(inode.mode)) return -Errno.ENOTDIR;
    if (!victim.parent) return -Errno.EBUSY;
  } else if (isDir(inode.mode)) return -Errno.EISDIR;
  return dirInode.nlink === 0 ? -Errno.ENOENT : 0;
}

export interface CreateInit {
  mode: number;
  rdev: number;
  link: string | null;
}

/** Makes an entry, owned by the caller (or by the group of a set-group-ID directory); answers its dentry. */
export function createIn(k: Kernel, task: Task, dir: Path, name: string, init: CreateInit): Dentry | number {
  const dirInode = dir.dentry.inode as Inode;
  const type = findFsType(dirInode.sb.type);
  if (dirInode.sb.type === 'proc') return -Errno.ENOENT;
  const denied = mayCreate(k, task, dir);
  if (denied < 0) return denied;
  if (!type?.create) return -Errno.EPERM;
  const { fsuid: uid, fsgid } = task.cred;
  const inherits = (dirInode.mode & S.ISGID) !== 0;
  const mode = inherits && isDir(init.mode) ? init.mode | S.ISGID : init.mode;
  const gid = inherits ? dirInode.gid : fsgid;
  const inode = type.create(k, dirInode, name, { ...init, mode, uid, gid });
  if (typeof inode === 'number') return inode;
  notifyEntry(k, dirInode, name, inode, NotifyMask.CREATE);
  return childDentry(k, dir.dentry, name, inode);
}

/** The parent for a new entry, with -EEXIST when the name is taken (filename_create). */
function forCreation(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  directory: boolean,
): { path: Path; last: string } | number {
  const parent = lookupParent(k, task, dirfd, name);
  if (typeof parent === 'number') return parent;
  if (parent.kind !== 'name') return -Errno.EEXIST;
  const existing = lookupChild(k, task, parent.path.dentry, parent.last);
  if (typeof existing !== 'number') return -Errno.EEXIST;
  if (existing !== -Errno.ENOENT) return existing;
  if (parent.trailing && !directory) return -Errno.ENOENT;
  return parent;
}

/** mkdirat(2). */
export function mkdirat(k: Kernel, task: Task, dirfd: number, name: string, mode: number): number {
  const at = forCreation(k, task, dirfd, name, true);
  if (typeof at === 'number') return at;
  if (depthOf(at.path) >= MAX_DEPTH) return -Errno.ENAMETOOLONG;
  const bits = S.IFDIR | (mode & ~task.fs.umask & 0o1777);
  const made = createIn(k, task, at.path, at.last, {
    mode: bits,
    rdev: 0,
    link: null,
  });
  return typeof made === 'number' ? made : 0;
}

/** mknodat(2): regular files, FIFOs and sockets for everyone, device nodes for CAP_MKNOD. */
export function mknodat(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  mode: number,
  rdev: number,
): number {
  const type = mode & S.IFMT || S.IFREG;
  if (type === S.IFDIR) return -Errno.EPERM;
  if (![S.IFREG, S.IFCHR, S.IFBLK, S.IFIFO, S.IFSOCK].some((known) => known === type)) return -Errno.EINVAL;
  const at = forCreation(k, task, dirfd, name, false);
  if (typeof at === 'number') return at;
  const device = type === S.IFCHR || type === S.IFBLK;
  if (device && !capable(task.cred, CAP.MKNOD)) return -Errno.EPERM;
  const bits = type | (mode & ~task.fs.umask & S.IALLUGO);
  const made = createIn(k, task, at.path, at.last, {
    mode: bits,
    rdev: device ? rdev : 0,
    link: null,
  });
  return typeof made === 'number' ? made : 0;
}

/** symlinkat(2). */
export function symlinkat(k: Kernel, task: Task, target: string, dirfd: number, name: string): number {
  if (target === '') return -Errno.ENOENT;
  const at = forCreation(k, task, dirfd, name, false);
  if (typeof at === 'number') return at;
  const made = createIn(k, task, at.path, at.last, {
    mode: S.IFLNK | 0o777,
    rdev: 0,
    link: target,
  });
  return typeof made === 'number' ? made : 0;
}

/** sysctl fs.protected_hardlinks: only what one could open for writing, or owns, is linked (may_linkat). */
function mayLink(k: Kernel, task: Task, inode: Inode): boolean {
  if (k.sysctl['fs.protected_hardlinks'] === '0' || ownerOrCapable(task.cred, inode)) return true;
  if (!isReg(inode.mode) || (inode.mode & S.ISUID) !== 0) return false;
  if ((inode.mode & (S.ISGID | S.IXGRP)) === (S.ISGID | S.IXGRP)) return false;
  return permission(k, task, inode, May.READ | May.WRITE) === 0;
}

/** linkat(2). */
export function linkat(
  k: Kernel,
  task: Task,
  oldDirfd: number,
  oldName: string,
  newDirfd: number,
  newName: string,
  flags: number,
): number {
  if ((flags & ~(At.SYMLINK_FOLLOW | At.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  const emptyPath = (flags & At.EMPTY_PATH) !== 0;
  if (emptyPath && oldName === '' && !capable(task.cred, CAP.DAC_READ_SEARCH)) return -Errno.ENOENT;
  const old = lookupPath(k, task, oldDirfd, oldName, {
    follow: (flags & At.SYMLINK_FOLLOW) !== 0,
    emptyPath,
  });
  if (typeof old === 'number') return old;
  const at = forCreation(k, task, newDirfd, newName, false);
  if (typeof at === 'number') return at;
  const inode = old.dentry.inode as Inode;
  const dir = at.path.dentry.inode as Inode;
  if (old.mnt !== at.path.mnt || inode.sb !== dir.sb) return -Errno.EXDEV;
  if (!mayLink(k, task, inode)) return -Errno.EPERM;
  const denied = mayCreate(k, task, at.path);
  if (denied < 0) return denied;
  const type = findFsType(dir.sb.type);
  if (!type?.link || isDir(inode.mode)) return -Errno.EPERM;
  if (inode.nlink === 0 && inode.data !== 'linkable') return -Errno.ENOENT;
  const failed = type.link(k, dir, at.last, inode);
  if (failed < 0) return failed;
  if (inode.data === 'linkable') inode.data = null;
  notifyEntry(k, dir, at.last, inode, NotifyMask.CREATE);
  childDentry(k, at.path.dentry, at.last, inode);
  return 0;
}

/** unlinkat(2) without AT_REMOVEDIR. */
export function unlink(k: Kernel, task: Task, dirfd: number, name: string): number {
  const parent = lookupParent(k, task, dirfd, name);
  if (typeof parent === 'number') return parent;
  if (parent.kind !== 'name') return -Errno.EISDIR;
  const victim = lookupChild(k, task, parent.path.dentry, parent.last);
  if (typeof victim === 'number') return victim;
  if (parent.trailing) return isDir((victim.inode as Inode).mode) ? -Errno.EISDIR : -Errno.ENOTDIR;
  return removeEntry(k, task, parent.path, victim, false);
}

/** rmdir(2): unlinkat(AT_REMOVEDIR). */
export function rmdir(k: Kernel, task: Task, dirfd: number, name: string): number {
  const parent = lookupParent(k, task, dirfd, name);
  if (typeof parent === 'number') return parent;
  if (parent.kind === 'dotdot') return -Errno.ENOTEMPTY;
  if (parent.kind === 'dot') return -Errno.EINVAL;
  if (parent.kind === 'root') return -Errno.EBUSY;
  const victim = lookupChild(k, task, parent.path.dentry, parent.last);
  if (typeof victim === 'number') return victim;
  return removeEntry(k, task, parent.path, victim, true);
}

function removeEntry(k: Kernel, task: Task, dir: Path, victim: Dentry, directory: boolean): number {
  if (readOnly(dir)) return -Errno.EROFS;
  const denied = mayDelete(k, task, dir, victim, directory);
  if (denied < 0) return denied;
  if (victim.mounted > 0) return -Errno.EBUSY;
  const dirInode = dir.dentry.inode as Inode;
  const inode = victim.inode as Inode;
  const type = findFsType(dirInode.sb.type);
  const remove = directory ? type?.rmdir : type?.unlink;
  if (!remove) return -Errno.EPERM;
  const failed = remove(k, dirInode, victim.name, inode);
  if (failed < 0) return failed;
  markDeleted(k, victim);
  if (k.fs.watches > 0) {
    notifyEntry(k, dirInode, victim.name, inode, NotifyMask.DELETE);
    if (!directory && inode.nlink > 0) notifySelf(k, inode, NotifyMask.ATTRIB);
    if (inode.nlink === 0) notifySelf(k, inode, NotifyMask.DELETE_SELF);
  }
  return 0;
}
