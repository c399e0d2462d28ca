/** The fs room at birth: internal file systems, then the root over the image with devtmpfs on /dev (init/do_mounts.c). */
import type { Kernel } from '../kernel.ts';
import { newDentry } from './dcache.ts';
import { type Disk, insertDisk } from './disk.ts';
import { crossMounts, kernelMount, newMount } from './mount.ts';
import { lookupChild } from './namei.ts';
import { defineFsType } from './ops.ts';
import { createRootfs } from './rootfs.ts';
import { newSuperblock } from './super.ts';
import { createTree } from './tmpfs.ts';
import type { FsContext, FsRoom, Mount, Path, Superblock } from './types.ts';

const PIPEFS_MAGIC = 0x50495045;
const ANON_INODE_FS_MAGIC = 0x09041934;

/** The room before {@link initFs}: no file system is there yet. */
export function createFsRoom(maxOpenFiles = 65536): FsRoom {
  const none = null as unknown as Superblock;
  return {
    mounts: [],
    rootMount: null as unknown as Mount,
    nextMountId: 1,
    nextSbId: 1,
    nextAnonDev: 1,
    nextFileId: 1,
    superblocks: [],
    openFiles: 0,
    maxFiles: maxOpenFiles,
    anonMount: null as unknown as Mount,
    pipefs: none,
    anonfs: none,
    pipeBytes: 0,
    metaBytes: 0,
    epollItems: 0,
    inotify: new Map(),
    snapshots: { files: [], entries: 0 },
    syncs: 0,
    written: 0,
    syncsSeen: 0,
    devtmpfs: none,
    shmfs: none,
    dentries: 0,
    dentryLimit: 2000,
    watches: 0,
    nextCookie: 0,
    lockedInodes: [],
  };
}

for (const [name, magic] of [
  ['pipefs', PIPEFS_MAGIC],
  ['anon_inodefs', ANON_INODE_FS_MAGIC],
] as const)
  defineFsType({
    name,
    nodev: true,
    mount: () => -22,
    lookup: () => -2,
    readdir: () => [],
    statfs: () => ({ type: magic, blocks: 0, free: 0, files: 0, ffree: 0 }),
  });

/** Builds the internal file systems and mounts the root; devtmpfs goes on /dev where the image has such a directory. */
export function initFs(k: Kernel, disk?: Disk): void {
  const { fs } = k;
  const unlimited = { maxBytes: Number.MAX_SAFE_INTEGER };
  fs.maxFiles = k.quotas.maxOpenFiles;
  fs.pipefs = newSuperblock(k, 'pipefs', 'pipefs', { mode: 0o40555 });
  fs.anonfs = newSuperblock(k, 'anon_inodefs', 'anon_inodefs', { mode: 0o40555 }, unlimited);
  fs.devtmpfs = createTree(k, 'devtmpfs', 'devtmpfs', {
    mode: 0o755,
    maxInodes: 65536,
  });
  // Bounded as a mounted tmpfs is: what files hold is nobody's resident set, so the oom killer could not find whose it is.
  fs.shmfs = createTree(k, 'tmpfs', 'tmpfs', {
    mode: 0o1777,
    maxBytes: Math.floor(k.quotas.memoryPages / 2) * 4096,
  });
  fs.anonMount = newMount(k, fs.anonfs, newDentry('', null, fs.anonfs.root), 0, 'none', '');
  fs.anonMount.id = 0;
  const sb = disk ? insertDisk(k, disk) : createRootfs(k);
  fs.rootMount = newMount(k, sb, newDentry('', null, sb.root), 1 << 21, sb.source, '');
  fs.mounts.push(fs.rootMount);
  bootMount(k, 'devtmpfs', 'udev', 'dev', 2, '');
}

/** Mounts a file system on a directory of the root, as the kernel does at boot; answers the mount or -errno. */
export function bootMount(
  k: Kernel,
  type: string,
  source: string,
  name: string,
  flags: number,
  data: string,
): Mount | number {
  let at: Path = rootPath(k);
  for (const part of name.split('/')) {
    const dentry = lookupChild(k, null, at.dentry, part);
    if (typeof dentry === 'number') return dentry;
    at = crossMounts(k, { mnt: at.mnt, dentry });
  }
  return kernelMount(k, type, source, at, flags, data);
}

/** The root of the mount tree. */
export const rootPath = (k: Kernel): Path => ({
  mnt: k.fs.rootMount,
  dentry: k.fs.rootMount.root,
});

/** A fresh fs_struct: at the root, umask 022. */
export const newFsContext = (k: Kernel): FsContext => ({
  users: 1,
  cwd: rootPath(k),
  root: rootPath(k),
  umask: 0o022,
});
