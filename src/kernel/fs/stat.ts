/**
 * What stat tells of an inode, laid out as riscv64 has it (asm-generic/stat.h, linux/stat.h, asm-generic/statfs.h).
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { knownPages } from '../mm/filemap.ts';
import { isDir, isReg, Ms, majorOf, minorOf } from './flags.ts';
import { revalidate } from './inode.ts';
import { findFsType } from './ops.ts';
import type { Inode, Mount, Superblock } from './types.ts';

export const STAT_SIZE = 128;
export const STATX_SIZE = 256;
export const STATFS_SIZE = 120;

/** 512-byte blocks that a file occupies. */
export function blocksOf(inode: Inode): number {
  if (isDir(inode.mode)) return inode.sb.type === 'ext4' ? 8 : 0;
  if (!isReg(inode.mode)) return 0;
  if (inode.lower === 0 && !inode.disk) return (inode.pages?.size ?? 0) * 8;
  const lowerPages = Math.ceil(inode.lowerSize / 4096);
  let own = 0;
  if (inode.version > 0) for (const index of new Set(knownPages(inode))) if (index >= lowerPages) own++;
  return (lowerPages + own) * 8;
}

function put64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32) >>> 0, true);
}

/** st_blksize: what proc_fill_super and the others set. */
const blockBytes = (inode: Inode): number =>
  inode.sb.type === 'proc' || inode.sb.type === 'devpts' ? 1024 : 4096;

const statBytes = new Uint8Array(STAT_SIZE);
const statWords = new Uint32Array(statBytes.buffer);

function word64(at: number, value: number): void {
  statWords[at >> 2] = value;
  statWords[(at >> 2) + 1] = Math.floor(value / 2 ** 32);
}

/** struct stat of asm-generic (128 bytes). The answer is good until the next call. */
export function packStat(k: Kernel, inode: Inode): Uint8Array {
  revalidate(k, inode);
  word64(0, inode.sb.dev);
  word64(8, inode.ino);
  statWords[4] = inode.mode;
  statWords[5] = inode.nlink;
  statWords[6] = inode.uid;
  statWords[7] = inode.gid;
  word64(32, inode.rdev);
  word64(48, inode.size);
  statWords[14] = blockBytes(inode);
  word64(64, blocksOf(inode));
  word64(72, inode.atime.sec);
  word64(80, inode.atime.nsec);
  word64(88, inode.mtime.sec);
  word64(96, inode.mtime.nsec);
  word64(104, inode.ctime.sec);
  word64(112, inode.ctime.nsec);
  return statBytes;
}

const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const STATX_MNT_ID = 0x1000;
const STATX_ATTR_MOUNT_ROOT = 0x2000;

/** struct statx (256 bytes); man 2 statx. */
export function packStatx(k: Kernel, inode: Inode, mnt: Mount | null, isMountRoot: boolean): Uint8Array {
  revalidate(k, inode);
  const bytes = new Uint8Array(STATX_SIZE);
  const view = new DataView(bytes.buffer);
  const modern = !/^[1-4]\./.test(k.identity.release);
  const hasBirth = inode.sb.type === 'ext4' || (modern && /^(dev)?tmpfs$/.test(inode.sb.type));
  view.setUint32(0, STATX_BASIC_STATS | (hasBirth ? STATX_BTIME : 0) | STATX_MNT_ID, true);
  view.setUint32(4, blockBytes(inode), true);
  put64(view, 8, isMountRoot ? STATX_ATTR_MOUNT_ROOT : 0);
  view.setUint32(16, inode.nlink, true);
  view.setUint32(20, inode.uid, true);
  view.setUint32(24, inode.gid, true);
  view.setUint16(28, inode.mode, true);
  put64(view, 32, inode.ino);
  put64(view, 40, inode.size);
  put64(view, 48, blocksOf(inode));
  put64(view, 56, STATX_ATTR_MOUNT_ROOT);
  const times = [inode.atime, inode.btime, inode.ctime, inode.mtime];
  for (let i = 0; i < 4; i++) {
    if (i === 1 && !hasBirth) continue;
    put64(view, 64 + i * 16, times[i].sec);
    view.setUint32(72 + i * 16, times[i].nsec, true);
  }
  view.setUint32(128, majorOf(inode.rdev), true);
  view.setUint32(132, minorOf(inode.rdev), true);
  view.setUint32(136, majorOf(inode.sb.dev), true);
  view.setUint32(140, minorOf(inode.sb.dev), true);
  put64(view, 144, mnt?.id ?? 0);
  return bytes;
}

const ST_VALID = 0x20;

/** struct statfs (120 bytes), or -ENOSYS. */
export function packStatfs(k: Kernel, sb: Superblock, mnt: Mount | null): Uint8Array | number {
  const type = findFsType(sb.type);
  const info = type?.statfs?.(k, sb) ?? {
    type: 0,
    blocks: 0,
    free: 0,
    files: 0,
    ffree: 0,
  };
  if (!type && sb.type === '') return -Errno.ENOSYS;
  const bytes = new Uint8Array(STATFS_SIZE);
  const view = new DataView(bytes.buffer);
  put64(view, 0, info.type);
  put64(view, 8, 4096);
  put64(view, 16, info.blocks);
  put64(view, 24, info.free);
  put64(view, 32, info.free);
  put64(view, 40, info.files);
  put64(view, 48, info.ffree);
  put64(view, 56, sb.id);
  put64(view, 64, 255);
  put64(view, 72, 4096);
  put64(view, 80, statfsFlags(mnt, sb));
  return bytes;
}

function statfsFlags(mnt: Mount | null, sb: Superblock): number {
  const flags = mnt?.flags ?? 0;
  let out = ST_VALID;
  out |= flags & (Ms.RDONLY | Ms.NOSUID | Ms.NODEV | Ms.NOEXEC);
  out |= sb.flags & Ms.RDONLY;
  if ((flags & Ms.NOATIME) !== 0) out |= 1024;
  if ((flags & Ms.NODIRATIME) !== 0) out |= 2048;
  if ((flags & Ms.RELATIME) !== 0) out |= 4096;
  return out;
}

/** What statfs of a synthetic file system needs to say, by its magic number. */
export const syntheticStatfs = (magic: number) => () => ({
  type: magic,
  blocks: 0,
  free: 0,
  files: 0,
  ffree: 0,
});
