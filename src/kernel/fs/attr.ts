/**
 * Changing what stat shows (fs/attr.c, fs/open.c, fs/utimes.c). Always true: ctime moves with every change; only the owner or
 * CAP_FOWNER changes modes, only CAP_CHOWN gives files away; chown takes set-user-ID away.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { noteInode } from './changes.ts';
import { isDir, isLink, isReg, May, Ms, S } from './flags.ts';
import { currentTime, inGroup, ownerOrCapable, permission, revalidate, touchChanged } from './inode.ts';
import { NotifyMask, notifyDentry } from './notify.ts';
import { findFsType } from './ops.ts';
import { setSize } from './regular.ts';
import { chargeMeta } from './super.ts';
import type { Inode, Path, Timespec } from './types.ts';

const NO_ID = 0xffffffff;

const refusesWrites = (path: Path): boolean => ((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0;

/** Tells the file system of a change about to be made; it may refuse. */
function ask(k: Kernel, inode: Inode, change: Partial<Inode>): number {
  return findFsType(inode.sb.type)?.setattr?.(k, inode, change) ?? 0;
}

/** fchmodat, fchmod(2). */
export function chmod(k: Kernel, task: Task, path: Path, mode: number): number {
  const inode = path.dentry.inode as Inode;
  if (refusesWrites(path)) return -Errno.EROFS;
  revalidate(k, inode);
  if (!ownerOrCapable(task.cred, inode)) return -Errno.EPERM;
  if (isLink(inode.mode)) return -Errno.EOPNOTSUPP;
  let bits = mode & S.IALLUGO;
  if (!inGroup(task.cred, inode.gid) && !capable(task.cred, CAP.FSETID)) bits &= ~S.ISGID;
  const next = (inode.mode & S.IFMT) | bits;
  const refused = ask(k, inode, { mode: next });
  if (refused < 0) return refused;
  inode.mode = next;
  touchChanged(k, inode);
  notifyDentry(k, path.dentry, NotifyMask.ATTRIB);
  return 0;
}

/** chown takes file capabilities away. */
function dropCapabilities(k: Kernel, inode: Inode): void {
  const value = inode.xattrs?.get('security.capability');
  if (!value) return;
  inode.xattrs?.delete('security.capability');
  chargeMeta(k, -('security.capability'.length + value.length));
}

/** fchownat, fchown(2). An id of 0xffffffff stays as it is. */
export function chown(k: Kernel, task: Task, path: Path, uid: number, gid: number): number {
  const inode = path.dentry.inode as Inode;
  if (refusesWrites(path)) return -Errno.EROFS;
  revalidate(k, inode);
  const { cred } = task;
  const privileged = capable(cred, CAP.CHOWN);
  const owner = cred.fsuid === inode.uid;
  if (uid !== NO_ID && !privileged && !(owner && uid === inode.uid)) return -Errno.EPERM;
  if (gid !== NO_ID && !privileged && !(owner && (inGroup(cred, gid) || gid === inode.gid)))
    return -Errno.EPERM;
  const change: Partial<Inode> = {};
  if (uid !== NO_ID) change.uid = uid;
  if (gid !== NO_ID) change.gid = gid;
  const refused = ask(k, inode, change);
  if (refused < 0) return refused;
  Object.assign(inode, change);
  if (!isDir(inode.mode)) {
    inode.mode &= ~S.ISUID;
    if ((inode.mode & S.IXGRP) !== 0) inode.mode &= ~S.ISGID;
    dropCapabilities(k, inode);
  }
  touchChanged(k, inode);
  notifyDentry(k, path.dentry, NotifyMask.ATTRIB);
  return 0;
}

/** A time to set: `now`, or left alone (`omit`). */
export type NewTime = Timespec | 'now' | 'omit';

/** utimensat(2). */
export function utimens(k: Kernel, task: Task, path: Path, atime: NewTime, mtime: NewTime): number {
  if (atime === 'omit' && mtime === 'omit') return 0;
  const inode = path.dentry.inode as Inode;
  if (refusesWrites(path)) return -Errno.EROFS;
  revalidate(k, inode);
  if (!ownerOrCapable(task.cred, inode)) {
    if (atime !== 'now' || mtime !== 'now') return -Errno.EPERM;
    const denied = permission(k, task, inode, May.WRITE);
    if (denied < 0) return denied;
  }
  const now = currentTime(k);
  if (atime !== 'omit') inode.atime = atime === 'now' ? now : atime;
  if (mtime !== 'omit') inode.mtime = mtime === 'now' ? now : mtime;
  inode.ctime = now;
  inode.version++;
  noteInode(k, inode);
  notifyDentry(k, path.dentry, NotifyMask.ATTRIB);
  return 0;
}

/** truncate(2). */
export function truncate(k: Kernel, task: Task, path: Path, size: number): number {
  const inode = path.dentry.inode as Inode;
  if (isDir(inode.mode)) return -Errno.EISDIR;
  if (!isReg(inode.mode) || size < 0) return -Errno.EINVAL;
  if (refusesWrites(path)) return -Errno.EROFS;
  const denied = permission(k, task, inode, May.WRITE);
  if (denied < 0) return denied;
  if (inode.denyWrite > 0) return -Errno.ETXTBSY;
  if (!findFsType(inode.sb.type)?.cached) return ask(k, inode, { size });
  const failed = setSize(k, task, inode, size);
  if (failed === 0) notifyDentry(k, path.dentry, NotifyMask.MODIFY);
  return failed;
}
