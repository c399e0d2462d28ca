/**
 * Regular files of the cached file systems: reading and writing through the page cache. Always true: a write by someone without
 * CAP_FSETID takes set-user-ID away before the first byte changes; no file grows beyond RLIMIT_FSIZE.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { hasPage, knownPages, punchHole, readFile, truncateInode, writeFile } from '../mm/filemap.ts';
import type { IoBuf } from '../mm/types.ts';
import { writeI32 } from '../mm/uaccess.ts';
import { kernelSigInfo, sendSignalTask } from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import { noteWritten, requestSync } from './changes.ts';
import { MAX_OFFSET, Ms, O, RLIMIT_FSIZE } from './flags.ts';
import { removePrivileges, touchAccessed, touchModified } from './inode.ts';
import { NotifyMask, notifyFile } from './notify.ts';
import { defineFileOps, type FileOps } from './ops.ts';
import { chargeBytes } from './super.ts';
import type { File, Inode } from './types.ts';

const SIGXFSZ = 25;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const PAGE = 4096;

/** How many of `count` bytes may be written at `pos`: the file size limit; at it SIGXFSZ and -EFBIG. */
function allowedBySize(k: Kernel, task: Task, pos: number, count: number): number {
  const limit = task.group.rlimits[RLIMIT_FSIZE].cur;
  if (pos + count <= limit) return pos + count > MAX_OFFSET ? -Errno.EFBIG : count;
  if (pos >= limit) {
    sendSignalTask(k, task, kernelSigInfo(SIGXFSZ));
    return -Errno.EFBIG;
  }
  return limit - pos;
}

function read(k: Kernel, task: Task, file: File, buf: IoBuf, pos: number | null): number {
  const at = pos ?? file.pos;
  const n = readFile(k, task, file.inode, buf, at);
  if (n > 0 && pos === null) file.pos = at + n;
  if ((file.flags & O.NOATIME) === 0 && file.path) touchAccessed(k, file.path.mnt, file.inode);
  if (n > 0 && k.fs.watches > 0) notifyFile(k, file, NotifyMask.ACCESS);
  return n;
}

function write(k: Kernel, task: Task, file: File, buf: IoBuf, pos: number | null): number {
  const { inode } = file;
  const sealed = sealsOf(inode);
  if ((sealed & (SEAL.WRITE | SEAL.FUTURE_WRITE)) !== 0) return -Errno.EPERM;
  const at = (file.flags & O.APPEND) !== 0 ? inode.size : (pos ?? file.pos);
  const want = buf.length - buf.done;
  if (want === 0) return 0;
  let allowed = allowedBySize(k, task, at, want);
  if (allowed < 0) return allowed;
  if ((sealed & SEAL.GROW) !== 0 && at + allowed > inode.size) {
    if (at >= inode.size) return -Errno.EPERM;
    allowed = inode.size - at;
  }
  removePrivileges(task.cred, inode);
  const { length } = buf;
  if (allowed < want) buf.length = buf.done + allowed;
  const n = writeFile(k, task, inode, buf, at);
  buf.length = length;
  if (n > 0) {
    noteWritten(k, inode, n);
    if (pos === null) file.pos = at + n;
    const mount = file.path?.mnt.flags ?? 0;
    if ((file.flags & O.DSYNC) !== 0 || (mount & Ms.SYNCHRONOUS) !== 0) requestSync(k, inode);
    if (k.fs.watches > 0) notifyFile(k, file, NotifyMask.MODIFY);
  }
  return n;
}

/** Seals of a memfd (man 2 fcntl); kept in the inode's data. */
export const SEAL = {
  SEAL: 1,
  SHRINK: 2,
  GROW: 4,
  WRITE: 8,
  FUTURE_WRITE: 16,
} as const;
export const sealsOf = (inode: Inode): number => (inode.data as { seals?: number } | null)?.seals ?? 0;

/** lseek(2)'s SEEK_DATA and SEEK_HOLE. */
function seekContent(inode: Inode, offset: number, data: boolean): number {
  if (offset < 0 || offset >= inode.size) return -Errno.ENXIO;
  const last = Math.ceil(inode.size / PAGE);
  let index = Math.floor(offset / PAGE);
  if (!data && inode.lower !== 0 && index * PAGE < inode.lowerSize) index = Math.ceil(inode.lowerSize / PAGE);
  if (data && !hasPage(inode, index)) {
    let best = last;
    for (const page of knownPages(inode)) if (page > index && page < best) best = page;
    index = best;
  } else while (!data && index < last && hasPage(inode, index)) index++;
  if (index >= last) return data ? -Errno.ENXIO : inode.size;
  return Math.max(offset, index * PAGE);
}

/** lseek(2) for anything with a size. */
export function genericSeek(file: File, offset: number, whence: number): number {
  let target: number;
  if (whence === 0) target = offset;
  else if (whence === 1) target = file.pos + offset;
  else if (whence === 2) target = file.inode.size + offset;
  else if (whence === SEEK_DATA || whence === SEEK_HOLE) {
    if (offset < 0 || offset >= file.inode.size) return -Errno.ENXIO;
    target = whence === SEEK_DATA ? offset : file.inode.size;
  } else return -Errno.EINVAL;
  if (target < 0 || target > MAX_OFFSET) return -Errno.EINVAL;
  file.pos = target;
  return target;
}

function llseek(_k: Kernel, _task: Task, file: File, offset: number, whence: number): number {
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return genericSeek(file, offset, whence);
  const target = seekContent(file.inode, offset, whence === SEEK_DATA);
  if (target >= 0) file.pos = target;
  return target;
}

const FIONREAD = 0x541b;

export const regularOps: FileOps = defineFileOps('regular', {
  read,
  write,
  seekable: true,
  llseek,
  mmap: () => 0,
  ioctl: (k, task, file, cmd, arg) =>
    cmd === FIONREAD
      ? writeI32(k, task, arg, Math.min(0x7fffffff, Math.max(0, file.inode.size - file.pos)))
      : -Errno.ENOTTY,
});

/** ftruncate, truncate(2) once the caller may write: size limits, seals, privileges, times. */
export function setSize(k: Kernel, task: Task, inode: Inode, size: number): number {
  if (size > inode.size) {
    const limit = task.group.rlimits[RLIMIT_FSIZE].cur;
    if (size > limit) {
      sendSignalTask(k, task, kernelSigInfo(SIGXFSZ));
      return -Errno.EFBIG;
    }
    if (size > MAX_OFFSET) return -Errno.EFBIG;
  }
  const sealed = sealsOf(inode);
  if (size < inode.size && (sealed & SEAL.SHRINK) !== 0) return -Errno.EPERM;
  if (size > inode.size && (sealed & SEAL.GROW) !== 0) return -Errno.EPERM;
  const failed = truncateInode(k, inode, size);
  if (failed < 0) return failed;
  removePrivileges(task.cred, inode);
  touchModified(k, inode);
  return 0;
}

const FALLOC = { KEEP_SIZE: 1, PUNCH_HOLE: 2, ZERO_RANGE: 16 } as const;

/** fallocate(2). Space is promised by checking that it is there. */
export function fallocate(
  k: Kernel,
  task: Task,
  file: File,
  mode: number,
  offset: number,
  length: number,
): number {
  const { inode } = file;
  const end = offset + length;
  if (offset < 0 || length <= 0) return -Errno.EINVAL;
  if (end > MAX_OFFSET) return -Errno.EFBIG;
  if ((mode & ~(FALLOC.KEEP_SIZE | FALLOC.PUNCH_HOLE | FALLOC.ZERO_RANGE)) !== 0) return -Errno.EOPNOTSUPP;
  const punch = (mode & FALLOC.PUNCH_HOLE) !== 0;
  if (punch && (mode & FALLOC.KEEP_SIZE) === 0) return -Errno.EOPNOTSUPP;
  if (punch || (mode & FALLOC.ZERO_RANGE) !== 0) {
    if ((sealsOf(inode) & SEAL.WRITE) !== 0) return -Errno.EPERM;
    const failed = punchHole(k, inode, offset, Math.min(end, inode.size));
    if (failed < 0) return failed;
    touchModified(k, inode);
  } else if (end > inode.size) {
    const grows = end - inode.size;
    if (chargeBytes(k, inode.sb, grows) < 0) return -Errno.ENOSPC;
    chargeBytes(k, inode.sb, -grows);
  }
  if (!punch && (mode & FALLOC.KEEP_SIZE) === 0 && end > inode.size) return setSize(k, task, inode, end);
  return 0;
}
