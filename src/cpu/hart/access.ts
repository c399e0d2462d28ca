/**
 * Loads and stores that missed the fast path: a TLB miss, a page whose code is cached, or a misaligned address, which
 * works for loads and stores as Linux and qemu-user give it to programs.
 *
 * Always true: a store that faults has written nothing; a fault in the second page of a crossing access names that
 * page's first byte, as the privileged ISA says of stval.
 */
import { pageFor, READ, WRITE } from './mmu';
import { raise } from './trap';

/** The 1 to 8 bytes at `va`, zero-extended. */
export function readSlow(va: i64, size: i64): u64 {
  const first = pageFor(va, READ);
  if (first == 0) return 0;
  const at = <u32>va & 4095;
  const room: i64 = 4096 - at;
  if (room >= size) return readHost(first + at, <u32>size);
  const second = pageFor((va | 4095) + 1, READ);
  if (second == 0) return 0;
  let value: u64 = 0;
  for (let i: i64 = 0; i < size; i++) {
    const from = i < room ? first + at + <u32>i : second + <u32>(i - room);
    value |= (<u64>load<u8>(from)) << ((<u64>i) << 3);
  }
  return value;
}

function readHost(address: u32, size: u32): u64 {
  if (size == 1) return load<u8>(address);
  if (size == 2) return load<u16>(address);
  if (size == 4) return load<u32>(address);
  return load<u64>(address);
}

/** Stores the low `size` bytes of `value` at `va`. */
export function writeSlow(va: i64, size: i64, value: u64): void {
  const first = pageFor(va, WRITE);
  if (first == 0) return;
  const at = <u32>va & 4095;
  const room: i64 = 4096 - at;
  if (room >= size) {
    const to = first + at;
    if (size == 1) store<u8>(to, <u8>value);
    else if (size == 2) store<u16>(to, <u16>value);
    else if (size == 4) store<u32>(to, <u32>value);
    else store<u64>(to, value);
    return;
  }
  const second = pageFor((va | 4095) + 1, WRITE);
  if (second == 0) return;
  for (let i: i64 = 0; i < size; i++) {
    const to = i < room ? first + at + <u32>i : second + <u32>(i - room);
    store<u8>(to, <u8>(value >> ((<u64>i) << 3)));
  }
}

/** The host address for an atomic at `va`, which must be aligned (`misaligned` is the trap if not); 0: trapped. */
export function atomicAddress(va: i64, size: i64, access: i32, misaligned: i32): u32 {
  if ((va & (size - 1)) != 0) {
    raise(misaligned, va);
    return 0;
  }
  const page = pageFor(va, access);
  return page == 0 ? 0 : page + (<u32>va & 4095);
}
