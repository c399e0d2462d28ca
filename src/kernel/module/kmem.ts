/**
 * Kernel memory by virtual address, as kernel code on the hart sees it. Always true: reads and writes go through the kernel's
 * page table (or the linear map's arithmetic), answer null or false where the hart would fault, and touch no user memory.
 */
import type { Pfn, Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE, pageOffset } from '../mm/layout.ts';
import { kernelPte } from '../mm/mm.ts';
import { ptePfn, readPte, setPte } from '../mm/pagetable.ts';

/** What kernel pages may be used for. */
export const KernelPage = {
  TEXT: PTE.V | PTE.R | PTE.X | PTE.G | PTE.A | PTE.D,
  RODATA: PTE.V | PTE.R | PTE.G | PTE.A | PTE.D,
  DATA: PTE.V | PTE.R | PTE.W | PTE.G | PTE.A | PTE.D,
} as const;

/** The page that a kernel address shows; -1: nothing is there. */
export const kernelPageAt = (k: Kernel, va: Vaddr): Pfn => pageAt(k, va, false);

/** The page a kernel address shows and whether it may be written; -1: nothing is there. */
function pageAt(k: Kernel, va: Vaddr, write: boolean): Pfn {
  if (!(va < 0)) return -1;
  const index = Math.floor((va - LINEAR_BASE) / PAGE_SIZE);
  if (index >= 0 && index < k.guest.maxPages) return (k.mm.pageRefs[index] ?? 0) > 0 ? index : -1;
  const pte = readPte(k, k.mm.kernelRoot, va);
  if ((pte & PTE.V) === 0 || (write && (pte & PTE.W) === 0)) return -1;
  return ptePfn(pte);
}

/** The page frame behind a kernel address; -1: none. */
export const frameAt = (k: Kernel, va: Vaddr): Pfn => pageAt(k, va, false);

/** Maps a page at a kernel address; false when there is no memory for the table. */
export function mapKernelPage(k: Kernel, va: Vaddr, pfn: Pfn, flags: number): boolean {
  const at = kernelPte(k, va);
  if (at < 0) return false;
  setPte(k, at, pfn, flags);
  k.hart.flushTlbPage(va);
  return true;
}

/** Takes a kernel page out; answers the page that was there, or -1. */
export function unmapKernelPage(k: Kernel, va: Vaddr): Pfn {
  const pte = readPte(k, k.mm.kernelRoot, va);
  if ((pte & PTE.V) === 0) return -1;
  setPte(k, kernelPte(k, va), 0, 0);
  k.hart.flushTlbPage(va);
  return ptePfn(pte);
}

/** Bytes of kernel memory, or null where a part of it is not there. */
export function readK(k: Kernel, va: Vaddr, length: number): Uint8Array | null {
  if (length < 0 || length > 2 ** 26) return null;
  const out = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const pfn = pageAt(k, va + done, false);
    if (pfn < 0) return null;
    const offset = pageOffset(va + done);
    const count = Math.min(PAGE_SIZE - offset, length - done);
    out.set(k.guest.page(pfn, false).subarray(offset, offset + count), done);
    done += count;
  }
  return out;
}

/** Writes kernel memory; false where a page is not there or, without `force`, read-only. A part may have been written. */
export function writeK(k: Kernel, va: Vaddr, bytes: Uint8Array, force = false): boolean {
  for (let done = 0; done < bytes.length; ) {
    const pfn = pageAt(k, va + done, !force);
    if (pfn < 0) return false;
    const offset = pageOffset(va + done);
    const count = Math.min(PAGE_SIZE - offset, bytes.length - done);
    k.guest.page(pfn, true).set(bytes.subarray(done, done + count), offset);
    done += count;
  }
  return true;
}

/** Fills kernel memory with one byte value. */
export function fillK(k: Kernel, va: Vaddr, length: number, value: number): boolean {
  for (let done = 0; done < length; ) {
    const pfn = pageAt(k, va + done, true);
    if (pfn < 0) return false;
    const offset = pageOffset(va + done);
    const count = Math.min(PAGE_SIZE - offset, length - done);
    k.guest.page(pfn, true).fill(value, offset, offset + count);
    done += count;
  }
  return true;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function readView(k: Kernel, va: Vaddr, size: number): DataView | null {
  const bytes = readK(k, va, size);
  return bytes && viewOf(bytes);
}

export const readK8 = (k: Kernel, va: Vaddr): number | null => readView(k, va, 1)?.getUint8(0) ?? null;
export const readK16 = (k: Kernel, va: Vaddr): number | null =>
  readView(k, va, 2)?.getUint16(0, true) ?? null;
/** Unsigned. */
export const readK32 = (k: Kernel, va: Vaddr): number | null =>
  readView(k, va, 4)?.getUint32(0, true) ?? null;
/** A C int. */
export const readKInt = (k: Kernel, va: Vaddr): number | null =>
  readView(k, va, 4)?.getInt32(0, true) ?? null;
/** A long or a pointer as a signed number: exact for canonical addresses. */
export function readK64(k: Kernel, va: Vaddr): number | null {
  const view = readView(k, va, 8);
  return view && view.getInt32(4, true) * 2 ** 32 + view.getUint32(0, true);
}
export const readKBig = (k: Kernel, va: Vaddr): bigint | null =>
  readView(k, va, 8)?.getBigUint64(0, true) ?? null;

function writeNumber(k: Kernel, va: Vaddr, size: number, value: bigint): boolean {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(64, value);
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return writeK(k, va, bytes);
}
export const writeK8 = (k: Kernel, va: Vaddr, value: number): boolean => writeNumber(k, va, 1, BigInt(value));
export const writeK16 = (k: Kernel, va: Vaddr, value: number): boolean =>
  writeNumber(k, va, 2, BigInt(value));
export const writeK32 = (k: Kernel, va: Vaddr, value: number): boolean =>
  writeNumber(k, va, 4, BigInt(value));
export const writeK64 = (k: Kernel, va: Vaddr, value: number): boolean =>
  writeNumber(k, va, 8, BigInt(value));
export const writeKBig = (k: Kernel, va: Vaddr, value: bigint): boolean => writeNumber(k, va, 8, value);

/** A byte string up to its NUL, or to `max` bytes; null where memory ends first. */
export function readKString(k: Kernel, va: Vaddr, max = 4096): string | null {
  let text = '';
  while (text.length < max) {
    const pfn = pageAt(k, va + text.length, false);
    if (pfn < 0) return null;
    const offset = pageOffset(va + text.length);
    const chunk = k.guest.page(pfn, false).subarray(offset, Math.min(PAGE_SIZE, offset + max - text.length));
    const nul = chunk.indexOf(0);
    text += String.fromCharCode.apply(
      null,
      chunk.subarray(0, nul < 0 ? chunk.length : nul) as unknown as number[],
    );
    if (nul >= 0) return text;
  }
  return text;
}

/** Writes a byte string and its NUL. */
export function writeKString(k: Kernel, va: Vaddr, text: string): boolean {
  const bytes = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return writeK(k, va, bytes);
}
