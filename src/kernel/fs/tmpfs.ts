/** tmpfs and ramfs (man 5 tmpfs): a tree with nothing under it; its content is guest memory. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { defineFsType, type FsType } from './ops.ts';
import { freeBytes, newSuperblock } from './super.ts';
import { type TreeData, treeOps } from './treefs.ts';
import type { Superblock } from './types.ts';

const TMPFS_MAGIC = 0x01021994;
const RAMFS_MAGIC = 0x858458f6;

interface TmpfsOptions {
  maxBytes: number;
  maxInodes: number;
  mode: number;
  uid: number;
  gid: number;
}

/** Parses `size=64m,mode=1777,nr_inodes=4k,uid=0,gid=0`; -EINVAL for what tmpfs does not know. */
export function parseTmpfsOptions(k: Kernel, data: string): TmpfsOptions | number {
  const memory = k.quotas.memoryPages * 4096;
  const options: TmpfsOptions = {
    maxBytes: Math.floor(memory / 8192) * 4096,
    maxInodes: Math.floor(k.quotas.memoryPages / 2),
    mode: 0o1777,
    uid: 0,
    gid: 0,
  };
  for (const part of data.split(',')) {
    if (part === '') continue;
    const [key, value = ''] = part.split('=', 2);
    const octal = Number.parseInt(value, 8);
    const size = parseSize(value, memory);
    const decimal = Number(value);
    if (key === 'size' && size >= 0) options.maxBytes = size || Number.POSITIVE_INFINITY;
    else if (key === 'nr_blocks' && size >= 0) options.maxBytes = size * 4096 || Number.POSITIVE_INFINITY;
    else if (key === 'nr_inodes' && size >= 0) options.maxInodes = size || Number.POSITIVE_INFINITY;
    else if (key === 'mode' && octal >= 0) options.mode = octal & 0o7777;
    else if (key === 'uid' && decimal >= 0) options.uid = decimal;
    else if (key === 'gid' && decimal >= 0) options.gid = decimal;
    else if (!['mpol', 'huge', 'inode32', 'inode64', 'noswap'].includes(key)) return -Errno.EINVAL;
  }
  return options;
}

function parseSize(text: string, memory: number): number {
  const match = /^(\d+)([kKmMgG%]?)$/.exec(text);
  if (!match) return -1;
  const scale: Record<string, number> = {
    '': 1,
    k: 1024,
    m: 1 << 20,
    g: 1 << 30,
    '%': memory / 100,
  };
  return Math.floor(Number(match[1]) * scale[match[2].toLowerCase()]);
}

/** A tree with nothing under it. */
export function createTree(
  k: Kernel,
  type: string,
  source: string,
  options: {
    maxBytes?: number;
    maxInodes?: number;
    mode: number;
    uid?: number;
    gid?: number;
  },
): Superblock {
  const root = {
    mode: 0o40000 | options.mode,
    uid: options.uid,
    gid: options.gid,
  };
  const sb = newSuperblock(k, type, source, root, options);
  sb.data = { inodes: new Map(), imageBytes: 0 } satisfies TreeData;
  return sb;
}

const treeStatfs =
  (magic: number): FsType['statfs'] =>
  (k, sb) => {
    const unlimited = sb.maxBytes === Number.POSITIVE_INFINITY;
    return {
      type: magic,
      blocks: unlimited ? 0 : Math.floor(sb.maxBytes / 4096),
      free: unlimited ? 0 : Math.floor(freeBytes(k, sb) / 4096),
      files: sb.maxInodes === Number.POSITIVE_INFINITY ? 0 : sb.maxInodes,
      ffree: sb.maxInodes === Number.POSITIVE_INFINITY ? 0 : Math.max(0, sb.maxInodes - sb.usedInodes),
    };
  };

defineFsType({
  ...treeOps(),
  name: 'tmpfs',
  nodev: true,
  mount: (k, source, _flags, data) => {
    const options = parseTmpfsOptions(k, data);
    return typeof options === 'number' ? options : createTree(k, 'tmpfs', source, options);
  },
  statfs: treeStatfs(TMPFS_MAGIC),
});

defineFsType({
  ...treeOps(),
  name: 'ramfs',
  nodev: true,
  mount: (k, source, _flags, data) => {
    const mode = /(?:^|,)mode=([0-7]+)/.exec(data);
    return createTree(k, 'ramfs', source, {
      mode: mode ? Number.parseInt(mode[1], 8) & 0o7777 : 0o755,
    });
  },
  statfs: treeStatfs(RAMFS_MAGIC),
});

/** There is one devtmpfs; every mount shows it. */
defineFsType({
  ...treeOps(),
  name: 'devtmpfs',
  nodev: true,
  mount: (k) => k.fs.devtmpfs,
  statfs: treeStatfs(TMPFS_MAGIC),
});
