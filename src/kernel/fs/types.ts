/**
 * The virtual file system as data. Names are Linux's. Behaviour is found by name: an inode's in the table of its
 * superblock's type (`fsTypes`), an open file's in the table of its `kind` (`fileOps`); see fs/ops.ts.
 */
import type { Pfn } from '../../cpu/machine.ts';
import type { Plain, WaitQueue } from '../outcome.ts';
import type { KernfsRoom } from './kernfs.ts';

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
  /** Pages of a disk's file that were written back when memory was short, by index; see mm/filemap.ts. */
  disk?: Map<number, Uint8Array>;
  /** The image inode under it (0: none), and how many bytes of it still show through. */
  lower: number;
  lowerSize: number;
  /** Target of a symbolic link. */
  link: string | null;
  /** fcntl and flock locks; null: none. See fs/locks.ts. */
  locks: LockSet | null;
  /** inotify watches on it; null: none. See fs/inotify.ts. */
  watches: Watch[] | null;
  xattrs: Map<string, Uint8Array> | null;
  /** Pipe of a FIFO, socket behind a name, entries of a directory of a tree (fs/treefs.ts), node of a synthetic file. */
  data: Plain;
  /** Bumped at each change; part of what makes an inode dirty for the store. */
  version: number;
}

/** A lock of fcntl(2) (owner: the file table), an open file description lock, or a flock (owner: the file). */
export interface FileLock {
  kind: 'posix' | 'ofd' | 'flock';
  owner: FileTable | File;
  write: boolean;
  start: number;
  /** Last byte, inclusive; Infinity: to the end. */
  end: number;
  /** Who took it, for F_GETLK and /proc/locks. */
  pid: number;
}

/** The locks of one inode, in the order they were taken, and who waits for one. */
export interface LockSet {
  list: FileLock[];
  wait: WaitQueue;
}

/** One inotify watch: `inotify` is the id of the instance in `FsRoom.inotify`. */
export interface Watch {
  wd: number;
  mask: number;
  inotify: number;
}

/** An inotify event as queued. */
export interface NotifyEvent {
  wd: number;
  mask: number;
  cookie: number;
  name: string;
}

/** An inotify instance. */
export interface Inotify {
  id: number;
  nextWd: number;
  watched: Map<number, Inode>;
  queue: NotifyEvent[];
  readWait: WaitQueue;
  seq: number;
}

/** A pipe or FIFO; see fs/pipe.ts. */
export interface Pipe {
  /** Chunks not read yet, the oldest first; `head` bytes of the first are gone. */
  chunks: Uint8Array[];
  head: number;
  bytes: number;
  capacity: number;
  readers: number;
  writers: number;
  /** Opens ever made of each side: a FIFO's opener waits for the other side's count to move. */
  readerOpens: number;
  writerOpens: number;
  readWait: WaitQueue;
  writeWait: WaitQueue;
  /** Bumped at each write and read: edges for epoll. */
  seq: number;
}

export interface Dentry {
  name: string;
  /** Null for the root of a file system. */
  parent: Dentry | null;
  inode: Inode | null;
  /** Cached children; null: none. Synthetic trees cache only the way to a mount point. */
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
  /** F_SETOWN with the credentials of who called it, F_SETSIG. */
  owner: { pid: number; signal: number; uid?: number; euid?: number };
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
  /** Moves whenever something arrives: lets an edge-triggered epoll tell new data from old. */
  seq?: number;
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
  /** A mount that is nowhere: what pipes, sockets and anonymous files are said to lie on. */
  anonMount: Mount;
  pipefs: Superblock;
  anonfs: Superblock;
  /** Bytes held by pipes, for quotas. */
  pipeBytes: number;
  /** Bytes of the host's memory that names, inodes and attributes of this VM take, about; see fs/super.ts. */
  metaBytes: number;
  /** Items in all epoll instances, locks in all inodes, inotify instances by id: each is bounded. */
  epollItems: number;
  inotify: Map<number, Inotify>;
  /** Open directories that hold a snapshot of their entries, the oldest first, and how many entries that is. */
  snapshots: { files: File[]; entries: number };
  /** Calls of sync, fsync and fdatasync, and times that programs were ahead of the disk: the store takes the disk when it moves. */
  syncs: number;
  /** Bytes that programs have written to the disk since they last waited for it, see fs/changes.ts. */
  written: number;
  /** What `syncs` was when the VM last stopped running; when it has moved the VM stops until its disk is durable. */
  syncsSeen: number;
  /** The one devtmpfs, shown by each mount of it. */
  devtmpfs: Superblock;
  /** The one internal tmpfs behind memfds and O_TMPFILE-like anonymous memory. */
  shmfs: Superblock;
  /** Cached dentries, against the limit at which unused ones are swept; see fs/dcache.ts. */
  dentries: number;
  dentryLimit: number;
  /** inotify watches in the VM: 0 lets every notification return at once. */
  watches: number;
  /** Last cookie that paired two inotify events of a rename. */
  nextCookie: number;
  /** Pipes, terminals and sockets with O_ASYNC; absent: none ever had. */
  asyncFiles?: File[];
  /** Inodes that have locks, for /proc/locks. */
  lockedInodes: Inode[];
  /** Changed attributes and dynamic nodes of proc, sysfs and debugfs; made on first use. */
  kernfs?: KernfsRoom;
}
