/** What drivers do to /dev (drivers/base/devtmpfs.c): nodes appear and vanish with their devices, parents as needed. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { isDir } from './flags.ts';
import { treeOps } from './treefs.ts';
import type { Inode } from './types.ts';

/** What `data` of a node says that a driver made it (i_private). */
const DRIVER_NODE = 'devtmpfs';

function parentDirectory(k: Kernel, parts: string[], make: boolean): Inode | number {
  let dir = k.fs.devtmpfs.root;
  for (const part of parts) {
    let next = treeOps().lookup(k, null, dir, part);
    if (typeof next === 'number' && make) {
      const init = { mode: 0o40755, uid: 0, gid: 0, rdev: 0, link: null };
      next = treeOps().create(k, dir, part, init);
    }
    if (typeof next === 'number') return next;
    if (!isDir(next.mode)) return -Errno.ENOTDIR;
    dir = next;
  }
  return dir;
}

/** Makes the node `name` (may have slashes) with a full mode (S_IFCHR | 0666); replaces nothing: -EEXIST. */
export function devtmpfsCreate(
  k: Kernel,
  name: string,
  mode: number,
  uid: number,
  gid: number,
  rdev: number,
): number {
  const parts = name.split('/');
  const last = parts.pop() as string;
  const dir = parentDirectory(k, parts, true);
  if (typeof dir === 'number') return dir;
  if (typeof treeOps().lookup(k, null, dir, last) !== 'number') return -Errno.EEXIST;
  const made = treeOps().create(k, dir, last, {
    mode,
    uid,
    gid,
    rdev,
    link: null,
  });
  if (typeof made === 'number') return made;
  made.data = DRIVER_NODE;
  return 0;
}

/** Makes a directory or symbolic link of /dev (`pts`, `shm`, `fd` -> /proc/self/fd). */
export function devtmpfsMake(k: Kernel, name: string, mode: number, link: string | null): number {
  if (typeof treeOps().lookup(k, null, k.fs.devtmpfs.root, name) !== 'number') return -Errno.EEXIST;
  const made = treeOps().create(k, k.fs.devtmpfs.root, name, {
    mode,
    uid: 0,
    gid: 0,
    rdev: 0,
    link,
  });
  return typeof made === 'number' ? made : 0;
}

/** Takes a node away, unless somebody put a node of his own in its place (dev_mynode). */
export function devtmpfsRemove(k: Kernel, name: string, rdev: number): number {
  const parts = name.split('/');
  const last = parts.pop() as string;
  const dir = parentDirectory(k, parts, false);
  if (typeof dir === 'number') return dir;
  const inode = treeOps().lookup(k, null, dir, last);
  if (typeof inode === 'number') return inode;
  if (inode.data !== DRIVER_NODE || inode.rdev !== rdev || isDir(inode.mode)) return -Errno.EPERM;
  return treeOps().unlink(k, dir, last, inode);
}
