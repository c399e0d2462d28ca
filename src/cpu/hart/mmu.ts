/**
 * Sv39 address translation (privileged ISA 1.12, "Sv39") out of guest frames, with hardware A and D bits.
 *
 * Always true: an address comes out only for an access that the page table allows in the given mode; a page that may be
 * written is the guest's own. Where it answers 0, a trap is raised.
 */
import { storedInto } from './code';
import { guestEntry, ownPage } from './guest';
import { CAUSE, EXHAUSTED, FLAGS, GUEST, NEED_FRAME, NO_TRAP, ROOT, TLB_READ, TLB_WRITE, WALKS } from './layout';
import { tlbEnter, tlbIndex } from './tlb';
import { raise } from './trap';

export const READ: i32 = 0;
export const WRITE: i32 = 1;
export const EXECUTE: i32 = 2;

/** Mode bits, as in the context's flags. */
export const SUPERVISOR: u32 = 1;
export const SUM: u32 = 2;

const V: u64 = 1;
const R: u64 = 2;
const W: u64 = 4;
const X: u64 = 8;
const U: u64 = 16;
const A: u64 = 64;
const D: u64 = 128;
const RESERVED: u64 = 0xffc0000000000000;
const NOT_IN_POINTERS: u64 = D | A | U;

/** Page fault of the kind of access. */
function pageFault(va: i64, access: i32): u32 {
  raise(access == READ ? 13 : access == WRITE ? 15 : 12, va);
  return 0;
}

/** Access fault of the kind of access: the physical address has no memory behind it. */
function accessFault(va: i64, access: i32): u32 {
  raise(access == READ ? 5 : access == WRITE ? 7 : 1, va);
  return 0;
}

/** No frame for a private copy: the face is asked to grow the memory; when that failed it is a store access fault. */
function outOfFrames(va: i64): u32 {
  if (load<u32>(EXHAUSTED) == 0) raise(NEED_FRAME, va);
  else raise(7, va);
  return 0;
}

function allowed(pte: u64, access: i32, flags: u32): bool {
  if (flags & SUPERVISOR) {
    if ((pte & U) != 0 && (access == EXECUTE || !(flags & SUM))) return false;
  } else if ((pte & U) == 0) return false;
  const want = access == READ ? R : access == WRITE ? W : X;
  return (pte & want) != 0;
}

/** Walks the page table: the host address of the page of `va` (read pages may be shared; written ones are owned), or 0. */
export function walk(va: i64, access: i32, flags: u32): u32 {
  if ((va << 25) >> 25 != va) return pageFault(va, access);
  const guest = load<u32>(GUEST);
  let table: u64 = load<u32>(ROOT);
  let shift: i64 = 30;
  let host: u32 = 0;
  const known = WALKS + ((<u32>(va >> 21) & 63) << 4);
  if (load<i64>(known) == (va >> 21) << 1) {
    table = load<u32>(known, 8);
    host = load<u32>(known, 12);
    shift = 12;
  }
  while (true) {
    if (host == 0) host = table >> 20 ? 0 : guestEntry(guest, <u32>table) & ~4095;
    if (host == 0) return accessFault(va, access);
    const index = <u32>(va >> shift) & 511;
    const pte = load<u64>(host + (index << 3));
    if ((pte & V) == 0 || (pte & (R | W)) == W || (pte & RESERVED) != 0) return pageFault(va, access);
    const ppn = (pte << 10) >> 20;
    if ((pte & (R | X)) == 0) {
      if (shift == 12 || (pte & NOT_IN_POINTERS) != 0) return pageFault(va, access);
      table = ppn;
      shift -= 9;
      host = 0;
      continue;
    }
    if (shift == 12) {
      store<i64>(known, (va >> 21) << 1);
      store<u32>(known, <u32>table, 8);
      store<u32>(known, host, 12);
    }
    const inside = ((<u64>1) << (shift - 12)) - 1;
    if ((ppn & inside) != 0 || !allowed(pte, access, flags)) return pageFault(va, access);
    const marked = pte | A | (access == WRITE ? D : 0);
    if (marked != pte) {
      const own = ownPage(guest, <u32>table);
      if (own == 0) return outOfFrames(va);
      storedInto(own);
      store<u64>(own + (index << 3), marked);
    }
    const page = ppn | ((<u64>va >> 12) & inside);
    const entry = page >> 20 ? 0 : guestEntry(guest, <u32>page);
    if (entry == 0) return accessFault(va, access);
    if (access != WRITE) return entry & ~4095;
    const own = ownPage(guest, <u32>page);
    return own == 0 ? outOfFrames(va) : own;
  }
}

/** The host address of the page of `va` for a load or a store of the running context, through the TLB; or 0. */
export function pageFor(va: i64, access: i32): u32 {
  const table: u32 = access == READ ? TLB_READ : TLB_WRITE;
  const entry = table + tlbIndex(va);
  if (load<u64>(entry) == <u64>(va & ~4095)) return <u32>(va & ~4095) + load<u32>(entry, 8);
  const host = walk(va, access, load<u32>(FLAGS));
  if (host == 0) return 0;
  if (access == READ || storedInto(host)) tlbEnter(table, va, host);
  return host;
}

/**
 * For the kernel: the host address of `vaddr` as an access with these flags would find it; 0: fault; 1: out of frames.
 * No trap remains. The TLB serves accesses like those of the loaded context.
 */
export function translate(vaddr: f64, access: i32, flags: u32): u32 {
  const va = <i64>vaddr;
  const own = access != EXECUTE && flags == load<u32>(FLAGS);
  const host = own ? pageFor(va, access) : walk(va, access, flags);
  if (host == 0) {
    const cause = load<i32>(CAUSE);
    store<i32>(CAUSE, NO_TRAP);
    return cause == NEED_FRAME ? 1 : 0;
  }
  if (!own && access == WRITE) storedInto(host);
  return host + (<u32>va & 4095);
}
