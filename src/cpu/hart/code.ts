/**
 * The cache of decoded code: for a host frame that was executed, a decode page of one 8-byte slot per halfword.
 *
 * Always true: a slot is UNDECODED or says what the frame's bytes at its place say; so whoever changes a frame that has
 * a decode page clears it. Decode pages are a pool: made in chunks up to POOL_MAX, then the oldest is taken over.
 */

import { framesInARow } from './frames';
import {
  DECODED,
  DP_DIRTY,
  DP_FRAME,
  DP_NEXT,
  DP_STRIDE,
  EXHAUSTED,
  POOL,
  POOL_CHUNK_FRAMES,
  POOL_CHUNK_PAGES,
  POOL_FREE,
  POOL_HAND,
  POOL_MAX,
  POOL_SIZE,
  POOL_USED,
  SCRATCH,
  SCRATCH_SIZE,
  SLOTS_BYTES,
  STOP,
} from './layout';
import { PAGE_END } from './ops';
import { forgetCodePage, forgetWrites } from './tlb';

function clear(page: u32): void {
  memory.fill(page, 0, SLOTS_BYTES);
  memory.fill(SCRATCH, 0, SCRATCH_SIZE);
  store<u32>(page, 0, DP_DIRTY);
  store<u32>(STOP, 1);
}

/** Takes the decode page away from its frame. It must not be the page that runs. */
function detach(page: u32): void {
  memory.fill(SCRATCH, 0, SCRATCH_SIZE);
  store<u32>(DECODED + ((load<u32>(page, DP_FRAME) >> 12) << 2), 0);
  forgetCodePage(page);
}

/** The frame's bytes are about to change: what was decoded of it is dropped. */
export function clearCode(address: u32): void {
  const page = load<u32>(DECODED + ((address >> 12) << 2));
  if (page != 0 && load<u32>(page, DP_DIRTY) != 0) clear(page);
}

/**
 * A store to a frame with a decode page: clears it; a page of which nothing has been decoded since the last clearing
 * is taken away, so that a page of mere data gets fast stores again. Answers whether the frame is free of code now.
 */
export function storedInto(address: u32): bool {
  const page = load<u32>(DECODED + ((address >> 12) << 2));
  if (page == 0) return true;
  if (load<u32>(page, DP_DIRTY) != 0) {
    clear(page);
    return false;
  }
  forgetCode(address);
  return true;
}

/** The frame is given back: its decode page, if any, too. */
export function forgetCode(address: u32): void {
  const page = load<u32>(DECODED + ((address >> 12) << 2));
  if (page == 0) return;
  detach(page);
  store<u32>(page, load<u32>(POOL_FREE), DP_NEXT);
  store<u32>(POOL_FREE, page);
  store<u32>(POOL_USED, load<u32>(POOL_USED) - 1);
}

/** Adds a chunk of decode pages to the pool; false when the memory must grow first. The face adds the first one. */
export function poolGrow(): bool {
  const size = load<u32>(POOL_SIZE);
  let page = framesInARow(POOL_CHUNK_FRAMES);
  if (page == 0) return false;
  for (let i: u32 = 0; i < <u32>POOL_CHUNK_PAGES; i++, page += DP_STRIDE) {
    store<u32>(POOL + ((size + i) << 2), page);
    store<u32>(page, load<u32>(POOL_FREE), DP_NEXT);
    store<u32>(POOL_FREE, page);
  }
  store<u32>(POOL_SIZE, size + POOL_CHUNK_PAGES);
  return true;
}

/** A decode page nobody uses, or the one whose turn it is; 0 when the memory must grow first. */
function take(): u32 {
  const size = load<u32>(POOL_SIZE);
  if (load<u32>(POOL_FREE) == 0 && size < load<u32>(POOL_MAX) && load<u32>(EXHAUSTED) == 0) {
    if (!poolGrow()) return 0;
  }
  let page = load<u32>(POOL_FREE);
  if (page != 0) {
    store<u32>(POOL_FREE, load<u32>(page, DP_NEXT));
    store<u32>(POOL_USED, load<u32>(POOL_USED) + 1);
    return page;
  }
  const hand = load<u32>(POOL_HAND) % size;
  store<u32>(POOL_HAND, hand + 1);
  page = load<u32>(POOL + (hand << 2));
  detach(page);
  return page;
}

/** The decode page of the frame at `address`, made when there is none; 0 when the memory must grow first. */
export function codePage(address: u32): u32 {
  const known = load<u32>(DECODED + ((address >> 12) << 2));
  if (known != 0) return known;
  const page = take();
  if (page == 0) return 0;
  clear(page);
  store<u64>(page, PAGE_END, SLOTS_BYTES);
  store<u32>(page, address, DP_FRAME);
  store<u32>(DECODED + ((address >> 12) << 2), page);
  forgetWrites(address);
  return page;
}
