/**
 * The kernel's way to user memory (uaccess.h): copy in, copy out, small values, strings. Always true: every access is checked as
 * the user's own would be and faults pages in (demand paging, copy-on-write); nothing throws, a bad address is EFAULT.
 */
import type { Access as AccessKind, Vaddr } from '../../cpu/machine.ts';
import { Access, PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { handleFault } from './fault.ts';
import { pageOffset, TASK_SIZE } from './layout.ts';
import { ptePfn, readPte } from './pagetable.ts';
import type { Mm } from './types.ts';

/** The most that one copyIn moves: callers bound what they ask for, this bounds a mistake. */
const MAX_COPY = 64 * 1024 * 1024;
const NEEDED = [PTE.R, PTE.W, PTE.X] as const;

function softTranslate(k: Kernel, mm: Mm, va: Vaddr, access: AccessKind): number {
  const pte = readPte(k, mm.root, va);
  if ((pte & PTE.U) === 0 || (pte & NEEDED[access]) === 0) return -1;
  return k.guest.page(ptePfn(pte), access === Access.Write).byteOffset + pageOffset(va);
}

/**
 * Where `va` of the task lies in `k.machine.bytes()`, valid to the end of its page and until the next allocation; -1 where the
 * access would fault for good. Any task's memory will do; the loaded one's is quick.
 */
export function userAddress(k: Kernel, task: Task, va: Vaddr, access: AccessKind): number {
  const { mm } = task;
  if (!mm || !(va >= 0 && va < TASK_SIZE)) return -1;
  const active = k.mm.activeMm === mm;
  const at = active ? k.hart.translate(va, access) : softTranslate(k, mm, va, access);
  if (at >= 0) return at;
  if (handleFault(k, task, va, access) !== null) return -1;
  return active ? k.hart.translate(va, access) : softTranslate(k, mm, va, access);
}

/** Copies `length` bytes out of user memory; null where Linux answers EFAULT. */
export function copyIn(k: Kernel, task: Task, va: Vaddr, length: number): Uint8Array | null {
  if (length > MAX_COPY || va < 0 || va + length > TASK_SIZE) return length === 0 ? new Uint8Array(0) : null;
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = userAddress(k, task, va + done, Access.Read);
    if (at < 0) return null;
    const count = Math.min(PAGE_SIZE - pageOffset(va + done), length - done);
    out.set(k.machine.bytes().subarray(at, at + count), done);
    done += count;
  }
  return out;
}

/** Copies bytes into user memory: 0 or -EFAULT (a part may have been written). */
export function copyOut(k: Kernel, task: Task, va: Vaddr, bytes: Uint8Array): number {
  const { length } = bytes;
  for (let done = 0; done < length; ) {
    const at = userAddress(k, task, va + done, Access.Write);
    if (at < 0) return -Errno.EFAULT;
    const count = Math.min(PAGE_SIZE - pageOffset(va + done), length - done);
    k.machine.bytes().set(count === length ? bytes : bytes.subarray(done, done + count), at);
    done += count;
  }
  return 0;
}

/** Fills user memory with zeros: 0 or -EFAULT. */
export function clearUser(k: Kernel, task: Task, va: Vaddr, length: number): number {
  if (length > 0 && (va < 0 || va + length > TASK_SIZE)) return -Errno.EFAULT;
  for (let done = 0; done < length; ) {
    const at = userAddress(k, task, va + done, Access.Write);
    if (at < 0) return -Errno.EFAULT;
    const count = Math.min(PAGE_SIZE - pageOffset(va + done), length - done);
    k.machine.bytes().fill(0, at, at + count);
    done += count;
  }
  return 0;
}

/** A byte string up to its NUL; -EFAULT, or -ENAMETOOLONG when there is none within `max` bytes. */
export function copyInString(k: Kernel, task: Task, va: Vaddr, max: number): string | number {
  let text = '';
  for (let done = 0; done < max; ) {
    const at = userAddress(k, task, va + done, Access.Read);
    if (at < 0) return -Errno.EFAULT;
    const count = Math.min(PAGE_SIZE - pageOffset(va + done), max - done);
    const chunk = k.machine.bytes().subarray(at, at + count);
    const nul = chunk.indexOf(0);
    text += latin1(nul < 0 ? chunk : chunk.subarray(0, nul));
    if (nul >= 0) return text;
    done += count;
  }
  return -Errno.ENAMETOOLONG;
}

/** Bytes (at most a page of them) as a byte string. */
function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

export function readU8(k: Kernel, task: Task, va: Vaddr): number | null {
  const at = userAddress(k, task, va, Access.Read);
  return at < 0 ? null : k.machine.bytes()[at];
}

export function readU16(k: Kernel, task: Task, va: Vaddr): number | null {
  const low = readU8(k, task, va);
  const high = readU8(k, task, va + 1);
  return low === null || high === null ? null : low | (high << 8);
}

const word = (bytes: Uint8Array, at: number): number =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

/** A C int. */
export function readI32(k: Kernel, task: Task, va: Vaddr): number | null {
  if (pageOffset(va) <= PAGE_SIZE - 4) {
    const at = userAddress(k, task, va, Access.Read);
    return at < 0 ? null : word(k.machine.bytes(), at);
  }
  const bytes = copyIn(k, task, va, 4);
  return bytes && word(bytes, 0);
}

export function readU32(k: Kernel, task: Task, va: Vaddr): number | null {
  const value = readI32(k, task, va);
  return value === null ? null : value >>> 0;
}

/** A C long as a number: exact below 2^53 in magnitude. */
export function readLong(k: Kernel, task: Task, va: Vaddr): number | null {
  const low = readU32(k, task, va);
  const high = readI32(k, task, va + 4);
  return low === null || high === null ? null : high * 2 ** 32 + low;
}

export function readU64(k: Kernel, task: Task, va: Vaddr): bigint | null {
  const low = readU32(k, task, va);
  const high = readU32(k, task, va + 4);
  return low === null || high === null ? null : (BigInt(high) << 32n) | BigInt(low);
}

/** Writes the low 32 bits of `value`. */
export function writeU32(k: Kernel, task: Task, va: Vaddr, value: number): number {
  if (pageOffset(va) > PAGE_SIZE - 4)
    return copyOut(k, task, va, Uint8Array.of(value, value >> 8, value >> 16, value >> 24));
  const at = userAddress(k, task, va, Access.Write);
  if (at < 0) return -Errno.EFAULT;
  const bytes = k.machine.bytes();
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  bytes[at + 2] = value >> 16;
  bytes[at + 3] = value >> 24;
  return 0;
}

export const writeI32: typeof writeU32 = writeU32;

/** Writes a C long: any integer that is exact as a number. */
export function writeLong(k: Kernel, task: Task, va: Vaddr, value: number): number {
  const failed = writeU32(k, task, va, (value % 2 ** 32) | 0);
  return failed < 0 ? failed : writeU32(k, task, va + 4, Math.floor(value / 2 ** 32));
}

export function writeU64(k: Kernel, task: Task, va: Vaddr, value: bigint): number {
  const failed = writeU32(k, task, va, Number(BigInt.asIntN(32, value)));
  return failed < 0 ? failed : writeU32(k, task, va + 4, Number(BigInt.asIntN(32, value >> 32n)));
}
