/**
 * Numbers of the file system ABI on riscv64 (asm-generic/fcntl.h, linux/stat.h, linux/mount.h). Each is declared here and
 * nowhere else.
 */

/** File types and special bits of st_mode (man 7 inode). */
export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o060000,
  IFDIR: 0o040000,
  IFCHR: 0o020000,
  IFIFO: 0o010000,
  ISUID: 0o4000,
  ISGID: 0o2000,
  ISVTX: 0o1000,
  IXGRP: 0o010,
  IALLUGO: 0o7777,
} as const;

export const isDir = (mode: number): boolean => (mode & S.IFMT) === S.IFDIR;
export const isReg = (mode: number): boolean => (mode & S.IFMT) === S.IFREG;
export const isLink = (mode: number): boolean => (mode & S.IFMT) === S.IFLNK;
export const isFifo = (mode: number): boolean => (mode & S.IFMT) === S.IFIFO;
export const isChr = (mode: number): boolean => (mode & S.IFMT) === S.IFCHR;
export const isBlk = (mode: number): boolean => (mode & S.IFMT) === S.IFBLK;
export const isSock = (mode: number): boolean => (mode & S.IFMT) === S.IFSOCK;

/** d_type of a mode (IFTODT of dirent.h). */
export const modeToDt = (mode: number): number => (mode & S.IFMT) >> 12;

/** Open flags (man 2 open). */
export const O = {
  ACCMODE: 3,
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  ASYNC: 0o20000,
  DIRECT: 0o40000,
  LARGEFILE: 0o100000,
  DIRECTORY: 0o200000,
  NOFOLLOW: 0o400000,
  NOATIME: 0o1000000,
  CLOEXEC: 0o2000000,
  SYNC: 0o4010000,
  PATH: 0o10000000,
  TMPFILE: 0o20000000,
} as const;

/** Flags of the *at calls (man 2 openat, statx, linkat, unlinkat). */
export const At = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  /** unlinkat and faccessat share a bit. */
  REMOVEDIR: 0x200,
  EACCESS: 0x200,
  SYMLINK_FOLLOW: 0x400,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
} as const;

/** Permission masks of access(2). */
export const May = { EXEC: 1, WRITE: 2, READ: 4 } as const;

/** Mount flags (man 2 mount). */
export const Ms = {
  RDONLY: 1,
  NOSUID: 2,
  NODEV: 4,
  NOEXEC: 8,
  SYNCHRONOUS: 16,
  REMOUNT: 32,
  MANDLOCK: 64,
  DIRSYNC: 128,
  NOATIME: 1024,
  NODIRATIME: 2048,
  BIND: 4096,
  MOVE: 8192,
  REC: 16384,
  SILENT: 32768,
  UNBINDABLE: 1 << 17,
  PRIVATE: 1 << 18,
  SLAVE: 1 << 19,
  SHARED: 1 << 20,
  RELATIME: 1 << 21,
  STRICTATIME: 1 << 24,
  LAZYTIME: 1 << 25,
  MGC_VAL: 0xc0ed0000,
  MGC_MSK: 0xffff0000,
} as const;

/** Poll events (man 2 poll, asm-generic/poll.h). */
export const Poll = {
  IN: 1,
  PRI: 2,
  OUT: 4,
  ERR: 8,
  HUP: 0x10,
  NVAL: 0x20,
  RDNORM: 0x40,
  RDBAND: 0x80,
  WRNORM: 0x100,
  WRBAND: 0x200,
  RDHUP: 0x2000,
} as const;

/** Limits of limits.h. */
export const NAME_MAX = 255;
export const PATH_MAX = 4096;
/** Symbolic links followed in one walk before ELOOP (fs/namei.c). */
export const MAXSYMLINKS = 40;
/** The largest number of bytes one read or write moves (MAX_RW_COUNT). */
export const MAX_RW = 0x7ffff000;
/** The largest offset in a file. */
export const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** Device numbers as the kernel's new_encode_dev lays them out in 32 bits. */
export const makedev = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
export const majorOf = (dev: number): number => (dev >>> 8) & 0xfff;
export const minorOf = (dev: number): number => (dev & 0xff) | ((dev >>> 12) & 0xfff00);

/** rlimits that files obey: indices of RLIMIT_FSIZE and RLIMIT_NOFILE. */
export const RLIMIT_FSIZE = 1;
export const RLIMIT_NOFILE = 7;
