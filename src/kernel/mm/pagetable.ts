/**
 * Sv39 page tables in guest pages (privileged ISA, "Sv39"). Always true: tables belong to one root, except the kernel half
 * (entries 256..511), whose tables all roots share; every leaf of the user half has A and D preset (the kernel learns of first
 * writes by write protection) and holds a reference to its page unless it is {@link PTE_SPECIAL}.
 */
import type { Pfn, Vaddr } from '../../cpu/machine.ts';
import { PTE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
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

/** A table of 512 entries as words: entry i is `words[2 * i]`. Valid until the next allocation of a page. */
export function tableWords(k: Kernel, table: Pfn): Uint32Array {
  const page = k.guest.page(table, true);
  return new Uint32Array(page.buffer, page.byteOffset, 1024);
}

/**
 * Calls `visit` for each present leaf of the user half in [start, end), in ascending order. `visit` may change or clear the
 * entry, but must not allocate or free tables.
 */
export function forEachLeaf(
  k: Kernel,
  root: Pfn,
  start: Vaddr,
  end: Vaddr,
  visit: (va: Vaddr, at: number, pte: number) => void,
): void {
  let va = start;
  while (va < end) {
    const top = k.guest.load32(root * 4096 + vpn2(va) * 8);
    if ((top & PTE.V) === 0) {
      va = (Math.floor(va / 2 ** 30) + 1) * 2 ** 30;
      continue;
    }
    const middle = k.guest.load32(ptePfn(top) * 4096 + vpn1(va) * 8);
    const next = (Math.floor(va / 2 ** 21) + 1) * 2 ** 21;
    if ((middle & PTE.V) === 0) {
      va = next;
      continue;
    }
    const stop = Math.min(next, end);
    let at = ptePfn(middle) * 4096 + vpn0(va) * 8;
    for (; va < stop; va += 4096, at += 8) {
      const pte = k.guest.load32(at);
      if ((pte & PTE.V) !== 0) visit(va, at, pte);
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
  let freed = 0;
  let va = start;
  while (va < end) {
    const topAt = mm.root * 4096 + vpn2(va) * 8;
    const top = k.guest.load32(topAt);
    const topStart = Math.floor(va / 2 ** 30) * 2 ** 30;
    const topEnd = topStart + 2 ** 30;
    if ((top & PTE.V) !== 0) {
      const table = ptePfn(top);
      const stop = Math.min(end, topEnd);
      for (let at = Math.floor(va / 2 ** 21) * 2 ** 21; at < stop; at += 2 ** 21) {
        if (at < start || at + 2 ** 21 > end) continue;
        const middleAt = table * 4096 + vpn1(at) * 8;
        const middle = k.guest.load32(middleAt);
        if ((middle & PTE.V) === 0) continue;
        k.guest.store32(middleAt, 0);
        putPage(k, ptePfn(middle));
        mm.tablePages--;
        freed++;
      }
      if (topStart >= start && topEnd <= end) {
        k.guest.store32(topAt, 0);
        putPage(k, table);
        mm.tablePages--;
        freed++;
      }
    }
    va = topEnd;
  }
  if (freed > 0) k.hart.flushTlb();
}
