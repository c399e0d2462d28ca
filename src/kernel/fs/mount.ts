/**
 * The mount tree (man 2 mount, umount; fs/namespace.c). There is one mount namespace. Always true: `k.fs.mounts` is in the
 * order of mounting, and a dentry's `mounted` counts the mounts on it.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { depthOf, isBelow, MAX_DEPTH, newDentry, pinWay, subtreeSize } from './dcache.ts';
import { isDir, Ms } from './flags.ts';
import { lookupPath } from './namei.ts';
import { findFsType } from './ops.ts';
import { freeTree } from './treefs.ts';
import type { Dentry, Inode, Mount, Path, Superblock } from './types.ts';

const PER_MOUNT =
  Ms.RDONLY | Ms.NOSUID | Ms.NODEV | Ms.NOEXEC | Ms.NOATIME | Ms.NODIRATIME | Ms.RELATIME | Ms.STRICTATIME;
const PROPAGATION = Ms.SHARED | Ms.PRIVATE | Ms.SLAVE | Ms.UNBINDABLE;

/** A mount that is not in the tree yet. */
export function newMount(
  k: Kernel,
  sb: Superblock,
  root: Dentry,
  flags: number,
  source: string,
  options: string,
): Mount {
  const id = k.fs.nextMountId++;
  return {
    id,
    parent: null,
    mountpoint: null,
    root,
    sb,
    flags,
    source,
    options,
  };
}

function mountAt(k: Kernel, mnt: Mount, dentry: Dentry): Mount | null {
  const { mounts } = k.fs;
  for (let i = mounts.length - 1; i >= 0; i--)
    if (mounts[i].mountpoint === dentry && mounts[i].parent === mnt) return mounts[i];
  return null;
}

/** Goes down through whatever is mounted on `path` (follow_mount). */
export function crossMounts(k: Kernel, path: Path): Path {
  let at = path;
  while (at.dentry.mounted > 0) {
    const mnt = mountAt(k, at.mnt, at.dentry);
    if (!mnt) break;
    at = { mnt, dentry: mnt.root };
  }
  return at;
}

/** `..`: up, over mount points, but never above `root` (follow_dotdot). */
export function upFrom(k: Kernel, path: Path, root: Path): Path {
  let { mnt, dentry } = path;
  for (;;) {
    if (dentry === root.dentry && mnt === root.mnt) return { mnt, dentry };
    if (dentry !== mnt.root && dentry.parent) return crossMounts(k, { mnt, dentry: dentry.parent });
    if (!mnt.parent || !mnt.mountpoint) return { mnt, dentry };
    dentry = mnt.mountpoint;
    mnt = mnt.parent;
  }
}

function attach(k: Kernel, mnt: Mount, at: Path): void {
  mnt.parent = at.mnt;
  mnt.mountpoint = at.dentry;
  pinWay(k, at.dentry);
  at.dentry.mounted++;
  k.fs.mounts.push(mnt);
}

function detach(k: Kernel, mnt: Mount): void {
  if (mnt.mountpoint) mnt.mountpoint.mounted--;
  const at = k.fs.mounts.indexOf(mnt);
  if (at >= 0) k.fs.mounts.splice(at, 1);
}

/** The root dentry of a superblock: shared by all its mounts. */
function rootDentry(k: Kernel, sb: Superblock): Dentry {
  const known = k.fs.mounts.find((m) => m.sb === sb && !m.root.parent && m.root.inode === sb.root);
  return known?.root ?? newDentry('', null, sb.root);
}

/** Mounts a file system on a directory, asking nobody: what the kernel does at boot. */
export function kernelMount(
  k: Kernel,
  type: string,
  source: string,
  at: Path,
  flags: number,
  data: string,
): Mount | number {
  const fsType = findFsType(type);
  if (!fsType) return -Errno.ENODEV;
  const sb = fsType.mount(k, source, flags, data);
  if (typeof sb === 'number') return sb;
  if ((flags & Ms.RDONLY) !== 0) sb.flags |= Ms.RDONLY;
  const relatime = (flags & (Ms.NOATIME | Ms.STRICTATIME)) === 0 ? Ms.RELATIME : 0;
  const mnt = newMount(k, sb, rootDentry(k, sb), (flags & PER_MOUNT) | relatime, source, data);
  attach(k, mnt, at);
  return mnt;
}

/** mount(2). Needs CAP_SYS_ADMIN. */
export function doMount(
  k: Kernel,
  task: Task,
  source: string,
  target: string,
  type: string,
  rawFlags: number,
  data: string,
): number {
  const flags = (rawFlags & Ms.MGC_MSK) >>> 0 === Ms.MGC_VAL ? rawFlags & ~Ms.MGC_MSK : rawFlags;
  const at = lookupPath(k, task, -100, target);
  if (typeof at === 'number') return at;
  if (depthOf(at) >= MAX_DEPTH) return -Errno.ENAMETOOLONG;
  if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  if ((flags & Ms.REMOUNT) !== 0) return remount(at, flags, data);
  if ((flags & Ms.BIND) !== 0) return bind(k, task, source, at, (flags & Ms.REC) !== 0);
  if ((flags & PROPAGATION) !== 0) return at.dentry === at.mnt.root ? 0 : -Errno.EINVAL;
  if ((flags & Ms.MOVE) !== 0) return move(k, task, source, at);
  if (!isDir((at.dentry.inode as Inode).mode)) return -Errno.ENOTDIR;
  if (k.fs.mounts.length >= 1000) return -Errno.ENOSPC;
  const fsType = findFsType(type);
  if (!fsType) return -Errno.ENODEV;
  if (!fsType.nodev) {
    const device = lookupPath(k, task, -100, source);
    return typeof device === 'number' ? device : -Errno.ENOTBLK;
  }
  const mnt = kernelMount(k, type, source, at, flags, data);
  return typeof mnt === 'number' ? mnt : 0;
}

function remount(at: Path, flags: number, data: string): number {
  const { mnt } = at;
  if (at.dentry !== mnt.root) return -Errno.EINVAL;
  const atime = Ms.NOATIME | Ms.RELATIME | Ms.STRICTATIME;
  let next = flags & PER_MOUNT;
  if ((next & atime) === 0) next |= mnt.flags & atime || Ms.RELATIME;
  if ((flags & Ms.BIND) === 0) {
    if ((flags & Ms.RDONLY) !== 0 && isBusyForWriting(mnt.sb)) return -Errno.EBUSY;
    mnt.sb.flags = (mnt.sb.flags & ~Ms.RDONLY) | (flags & Ms.RDONLY);
    if (data !== '') mnt.options = data;
    const size = /(?:^|,)size=(\d+)([kmg]?)/i.exec(data);
    const scale: Record<string, number> = {
      '': 1,
      k: 1024,
      m: 1 << 20,
      g: 1 << 30,
    };
    if (size && mnt.sb.type === 'tmpfs') {
      const bytes = Number(size[1]) * scale[size[2].toLowerCase()];
      if (bytes < mnt.sb.usedBytes) return -Errno.EINVAL;
      mnt.sb.maxBytes = bytes;
    }
  }
  mnt.flags = next;
  return 0;
}

const isBusyForWriting = (sb: Superblock): boolean =>
  [...((sb.data as { inodes?: Map<number, Inode> } | null)?.inodes?.values() ?? [])].some(
    (i) => i.writers > 0,
  );

function bind(k: Kernel, task: Task, source: string, at: Path, recursive: boolean): number {
  const from = lookupPath(k, task, -100, source);
  if (typeof from === 'number') return from;
  if (isDir((from.dentry.inode as Inode).mode) !== isDir((at.dentry.inode as Inode).mode))
    return -Errno.ENOTDIR;
  if (k.fs.mounts.length >= 1000) return -Errno.ENOSPC;
  const below = k.fs.mounts.filter((m) => m.parent === from.mnt && m.mountpoint);
  const top = newMount(k, from.mnt.sb, from.dentry, from.mnt.flags, from.mnt.source, from.mnt.options);
  pinWay(k, from.dentry);
  attach(k, top, at);
  if (recursive) for (const m of below) copyBelow(k, m, from.dentry, top);
  return 0;
}

function copyBelow(k: Kernel, original: Mount, within: Dentry, parent: Mount): void {
  const point = original.mountpoint as Dentry;
  if (!isBelow(point, within) || k.fs.mounts.length >= 1000) return;
  const children = k.fs.mounts.filter((m) => m.parent === original);
  const { sb, root, flags, source, options } = original;
  const copy = newMount(k, sb, root, flags, source, options);
  attach(k, copy, { mnt: parent, dentry: point });
  for (const child of children) copyBelow(k, child, root, copy);
}

function move(k: Kernel, task: Task, source: string, at: Path): number {
  const from = lookupPath(k, task, -100, source);
  if (typeof from === 'number') return from;
  const { mnt } = from;
  if (from.dentry !== mnt.root || !mnt.parent) return -Errno.EINVAL;
  for (let m: Mount | null = at.mnt; m; m = m.parent) if (m === mnt) return -Errno.ELOOP;
  detach(k, mnt);
  attach(k, mnt, at);
  return 0;
}

const UMOUNT = { FORCE: 1, DETACH: 2, EXPIRE: 4, NOFOLLOW: 8 } as const;

/** umount2(2). A mount in use answers EBUSY unless it is detached lazily. */
export function umount(k: Kernel, task: Task, target: string, flags: number): number {
  if ((flags & ~15) !== 0) return -Errno.EINVAL;
  const at = lookupPath(k, task, -100, target, {
    follow: (flags & UMOUNT.NOFOLLOW) === 0,
  });
  if (typeof at === 'number') return at;
  if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  const { mnt } = at;
  if (at.dentry !== mnt.root) return -Errno.EINVAL;
  if (!mnt.parent) return -Errno.EBUSY;
  const below = k.fs.mounts.filter((m) => m !== mnt && isMountBelow(m, mnt));
  if ((flags & UMOUNT.DETACH) === 0 && (below.length > 0 || isInUse(k, mnt))) return -Errno.EBUSY;
  for (const m of below.reverse()) detachForGood(k, m);
  detachForGood(k, mnt);
  return 0;
}

/** Takes a mount away; a tmpfs that no mount shows any more gives its memory back. */
function detachForGood(k: Kernel, mnt: Mount): void {
  const busy = isInUse(k, mnt);
  detach(k, mnt);
  const { sb } = mnt;
  if ((sb.type !== 'tmpfs' && sb.type !== 'ramfs') || busy || k.fs.mounts.some((m) => m.sb === sb)) return;
  if (mnt.root.children) k.fs.dentries -= subtreeSize(mnt.root) - 1;
  freeTree(k, sb);
  const at = k.fs.superblocks.indexOf(sb);
  if (at >= 0) k.fs.superblocks.splice(at, 1);
}

function isMountBelow(m: Mount, above: Mount): boolean {
  for (let at: Mount | null = m; at; at = at.parent) if (at === above) return true;
  return false;
}

function isInUse(k: Kernel, mnt: Mount): boolean {
  for (const task of k.task.tasks.values()) {
    if (task.fs?.cwd.mnt === mnt || task.fs?.root.mnt === mnt) return true;
    if (task.mm?.exe?.path?.mnt === mnt) return true;
    for (const entry of task.files?.fds ?? []) if (entry?.file.path?.mnt === mnt) return true;
    for (const vma of task.mm?.vmas ?? []) if (vma.file?.path?.mnt === mnt) return true;
  }
  return false;
}
