/** System calls that take a name: opening, making, removing, asking. Each decodes its arguments and asks the fs room. */
import { Errno } from '../abi/errno.ts';
import * as attr from '../fs/attr.ts';
import { boundDcache } from '../fs/dcache.ts';
import * as dirops from '../fs/dirops.ts';
import { pathBelow } from '../fs/dpath.ts';
import { getFile, getFileRaw } from '../fs/file.ts';
import { At, isDir, May, Ms, O, PATH_MAX } from '../fs/flags.ts';
import { getInode, permission, putInode } from '../fs/inode.ts';
import { linkText, lookupPath, pathOfFile } from '../fs/namei.ts';
import { openat } from '../fs/open.ts';
import { renameat } from '../fs/rename.ts';
import { packStat, packStatfs, packStatx } from '../fs/stat.ts';
import type { Inode, Path } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyInString, copyOut } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Cred, Task } from '../task/types.ts';
import { syscall } from './table.ts';

/** A path name argument, or -EFAULT, -ENAMETOOLONG. */
const nameAt = (k: Kernel, task: Task, va: number): string | number => copyInString(k, task, va, PATH_MAX);

/** Looks up a path argument and goes on with it. */
function withPath(
  k: Kernel,
  task: Task,
  dirfd: number,
  va: number,
  options: { follow?: boolean; emptyPath?: boolean; directory?: boolean },
  then: (path: Path, inode: Inode) => number,
): number {
  const name = nameAt(k, task, va);
  if (typeof name === 'number') return name;
  const path = lookupPath(k, task, dirfd, name, options);
  return typeof path === 'number' ? path : then(path, path.dentry.inode as Inode);
}

/** The path of an open descriptor (O_PATH ones only where `raw`). */
function withFd(k: Kernel, task: Task, fd: number, then: (path: Path) => number, raw = false): number {
  const file = raw ? getFileRaw(task, fd) : getFile(task, fd);
  return file ? then(pathOfFile(k, file)) : -Errno.EBADF;
}

const follows = (flags: number) => ({
  follow: (flags & At.SYMLINK_NOFOLLOW) === 0,
  emptyPath: (flags & At.EMPTY_PATH) !== 0,
});

function openName(k: Kernel, task: Task, dirfd: number, va: number, flags: number, mode: number): Outcome {
  const name = nameAt(k, task, va);
  if (typeof name === 'number') return name;
  boundDcache(k);
  return openat(k, task, dirfd, name, flags, mode);
}

syscall(56, 'openat', ['fd', 'ptr', 'int', 'uint'], openName);

const OPEN_HOW_SIZE = 24;
const RESOLVE = {
  NO_XDEV: 1,
  NO_MAGICLINKS: 2,
  NO_SYMLINKS: 4,
  BENEATH: 8,
  IN_ROOT: 16,
  CACHED: 32,
} as const;

syscall(
  437,
  'openat2',
  ['fd', 'ptr', 'ptr', 'size'],
  (k, task, dirfd, va, how, size) => {
    if (size < OPEN_HOW_SIZE) return -Errno.EINVAL;
    if (size > 4096) return -Errno.E2BIG;
    const raw = copyIn(k, task, how, size);
    if (!raw) return -Errno.EFAULT;
    if (raw.subarray(OPEN_HOW_SIZE).some((byte) => byte !== 0)) return -Errno.E2BIG;
    const view = new DataView(raw.buffer, raw.byteOffset);
    const [flags, mode, resolve] = [0, 8, 16].map((at) => Number(view.getBigUint64(at, true)));
    if (flags > 0x7fffffff || mode > 0o7777 || resolve > 63) return -Errno.EINVAL;
    if (mode !== 0 && (flags & (O.CREAT | O.TMPFILE)) === 0) return -Errno.EINVAL;
    if ((resolve & (RESOLVE.BENEATH | RESOLVE.IN_ROOT | RESOLVE.NO_XDEV)) !== 0) return -Errno.ENOSYS;
    if ((resolve & RESOLVE.CACHED) !== 0) return -Errno.EAGAIN;
    return openName(k, task, dirfd, va, flags, mode);
  },
  'partial',
  'RESOLVE_BENEATH, IN_ROOT and NO_XDEV answer ENOSYS, which callers take for an older kernel',
);

syscall(79, 'newfstatat', ['fd', 'ptr', 'ptr', 'int'], (k, task, dirfd, va, buf, flags) => {
  if ((flags & ~(At.SYMLINK_NOFOLLOW | At.NO_AUTOMOUNT | At.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  boundDcache(k);
  return withPath(k, task, dirfd, va, follows(flags), (_path, inode) =>
    copyOut(k, task, buf, packStat(k, inode)),
  );
});

syscall(80, 'fstat', ['fd', 'ptr'], (k, task, fd, buf) => {
  const file = getFileRaw(task, fd);
  return file ? copyOut(k, task, buf, packStat(k, file.inode)) : -Errno.EBADF;
});

syscall(291, 'statx', ['fd', 'ptr', 'int', 'uint', 'ptr'], (k, task, dirfd, va, flags, mask, buf) => {
  if ((mask & 0x80000000) !== 0) return -Errno.EINVAL;
  const known = At.SYMLINK_NOFOLLOW | At.NO_AUTOMOUNT | At.EMPTY_PATH | 0x6000;
  if ((flags & ~known) !== 0 || (flags & 0x6000) === 0x6000) return -Errno.EINVAL;
  boundDcache(k);
  return withPath(k, task, dirfd, va, follows(flags), (path, inode) =>
    copyOut(k, task, buf, packStatx(k, inode, path.mnt, path.dentry === path.mnt.root)),
  );
});

function statfsOf(k: Kernel, task: Task, path: Path, inode: Inode, buf: number): number {
  const bytes = packStatfs(k, inode.sb, path.mnt);
  return typeof bytes === 'number' ? bytes : copyOut(k, task, buf, bytes);
}
syscall(43, 'statfs', ['ptr', 'ptr'], (k, task, va, buf) =>
  withPath(k, task, At.FDCWD, va, {}, (path, inode) => statfsOf(k, task, path, inode, buf)),
);
syscall(44, 'fstatfs', ['fd', 'ptr'], (k, task, fd, buf) => {
  const file = getFileRaw(task, fd);
  if (!file) return -Errno.EBADF;
  return statfsOf(k, task, pathOfFile(k, file), file.inode, buf);
});

syscall(34, 'mkdirat', ['fd', 'ptr', 'uint'], (k, task, dirfd, va, mode) => {
  const name = nameAt(k, task, va);
  return typeof name === 'number' ? name : dirops.mkdirat(k, task, dirfd, name, mode);
});
syscall(33, 'mknodat', ['fd', 'ptr', 'uint', 'uint'], (k, task, dirfd, va, mode, dev) => {
  const name = nameAt(k, task, va);
  return typeof name === 'number' ? name : dirops.mknodat(k, task, dirfd, name, mode, dev);
});
syscall(35, 'unlinkat', ['fd', 'ptr', 'int'], (k, task, dirfd, va, flags) => {
  if ((flags & ~At.REMOVEDIR) !== 0) return -Errno.EINVAL;
  const name = nameAt(k, task, va);
  if (typeof name === 'number') return name;
  return flags !== 0 ? dirops.rmdir(k, task, dirfd, name) : dirops.unlink(k, task, dirfd, name);
});
syscall(36, 'symlinkat', ['ptr', 'fd', 'ptr'], (k, task, target, dirfd, va) => {
  const text = nameAt(k, task, target);
  const name = nameAt(k, task, va);
  if (typeof text === 'number') return text;
  return typeof name === 'number' ? name : dirops.symlinkat(k, task, text, dirfd, name);
});
syscall(37, 'linkat', ['fd', 'ptr', 'fd', 'ptr', 'int'], (k, task, oldFd, oldVa, newFd, newVa, flags) => {
  const oldName = nameAt(k, task, oldVa);
  const newName = nameAt(k, task, newVa);
  if (typeof oldName === 'number') return oldName;
  if (typeof newName === 'number') return newName;
  return dirops.linkat(k, task, oldFd, oldName, newFd, newName, flags);
});

function renameNames(
  k: Kernel,
  task: Task,
  oldFd: number,
  oldVa: number,
  newFd: number,
  newVa: number,
  flags: number,
): number {
  const oldName = nameAt(k, task, oldVa);
  const newName = nameAt(k, task, newVa);
  if (typeof oldName === 'number') return oldName;
  if (typeof newName === 'number') return newName;
  return renameat(k, task, oldFd, oldName, newFd, newName, flags);
}
syscall(38, 'renameat', ['fd', 'ptr', 'fd', 'ptr'], (k, task, ...args) =>
  renameNames(k, task, args[0], args[1], args[2], args[3], 0),
);
syscall(276, 'renameat2', ['fd', 'ptr', 'fd', 'ptr', 'uint'], (k, task, ...args) =>
  renameNames(k, task, args[0], args[1], args[2], args[3], args[4]),
);

syscall(78, 'readlinkat', ['fd', 'ptr', 'ptr', 'int'], (k, task, dirfd, va, buf, size) => {
  if (size <= 0) return -Errno.EINVAL;
  return withPath(k, task, dirfd, va, { follow: false, emptyPath: true }, (_path, inode) => {
    const text = linkText(k, task, inode);
    if (typeof text === 'number') return text;
    const bytes = new Uint8Array(Math.min(text.length, size));
    for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
    const failed = copyOut(k, task, buf, bytes);
    return failed < 0 ? failed : bytes.length;
  });
});

function chmodName(k: Kernel, task: Task, dirfd: number, va: number, mode: number, flags: number): number {
  return withPath(k, task, dirfd, va, follows(flags), (path) => attr.chmod(k, task, path, mode));
}
syscall(53, 'fchmodat', ['fd', 'ptr', 'uint'], (k, task, dirfd, va, mode) =>
  chmodName(k, task, dirfd, va, mode, 0),
);
syscall(452, 'fchmodat2', ['fd', 'ptr', 'uint', 'int'], (k, task, dirfd, va, mode, flags) =>
  (flags & ~(At.SYMLINK_NOFOLLOW | At.EMPTY_PATH)) !== 0
    ? -Errno.EINVAL
    : chmodName(k, task, dirfd, va, mode, flags),
);
syscall(52, 'fchmod', ['fd', 'uint'], (k, task, fd, mode) =>
  withFd(k, task, fd, (path) => attr.chmod(k, task, path, mode)),
);
syscall(54, 'fchownat', ['fd', 'ptr', 'uint', 'uint', 'int'], (k, task, dirfd, va, uid, gid, flags) =>
  (flags & ~(At.SYMLINK_NOFOLLOW | At.EMPTY_PATH)) !== 0
    ? -Errno.EINVAL
    : withPath(k, task, dirfd, va, follows(flags), (path) => attr.chown(k, task, path, uid, gid)),
);
syscall(55, 'fchown', ['fd', 'uint', 'uint'], (k, task, fd, uid, gid) =>
  withFd(k, task, fd, (path) => attr.chown(k, task, path, uid, gid)),
);

const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const NSEC_PER_SEC = 1e9;

function timesAt(k: Kernel, task: Task, va: number): [attr.NewTime, attr.NewTime] | number {
  if (va === 0) return ['now', 'now'];
  const raw = copyIn(k, task, va, 32);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset);
  const times: attr.NewTime[] = [];
  for (const at of [0, 16]) {
    const sec = Number(view.getBigInt64(at, true));
    const nsec = Number(view.getBigInt64(at + 8, true));
    if (nsec === UTIME_NOW) times.push('now');
    else if (nsec === UTIME_OMIT) times.push('omit');
    else if (nsec < 0 || nsec >= NSEC_PER_SEC) return -Errno.EINVAL;
    else times.push({ sec, nsec });
  }
  return [times[0], times[1]];
}

syscall(88, 'utimensat', ['fd', 'ptr', 'ptr', 'int'], (k, task, dirfd, va, times, flags) => {
  if ((flags & ~(At.SYMLINK_NOFOLLOW | At.EMPTY_PATH)) !== 0) return -Errno.EINVAL;
  const both = timesAt(k, task, times);
  if (typeof both === 'number') return both;
  if (va === 0) return withFd(k, task, dirfd, (path) => attr.utimens(k, task, path, both[0], both[1]));
  return withPath(k, task, dirfd, va, follows(flags), (path) =>
    attr.utimens(k, task, path, both[0], both[1]),
  );
});

syscall(45, 'truncate', ['ptr', 'long'], (k, task, va, size) =>
  withPath(k, task, At.FDCWD, va, {}, (path) => attr.truncate(k, task, path, size)),
);

/** The caller in the eyes of access(2): with its real ids, and capabilities as if they had been effective. */
function realCred(cred: Cred): Cred {
  if (cred.uid === cred.fsuid && cred.gid === cred.fsgid) {
    if (cred.uid !== 0 && cred.capEffective === 0n) return cred;
    if (cred.uid === 0 && cred.capEffective === cred.capPermitted) return cred;
  }
  const capEffective = cred.uid === 0 ? cred.capPermitted : 0n;
  return { ...cred, fsuid: cred.uid, fsgid: cred.gid, capEffective };
}

function access(k: Kernel, task: Task, dirfd: number, va: number, mask: number, flags: number): number {
  if ((mask & ~7) !== 0) return -Errno.EINVAL;
  const own = task.cred;
  const cred = (flags & At.EACCESS) !== 0 ? own : realCred(own);
  task.cred = cred;
  const result = withPath(k, task, dirfd, va, follows(flags), (path, inode) => {
    if (mask === 0) return 0;
    if ((mask & May.EXEC) !== 0 && !isDir(inode.mode) && (path.mnt.flags & Ms.NOEXEC) !== 0)
      return -Errno.EACCES;
    const denied = permission(k, cred, inode, mask);
    if (denied < 0) return denied;
    const device = (inode.mode & 0o170000) !== 0o100000 && !isDir(inode.mode);
    const frozen = ((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0;
    return (mask & May.WRITE) !== 0 && !device && frozen ? -Errno.EROFS : 0;
  });
  task.cred = own;
  return result;
}
syscall(48, 'faccessat', ['fd', 'ptr', 'int'], (k, task, dirfd, va, mask) =>
  access(k, task, dirfd, va, mask, 0),
);
syscall(439, 'faccessat2', ['fd', 'ptr', 'int', 'int'], (k, task, dirfd, va, mask, flags) =>
  (flags & ~(At.EACCESS | At.SYMLINK_NOFOLLOW | At.EMPTY_PATH)) !== 0
    ? -Errno.EINVAL
    : access(k, task, dirfd, va, mask, flags),
);

/** Makes a directory the working directory or the root. */
function enter(k: Kernel, task: Task, path: Path, what: 'cwd' | 'root'): number {
  const inode = path.dentry.inode as Inode;
  if (!isDir(inode.mode)) return -Errno.ENOTDIR;
  const denied = permission(k, task, inode, May.EXEC);
  if (denied < 0) return denied;
  if (what === 'root' && !capable(task.cred, CAP.SYS_CHROOT)) return -Errno.EPERM;
  const old = task.fs[what].dentry.inode as Inode;
  getInode(inode);
  task.fs[what] = path;
  putInode(k, old);
  return 0;
}
syscall(49, 'chdir', ['ptr'], (k, task, va) =>
  withPath(k, task, At.FDCWD, va, { directory: true }, (path) => enter(k, task, path, 'cwd')),
);
syscall(50, 'fchdir', ['fd'], (k, task, fd) =>
  withFd(k, task, fd, (path) => enter(k, task, path, 'cwd'), true),
);
syscall(51, 'chroot', ['ptr'], (k, task, va) =>
  withPath(k, task, At.FDCWD, va, { directory: true }, (path) => enter(k, task, path, 'root')),
);
syscall(17, 'getcwd', ['ptr', 'size'], (k, task, buf, size) => {
  const { cwd, root } = task.fs;
  if (cwd.dentry.deleted) return -Errno.ENOENT;
  const name = pathBelow(cwd, root) ?? '(unreachable)';
  if (name.length + 1 > PATH_MAX) return -Errno.ENAMETOOLONG;
  if (name.length + 1 > size) return -Errno.ERANGE;
  const bytes = new Uint8Array(name.length + 1);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  const failed = copyOut(k, task, buf, bytes);
  return failed < 0 ? failed : bytes.length;
});
syscall(166, 'umask', ['int'], (_k, task, mask) => {
  const old = task.fs.umask;
  task.fs.umask = mask & 0o777;
  return old;
});
