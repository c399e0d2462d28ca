/**
 * Buffers of reads and writes: user segments or kernel bytes (lib/iov_iter.c). Always true: `done` counts what was moved and
 * only grows; a fault ends the move with what was moved so far, or -EFAULT when that is nothing.
 */
import type { Access as AccessKind, Pfn, Vaddr } from '../../cpu/machine.ts';
import { Access, PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { pageOffset, TASK_SIZE } from './layout.ts';
import type { IoBuf } from './types.ts';
import { copyIn, userAddress } from './uaccess.ts';

/** MAX_RW_COUNT: what one read or write moves at most. */
export const MAX_RW_COUNT = 0x7ffff000;
const UIO_MAXIOV = 1024;
/** The most that {@link copyFromIo} takes at once. */
const MAX_TAKE = 16 * 1024 * 1024;

/** One user buffer. Its address is checked when it is used; its length is cut to MAX_RW_COUNT. */
export function userBuf(va: Vaddr, length: number): IoBuf {
  const size = Math.min(length, MAX_RW_COUNT);
  return { segments: [{ base: va, length: size }], kernel: null, length: size, done: 0 };
}

/** Bytes of the kernel's own. */
export const kernelBuf = (bytes: Uint8Array): IoBuf => ({
  segments: [],
  kernel: bytes,
  length: bytes.length,
  done: 0,
});

export const ioRemaining = (io: IoBuf): number => io.length - io.done;

/** Reads `count` iovecs (man 2 readv) into a buffer; -EINVAL, -EFAULT. */
export function importIovec(k: Kernel, task: Task, iov: Vaddr, count: number): IoBuf | number {
  if (count < 0 || count > UIO_MAXIOV) return -Errno.EINVAL;
  const raw = copyIn(k, task, iov, count * 16);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer);
  const segments: IoBuf['segments'] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const base = Number(view.getBigInt64(i * 16, true));
    const length = Number(view.getBigInt64(i * 16 + 8, true));
    if (length < 0) return -Errno.EINVAL;
    if (base < 0 || base + length > TASK_SIZE) return -Errno.EFAULT;
    const size = Math.min(length, MAX_RW_COUNT - total);
    if (size > 0) segments.push({ base, length: size });
    total += size;
  }
  return { segments, kernel: null, length: total, done: 0 };
}

/**
 * Walks the next `count` bytes of the buffer piece by piece: `piece` gets a position in `k.machine.bytes()`, or -1 and then the
 * place in `io.kernel`, and moves what it is told. Answers the bytes walked or -EFAULT.
 */
function walk(
  k: Kernel,
  task: Task,
  io: IoBuf,
  count: number,
  access: AccessKind,
  piece: (at: number, moved: number, n: number) => void,
): number {
  const want = Math.min(count, io.length - io.done);
  k.sched.kernelWork += want >> 4;
  if (io.kernel) {
    piece(-1, 0, want);
    io.done += want;
    return want;
  }
  let segment = 0;
  let into = io.done;
  while (segment < io.segments.length && into >= io.segments[segment].length)
    into -= io.segments[segment++].length;
  let moved = 0;
  while (moved < want) {
    const { base, length } = io.segments[segment];
    const va = base + into;
    const n = Math.min(want - moved, length - into, PAGE_SIZE - pageOffset(va));
    const at = userAddress(k, task, va, access);
    if (at < 0) return moved > 0 ? moved : -Errno.EFAULT;
    piece(at, moved, n);
    moved += n;
    io.done += n;
    into += n;
    while (segment < io.segments.length && into >= io.segments[segment].length) {
      into -= io.segments[segment++].length;
    }
  }
  return moved;
}

/** Moves `bytes` into a read's buffer, as many as fit. */
export function copyToIo(k: Kernel, task: Task, io: IoBuf, bytes: Uint8Array): number {
  const start = io.done;
  return walk(k, task, io, bytes.length, Access.Write, (at, moved, n) => {
    const part = n === bytes.length ? bytes : bytes.subarray(moved, moved + n);
    if (at < 0) io.kernel?.set(part, start);
    else k.machine.bytes().set(part, at);
  });
}

/** Takes up to `max` bytes out of a write's buffer; a shorter answer only at its end or before a bad address. */
export function copyFromIo(k: Kernel, task: Task, io: IoBuf, max: number): Uint8Array | number {
  const start = io.done;
  const out = new Uint8Array(Math.min(max, MAX_TAKE, io.length - io.done));
  const moved = walk(k, task, io, out.length, Access.Read, (at, from, n) => {
    if (at < 0) out.set(io.kernel!.subarray(start, start + n));
    else out.set(k.machine.bytes().subarray(at, at + n), from);
  });
  if (moved < 0) return moved;
  return moved === out.length ? out : out.slice(0, moved);
}

/** Moves zeros into a read's buffer. */
export function zerosToIo(k: Kernel, task: Task, io: IoBuf, count: number): number {
  const start = io.done;
  return walk(k, task, io, count, Access.Write, (at, _moved, n) => {
    if (at < 0) io.kernel?.fill(0, start, start + n);
    else k.machine.bytes().fill(0, at, at + n);
  });
}

/** Moves part of a guest page into a read's buffer. The caller holds the page. */
export function ioFromPage(
  k: Kernel,
  task: Task,
  io: IoBuf,
  pfn: Pfn,
  offset: number,
  count: number,
): number {
  const start = io.done;
  return walk(k, task, io, count, Access.Write, (at, moved, n) => {
    const page = k.guest.page(pfn, false);
    const from = page.byteOffset + offset + moved;
    if (at < 0) io.kernel?.set(page.subarray(offset, offset + n), start);
    else k.machine.bytes().copyWithin(at, from, from + n);
  });
}

/** Moves part of a write's buffer into a guest page. The caller holds the page. */
export function ioToPage(k: Kernel, task: Task, io: IoBuf, pfn: Pfn, offset: number, count: number): number {
  const start = io.done;
  k.guest.page(pfn, true);
  return walk(k, task, io, count, Access.Read, (at, moved, n) => {
    const page = k.guest.page(pfn, true);
    if (at < 0) page.set(io.kernel!.subarray(start, start + n), offset);
    else k.machine.bytes().copyWithin(page.byteOffset + offset + moved, at, at + n);
  });
}
