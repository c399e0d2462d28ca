/**
 * open(2) (fs/open.c, do_last of fs/namei.c). Always true: a File that is answered has passed the permission checks and its
 * kind has completed the open; a failed open leaves no trace but a file that O_CREAT made.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { truncateInode } from '../mm/filemap.ts';
import { andThen, defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { newDentry } from './dcache.ts';
import { createIn, mayCreate } from './dirops.ts';
import { abandonFile, installOrPut, newFile } from './file.ts';
import {
  At,
  isBlk,
  isChr,
  isDir,
  isFifo,
  isLink,
  isReg,
  isSock,
  MAXSYMLINKS,
  May,
  Ms,
  majorOf,
  minorOf,
  O,
  S,
} from './flags.ts';
import { ownerOrCapable, permission, removePrivileges, touchModified } from './inode.ts';
import { crossMounts } from './mount.ts';
import { linkText, lookupChild, lookupParent, lookupPath, parentFrom } from './namei.ts';
import { NotifyMask, notifyDentry } from './notify.ts';
import { findChrdevDriver, findFsType } from './ops.ts';
import { fifoOpen } from './pipe.ts';
import { unnamedInode } from './treefs.ts';
import type { File, Inode, Path } from './types.ts';

const ACCESS = [May.READ, May.WRITE, May.READ | May.WRITE, May.READ | May.WRITE] as const;

/** Whether a mount or its file system refuses writes. */
export const isReadOnly = (path: Path): boolean => ((path.mnt.flags | path.mnt.sb.flags) & Ms.RDONLY) !== 0;

interface Found {
  path: Path;
  created: boolean;
}

/** Finds or makes what open(O_CREAT) names, following dangling links to where the file is to be. */
function lookupOrCreate(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  flags: number,
  mode: number,
): Found | number {
  let parent = lookupParent(k, task, dirfd, name);
  for (let links = 0; links <= MAXSYMLINKS; links++) {
    if (typeof parent === 'number') return parent;
    if (parent.kind !== 'name' || parent.trailing) return -Errno.EISDIR;
    const { path: at, last } = parent;
    const child = lookupChild(k, task, at.dentry, last);
    if (typeof child === 'number') {
      if (child !== -Errno.ENOENT) return child;
      const perm = S.IFREG | (mode & ~task.fs.umask & S.IALLUGO);
      const dentry = createIn(k, task, at, last, {
        mode: perm,
        rdev: 0,
        link: null,
      });
      if (typeof dentry === 'number') return dentry === -Errno.EPERM ? -Errno.EACCES : dentry;
      return { path: { mnt: at.mnt, dentry }, created: true };
    }
    if ((flags & O.EXCL) !== 0) return -Errno.EEXIST;
    const inode = child.inode as Inode;
    if (!isLink(inode.mode) || child.mounted > 0)
      return {
        path: crossMounts(k, { mnt: at.mnt, dentry: child }),
        created: false,
      };
    if ((flags & O.NOFOLLOW) !== 0) return -Errno.ELOOP;
    const jump = findFsType(inode.sb.type)?.followLink?.(k, task, inode);
    if (typeof jump === 'object') return { path: jump, created: false };
    if (typeof jump === 'number' && jump !== -Errno.EINVAL) return jump;
    const text = linkText(k, task, inode);
    if (typeof text === 'number') return text;
    if (text === '') return -Errno.ENOENT;
    parent = parentFrom(k, task, at, text, parent.links + 1);
  }
  return -Errno.ELOOP;
}

/** The checks of may_open and do_dentry_open for something that exists. */
function mayOpen(k: Kernel, task: Task, path: Path, flags: number): number {
  const inode = path.dentry.inode as Inode;
  let access: number = ACCESS[flags & O.ACCMODE];
  if ((flags & O.TRUNC) !== 0) access |= May.WRITE;
  if (isLink(inode.mode)) return -Errno.ELOOP;
  if (isDir(inode.mode) && (access & May.WRITE) !== 0) return -Errno.EISDIR;
  if ((isChr(inode.mode) || isBlk(inode.mode)) && (path.mnt.flags & Ms.NODEV) !== 0) return -Errno.EACCES;
  if ((access & May.WRITE) !== 0 && isReg(inode.mode) && isReadOnly(path)) return -Errno.EROFS;
  const denied = permission(k, task, inode, access);
  if (denied < 0) return denied;
  if ((flags & O.NOATIME) !== 0 && !ownerOrCapable(task.cred, inode)) return -Errno.EPERM;
  if ((access & May.WRITE) !== 0 && inode.denyWrite > 0) return -Errno.ETXTBSY;
  return 0;
}

function openTmpfile(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  flags: number,
  mode: number,
): File | number {
  if ((flags & O.DIRECTORY) === 0 || (flags & O.ACCMODE) === O.RDONLY) return -Errno.EINVAL;
  const dir = lookupPath(k, task, dirfd, name, { directory: true });
  if (typeof dir === 'number') return dir;
  const dirInode = dir.dentry.inode as Inode;
  const denied = mayCreate(k, task, dir);
  if (denied < 0) return denied;
  if (!findFsType(dirInode.sb.type)?.cached) return -Errno.EOPNOTSUPP;
  const { fsuid: uid, fsgid } = task.cred;
  const gid = (dirInode.mode & S.ISGID) !== 0 ? dirInode.gid : fsgid;
  const perm = S.IFREG | (mode & ~task.fs.umask & S.IALLUGO);
  const inode = unnamedInode(k, dirInode.sb, { mode: perm, uid, gid });
  if (typeof inode === 'number') return inode;
  if ((flags & O.EXCL) === 0) inode.data = 'linkable';
  const dentry = newDentry(`#${inode.ino}`, dir.dentry, inode);
  dentry.deleted = true;
  const file = newFile(k, {
    kind: 'regular',
    inode,
    flags,
    path: { mnt: dir.mnt, dentry },
    uid,
  });
  return file;
}

/** Everything of open(2) but completing it by kind. */
function prepare(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  flags: number,
  mode: number,
): File | number {
  const uid = task.cred.uid;
  if ((flags & O.PATH) !== 0) {
    const follow = (flags & O.NOFOLLOW) === 0;
    const path = lookupPath(k, task, dirfd, name, {
      follow,
      directory: (flags & O.DIRECTORY) !== 0,
    });
    if (typeof path === 'number') return path;
    const kept = flags & (O.PATH | O.DIRECTORY | O.NOFOLLOW);
    return newFile(k, {
      kind: 'path',
      inode: path.dentry.inode as Inode,
      flags: kept,
      path,
      uid,
    });
  }
  if ((flags & O.TMPFILE) !== 0) return openTmpfile(k, task, dirfd, name, flags, mode);
  let found: Found | number;
  if ((flags & O.CREAT) !== 0) found = lookupOrCreate(k, task, dirfd, name, flags, mode);
  else {
    const follow = (flags & O.NOFOLLOW) === 0;
    const path = lookupPath(k, task, dirfd, name, {
      follow,
      directory: (flags & O.DIRECTORY) !== 0,
    });
    found = typeof path === 'number' ? path : { path, created: false };
  }
  if (typeof found === 'number') return found;
  const { path } = found;
  const inode = path.dentry.inode as Inode;
  if (!found.created) {
    if ((flags & O.CREAT) !== 0 && isDir(inode.mode)) return -Errno.EISDIR;
    if ((flags & O.DIRECTORY) !== 0 && !isDir(inode.mode)) return -Errno.ENOTDIR;
    const refused = mayOpen(k, task, path, flags);
    if (refused < 0) return refused;
  }
  const file = newFile(k, {
    kind: 'path',
    inode,
    flags: flags | O.LARGEFILE,
    path,
    uid,
  });
  if (typeof file === 'number') return file;
  if ((flags & O.TRUNC) !== 0 && !found.created && isReg(inode.mode)) {
    const failed = truncateForOpen(k, task, path, inode);
    if (failed < 0) {
      abandonFile(k, file);
      return failed;
    }
  }
  return file;
}

function truncateForOpen(k: Kernel, task: Task, path: Path, inode: Inode): number {
  const type = findFsType(inode.sb.type);
  if (!type?.cached) return type?.setattr?.(k, inode, { size: 0 }) ?? 0;
  const failed = truncateInode(k, inode, 0);
  if (failed < 0) return failed;
  removePrivileges(task.cred, inode);
  touchModified(k, inode);
  notifyDentry(k, path.dentry, NotifyMask.MODIFY);
  return 0;
}

/** The device driver's or kind's part of an open. */
function complete(k: Kernel, task: Task, file: File): Outcome {
  const { inode } = file;
  const byType = findFsType(inode.sb.type)?.open;
  const outcome = byType ? byType(k, task, file) : 0;
  if (outcome !== 0 || file.kind !== 'path') return outcome;
  const { mode } = inode;
  if (isReg(mode)) file.kind = 'regular';
  else if (isDir(mode)) file.kind = 'dir';
  else if (isFifo(mode)) return fifoOpen(k, task, file);
  else if (isChr(mode)) return openChrdev(k, task, file);
  else if (isBlk(mode) || isSock(mode)) return -Errno.ENXIO;
  else return -Errno.ELOOP;
  return 0;
}

/** Opens a character device by its numbers (chrdev_open). */
export function openChrdev(k: Kernel, task: Task, file: File): Outcome {
  const major = majorOf(file.inode.rdev);
  const minor = minorOf(file.inode.rdev);
  for (const region of k.drivers.chrdevs) {
    if (region.major !== major || minor < region.baseMinor || minor >= region.baseMinor + region.count)
      continue;
    const opened = findChrdevDriver(region.driver)?.open(k, task, file, minor) ?? -Errno.ENXIO;
    file.flags &= ~O.NOCTTY;
    return opened;
  }
  return -Errno.ENXIO;
}

/** openat(2): answers a descriptor. May park (FIFOs, drivers). */
export function openat(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  flags: number,
  mode: number,
): Outcome {
  const file = prepare(k, task, dirfd, name, flags, mode);
  if (typeof file === 'number') return file;
  const cloexec = (flags & O.CLOEXEC) !== 0;
  if ((flags & O.PATH) !== 0 || file.kind === 'regular') return installOrPut(k, task, file, cloexec);
  const outcome = complete(k, task, file);
  if (typeof outcome === 'number') return finish(k, task, file, cloexec, outcome);
  return andThen(k, task, outcome, {
    step: openDone,
    state: { file, cloexec },
  });
}

function finish(k: Kernel, task: Task, file: File, cloexec: boolean, outcome: number): number {
  if (outcome < 0) {
    abandonFile(k, file);
    return outcome;
  }
  if (k.fs.watches > 0 && file.path) notifyDentry(k, file.path.dentry, NotifyMask.OPEN);
  return installOrPut(k, task, file, cloexec);
}

const openDone = defineStep('open.done', (k, task, state: { file: File; cloexec: boolean }, entry) =>
  finish(k, task, state.file, state.cloexec, entry.by === 'result' ? entry.value : -Errno.EINTR),
);

/**
 * Opens a name for the kernel itself: no descriptor, and what would have to wait answers -EAGAIN. `dirfd` is AT_FDCWD
 * unless given.
 */
export function openPath(
  k: Kernel,
  task: Task,
  name: string,
  flags: number,
  mode = 0,
  dirfd: number = At.FDCWD,
): File | number {
  const file = prepare(k, task, dirfd, name, flags, mode);
  if (typeof file === 'number') return file;
  if ((flags & O.PATH) !== 0 || file.kind === 'regular') return file;
  const outcome = complete(k, task, file);
  if (outcome === 0 || (typeof outcome === 'number' && outcome > 0)) return file;
  abandonFile(k, file);
  return typeof outcome === 'number' ? outcome : -Errno.EAGAIN;
}

/**
 * Opens a program for execve: a regular file with execute permission on a mount without noexec; nobody may be writing it,
 * and nobody will be able to until {@link allowWrite}.
 */
export function openExec(k: Kernel, task: Task, dirfd: number, name: string, atFlags = 0): File | number {
  const follow = (atFlags & At.SYMLINK_NOFOLLOW) === 0;
  const path = lookupPath(k, task, dirfd, name, {
    follow,
    emptyPath: (atFlags & At.EMPTY_PATH) !== 0,
  });
  if (typeof path === 'number') return path;
  const inode = path.dentry.inode as Inode;
  if (isLink(inode.mode)) return -Errno.ELOOP;
  if (!isReg(inode.mode) || (path.mnt.flags & Ms.NOEXEC) !== 0) return -Errno.EACCES;
  const denied = permission(k, task, inode, May.EXEC);
  if (denied < 0) return denied;
  if (inode.writers > 0) return -Errno.ETXTBSY;
  const file = newFile(k, {
    kind: 'regular',
    inode,
    flags: O.RDONLY | O.LARGEFILE,
    path,
    uid: task.cred.uid,
  });
  if (typeof file === 'object') inode.denyWrite++;
  return file;
}

/** Undoes what {@link openExec} did against writers; the caller still puts the file. */
export function allowWrite(file: File): void {
  if (file.inode.denyWrite > 0) file.inode.denyWrite--;
}
