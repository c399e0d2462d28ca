/**
 * Pipes and FIFOs (man 7 pipe, fs/pipe.c). Always true: `bytes` is what the chunks hold less `head`; a write of at most PIPE_BUF
 * bytes goes in whole or not at all; bytes in pipes count in `k.fs.pipeBytes`.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { writeI32 } from '../mm/uaccess.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { type Activation, defineStep, newWaitQueue, type Outcome, wait } from '../outcome.ts';
import { kernelSigInfo, sendSignalTask } from '../signal/send.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { Band, objectReady } from './async.ts';
import { isReadable, isWritable, newFile, putFile } from './file.ts';
import { O, Poll, S } from './flags.ts';
import { newInode } from './inode.ts';
import { defineFileOps, type FileOps } from './ops.ts';
import type { File, Inode, Pipe, PollResult } from './types.ts';

const PIPE_BUF = 4096;
const DEFAULT_CAPACITY = 65536;
/** fs.pipe-max-size: what an unprivileged F_SETPIPE_SZ may ask for. */
const MAX_CAPACITY = 1048576;
/** Above this many bytes in all pipes of the VM each holds one page only (fs.pipe-user-pages-soft). */
const SOFT_LIMIT = 32 * 1024 * 1024;
const SIGPIPE = 13;
const FIONREAD = 0x541b;

const newPipeState = (): Pipe => ({
  chunks: [],
  head: 0,
  bytes: 0,
  capacity: DEFAULT_CAPACITY,
  readers: 0,
  writers: 0,
  readerOpens: 0,
  writerOpens: 0,
  readWait: newWaitQueue(),
  writeWait: newWaitQueue(),
  seq: 0,
});

const pipeOf = (file: File): Pipe => file.data as Pipe;

/** How many bytes a pipe takes now. */
const roomIn = (k: Kernel, pipe: Pipe): number =>
  (k.fs.pipeBytes > SOFT_LIMIT ? PIPE_BUF : pipe.capacity) - pipe.bytes;

/** A pipe and its two ends, or -ENFILE. `flags` may have O_NONBLOCK, O_DIRECT. */
export function newPipe(k: Kernel, flags = 0, uid = 0, gid = 0): [File, File] | number {
  const inode = newInode(k, k.fs.pipefs, {
    mode: S.IFIFO | 0o600,
    uid,
    gid,
    nlink: 1,
  });
  inode.data = newPipeState();
  const label = `pipe:[${inode.ino}]`;
  const common = { kind: 'pipe', inode, label, uid, data: inode.data };
  const reader = newFile(k, {
    ...common,
    flags: O.RDONLY | (flags & O.NONBLOCK),
  });
  if (typeof reader === 'number') return reader;
  countOpen(inode.data as Pipe, reader);
  const writer = newFile(k, {
    ...common,
    flags: O.WRONLY | (flags & (O.NONBLOCK | O.DIRECT)),
  });
  if (typeof writer === 'number') {
    putFile(k, reader);
    return writer;
  }
  countOpen(inode.data as Pipe, writer);
  return [reader, writer];
}

function countOpen(pipe: Pipe, file: File): void {
  if (isReadable(file)) {
    pipe.readers++;
    pipe.readerOpens++;
  }
  if (isWritable(file)) {
    pipe.writers++;
    pipe.writerOpens++;
  }
}

/** Takes up to `max` bytes out. */
function take(k: Kernel, pipe: Pipe, max: number): Uint8Array {
  const first = pipe.chunks[0];
  const available = first.length - pipe.head;
  const part = first.subarray(pipe.head, pipe.head + Math.min(max, available));
  consume(k, pipe, part.length);
  return part;
}

function consume(k: Kernel, pipe: Pipe, count: number): void {
  let left = count;
  while (left > 0) {
    const available = pipe.chunks[0].length - pipe.head;
    const n = Math.min(left, available);
    pipe.head += n;
    left -= n;
    if (n === available) {
      pipe.chunks.shift();
      pipe.head = 0;
    }
  }
  pipe.bytes -= count;
  pipe.seq++;
  k.fs.pipeBytes -= count;
}

function append(k: Kernel, pipe: Pipe, bytes: Uint8Array): void {
  const last = pipe.chunks[pipe.chunks.length - 1];
  if (last && bytes.length < 512 && last.length < 2048 && pipe.chunks.length > 8) {
    const joined = new Uint8Array(last.length + bytes.length);
    joined.set(last);
    joined.set(bytes, last.length);
    pipe.chunks[pipe.chunks.length - 1] = joined;
  } else pipe.chunks.push(bytes);
  pipe.bytes += bytes.length;
  pipe.seq++;
  k.fs.pipeBytes += bytes.length;
}

function read(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const pipe = pipeOf(file);
  if (buf.length === 0) return 0;
  if (pipe.bytes === 0) {
    if (pipe.writers === 0) return 0;
    if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
    return wait([pipe.readWait]);
  }
  while (pipe.bytes > 0 && buf.done < buf.length) {
    const first = pipe.chunks[0];
    const part = pipe.head === 0 && first.length <= buf.length - buf.done ? first : first.subarray(pipe.head);
    const n = copyToIo(k, task, buf, part.subarray(0, buf.length - buf.done));
    if (n < 0) {
      if (buf.done === 0) return n;
      break;
    }
    consume(k, pipe, n);
    if (n < Math.min(part.length, buf.length)) break;
  }
  if (pipe.writeWait.tids.length > 0) wakeUp(k, pipe.writeWait);
  if (buf.done > 0) objectReady(k, pipe, Band.OUT, file);
  return buf.done;
}

/** What a writer without readers gets. */
function broken(k: Kernel, task: Task, done: number): number {
  if (done > 0) return done;
  sendSignalTask(k, task, kernelSigInfo(SIGPIPE));
  return -Errno.EPIPE;
}

function write(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const pipe = pipeOf(file);
  if (buf.length === 0) return 0;
  if (pipe.readers === 0) return broken(k, task, buf.done);
  while (buf.done < buf.length) {
    const left = buf.length - buf.done;
    const room = roomIn(k, pipe);
    const atomic = buf.length <= PIPE_BUF;
    if (room <= 0 || (atomic && room < left)) {
      if (pipe.readWait.tids.length > 0) wakeUp(k, pipe.readWait);
      if ((file.flags & O.NONBLOCK) !== 0) return buf.done > 0 ? buf.done : -Errno.EAGAIN;
      return wait([pipe.writeWait], buf.done > 0 ? { onSignal: buf.done } : {});
    }
    const bytes = copyFromIo(k, task, buf, Math.min(left, room));
    if (typeof bytes === 'number') return buf.done > 0 ? finishWrite(k, file, pipe, buf.done) : bytes;
    append(k, pipe, bytes);
    if (bytes.length < Math.min(left, room)) break;
  }
  return finishWrite(k, file, pipe, buf.done);
}

function finishWrite(k: Kernel, file: File, pipe: Pipe, done: number): number {
  if (pipe.readWait.tids.length > 0) wakeUp(k, pipe.readWait);
  if (done > 0) objectReady(k, pipe, Band.IN, file);
  return done;
}

function poll(k: Kernel, file: File): PollResult {
  const pipe = pipeOf(file);
  const queues = [];
  let events = 0;
  if (isReadable(file)) {
    if (pipe.bytes > 0) events |= Poll.IN | Poll.RDNORM;
    if (pipe.writers === 0 && pipe.writerOpens !== (file.dir?.writersSeen ?? -1)) events |= Poll.HUP;
    queues.push(pipe.readWait);
  }
  if (isWritable(file)) {
    if (roomIn(k, pipe) >= PIPE_BUF) events |= Poll.OUT | Poll.WRNORM;
    if (pipe.readers === 0) events |= Poll.ERR;
    queues.push(pipe.writeWait);
  }
  return { events, queues, seq: pipe.seq };
}

function release(k: Kernel, file: File): void {
  const pipe = pipeOf(file);
  if (isReadable(file)) pipe.readers--;
  if (isWritable(file)) pipe.writers--;
  if (pipe.readers === 0 || pipe.writers === 0) {
    wakeUp(k, pipe.readWait);
    wakeUp(k, pipe.writeWait);
  }
  if (pipe.readers > 0 || pipe.writers > 0) return;
  k.fs.pipeBytes -= pipe.bytes;
  pipe.chunks = [];
  pipe.head = 0;
  pipe.bytes = 0;
  if (file.inode.data === pipe) file.inode.data = null;
}

const pipeOps: FileOps = defineFileOps('pipe', {
  read,
  write,
  poll,
  release,
  ioctl: (k, task, file, cmd, arg) =>
    cmd === FIONREAD ? writeI32(k, task, arg, pipeOf(file).bytes) : -Errno.ENOTTY,
});

/**
 * Completes the open of a FIFO: waits for the other side unless O_NONBLOCK (man 7 fifo). A pipe opened again through
 * /proc/PID/fd never waits.
 */
export function fifoOpen(k: Kernel, _task: Task, file: File): Outcome {
  const inode = file.inode as Inode;
  if (!inode.data) inode.data = newPipeState();
  const pipe = inode.data as Pipe;
  const nonblock = (file.flags & O.NONBLOCK) !== 0;
  const access = file.flags & O.ACCMODE;
  const isPipe = inode.sb === k.fs.pipefs;
  if (!isPipe && access === O.WRONLY && nonblock && pipe.readers === 0) return -Errno.ENXIO;
  file.kind = 'pipe';
  file.data = pipe;
  countOpen(pipe, file);
  if (pipe.readWait.tids.length > 0) wakeUp(k, pipe.readWait);
  if (pipe.writeWait.tids.length > 0) wakeUp(k, pipe.writeWait);
  if (isPipe) return 0;
  if (access === O.RDONLY && pipe.writers === 0) {
    if (!nonblock) return waitForOther(file, pipe.writerOpens);
    file.dir = { writersSeen: pipe.writerOpens };
  }
  if (access === O.WRONLY && pipe.readers === 0) return waitForOther(file, pipe.readerOpens);
  return 0;
}

interface FifoOpen {
  file: File;
  /** Opens of the other side when the wait began: it is over when there was one more. */
  seen: number;
}

function waitForOther(file: File, seen: number): Outcome {
  const pipe = pipeOf(file);
  const then: Activation[] = [{ step: fifoWait, state: { file, seen } satisfies FifoOpen }];
  return wait([isReadable(file) ? pipe.readWait : pipe.writeWait], { then });
}

const fifoWait = defineStep('fifo.open', (k, _task, state: FifoOpen, entry) => {
  const { file, seen } = state;
  const pipe = pipeOf(file);
  const opens = isReadable(file) ? pipe.writerOpens : pipe.readerOpens;
  if (opens !== seen) return 0;
  if (entry.by !== 'signal') return waitForOther(file, seen);
  release(k, file);
  return -Errno.ERESTARTSYS;
});

/** fcntl(F_SETPIPE_SZ): rounds up to a power of two pages. */
export function setPipeSize(task: Task, file: File, size: number): number {
  if (file.kind !== 'pipe') return -Errno.EBADF;
  const pipe = pipeOf(file);
  if (size < 0 || size > 2 ** 31) return -Errno.EINVAL;
  let capacity = 4096;
  while (capacity < size) capacity *= 2;
  if (capacity > MAX_CAPACITY && !capable(task.cred, CAP.SYS_RESOURCE)) return -Errno.EPERM;
  if (capacity > 16 * MAX_CAPACITY) return -Errno.EPERM;
  if (capacity < pipe.bytes) return -Errno.EBUSY;
  pipe.capacity = capacity;
  return capacity;
}

/** fcntl(F_GETPIPE_SZ). */
export const pipeSize = (file: File): number => (file.kind === 'pipe' ? pipeOf(file).capacity : -Errno.EBADF);

/** Up to `max` bytes of what lies in a pipe, without taking them: for splice and tee. */
export function peekPipe(file: File, max: number): Uint8Array {
  const pipe = pipeOf(file);
  const out = new Uint8Array(Math.min(max, pipe.bytes));
  let at = 0;
  for (let i = 0; i < pipe.chunks.length && at < out.length; i++) {
    const from = i === 0 ? pipe.head : 0;
    const part = pipe.chunks[i].subarray(from, from + out.length - at);
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Drops `count` bytes that {@link peekPipe} showed. */
export function skipPipe(k: Kernel, file: File, count: number): void {
  consume(k, pipeOf(file), count);
  wakeUp(k, pipeOf(file).writeWait);
}

/** The host reads from the read end that it holds: up to `max` bytes, none when the pipe is empty. */
export function pipeHostRead(k: Kernel, file: File, max: number): Uint8Array {
  const pipe = pipeOf(file);
  if (pipe.bytes === 0 || max <= 0) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  let total = 0;
  while (pipe.bytes > 0 && total < max) {
    const part = take(k, pipe, max - total);
    parts.push(part);
    total += part.length;
  }
  if (pipe.writeWait.tids.length > 0) wakeUp(k, pipe.writeWait);
  const out = new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Whether nobody can write any more and all is read: end of file for the host. */
export const pipeHostEnded = (file: File): boolean => pipeOf(file).bytes === 0 && pipeOf(file).writers === 0;

/** The host writes to the write end that it holds: answers how many bytes fitted, -EPIPE without readers. */
export function pipeHostWrite(k: Kernel, file: File, bytes: Uint8Array): number {
  const pipe = pipeOf(file);
  if (pipe.readers === 0) return -Errno.EPIPE;
  const n = Math.min(bytes.length, roomIn(k, pipe));
  if (n <= 0) return 0;
  append(k, pipe, bytes.slice(0, n));
  wakeUp(k, pipe.readWait);
  return n;
}

/** The host lets go of its end. */
export const pipeHostClose = (k: Kernel, file: File): void => putFile(k, file);

export { pipeOps };
