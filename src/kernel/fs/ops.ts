/**
 * Tables of behaviour: file systems by type, open files by kind, device drivers by name. Filled once when the modules are
 * imported; never part of a VM's state.
 */
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import type { Outcome, Plain } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import type { Dentry, File, Inode, Mount, PollResult, Superblock } from './types.ts';

/**
 * What a file system does for its inodes. Permission, read-only mounts, sticky bits and name checks are the caller's (the
 * path walk's); an operation only does it. All answer 0 or -errno unless said otherwise. None may park.
 */
export interface FsType {
  readonly name: string;
  /** Shown in /proc/filesystems with "nodev". */
  readonly nodev: boolean;
  /** Whether names once found stay valid until the file system itself is told to change them: dentries are cached. */
  readonly cached?: boolean;
  /** Builds the superblock for mount(2); a negative errno refuses. */
  mount(k: Kernel, source: string, flags: number, data: string): Superblock | number;
  /** The child's inode, or -ENOENT. `task` is who asks (for /proc/self). */
  lookup(k: Kernel, task: Task | null, dir: Inode, name: string): Inode | number;
  /** All entries of a directory but "." and "..", in a stable order. */
  readdir(k: Kernel, task: Task | null, dir: Inode): { name: string; ino: number; type: number }[];
  /** Makes a file, directory, symlink or special file and links it; answers the inode. */
  create?(
    k: Kernel,
    dir: Inode,
    name: string,
    init: {
      mode: number;
      uid: number;
      gid: number;
      rdev: number;
      link: string | null;
    },
  ): Inode | number;
  link?(k: Kernel, dir: Inode, name: string, inode: Inode): number;
  unlink?(k: Kernel, dir: Inode, name: string, inode: Inode): number;
  rmdir?(k: Kernel, dir: Inode, name: string, inode: Inode): number;
  /** Moves an entry; `target` is what is replaced, or null. With `exchange` both change places. */
  rename?(
    k: Kernel,
    oldDir: Inode,
    oldName: string,
    newDir: Inode,
    newName: string,
    target: Inode | null,
    exchange: boolean,
  ): number;
  /** The target of a symbolic link whose text is made on the fly (/proc/self, /proc/PID/exe). */
  readlink?(k: Kernel, task: Task | null, inode: Inode): string | number;
  /** A link that leads to an object, not to a name (/proc/PID/fd/3, exe, cwd, root). -EINVAL: this link leads by its text. */
  followLink?(k: Kernel, task: Task | null, inode: Inode): { mnt: Mount; dentry: Dentry } | number;
  /** Brings mode, owner, size and times up to date before stat and permission checks. */
  revalidate?(k: Kernel, inode: Inode): void;
  /** After mode, owner, size or times were changed by chmod, chown, truncate, utimens. Default: allowed. */
  setattr?(k: Kernel, inode: Inode, change: Partial<Inode>): number;
  /** Completes an open: sets `file.kind` and `file.data`. Default: by the inode's type. */
  open?(k: Kernel, task: Task, file: File): Outcome;
  /** What statfs(2) tells, in blocks of 4096 bytes. Default: from the superblock's limits. */
  statfs?(
    k: Kernel,
    sb: Superblock,
  ): {
    type: number;
    blocks: number;
    free: number;
    files: number;
    ffree: number;
  };
  /** Last reference gone with nlink 0: gives the pages back. */
  evict?(k: Kernel, inode: Inode): void;
}

/**
 * What can be done with an open file. A missing entry answers what Linux does without it (EINVAL, ENOTTY, ESPIPE…).
 *
 * A read or write that must wait answers `wait([queue], { onSignal: buf.done || -ERESTARTSYS })`: it is then called again with
 * the same IoBuf, whose `done` tells how far it came, and answers the total (`buf.done`) in the end.
 */
export interface FileOps {
  /** Reads at `pos` into `buf` (advance buf.done with copyToIo); answers bytes read. Moves file.pos itself when `pos` is null. */
  read?(k: Kernel, task: Task, file: File, buf: IoBuf, pos: number | null): Outcome;
  write?(k: Kernel, task: Task, file: File, buf: IoBuf, pos: number | null): Outcome;
  /** Whether pread, pwrite and lseek work. */
  seekable?: boolean;
  llseek?(k: Kernel, task: Task, file: File, offset: number, whence: number): Outcome;
  ioctl?(k: Kernel, task: Task, file: File, cmd: number, arg: number): Outcome;
  /** Without it a file is always ready for reading and writing. */
  poll?(k: Kernel, file: File, task: Task | null): PollResult;
  /** Directory entries beginning at file.pos; see fs/readdir.ts. */
  readdir?(k: Kernel, task: Task, file: File): { name: string; ino: number; type: number }[] | number;
  /** Answers 0 when the file's inode pages may be mapped as they are, -ENODEV else. Default -ENODEV. */
  mmap?(k: Kernel, task: Task, file: File, prot: number, flags: number): number;
  /** Each close(2) of a descriptor (flush), and the last one (release). */
  flush?(k: Kernel, task: Task, file: File): Outcome;
  release?(k: Kernel, file: File): void;
  /** O_ASYNC is to be set or cleared. Without it the flag is all there is. */
  fasync?(k: Kernel, task: Task, fd: number, file: File, on: boolean): Outcome;
  fsync?(k: Kernel, task: Task, file: File): Outcome;
  /** Extra lines of /proc/PID/fdinfo. */
  fdinfo?(k: Kernel, file: File): string;
}

/** A character device driver: completes an open of its device numbers. */
export interface ChrdevDriver {
  /** Sets file.kind and file.data, or answers -errno. */
  open(k: Kernel, task: Task, file: File, minor: number): Outcome;
}

const fsTypes = new Map<string, FsType>();
const fileOps = new Map<string, FileOps>();
const chrdevDrivers = new Map<string, ChrdevDriver>();

export function defineFsType(type: FsType): FsType {
  fsTypes.set(type.name, type);
  return type;
}
export function findFsType(name: string): FsType | undefined {
  return fsTypes.get(name);
}
export const allFsTypes = (): FsType[] => [...fsTypes.values()];

export function defineFileOps(kind: string, ops: FileOps): FileOps {
  fileOps.set(kind, ops);
  return ops;
}
export function opsOf(file: File): FileOps {
  const ops = fileOps.get(file.kind);
  if (!ops) throw new Error(`no file operations for kind ${file.kind}`);
  return ops;
}

/** Registers the TypeScript behind a driver name; `k.drivers.chrdevs` maps majors to such names. */
export function defineChrdevDriver(name: string, driver: ChrdevDriver): void {
  chrdevDrivers.set(name, driver);
}
export const findChrdevDriver = (name: string): ChrdevDriver | undefined => chrdevDrivers.get(name);

export type { Plain };
