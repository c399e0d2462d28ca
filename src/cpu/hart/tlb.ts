/**
 * The software TLBs: three direct-mapped tables of 1,024 entries for read, write and execute.
 *
 * Always true: an entry holds for the loaded context's mode and SUM and the selected address space; a write entry's
 * frame is the guest's own, its PTE dirty, and no code is decoded from it. A tag is the page's address, so that an
 * aligned access compares equal and a misaligned one does not (the low bits stay in the comparison).
 */
import { DECODED, TLB_EXEC, TLB_READ, TLB_SIZE, TLB_WRITE, WALKS, WALKS_SIZE } from './layout';

/** The place of address `va` in a TLB, as a byte offset. */
@inline
export function tlbIndex(va: i64): u32 {
  return (<u32>va >>> 8) & 0x3ff0;
}

/** Forgets everything. A tag of all ones is no page's address. */
export function tlbFlush(): void {
  memory.fill(TLB_READ, 0xff, 3 * TLB_SIZE);
  memory.fill(WALKS, 0xff, WALKS_SIZE);
}

/** Forgets one page. */
export function tlbFlushPage(va: i64): void {
  memory.fill(WALKS, 0xff, WALKS_SIZE);
  const index = tlbIndex(va);
  store<u64>(TLB_READ + index, u64.MAX_VALUE);
  store<u64>(TLB_WRITE + index, u64.MAX_VALUE);
  store<u64>(TLB_EXEC + index, u64.MAX_VALUE);
}

/** Enters a translation of the page of `va` to the host page at `address`. */
export function tlbEnter(table: u32, va: i64, address: u32): void {
  const entry = table + tlbIndex(va);
  store<u64>(entry, <u64>(va & ~4095));
  store<u32>(entry, address - <u32>(va & ~4095), 8);
}

function forgetIn(table: u32, address: u32): void {
  for (let entry = table, end = table + TLB_SIZE; entry < end; entry += 16) {
    const tag = load<u64>(entry);
    if (<u32>tag + load<u32>(entry, 8) == address) store<u64>(entry, u64.MAX_VALUE);
  }
}

/** Forgets write entries to the host page at `address`. */
export function forgetWrites(address: u32): void {
  forgetIn(TLB_WRITE, address);
}

/** Forgets every entry that leads to the host page at `address`. */
export function forgetFrame(address: u32): void {
  memory.fill(WALKS, 0xff, WALKS_SIZE);
  forgetIn(TLB_READ, address);
  forgetIn(TLB_WRITE, address);
  const page = load<u32>(DECODED + (address >> 12 << 2));
  if (page != 0) forgetCodePage(page);
}

/** Forgets execute entries to the decode page at `page`. */
export function forgetCodePage(page: u32): void {
  for (let entry: u32 = TLB_EXEC; entry < <u32>(TLB_EXEC + TLB_SIZE); entry += 16) {
    if (load<u32>(entry, 8) == page) store<u64>(entry, u64.MAX_VALUE);
  }
}
