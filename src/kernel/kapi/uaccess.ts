/**
 * Copies between kernel and user memory (uaccess.h). Always true: a bad user address is a count or -EFAULT, a bad kernel address
 * an oops; a copy out of a heap object that is smaller is refused as hardened usercopy does.
 */
import { Access, PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { pageOffset, TASK_SIZE } from '../mm/layout.ts';
import { copyOut, userAddress } from '../mm/uaccess.ts';
import { readK, readK64, writeK, writeK64 } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { load, store, unsigned } from './access.ts';
import { KMALLOC_MAX_SIZE, kmalloc, usercopyRefused } from './memory.ts';
import { kapi, wideArg } from './registry.ts';

/** Whether a "user" address is one of the kernel's that set_fs(KERNEL_DS) lets through. */
const kernelReach = (k: Kernel, task: Task, address: number): boolean =>
  address < 0 && k.tasking.kernelDs.size > 0 && k.tasking.kernelDs.has(task.tid);

/** One copy at most; longer ones fail at their end. */
const MAX_COPY = 1 << 26;

/** Copies kernel bytes to the user; answers how many were not copied. */
export function toUser(k: Kernel, task: Task, to: number, from: number, size: number): number {
  const length = unsigned(size);
  if (length === 0) return 0;
  if (kernelReach(k, task, to)) {
    const content = length > MAX_COPY ? null : load(k, task, from, length);
    return content && store(k, task, to, content) ? 0 : size;
  }
  if (to < 0 || to + length > TASK_SIZE || length > MAX_COPY) return size;
  if (usercopyRefused(k, task, from, length, true)) return 0;
  const bytes = load(k, task, from, length);
  return bytes ? bytesToUser(k, task, to, bytes) : 0;
}

/** The same with bytes at hand. */
export function bytesToUser(k: Kernel, task: Task, to: number, bytes: Uint8Array): number {
  k.sched.kernelWork += 20 + (bytes.length >> 4);
  for (let done = 0; done < bytes.length; ) {
    const at = userAddress(k, task, to + done, Access.Write);
    if (at < 0) return bytes.length - done;
    const count = Math.min(PAGE_SIZE - pageOffset(to + done), bytes.length - done);
    k.machine.bytes().set(bytes.subarray(done, done + count), at);
    done += count;
  }
  return 0;
}

/** User bytes, as many as there are. */
export function bytesFromUser(k: Kernel, task: Task, from: number, length: number): Uint8Array {
  k.sched.kernelWork += 20 + (length >> 4);
  if (kernelReach(k, task, from)) return readK(k, from, Math.min(length, MAX_COPY)) ?? new Uint8Array(0);
  if (from < 0 || from + length > TASK_SIZE || length > MAX_COPY) return new Uint8Array(0);
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = userAddress(k, task, from + done, Access.Read);
    if (at < 0) return out.subarray(0, done);
    const count = Math.min(PAGE_SIZE - pageOffset(from + done), length - done);
    out.set(k.machine.bytes().subarray(at, at + count), done);
    done += count;
  }
  return out;
}

/** copy_from_user: what could not be copied is zeroed; answers how many bytes that were. */
export function fromUser(k: Kernel, task: Task, to: number, from: number, size: number): number {
  const length = unsigned(size);
  if (length === 0) return 0;
  if (length > MAX_COPY) return size;
  if (usercopyRefused(k, task, to, length, false)) return 0;
  const bytes = bytesFromUser(k, task, from, length);
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return store(k, task, to, whole) ? length - bytes.length : 0;
}

for (const name of [
  'copy_to_user',
  '_copy_to_user',
  '__copy_to_user',
  'raw_copy_to_user',
  '_inline_copy_to_user',
])
  kapi(name, (k, task, [to, from, n]) => toUser(k, task, to, from, n));
for (const name of ['copy_from_user', '_copy_from_user', '__copy_from_user', 'raw_copy_from_user'])
  kapi(name, (k, task, [to, from, n]) => fromUser(k, task, to, from, n));
for (const name of ['clear_user', '__clear_user'])
  kapi(name, (k, task, [to, n]) =>
    unsigned(n) > MAX_COPY ? n : bytesToUser(k, task, to, new Uint8Array(unsigned(n))),
  );

for (const size of [1, 2, 4, 8]) {
  kapi(`__put_user_${size}`, (k, task, [, to]) => {
    if (to < 0 || to + size > TASK_SIZE) return -Errno.EFAULT;
    const value = wideArg(k, 0);
    k.sched.kernelWork += 5;
    if (size === 1) {
      const at = userAddress(k, task, to, Access.Write);
      if (at < 0) return -Errno.EFAULT;
      k.machine.bytes()[at] = Number(value & 0xffn);
      return 0;
    }
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = Number((value >> BigInt(8 * i)) & 0xffn);
    return copyOut(k, task, to, bytes);
  });
  kapi(`__get_user_${size}`, (k, task, [to, from]) => {
    k.sched.kernelWork += 5;
    return fromUser(k, task, to, from, size) === 0 ? 0 : -Errno.EFAULT;
  });
}

/** A user string of at most `max` bytes; -EFAULT. */
function userString(
  k: Kernel,
  task: Task,
  from: number,
  max: number,
): { text: Uint8Array; ended: boolean } | null {
  const chunks: number[] = [];
  for (let done = 0; done < max; ) {
    const count = Math.min(PAGE_SIZE - pageOffset(from + done), max - done);
    const bytes = bytesFromUser(k, task, from + done, count);
    const nul = bytes.indexOf(0);
    for (const byte of nul < 0 ? bytes : bytes.subarray(0, nul)) chunks.push(byte);
    if (nul >= 0) return { text: Uint8Array.from(chunks), ended: true };
    if (bytes.length < count) return null;
    done += count;
  }
  return { text: Uint8Array.from(chunks), ended: false };
}
const MAX_STRING = 1 << 20;

kapi('strncpy_from_user', (k, task, [to, from, count]) => {
  if (count <= 0) return 0;
  const found = userString(k, task, from, Math.min(count, MAX_STRING));
  if (!found) return -Errno.EFAULT;
  const bytes = new Uint8Array(found.text.length + (found.ended ? 1 : 0));
  bytes.set(found.text);
  return store(k, task, to, bytes) ? found.text.length : 0;
});
kapi('strnlen_user', (k, task, [from, count]) => {
  const found = userString(k, task, from, Math.min(Math.max(0, count), MAX_STRING));
  return found ? found.text.length + 1 : 0;
});

function duplicate(k: Kernel, task: Task, from: number, length: number, nul: boolean): number {
  if (length > KMALLOC_MAX_SIZE) return -Errno.ENOMEM;
  const bytes = bytesFromUser(k, task, from, length);
  if (bytes.length < length) return -Errno.EFAULT;
  const at = kmalloc(k, task, length + (nul ? 1 : 0));
  if (at === 0) return -Errno.ENOMEM;
  if (length > 0) writeK(k, at, bytes);
  return at;
}
for (const name of ['memdup_user', 'vmemdup_user'])
  kapi(name, (k, task, [from, n]) => duplicate(k, task, from, unsigned(n), false));
kapi('memdup_user_nul', (k, task, [from, n]) => duplicate(k, task, from, unsigned(n), true));
kapi('strndup_user', (k, task, [from, n]) => {
  const found = userString(k, task, from, Math.min(Math.max(0, n), MAX_STRING));
  if (!found) return -Errno.EFAULT;
  if (!found.ended) return -Errno.EINVAL;
  const at = kmalloc(k, task, found.text.length + 1);
  if (at !== 0) writeK(k, at, found.text);
  return at === 0 ? -Errno.ENOMEM : at;
});
kapi('copy_from_kernel_nofault', (k, task, [to, from, n]) => {
  const bytes = readK(k, from, unsigned(n));
  return bytes && store(k, task, to, bytes) ? 0 : -Errno.EFAULT;
});

// ── Buffers of files (fs/libfs.c) ──────────────────────────────────────────────────────────────────────────────

kapi('simple_read_from_buffer', (k, task, [to, count, ppos, from, available]) => {
  const pos = readK64(k, ppos);
  if (pos === null) return load(k, task, ppos, 8) ? 0 : 0;
  const room = unsigned(available);
  if (pos < 0) return -Errno.EINVAL;
  if (pos >= room || count === 0) return 0;
  const n = Math.min(unsigned(count), room - pos);
  const left = toUser(k, task, to, from + pos, n);
  if (left === n) return -Errno.EFAULT;
  writeK64(k, ppos, pos + n - left);
  return n - left;
});
kapi('simple_write_to_buffer', (k, task, [to, available, ppos, from, count]) => {
  const pos = readK64(k, ppos);
  if (pos === null) return load(k, task, ppos, 8) ? 0 : 0;
  const room = unsigned(available);
  if (pos < 0) return -Errno.EINVAL;
  if (pos >= room || count === 0) return 0;
  const n = Math.min(unsigned(count), room - pos);
  const bytes = bytesFromUser(k, task, from, n);
  if (bytes.length === 0) return -Errno.EFAULT;
  if (!store(k, task, to + pos, bytes)) return 0;
  writeK64(k, ppos, pos + bytes.length);
  return bytes.length;
});
kapi('memory_read_from_buffer', (k, task, [to, count, ppos, from, available]) => {
  const pos = readK64(k, ppos);
  if (pos === null) return load(k, task, ppos, 8) ? 0 : 0;
  const room = unsigned(available);
  if (pos < 0) return -Errno.EINVAL;
  if (pos >= room) return 0;
  const n = Math.min(unsigned(count), room - pos);
  const bytes = load(k, task, from + pos, n);
  if (!bytes || !store(k, task, to, bytes)) return 0;
  writeK64(k, ppos, pos + n);
  return n;
});

// ── Numbers of the user (lib/kstrtox.c *_from_user) ────────────────────────────────────────────────────────────

/** The text of a write, as kstrto*_from_user takes it; null: -EFAULT. */
export function userNumber(k: Kernel, task: Task, from: number, count: number): string | null {
  const bytes = bytesFromUser(k, task, from, Math.min(unsigned(count), 70));
  if (bytes.length < Math.min(unsigned(count), 70)) return null;
  const text = String.fromCharCode(...bytes);
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}
