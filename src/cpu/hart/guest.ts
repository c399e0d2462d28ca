/**
 * A guest's physical memory: a two-level table, itself in frames, from guest page numbers to host frames.
 *
 * Always true: an entry is 0 or a host address with GP_PRESENT; GP_OWN says that the frame has no other reference, so
 * that it may be written. Whoever writes a guest page goes through `ownPage` first.
 */
import { clearCode } from './code';
import { frameAlloc, frameRefs, frameRelease, frameShare } from './frames';
import { GP_OWN, GP_PRESENT, STOP } from './layout';
import { forgetFrame } from './tlb';

/** The table's entry for page `pfn`: 0 when there is none. Any number may be asked for. */
@inline
export function guestEntry(guest: u32, pfn: u32): u32 {
  if (pfn >= 1 << 20) return 0;
  const leaf = load<u32>(guest + (pfn >> 10 << 2));
  return leaf == 0 ? 0 : load<u32>(leaf + ((pfn & 1023) << 2));
}

/** Sets the entry of page `pfn`; false when a table frame is wanted and there is none. */
export function guestSet(guest: u32, pfn: u32, entry: u32): bool {
  const slot = guest + (pfn >> 10 << 2);
  let leaf = load<u32>(slot);
  if (leaf == 0) {
    leaf = frameAlloc();
    if (leaf == 0) return false;
    store<u32>(slot, leaf);
  }
  store<u32>(leaf + ((pfn & 1023) << 2), entry);
  return true;
}

/** A zero-filled page under number `pfn`; false when out of frames. */
export function guestAlloc(guest: u32, pfn: u32): bool {
  if (!guestSet(guest, pfn, 0)) return false;
  const frame = frameAlloc();
  return frame != 0 && guestSet(guest, pfn, frame | GP_PRESENT | GP_OWN);
}

/** Page `pfn` shows the frame at `address`, shared with whoever else has it. */
export function guestAdopt(guest: u32, pfn: u32, address: u32): bool {
  if (!guestSet(guest, pfn, address | GP_PRESENT)) return false;
  frameShare(address);
  return true;
}

/** Page `to` shows what page `from` does; both are copied when written. */
export function guestClone(guest: u32, from: u32, to: u32): bool {
  if (!guestSet(guest, to, 0)) return false;
  const address = guestEntry(guest, from) & ~4095;
  guestSet(guest, from, address | GP_PRESENT);
  forgetFrame(address);
  return guestAdopt(guest, to, address);
}

/** Gives page `pfn` back. */
export function guestFree(guest: u32, pfn: u32): void {
  const entry = guestEntry(guest, pfn);
  if (entry == 0) return;
  guestSet(guest, pfn, 0);
  frameRelease(entry & ~4095);
}

/** Makes the frame of page `pfn` this guest's own: its host address, 0 when out of frames. The page must exist. */
export function ownPage(guest: u32, pfn: u32): u32 {
  const entry = guestEntry(guest, pfn);
  const address = entry & ~4095;
  if (entry & GP_OWN) return address;
  if (frameRefs(address) == 1) {
    guestSet(guest, pfn, address | GP_PRESENT | GP_OWN);
    return address;
  }
  const copy = frameAlloc();
  if (copy == 0) return 0;
  memory.copy(copy, address, 4096);
  store<u32>(STOP, 1);
  forgetFrame(address);
  frameRelease(address);
  guestSet(guest, pfn, copy | GP_PRESENT | GP_OWN);
  return copy;
}

/** The page for the kernel to write: owned, and any code decoded from it dropped. 0 when out of frames. */
export function writePage(guest: u32, pfn: u32): u32 {
  const address = ownPage(guest, pfn);
  if (address != 0) clearCode(address);
  return address;
}

/** The page for the kernel to read; 0 when there is none. */
export function readPage(guest: u32, pfn: u32): u32 {
  return guestEntry(guest, pfn) & ~4095;
}

/** How many pages are this guest's alone. */
export function guestOwned(guest: u32): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < 1024; i++) {
    const leaf = load<u32>(guest + (i << 2));
    if (leaf == 0) continue;
    for (let j: u32 = 0; j < 1024; j++) {
      const entry = load<u32>(leaf + (j << 2));
      if (entry != 0 && (entry & GP_OWN || frameRefs(entry & ~4095) == 1)) count++;
    }
  }
  return count;
}

/** Frames that a copy of the guest's table takes. */
export function guestTables(guest: u32): u32 {
  let count: u32 = 1;
  for (let i: u32 = 0; i < 1024; i++) count += u32(load<u32>(guest + (i << 2)) != 0);
  return count;
}

/** A copy of the guest that shares every frame; 0 when out of frames (have `guestTables` of them ready). */
export function guestFork(guest: u32): u32 {
  const twin = frameAlloc();
  if (twin == 0) return 0;
  for (let i: u32 = 0; i < 1024; i++) {
    const leaf = load<u32>(guest + (i << 2));
    if (leaf == 0) continue;
    const copy = frameAlloc();
    if (copy == 0) return 0;
    store<u32>(twin + (i << 2), copy);
    for (let j: u32 = 0; j < 4096; j += 4) {
      const entry = load<u32>(leaf + j) & ~GP_OWN;
      if (entry == 0) continue;
      store<u32>(leaf + j, entry);
      store<u32>(copy + j, entry);
      frameShare(entry & ~4095);
    }
  }
  return twin;
}

/** Gives back every page and the table itself. */
export function guestDestroy(guest: u32): void {
  for (let i: u32 = 0; i < 1024; i++) {
    const leaf = load<u32>(guest + (i << 2));
    if (leaf == 0) continue;
    for (let j: u32 = 0; j < 4096; j += 4) {
      const entry = load<u32>(leaf + j);
      if (entry != 0) frameRelease(entry & ~4095);
    }
    frameRelease(leaf);
  }
  frameRelease(guest);
}
