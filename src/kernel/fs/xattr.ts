/**
 * Extended attributes (man 7 xattr, fs/xattr.c). Always true: only trees keep them; `user.*` lives on files and directories,
 * `trusted.*` and setting `security.*` want CAP_SYS_ADMIN.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { isDir, isReg, May, Ms, S } from './flags.ts';
import { ownerOrCapable, permission, touchChanged } from './inode.ts';
import { findFsType } from './ops.ts';
import { chargeMeta } from './super.ts';
import type { Inode, Path } from './types.ts';

const XATTR_SIZE_MAX = 65536;
/** What all attributes of one inode may take: an ext4 block. */
const MAX_BYTES = 4096;
const CREATE = 1;
const REPLACE = 2;

/** Whether the caller may use this name on this inode: 0 or -errno. */
function mayUse(k: Kernel, task: Task, inode: Inode, name: string, write: boolean): number {
  if (!findFsType(inode.sb.type)?.cached) return -Errno.EOPNOTSUPP;
  if (name.startsWith('user.')) {
    if (!isReg(inode.mode) && !isDir(inode.mode)) return write ? -Errno.EPERM : -Errno.ENODATA;
    if (isDir(inode.mode) && (inode.mode & S.ISVTX) !== 0 && write && !ownerOrCapable(task.cred, inode))
      return -Errno.EPERM;
    return permission(k, task, inode, write ? May.WRITE : May.READ);
  }
  if (name.startsWith('trusted.')) {
    if (capable(task.cred, CAP.SYS_ADMIN)) return 0;
    return write ? -Errno.EPERM : -Errno.ENODATA;
  }
  if (name.startsWith('security.')) {
    if (!write) return 0;
    const needed = name === 'security.capability' ? CAP.SETFCAP : CAP.SYS_ADMIN;
    return capable(task.cred, needed) ? 0 : -Errno.EPERM;
  }
  return -Errno.EOPNOTSUPP;
}

/** setxattr(2). */
export function setXattr(
  k: Kernel,
  task: Task,
  path: Path,
  name: string,
  value: Uint8Array,
  flags: number,
): number {
  if ((flags & ~3) !== 0) return -Errno.EINVAL;
  if (value.length > XATTR_SIZE_MAX) return -Errno.E2BIG;
  if (((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0) return -Errno.EROFS;
  const inode = path.dentry.inode as Inode;
  const refused = mayUse(k, task, inode, name, true);
  if (refused < 0) return refused;
  const exists = inode.xattrs?.has(name) ?? false;
  if (exists && (flags & CREATE) !== 0) return -Errno.EEXIST;
  if (!exists && (flags & REPLACE) !== 0) return -Errno.ENODATA;
  if (!inode.xattrs) inode.xattrs = new Map();
  const before = exists ? name.length + (inode.xattrs.get(name) as Uint8Array).length : 0;
  const grows = name.length + value.length - before;
  let bytes = grows;
  for (const [key, old] of inode.xattrs) bytes += key.length + old.length;
  if (bytes > MAX_BYTES || chargeMeta(k, grows) < 0) return -Errno.ENOSPC;
  inode.xattrs.set(name, value);
  touchChanged(k, inode);
  return 0;
}

/** getxattr(2): the value, -ENODATA, -EOPNOTSUPP. */
export function getXattr(k: Kernel, task: Task, inode: Inode, name: string): Uint8Array | number {
  const refused = mayUse(k, task, inode, name, false);
  if (refused < 0) return refused;
  return inode.xattrs?.get(name) ?? -Errno.ENODATA;
}

/** listxattr(2): the names, each ended by a NUL. */
export function listXattr(task: Task, inode: Inode): string {
  let out = '';
  for (const name of inode.xattrs?.keys() ?? [])
    if (!name.startsWith('trusted.') || capable(task.cred, CAP.SYS_ADMIN)) out += `${name}\0`;
  return out;
}

/** removexattr(2). */
export function removeXattr(k: Kernel, task: Task, path: Path, name: string): number {
  if (((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0) return -Errno.EROFS;
  const inode = path.dentry.inode as Inode;
  const refused = mayUse(k, task, inode, name, true);
  if (refused < 0) return refused;
  const value = inode.xattrs?.get(name);
  if (!inode.xattrs || !value) return -Errno.ENODATA;
  inode.xattrs.delete(name);
  chargeMeta(k, -(name.length + value.length));
  if (inode.xattrs.size === 0) inode.xattrs = null;
  touchChanged(k, inode);
  return 0;
}
