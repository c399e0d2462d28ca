/** fcntl(2) and flock(2): what concerns a descriptor or an open file rather than its content. */
import { Errno } from '../abi/errno.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { copyIn, copyOut } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { setAsync, setOwner } from './async.ts';
import { getFile, getFileRaw, getFileRef, installFd, isReadable, isWritable, putFile } from './file.ts';
import { MAX_OFFSET, O, RLIMIT_NOFILE } from './flags.ts';
import { conflicting, setLock, unlock } from './locks.ts';
import { pipeSize, setPipeSize } from './pipe.ts';
import { SEAL, sealsOf } from './regular.ts';
import type { File, FileLock } from './types.ts';

const F = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  GETLK: 5,
  SETLK: 6,
  SETLKW: 7,
  SETOWN: 8,
  GETOWN: 9,
  SETSIG: 10,
  GETSIG: 11,
  SETOWN_EX: 15,
  GETOWN_EX: 16,
  OFD_GETLK: 36,
  OFD_SETLK: 37,
  OFD_SETLKW: 38,
  SETLEASE: 1024,
  GETLEASE: 1025,
  NOTIFY: 1026,
  DUPFD_CLOEXEC: 1030,
  SETPIPE_SZ: 1031,
  GETPIPE_SZ: 1032,
  ADD_SEALS: 1033,
  GET_SEALS: 1034,
} as const;
const F_UNLCK = 2;
const F_WRLCK = 1;
const SETTABLE = O.APPEND | O.NONBLOCK | O.DIRECT | O.NOATIME;
/** Commands that O_PATH descriptors answer too. */
const PATH_OK = new Set<number>([F.DUPFD, F.DUPFD_CLOEXEC, F.GETFD, F.SETFD, F.GETFL]);

/** fcntl(2). */
export function fcntl(k: Kernel, task: Task, fd: number, cmd: number, arg: number): Outcome {
  const file = PATH_OK.has(cmd) ? getFileRaw(task, fd) : getFile(task, fd);
  if (!file) return -Errno.EBADF;
  const entry = task.files.fds[fd] as { cloexec: boolean };
  switch (cmd) {
    case F.DUPFD:
    case F.DUPFD_CLOEXEC:
      return duplicate(k, task, file, arg | 0, cmd === F.DUPFD_CLOEXEC);
    case F.GETFD:
      return entry.cloexec ? 1 : 0;
    case F.SETFD:
      entry.cloexec = (arg & 1) !== 0;
      return 0;
    case F.GETFL:
      return file.flags;
    case F.SETFL:
      file.flags = (file.flags & ~SETTABLE) | (arg & SETTABLE);
      return setAsync(k, task, fd, file, (arg & O.ASYNC) !== 0);
    case F.GETLK:
    case F.OFD_GETLK:
      return testLock(k, task, file, arg, cmd === F.OFD_GETLK);
    case F.SETLK:
    case F.SETLKW:
    case F.OFD_SETLK:
    case F.OFD_SETLKW:
      return lock(k, task, file, arg, cmd >= F.OFD_SETLK, cmd === F.SETLKW || cmd === F.OFD_SETLKW);
    case F.SETPIPE_SZ:
      return setPipeSize(task, file, arg);
    case F.GETPIPE_SZ:
      return pipeSize(file);
    case F.ADD_SEALS:
      return addSeals(file, arg);
    case F.GET_SEALS:
      return isMemfd(file) ? sealsOf(file.inode) : -Errno.EINVAL;
    case F.GETLEASE:
      return F_UNLCK;
    default:
      return ownership(k, task, file, cmd, arg);
  }
}

function duplicate(k: Kernel, task: Task, file: File, min: number, cloexec: boolean): number {
  if (min < 0 || min >= task.group.rlimits[RLIMIT_NOFILE].cur) return -Errno.EINVAL;
  const fd = installFd(k, task, getFileRef(file), cloexec, min);
  if (fd < 0) putFile(k, file);
  return fd;
}

/** Who gets SIGIO, and which signal it is. */
function ownership(k: Kernel, task: Task, file: File, cmd: number, arg: number): number {
  switch (cmd) {
    case F.SETOWN:
      return setOwner(k, task, file, arg | 0);
    case F.GETOWN:
      return file.owner.pid;
    case F.SETSIG:
      if (arg < 0 || arg > 64) return -Errno.EINVAL;
      file.owner.signal = arg;
      return 0;
    case F.GETSIG:
      return file.owner.signal;
    case F.SETOWN_EX: {
      const raw = copyIn(k, task, arg, 8);
      if (!raw) return -Errno.EFAULT;
      const view = new DataView(raw.buffer, raw.byteOffset);
      const type = view.getInt32(0, true);
      if (type < 0 || type > 2) return -Errno.EINVAL;
      return setOwner(k, task, file, type === 2 ? -view.getInt32(4, true) : view.getInt32(4, true));
    }
    case F.GETOWN_EX: {
      const out = new Uint8Array(8);
      const view = new DataView(out.buffer);
      view.setInt32(0, file.owner.pid < 0 ? 2 : 1, true);
      view.setInt32(4, Math.abs(file.owner.pid), true);
      return copyOut(k, task, arg, out);
    }
    default:
      unsupported(k, `fcntl ${cmd}`);
      return -Errno.EINVAL;
  }
}

interface Flock {
  type: number;
  start: number;
  end: number;
}

/** Reads struct flock (linux/fcntl.h) and makes the range absolute. */
function flockAt(k: Kernel, task: Task, file: File, va: number, ofd: boolean): Flock | number {
  const raw = copyIn(k, task, va, 32);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset);
  const type = view.getInt16(0, true);
  const whence = view.getInt16(2, true);
  const length = Number(view.getBigInt64(16, true));
  if (ofd && view.getInt32(24, true) !== 0) return -Errno.EINVAL;
  if (type < 0 || type > F_UNLCK || whence < 0 || whence > 2) return -Errno.EINVAL;
  let start = Number(view.getBigInt64(8, true));
  if (whence === 1) start += file.pos;
  else if (whence === 2) start += file.inode.size;
  let end = Number.POSITIVE_INFINITY;
  if (length > 0) end = start + length - 1;
  else if (length < 0) {
    end = start - 1;
    start += length;
  }
  if (start < 0) return -Errno.EINVAL;
  if (start > MAX_OFFSET) return -Errno.EOVERFLOW;
  return { type, start, end };
}

function lockOf(task: Task, file: File, range: Flock, ofd: boolean): FileLock {
  return {
    kind: ofd ? 'ofd' : 'posix',
    owner: ofd ? file : task.files,
    write: range.type === F_WRLCK,
    start: range.start,
    end: range.end,
    pid: ofd ? -1 : task.group.pid,
  };
}

function testLock(k: Kernel, task: Task, file: File, va: number, ofd: boolean): number {
  const range = flockAt(k, task, file, va, ofd);
  if (typeof range === 'number') return range;
  if (range.type === F_UNLCK) return -Errno.EINVAL;
  const other = conflicting(file.inode, lockOf(task, file, range, ofd));
  const raw = copyIn(k, task, va, 32);
  if (!raw) return -Errno.EFAULT;
  const out = raw.slice();
  const view = new DataView(out.buffer);
  if (!other) view.setInt16(0, F_UNLCK, true);
  else {
    view.setInt16(0, other.write ? F_WRLCK : 0, true);
    view.setInt16(2, 0, true);
    view.setBigInt64(8, BigInt(other.start), true);
    view.setBigInt64(
      16,
      other.end === Number.POSITIVE_INFINITY ? 0n : BigInt(other.end - other.start + 1),
      true,
    );
    view.setInt32(24, other.pid, true);
  }
  return copyOut(k, task, va, out);
}

function lock(k: Kernel, task: Task, file: File, va: number, ofd: boolean, block: boolean): Outcome {
  const range = flockAt(k, task, file, va, ofd);
  if (typeof range === 'number') return range;
  const wanted = lockOf(task, file, range, ofd);
  if (range.type === F_UNLCK) return unlock(k, file.inode, wanted);
  if (wanted.write ? !isWritable(file) : !isReadable(file)) return -Errno.EBADF;
  return setLock(k, file.inode, wanted, block, (mark) => {
    if (task.syscall) task.syscall.scratch = mark ? { lock: mark } : null;
  });
}

const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;

/** flock(2). */
export function flock(k: Kernel, task: Task, fd: number, operation: number): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  const what = operation & ~LOCK.NB;
  if (what !== LOCK.SH && what !== LOCK.EX && what !== LOCK.UN) return -Errno.EINVAL;
  const wanted: FileLock = {
    kind: 'flock',
    owner: file,
    write: what === LOCK.EX,
    start: 0,
    end: Number.POSITIVE_INFINITY,
    pid: task.group.pid,
  };
  if (what === LOCK.UN) return unlock(k, file.inode, wanted);
  return setLock(k, file.inode, wanted, (operation & LOCK.NB) === 0, () => {});
}

const isMemfd = (file: File): boolean =>
  file.kind === 'regular' && (file.inode.data as { seals?: number } | null)?.seals !== undefined;

function addSeals(file: File, seals: number): number {
  if (!isMemfd(file) || (seals & ~31) !== 0) return -Errno.EINVAL;
  if (!isWritable(file) || (sealsOf(file.inode) & SEAL.SEAL) !== 0) return -Errno.EPERM;
  (file.inode.data as { seals: number }).seals |= seals;
  return 0;
}
