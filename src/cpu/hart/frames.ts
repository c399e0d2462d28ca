/**
 * Host frames: the 4 KiB pages of the worker's memory, with reference counts.
 *
 * Always true: a frame is free (on the free list), never used (at or above NEXT_FRAME), or has a count of at least one.
 * A frame that is handed out is zero-filled. Nothing here grows the memory: a caller that gets 0 asks the face to.
 */

import { forgetCode } from './code';
import { FREE_COUNT, FREE_HEAD, NEXT_FRAME, REF_FREE, REFS } from './layout';

/** A zero-filled frame with one reference: its host address, or 0 when the memory is full. */
export function frameAlloc(): u32 {
  const head = load<u32>(FREE_HEAD);
  if (head != 0) {
    store<u32>(FREE_HEAD, load<u32>(REFS + (head << 2)) & ~(<u32>REF_FREE));
    store<u32>(FREE_COUNT, load<u32>(FREE_COUNT) - 1);
    store<u32>(REFS + (head << 2), 1);
    memory.fill(head << 12, 0, 4096);
    return head << 12;
  }
  const fresh = load<u32>(NEXT_FRAME);
  if (fresh >= (<u32>memory.size()) << 4) return 0;
  store<u32>(NEXT_FRAME, fresh + 1);
  store<u32>(REFS + (fresh << 2), 1);
  return fresh << 12;
}

/** `count` never-used frames in a row (never given back), or 0 when the memory must grow first. */
export function framesInARow(count: u32): u32 {
  const fresh = load<u32>(NEXT_FRAME);
  if (fresh + count > (<u32>memory.size()) << 4) return 0;
  store<u32>(NEXT_FRAME, fresh + count);
  return fresh << 12;
}

/** One more reference to the frame at `address`. */
export function frameShare(address: u32): void {
  const ref = REFS + ((address >> 12) << 2);
  store<u32>(ref, load<u32>(ref) + 1);
}

/** One reference less; the last one frees the frame and forgets code decoded from it. */
export function frameRelease(address: u32): void {
  const frame = address >> 12;
  const ref = REFS + (frame << 2);
  const count = load<u32>(ref);
  if (count > 1) {
    store<u32>(ref, count - 1);
    return;
  }
  forgetCode(address);
  store<u32>(ref, <u32>REF_FREE | load<u32>(FREE_HEAD));
  store<u32>(FREE_HEAD, frame);
  store<u32>(FREE_COUNT, load<u32>(FREE_COUNT) + 1);
}

/** How many references the frame has. */
export function frameRefs(address: u32): u32 {
  return load<u32>(REFS + ((address >> 12) << 2));
}
