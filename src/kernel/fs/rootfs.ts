/**
 * The root file system: the image under this VM's writable layer. To the guest it is an ext4 on /dev/vda1. Always true:
 * an image inode keeps its number; numbers above the image's are the VM's own; content of the image is shared until a
 * page of it is written (mm/filemap.ts).
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { dropPages, hasOwnContent } from '../mm/filemap.ts';
import { isReg, makedev } from './flags.ts';
import type { ImageFs } from './image.ts';
import { defineFsType } from './ops.ts';
import { freeBytes } from './super.ts';
import { lowerInode, type TreeData, treeOps } from './treefs.ts';
import type { Inode, Superblock } from './types.ts';

const ROOT_DEV = makedev(254, 1);
const EXT4_SUPER_MAGIC = 0xef53;
/** Inodes that a VM may add to the image's. */
const MAX_NEW_INODES = 262_144;

/** The superblock over an image, known to no kernel. Its root is made by whoever fills it. */
export function bareRootfs(image: ImageFs): Superblock {
  return {
    type: 'ext4',
    dev: ROOT_DEV,
    id: 0,
    source: '/dev/vda1',
    flags: 0,
    root: null as unknown as Inode,
    nextIno: image.inodeCount + 16,
    maxBytes: Number.POSITIVE_INFINITY,
    usedBytes: 0,
    maxInodes: image.inodeCount + MAX_NEW_INODES,
    usedInodes: image.inodeCount,
    data: { inodes: new Map(), imageBytes: -1 } satisfies TreeData,
  };
}

/** The superblock over `k.image`. */
export function createRootfs(k: Kernel): Superblock {
  const sb = bareRootfs(k.image);
  sb.id = k.fs.nextSbId++;
  k.fs.superblocks.push(sb);
  sb.root = lowerInode(k, sb, 1);
  return sb;
}

defineFsType({
  ...treeOps(),
  name: 'ext4',
  nodev: false,
  mount: () => -Errno.ENOTBLK,
  statfs: (k, sb) => {
    const data = sb.data as TreeData;
    if (data.imageBytes < 0) data.imageBytes = imageBytes(k);
    const free = Math.floor(freeBytes(k, sb) / 4096);
    const used = Math.ceil((data.imageBytes + sb.usedBytes) / 4096);
    return {
      type: EXT4_SUPER_MAGIC,
      blocks: used + free,
      free,
      files: sb.maxInodes,
      ffree: Math.max(0, sb.maxInodes - sb.usedInodes),
    };
  },
});

function imageBytes(k: Kernel): number {
  let bytes = 0;
  for (let ino = 1; ino <= k.image.inodeCount; ino++) {
    const inode = k.image.inode(ino);
    if (inode) bytes += isReg(inode.mode) ? Math.ceil(inode.size / 4096) * 4096 : 0;
  }
  return bytes;
}

/** Forgets image inodes that were never changed and that nothing holds; `live` are those dentries lead to. */
export function dropCleanInodes(k: Kernel, live: ReadonlySet<Inode>): void {
  for (const sb of k.fs.superblocks) {
    if (sb.type !== 'ext4') continue;
    const { inodes } = sb.data as TreeData;
    for (const [ino, inode] of inodes) {
      if (inode.version !== 0 || inode.refs > 0 || live.has(inode) || inode === sb.root) continue;
      if (inode.data || inode.locks || inode.watches || hasOwnContent(k, inode)) continue;
      dropPages(k, inode);
      inodes.delete(ino);
    }
  }
}
