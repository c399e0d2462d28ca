/**
 * The read-only base image as the kernel sees it: the lower layer of the root file system. src/image implements it over a sealed
 * file; the kernel knows nothing of files of the host. All names and link targets are *byte strings*: one character
 * (0..255) for each byte, as everywhere in the kernel. Inode numbers are dense from 1, which is the root directory.
 */
export interface ImageInode {
  readonly ino: number;
  /** Type and permission bits as in st_mode. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Device number as makedev(3) encodes it. */
  readonly rdev: number;
  /** Target of a symbolic link, else null. */
  readonly link: string | null;
  readonly xattrs: ReadonlyMap<string, Uint8Array> | null;
}

export interface ImageFs {
  /** Content address of the whole image. */
  readonly id: string;
  readonly inodeCount: number;
  /** The newest modification time in it, seconds since the epoch: no clock should begin before it. */
  readonly newestSec: number;
  /** The inode, or null when there is none of that number. */
  inode(ino: number): ImageInode | null;
  /** The child's inode number, or 0. */
  lookup(dir: number, name: string): number;
  /** Entries without "." and "..", sorted by name. `type` is DT_* of dirent.h. */
  readdir(dir: number): { name: string; ino: number; type: number }[];
  /** A name for the content of one page of a regular file, valid for ever; equal keys mean equal bytes. */
  pageKey(ino: number, index: number): string;
  /** Fills `into` (4096 bytes) with one page, zeros after the end of the file. */
  readPage(ino: number, index: number, into: Uint8Array): void;
  /** Fills `into` with the page that a key of {@link pageKey} names: how a checkpoint finds its shared pages again. */
  readPageByKey(key: string, into: Uint8Array): void;
}
