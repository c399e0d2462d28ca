/**
 * The virtual file system as data. Names are Linux's. Behaviour is found by name: an inode's in the table of its
 * superblock's type (`fsTypes`), an open file's in the table of its `kind` (`fileOps`); see fs/ops.ts.
 */
import type { Pfn } from '../../cpu/machine.ts';
import type { Plain, WaitQueue } from '../outcome.ts';

/** Seconds and nanoseconds since the epoch. */
export interface Timespec {
  sec: number;
  nsec: number;
}

export interface Superblock {
  /** Key of `fsTypes`: rootfs, tmpfs, proc, sysfs, devtmpfs, devpts, debugfs, pipefs, sockfs, anon. */
  type: string;
  /** st_dev, as makedev() encodes it. */
  dev: number;
  id: number;
  /** Mount source as shown in /proc/mounts. */
  source: string;
  flags: number;
  root: Inode;
  nextIno: number;
  /** Size limit and use in bytes and inodes, for statfs and ENOSPC; Infinity: the VM's disk quota. */
  maxBytes: number;
  usedBytes: number;
  maxInodes: number;
  usedInodes: number;
  /** File-system specific. */
  data: Plain;
}

export interface Inode {
  sb: Superblock;
  ino: number;
  /** Type and permission bits as in st_mode. */
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  size: number;
  rdev: number;
  atime: Timespec;
  mtime: Timespec;
  ctime: Timespec;
  btime: Timespec;
  /** Holders other than the directory tree: open files, VMAs, working directories. At 0 with nlink 0 it is freed. */
  refs: number;
  /** Count of open writers (ETXTBSY), and of executable mappings that deny writing. */
  writers: number;
  denyWrite: number;
  /** Page cache: page index to guest page; each entry holds a reference in pageRefs. Regular files only. */
  pages: Map<number, Pfn> | null;
  /** The image inode under it (0: none), and how many bytes of it still show through. */
  lower: number;
  lowerSize: number;
  /** Target of a symbolic link. */
  link: string | null;
  /** fcntl and flock locks. */
  locks: Plain[];
  xattrs: Map<string, Uint8Array> | null;
  /** FIFO, socket or device behind it. */
  data: Plain;
  /** Bumped at each change; part of what makes an inode dirty for the store. */
  version: number;
}

export interface Dentry {
  name: string;
  /** Null for the root of a file system. */
  parent: Dentry | null;
  inode: Inode | null;
  /** Cached children; null for what is never cached (synthetic trees). */
  children: Map<string, Dentry> | null;
  /** Mounts whose mount point this is. */
  mounted: number;
  /** Unlinked: /proc/PID/fd shows " (deleted)". */
  deleted: boolean;
}

export interface Mount {
  id: number;
  parent: Mount | null;
  mountpoint: Dentry | null;
  root: Dentry;
  sb: Superblock;
  /** MS_* flags of this mount: RDONLY 1, NOSUID 2, NODEV 4, NOEXEC 8, NOATIME 1024, RELATIME 1<<21. */
  flags: number;
  source: string;
  options: string;
}

export interface Path {
  mnt: Mount;
  dentry: Dentry;
}

/** struct file: an open file description. Shared by dup and fork. */
export interface File {
  /** Key of `fileOps`: regular, dir, pipe, fifo, tty, pty master, socket, proc, mem devices, epoll … */
  kind: string;
  /** O_* status and access mode. */
  flags: number;
  pos: number;
  refs: number;
  /** Where it was opened; null for pipes and sockets (then `label` names it: `pipe:[123]`). */
  path: Path | null;
  inode: Inode;
  label: string;
  /** The credentials it was opened with. */
  openUid: number;
  /** Kind-specific plain data (the Pipe, Socket, Tty …). */
  data: Plain;
  /** F_SETOWN, F_SETSIG. */
  owner: { pid: number; signal: number };
  /** Directory reading position and snapshot. */
  dir: Plain;
  id: number;
}

export interface FdEntry {
  file: File;
  cloexec: boolean;
}

/** files_struct: shared by clone(CLONE_FILES). */
export interface FileTable {
  users: number;
  fds: (FdEntry | null)[];
}

/** fs_struct: shared by clone(CLONE_FS). */
export interface FsContext {
  users: number;
  cwd: Path;
  root: Path;
  umask: number;
}

/** What poll finds: ready events (POLLIN …) and the queues that a waiter joins. */
export interface PollResult {
  events: number;
  queues: readonly WaitQueue[];
}

/** The fs room's part of the kernel state. */
export interface FsRoom {
  mounts: Mount[];
  rootMount: Mount;
  nextMountId: number;
  nextSbId: number;
  nextAnonDev: number;
  nextFileId: number;
  superblocks: Superblock[];
  /** Open files in the VM, against the quota. */
  openFiles: number;
  maxFiles: number;
  pipefs: Superblock;
  anonfs: Superblock;
  /** Bytes held by pipes, for quotas. */
  pipeBytes: number;
}
