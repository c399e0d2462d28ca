/**
 * rename(2) with all its rules (fs/namei.c do_renameat2, vfs_rename). Always true: a directory never ends up below itself, and
 * the moved dentry keeps its identity, so that open files and working directories see their new name.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { cacheDentry, depthOf, heightOf, isBelow, MAX_DEPTH, markDeleted, uncache } from './dcache.ts';
import { mayCreate, mayDelete } from './dirops.ts';
import { isDir, May, Ms } from './flags.ts';
import { permission } from './inode.ts';
import { lookupChild, lookupParent, type Parent } from './namei.ts';
import { NotifyMask, notifyEntry, notifySelf } from './notify.ts';
import { findFsType } from './ops.ts';
import type { Dentry, Inode } from './types.ts';

export const RENAME = { NOREPLACE: 1, EXCHANGE: 2, WHITEOUT: 4 } as const;

/** renameat2(2). */
export function renameat(
  k: Kernel,
  task: Task,
  oldDirfd: number,
  oldName: string,
  newDirfd: number,
  newName: string,
  flags: number,
): number {
  if ((flags & ~7) !== 0) return -Errno.EINVAL;
  const exchange = (flags & RENAME.EXCHANGE) !== 0;
  if ((flags & RENAME.WHITEOUT) !== 0 || (exchange && (flags & RENAME.NOREPLACE) !== 0)) return -Errno.EINVAL;
  const from = lookupParent(k, task, oldDirfd, oldName);
  if (typeof from === 'number') return from;
  const to = lookupParent(k, task, newDirfd, newName);
  if (typeof to === 'number') return to;
  if (from.path.mnt !== to.path.mnt) return -Errno.EXDEV;
  if (from.kind !== 'name') return -Errno.EBUSY;
  if (to.kind !== 'name') return (flags & RENAME.NOREPLACE) !== 0 ? -Errno.EEXIST : -Errno.EBUSY;
  const { mnt } = from.path;
  if (((mnt.flags | mnt.sb.flags) & Ms.RDONLY) !== 0) return -Errno.EROFS;
  const source = lookupChild(k, task, from.path.dentry, from.last);
  if (typeof source === 'number') return source;
  const found = lookupChild(k, task, to.path.dentry, to.last);
  if (typeof found === 'number' && found !== -Errno.ENOENT) return found;
  const target = typeof found === 'number' ? null : found;
  if ((flags & RENAME.NOREPLACE) !== 0 && target) return -Errno.EEXIST;
  if (exchange && !target) return -Errno.ENOENT;
  const shape = checkShape(from, to, source, target, exchange);
  if (shape < 0) return shape;
  if (target?.inode === source.inode) return 0;
  const denied = checkPermission(k, task, from, to, source, target, exchange);
  return denied < 0 ? denied : move(k, from, to, source, target, exchange);
}

/** Trailing slashes, and directories that would swallow themselves. */
function checkShape(
  from: Parent,
  to: Parent,
  source: Dentry,
  target: Dentry | null,
  exchange: boolean,
): number {
  if (!isDir((source.inode as Inode).mode)) {
    if (from.trailing) return -Errno.ENOTDIR;
    if (!exchange && to.trailing) return -Errno.ENOTDIR;
  }
  if (exchange && to.trailing && target && !isDir((target.inode as Inode).mode)) return -Errno.ENOTDIR;
  if (isBelow(to.path.dentry, source)) return -Errno.EINVAL;
  if (from.path.dentry !== to.path.dentry && tooDeep(from, to, source, target)) return -Errno.ENAMETOOLONG;
  if (target && isBelow(from.path.dentry, target)) return exchange ? -Errno.EINVAL : -Errno.ENOTEMPTY;
  return 0;
}

/** Whether a moved directory would lie deeper than any may. */
function tooDeep(from: Parent, to: Parent, source: Dentry, target: Dentry | null): boolean {
  const deep = (at: Parent, moved: Dentry | null): boolean => {
    if (!moved?.inode || !isDir(moved.inode.mode)) return false;
    const depth = depthOf(at.path);
    return depth > 100 && depth + heightOf(moved.inode) >= MAX_DEPTH;
  };
  return deep(to, source) || deep(from, target);
}

function checkPermission(
  k: Kernel,
  task: Task,
  from: Parent,
  to: Parent,
  source: Dentry,
  target: Dentry | null,
  exchange: boolean,
): number {
  const sourceIsDir = isDir((source.inode as Inode).mode);
  let denied = mayDelete(k, task, from.path, source, sourceIsDir);
  if (denied < 0) return denied;
  if (!target) denied = mayCreate(k, task, to.path);
  else {
    const wantDir = exchange ? isDir((target.inode as Inode).mode) : sourceIsDir;
    denied = mayDelete(k, task, to.path, target, wantDir);
  }
  if (denied < 0) return denied;
  if (from.path.dentry !== to.path.dentry) {
    if (sourceIsDir) denied = permission(k, task, source.inode as Inode, May.WRITE);
    if (denied < 0) return denied;
    if (exchange && target && isDir((target.inode as Inode).mode))
      denied = permission(k, task, target.inode as Inode, May.WRITE);
    if (denied < 0) return denied;
  }
  if (source.mounted > 0 || (target && target.mounted > 0)) return -Errno.EBUSY;
  return 0;
}

function move(
  k: Kernel,
  from: Parent,
  to: Parent,
  source: Dentry,
  target: Dentry | null,
  exchange: boolean,
): number {
  const oldDir = from.path.dentry.inode as Inode;
  const newDir = to.path.dentry.inode as Inode;
  const type = findFsType(oldDir.sb.type);
  if (!type?.rename) return -Errno.EPERM;
  const moved = source.inode as Inode;
  const replaced = target?.inode ?? null;
  const failed = type.rename(k, oldDir, from.last, newDir, to.last, replaced, exchange);
  if (failed < 0) return failed;
  uncache(k, source);
  if (target && exchange) {
    uncache(k, target);
    place(k, target, from);
  } else if (target) markDeleted(k, target);
  place(k, source, to);
  if (k.fs.watches > 0) tell(k, from, to, moved, replaced, exchange);
  return 0;
}

function place(k: Kernel, dentry: Dentry, at: Parent): void {
  dentry.parent = at.path.dentry;
  dentry.name = at.last;
  cacheDentry(k, dentry);
}

function tell(
  k: Kernel,
  from: Parent,
  to: Parent,
  moved: Inode,
  replaced: Inode | null,
  exchange: boolean,
): void {
  const oldDir = from.path.dentry.inode as Inode;
  const newDir = to.path.dentry.inode as Inode;
  k.fs.nextCookie = (k.fs.nextCookie % 0x7fffffff) + 1;
  const cookie = k.fs.nextCookie;
  notifyEntry(k, oldDir, from.last, moved, NotifyMask.MOVED_FROM, cookie);
  notifyEntry(k, newDir, to.last, moved, NotifyMask.MOVED_TO, cookie);
  notifySelf(k, moved, NotifyMask.MOVE_SELF);
  if (!replaced) return;
  if (exchange) {
    notifyEntry(k, newDir, to.last, replaced, NotifyMask.MOVED_FROM, cookie + 1);
    notifyEntry(k, oldDir, from.last, replaced, NotifyMask.MOVED_TO, cookie + 1);
  } else if (replaced.nlink === 0) notifySelf(k, replaced, NotifyMask.DELETE_SELF);
}
