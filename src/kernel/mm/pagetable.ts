/**
 * Sv39 page tables in guest pages (privileged ISA, "Sv39"). Always true: tables belong to one root, except the kernel half
 * (entries 256..511), whose tables all roots share; every leaf of the user half has A and D preset (the kernel learns of first
 * writes by write protection) and holds a reference to its page unless it is {@link PTE_SPECIAL}.
 */
import type { Pfn, Vaddr } from '../../cpu/machine.ts';
import { PTE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { TASK_SIZE } from './layout.ts';
import { allocPage, putPage } from './pages.ts';
import type { Mm } from './types.ts';
import { Prot } from './types.ts';

/** Software bit: the page is not counted (zero page, trampoline). */
export const PTE_SPECIAL = 0x100;
/** Software bit: the page is the address space's own (anonymous or copied), not a page of a file's cache. */
export const PTE_ANON = 0x200;
const LEAF = PTE.R | PTE.W | PTE.X;

/** The page a page table entry shows or points to. */
export const ptePfn = (pte: number): Pfn => pte >>> 10;

const vpn2 = (va: Vaddr): number => Math.floor(va / 2 ** 30) & 511;
const vpn1 = (va: Vaddr): number => Math.floor(va / 2 ** 21) & 511;
const vpn0 = (va: Vaddr): number => Math.floor(va / 2 ** 12) & 511;

/** Physical address of the leaf entry for `va`, or -1 when there is no table for it. */
export function findPte(k: Kernel, root: Pfn, va: Vaddr): number {
  const top = k.guest.load32(root * 4096 + vpn2(va) * 8);
  if ((top & PTE.V) === 0 || (top & LEAF) !== 0) return -1;
  const middle = k.guest.load32(ptePfn(top) * 4096 + vpn1(va) * 8);
  if ((middle & PTE.V) === 0 || (middle & LEAF) !== 0) return -1;
  return ptePfn(middle) * 4096 + vpn0(va) * 8;
}

/** The leaf entry for `va`; 0 when nothing is mapped. */
export function readPte(k: Kernel, root: Pfn, va: Vaddr): number {
  const at = findPte(k, root, va);
  return at < 0 ? 0 : k.guest.load32(at);
}

function tableBelow(k: Kernel, mm: Mm | null, at: number): Pfn {
  const entry = k.guest.load32(at);
  if ((entry & PTE.V) !== 0) return ptePfn(entry);
  const table = allocPage(k);
  if (table < 0) return -1;
  if (mm) mm.tablePages++;
  k.guest.store32(at, (table << 10) | PTE.V);
  return table;
}

/** Like {@link findPte}, making the tables that lack. -1: out of memory. `mm` null: a table of the kernel half. */
export function makePte(k: Kernel, mm: Mm | null, root: Pfn, va: Vaddr): number {
  const middle = tableBelow(k, mm, root * 4096 + vpn2(va) * 8);
  if (middle < 0) return -1;
  const leaf = tableBelow(k, mm, middle * 4096 + vpn1(va) * 8);
  return leaf < 0 ? -1 : leaf * 4096 + vpn0(va) * 8;
}

/** The protection bits of a leaf. Without any PROT bit the page stays but no user access passes (U is clear). */
export function pteFlags(prot: number, writable: boolean): number {
  const base = PTE.V | PTE.A | PTE.D;
  if ((prot & (Prot.READ | Prot.WRITE | Prot.EXEC)) === 0) return base | PTE.R;
  let flags = base | PTE.U;
  if ((prot & (Prot.READ | Prot.WRITE)) !== 0) flags |= PTE.R;
  if ((prot & Prot.EXEC) !== 0) flags |= PTE.X;
  if (writable && (prot & Prot.WRITE) !== 0) flags |= PTE.W;
  return flags;
}

/** Writes a leaf entry. */
export function setPte(k: Kernel, at: number, pfn: Pfn, flags: number): void {
  k.guest.store32(at, (pfn << 10) | flags);
}

/** Word views on a machine's memory, by its byte view: made once each time the memory grows. */
const wordViews = new WeakMap<Uint8Array, Uint32Array>();

function wordsOf(k: Kernel): Uint32Array {
  const bytes = k.machine.bytes();
  let words = wordViews.get(bytes);
  if (!words) {
    words = new Uint32Array(bytes.buffer);
    wordViews.set(bytes, words);
  }
  return words;
}

/** Where a table lies in {@link wordsOf}: entry i is the word at the answer + 2 * i. For reading only. */
const tableAt = (k: Kernel, table: Pfn): number => k.guest.page(table, false).byteOffset >>> 2;

/**
 * Calls `visit` for each present leaf of the user half in [start, end), in ascending order. `visit` may change or clear the
 * entry with {@link setPte} or a store, but must not free tables of this root.
 */
export function forEachLeaf(
  k: Kernel,
  root: Pfn,
  start: Vaddr,
  end: Vaddr,
  visit: (va: Vaddr, at: number, pte: number) => void,
): void {
  if (start >= end) return;
  if (start < 0 || end > TASK_SIZE) throw new RangeError('not a range of the user half');
  const words = wordsOf(k);
  const top = tableAt(k, root);
  const last = end - 1;
  for (let i2 = vpn2(start); i2 <= vpn2(last); i2++) {
    const entry2 = words[top + 2 * i2];
    if ((entry2 & PTE.V) === 0) continue;
    const base2 = i2 * 2 ** 30;
    const middle = tableAt(k, ptePfn(entry2));
    const from1 = start > base2 ? vpn1(start) : 0;
    const to1 = last < base2 + 2 ** 30 ? vpn1(last) : 511;
    for (let i1 = from1; i1 <= to1; i1++) {
      const entry1 = words[middle + 2 * i1];
      if ((entry1 & PTE.V) === 0) continue;
      const base1 = base2 + i1 * 2 ** 21;
      const table = ptePfn(entry1);
      const leaves = tableAt(k, table);
      const from0 = start > base1 ? vpn0(start) : 0;
      const to0 = last < base1 + 2 ** 21 ? vpn0(last) : 511;
      for (let i0 = from0; i0 <= to0; i0++) {
        const pte = words[leaves + 2 * i0];
        if ((pte & PTE.V) !== 0) visit(base1 + i0 * 4096, table * 4096 + i0 * 8, pte);
      }
    }
  }
}

/** Gives one mapped page back: the reference and its share of the resident set. The caller clears the entry. */
export function releaseLeaf(k: Kernel, mm: Mm, pte: number): void {
  if ((pte & PTE_SPECIAL) !== 0) return;
  if ((pte & PTE_ANON) !== 0) mm.rssAnon--;
  else mm.rssFile--;
  putPage(k, ptePfn(pte));
}

/** Unmaps every page in [start, end) and forgets the translations. The tables stay; see {@link freeTables}. */
export function zapRange(k: Kernel, mm: Mm, start: Vaddr, end: Vaddr): void {
  let count = 0;
  const freed: number[] = [];
  forEachLeaf(k, mm.root, start, end, (_va, at, pte) => {
    k.guest.store32(at, 0);
    count++;
    freed.push(pte);
  });
  if (count === 0) return;
  if (count === 1 && end - start === 4096) k.hart.flushTlbPage(start);
  else k.hart.flushTlb();
  for (const pte of freed) releaseLeaf(k, mm, pte);
  k.sched.kernelWork += count * 4;
}

/** Frees the tables whose whole reach lies in [start, end); the caller knows that nothing else is mapped there. */
export function freeTables(k: Kernel, mm: Mm, start: Vaddr, end: Vaddr): void {
  const words = wordsOf(k);
  const top = tableAt(k, mm.root);
  const gone: Pfn[] = [];
  for (let i2 = vpn2(start); i2 <= vpn2(end - 1); i2++) {
    const entry2 = words[top + 2 * i2];
    if ((entry2 & PTE.V) === 0) continue;
    const base2 = i2 * 2 ** 30;
    const table = ptePfn(entry2);
    const middle = tableAt(k, table);
    for (let i1 = 0; i1 < 512; i1++) {
      const base1 = base2 + i1 * 2 ** 21;
      const entry1 = words[middle + 2 * i1];
      if ((entry1 & PTE.V) === 0 || base1 < start || base1 + 2 ** 21 > end) continue;
      k.guest.store32(table * 4096 + i1 * 8, 0);
      gone.push(ptePfn(entry1));
    }
    if (base2 < start || base2 + 2 ** 30 > end) continue;
    k.guest.store32(mm.root * 4096 + i2 * 8, 0);
    gone.push(table);
  }
  if (gone.length === 0) return;
  k.hart.flushTlb();
  mm.tablePages -= gone.length;
  for (const table of gone) putPage(k, table);
}
