/** Superblocks: one file system instance each. Always true: `usedBytes` never exceeds `maxBytes` but by what is dirty in the cache. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { makedev } from './flags.ts';
import { type InodeInit, newInode } from './inode.ts';
import type { Inode, Superblock } from './types.ts';

/** A superblock with its root directory and an anonymous device number (get_anon_bdev). */
export function newSuperblock(
  k: Kernel,
  type: string,
  source: string,
  root: InodeInit,
  options: { dev?: number; maxBytes?: number; maxInodes?: number } = {},
): Superblock {
  const sb: Superblock = {
    type,
    dev: options.dev ?? makedev(0, k.fs.nextAnonDev++),
    id: k.fs.nextSbId++,
    source,
    flags: 0,
    root: null as unknown as Inode,
    nextIno: 1,
    maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
    usedBytes: 0,
    maxInodes: options.maxInodes ?? Number.POSITIVE_INFINITY,
    usedInodes: 1,
    data: null,
  };
  sb.root = newInode(k, sb, root);
  k.fs.superblocks.push(sb);
  return sb;
}

/** What one VM's names, inodes and attributes may take of the host's memory, about. */
const META_MAX = 96 * 1024 * 1024;

/** Counts metadata (negative: gives back): 0, or -ENOSPC with nothing counted. */
export function chargeMeta(k: Kernel, bytes: number): number {
  if (bytes > 0 && k.fs.metaBytes + bytes > META_MAX) return -Errno.ENOSPC;
  k.fs.metaBytes += bytes;
  return 0;
}

/** What is left of a superblock, in bytes; the VM's disk quota bounds one without a limit of its own. */
export const freeBytes = (k: Kernel, sb: Superblock): number =>
  Math.max(0, (sb.maxBytes === Number.POSITIVE_INFINITY ? k.quotas.diskBytes : sb.maxBytes) - sb.usedBytes);

/** Counts `bytes` of new content: 0, or -ENOSPC with nothing counted. Negative bytes give space back. */
export function chargeBytes(k: Kernel, sb: Superblock, bytes: number): number {
  if (bytes > 0 && bytes > freeBytes(k, sb)) return -Errno.ENOSPC;
  sb.usedBytes = Math.max(0, sb.usedBytes + bytes);
  return 0;
}
