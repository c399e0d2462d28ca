/**
 * Kernel memory for handlers. Always true: a pointer of the caller that leads nowhere is an oops at that very address, as the
 * hart would have said it; the handler then answers at once, for its task is gone.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, Trap } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { pageOffset } from '../mm/layout.ts';
import { isDemand, kfault } from '../module/fault.ts';
import {
  readK,
  readK8,
  readK16,
  readK32,
  readK64,
  writeK,
  writeK8,
  writeK16,
  writeK32,
  writeK64,
} from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { kernelVersion } from './declarations/declare.ts';
import { kernelCode } from './image.ts';

export { sizeOf };

/** Whether this kernel is at least that version: what differs between kernels asks here. */
export const since = (k: Kernel, a: number, b: number): boolean => kernelCode(k) >= kernelVersion(a, b, 0);

/** A size_t argument: what is negative as a long is enormous. */
export const unsigned = (value: number): number => (value < 0 ? value + 2 ** 64 : value);
/** An int argument: the low 32 bits, as the ABI has them. */
export const int = (value: number): number => Number(BigInt.asIntN(32, BigInt(value)));
export const uint = (value: number): number => Number(BigInt.asUintN(32, BigInt(value)));

/** The first address of a range that cannot be accessed. */
function badAddress(k: Kernel, va: Vaddr, length: number, write: boolean): Vaddr {
  for (let at = va; at < va + length; at += PAGE_SIZE - pageOffset(at)) {
    const byte = readK8(k, at);
    if (byte === null || (write && !writeK8(k, at, byte))) return at;
  }
  return va;
}

/** Bytes behind a caller's pointer; null after an oops. */
export function load(k: Kernel, task: Task, va: Vaddr, length: number): Uint8Array | null {
  for (;;) {
    const bytes = readK(k, va, length);
    if (bytes) return bytes;
    const at = badAddress(k, va, length, false);
    if (isDemand(k, task, { cause: Trap.LoadPageFault, tval: at, pc: k.hart.pc })) continue;
    kfault(k, task, at, false);
    return null;
  }
}

/** Stores bytes at a caller's pointer; false after an oops. */
export function store(k: Kernel, task: Task, va: Vaddr, bytes: Uint8Array): boolean {
  while (!writeK(k, va, bytes)) {
    const at = badAddress(k, va, bytes.length, true);
    if (isDemand(k, task, { cause: Trap.StorePageFault, tval: at, pc: k.hart.pc })) continue;
    kfault(k, task, at, true);
    return false;
  }
  return true;
}

/** The longest string that a handler follows. */
const MAX_STRING = 1 << 24;

/** A byte string behind a caller's pointer, up to `max` bytes; null after an oops. */
export function loadString(k: Kernel, task: Task, va: Vaddr, max = MAX_STRING): string | null {
  const parts: string[] = [];
  for (let done = 0; done < max; ) {
    const count = Math.min(PAGE_SIZE - pageOffset(va + done), max - done);
    const chunk = readK(k, va + done, count);
    const missing = { cause: Trap.LoadPageFault, tval: va + done, pc: k.hart.pc };
    if (!chunk && isDemand(k, task, missing)) continue;
    if (!chunk) {
      kfault(k, task, va + done, false);
      return null;
    }
    const nul = chunk.indexOf(0);
    parts.push(
      String.fromCharCode.apply(null, chunk.subarray(0, nul < 0 ? count : nul) as unknown as number[]),
    );
    if (nul >= 0) break;
    done += count;
  }
  return parts.join('');
}

export const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
};

/** A field of a struct in guest memory as a signed number (pointers, longs) or an unsigned one (smaller); null: no memory. */
export function getField(k: Kernel, name: string, base: Vaddr, path: string): number | null {
  const { offset, size } = fieldOf(name, path);
  const at = base + offset;
  return size === 8
    ? readK64(k, at)
    : size === 4
      ? readK32(k, at)
      : size === 2
        ? readK16(k, at)
        : readK8(k, at);
}

export function setField(k: Kernel, name: string, base: Vaddr, path: string, value: number): boolean {
  const { offset, size } = fieldOf(name, path);
  const at = base + offset;
  if (size === 8) return writeK64(k, at, value);
  return size === 4 ? writeK32(k, at, value) : size === 2 ? writeK16(k, at, value) : writeK8(k, at, value);
}

export const fieldAddress = (name: string, base: Vaddr, path: string): Vaddr =>
  base + fieldOf(name, path).offset;

/** A pointer field of a caller's struct; null after an oops. */
export function pointerField(k: Kernel, task: Task, name: string, base: Vaddr, path: string): number | null {
  const value = getField(k, name, base, path);
  if (value === null) kfault(k, task, fieldAddress(name, base, path), false);
  return value;
}

const MAX_ERRNO = 4095;
/** IS_ERR. */
export const isError = (value: number): boolean => value < 0 && value >= -MAX_ERRNO;

/** The loaded module (by name) in whose memory an address lies; null: the kernel's own. */
export function moduleAt(k: Kernel, va: Vaddr): string | null {
  for (const module of k.module.modules)
    for (const { base, pages } of [...module.core, ...module.init])
      if (va >= base && va < base + pages * PAGE_SIZE) return module.name;
  return null;
}

/** The module whose code called the exported function that runs; null: the kernel's own code. */
export const callingModule = (k: Kernel, task: Task): string | null =>
  task.kernelMode && task.kernelMode.depth > 0 ? moduleAt(k, k.hart.x(1)) : null;
