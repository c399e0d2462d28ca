/**
 * Moving bytes from one open file to another inside the kernel (man 2 sendfile, splice, tee, vmsplice, copy_file_range). Always
 * true: what leaves the source has arrived at the target; a target that would block gets a short move, or the caller waits
 * before anything was taken.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { kernelBuf } from '../mm/uio.ts';
import { type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getFile, isReadable, isWritable } from './file.ts';
import { isDir, isReg, O } from './flags.ts';
import { opsOf } from './ops.ts';
import { peekPipe, skipPipe } from './pipe.ts';
import { readFrom, writeTo } from './rw.ts';
import type { File, Pipe } from './types.ts';

const CHUNK = 65536;
/** The most one call moves: the rest is a short count, so that a call's work is bounded. */
const MAX_MOVE = 4 * 1024 * 1024;

/** Writes a chunk without waiting once something has gone: bytes written, -errno, or the wait for room. */
function put(k: Kernel, task: Task, out: File, bytes: Uint8Array, pos: number | null): Outcome {
  const io: IoBuf = kernelBuf(bytes);
  const outcome = writeTo(k, task, out, io, pos);
  if (typeof outcome === 'number') return outcome;
  return io.done > 0 ? io.done : outcome;
}

/** Copies from a seekable file at `pos` (null: its own position) to any file. */
function copyOutOf(
  k: Kernel,
  task: Task,
  source: File,
  from: number | null,
  target: File,
  to: number | null,
  count: number,
): Outcome {
  const start = from ?? source.pos;
  const want = Math.min(count, MAX_MOVE);
  let moved = 0;
  while (moved < want) {
    const chunk = kernelBuf(new Uint8Array(Math.min(CHUNK, want - moved)));
    const got = readFrom(k, task, source, chunk, start + moved);
    if (typeof got !== 'number') return moved > 0 ? moved : -Errno.EINVAL;
    if (got <= 0) {
      if (moved === 0 && got < 0) return got;
      break;
    }
    const bytes = (chunk.kernel as Uint8Array).subarray(0, got);
    const outcome = put(k, task, target, bytes, to === null ? null : to + moved);
    if (typeof outcome !== 'number') {
      if (moved === 0) return outcome;
      break;
    }
    if (outcome < 0) {
      if (moved === 0) return outcome;
      break;
    }
    moved += outcome;
    if (from === null) source.pos = start + moved;
    if (outcome < got) break;
  }
  return moved;
}

/** sendfile(2). */
export function sendfile(
  k: Kernel,
  task: Task,
  outFd: number,
  inFd: number,
  pos: number | null,
  count: number,
): Outcome {
  const source = getFile(task, inFd);
  const target = getFile(task, outFd);
  if (!source || !isReadable(source) || !target || !isWritable(target)) return -Errno.EBADF;
  if (!opsOf(source).seekable || isDir(source.inode.mode))
    return pos !== null ? -Errno.ESPIPE : -Errno.EINVAL;
  if ((target.flags & O.APPEND) !== 0) return -Errno.EINVAL;
  return copyOutOf(k, task, source, pos, target, null, count);
}

/** copy_file_range(2): between regular files. */
export function copyFileRange(
  k: Kernel,
  task: Task,
  inFd: number,
  from: number | null,
  outFd: number,
  to: number | null,
  count: number,
): Outcome {
  const source = getFile(task, inFd);
  const target = getFile(task, outFd);
  if (!source || !isReadable(source) || !target || !isWritable(target)) return -Errno.EBADF;
  if (isDir(source.inode.mode) || isDir(target.inode.mode)) return -Errno.EISDIR;
  if (!isReg(source.inode.mode) || !isReg(target.inode.mode)) return -Errno.EINVAL;
  if (source.kind !== 'regular' || target.kind !== 'regular') return -Errno.EXDEV;
  if ((target.flags & O.APPEND) !== 0) return -Errno.EBADF;
  const start = from ?? source.pos;
  const goal = to ?? target.pos;
  if (source.inode === target.inode && start < goal + count && goal < start + count) return -Errno.EINVAL;
  return copyOutOf(k, task, source, from, target, to, count);
}

const SPLICE_F_NONBLOCK = 2;

/** splice(2): one side is a pipe. */
export function splice(
  k: Kernel,
  task: Task,
  inFd: number,
  from: number | null,
  outFd: number,
  to: number | null,
  count: number,
  flags: number,
): Outcome {
  const source = getFile(task, inFd);
  const target = getFile(task, outFd);
  if (!source || !isReadable(source) || !target || !isWritable(target)) return -Errno.EBADF;
  if (count === 0) return 0;
  const inPipe = source.kind === 'pipe';
  const outPipe = target.kind === 'pipe';
  if ((inPipe && from !== null) || (outPipe && to !== null)) return -Errno.ESPIPE;
  if (inPipe) return fromPipe(k, task, source, target, to, count, flags, true);
  if (!outPipe) return -Errno.EINVAL;
  if (source.kind === 'socket') return fromSocket(k, task, source, target, count, flags);
  if (!opsOf(source).seekable || isDir(source.inode.mode)) return -Errno.EINVAL;
  return copyOutOf(k, task, source, from, target, null, Math.min(count, CHUNK));
}

/** What a socket has goes into a pipe, as much as there is room for: nothing is taken that does not fit. */
function fromSocket(
  k: Kernel,
  task: Task,
  source: File,
  target: File,
  count: number,
  flags: number,
): Outcome {
  const pipe = target.data as Pipe;
  const room = pipe.capacity - pipe.bytes;
  if (room <= 0 && pipe.readers > 0) {
    if (((target.flags & O.NONBLOCK) | (flags & SPLICE_F_NONBLOCK)) !== 0) return -Errno.EAGAIN;
    return wait([pipe.writeWait]);
  }
  const chunk = kernelBuf(new Uint8Array(Math.min(count, CHUNK, Math.max(room, 1))));
  const got = pipe.readers > 0 ? readFrom(k, task, source, chunk, null) : chunk.length;
  if (typeof got !== 'number' || got <= 0) return got;
  return put(k, task, target, (chunk.kernel as Uint8Array).subarray(0, got), null);
}

function fromPipe(
  k: Kernel,
  task: Task,
  source: File,
  target: File,
  to: number | null,
  count: number,
  flags: number,
  consume: boolean,
): Outcome {
  const pipe = source.data as Pipe;
  if (target.inode === source.inode || (target.flags & O.APPEND) !== 0) return -Errno.EINVAL;
  if (pipe.bytes === 0) {
    if (pipe.writers === 0) return 0;
    if (((source.flags & O.NONBLOCK) | (flags & SPLICE_F_NONBLOCK)) !== 0) return -Errno.EAGAIN;
    return wait([pipe.readWait]);
  }
  const bytes = peekPipe(source, Math.min(count, CHUNK));
  const outcome = put(k, task, target, bytes, to);
  if (typeof outcome === 'number' && outcome > 0 && consume) skipPipe(k, source, outcome);
  return outcome;
}

/** tee(2): copies what lies in a pipe into another without taking it. */
export function tee(
  k: Kernel,
  task: Task,
  inFd: number,
  outFd: number,
  count: number,
  flags: number,
): Outcome {
  const source = getFile(task, inFd);
  const target = getFile(task, outFd);
  if (!source || !isReadable(source) || !target || !isWritable(target)) return -Errno.EBADF;
  if (source.kind !== 'pipe' || target.kind !== 'pipe') return -Errno.EINVAL;
  return count === 0 ? 0 : fromPipe(k, task, source, target, null, count, flags, false);
}

/** vmsplice(2): user memory into a pipe, or a pipe into user memory; pages are copied. */
export function vmsplice(k: Kernel, task: Task, fd: number, io: IoBuf): Outcome {
  const file = getFile(task, fd);
  if (file?.kind !== 'pipe') return -Errno.EBADF;
  return isWritable(file) ? writeTo(k, task, file, io, null) : readFrom(k, task, file, io, null);
}
