/**
 * The outer loop: finds the pc's slot, runs the fast interpreter (`hot`) in slices, single-steps (`step`) what the fast
 * one will not do, and counts.
 *
 * Always true: between two turns of the loop PC holds the next instruction, and exactly `limit - left` have retired.
 */
import { codePage } from './code';
import { decode32 } from './decode';
import { setFflags } from './fpu';
import { hot } from './hot';
import {
  BUDGET_SPENT,
  CAUSE,
  DP_DIRTY,
  DP_FRAME,
  FCSR,
  FLAGS,
  INSTRET,
  LEFT,
  MISS,
  MISS_TAG,
  MORE,
  NEED_POOL,
  NO_TRAP,
  PC,
  RES_ADDR,
  SCRATCH,
  SCRATCH_BITS,
  SLICE,
  STOP,
  STRETCH,
  TLB_EXEC,
  TLB_READ,
  TLB_WRITE,
  TVAL,
} from './layout';
import { EXECUTE, READ, pageFor, walk } from './mmu';
import { PAGE_END } from './ops';
import { fcsr } from './special';
import { step } from './step';
import { tlbIndex } from './tlb';
import { raise } from './trap';

/** The decode page of the code at `pc`; 0: trapped. */
export function fetch(pc: i64): u32 {
  const entry = TLB_EXEC + tlbIndex(pc);
  if (load<u64>(entry) == <u64>(pc & ~4094)) return load<u32>(entry, 8);
  if ((pc & 1) != 0) {
    raise(0, pc);
    return 0;
  }
  const host = walk(pc, EXECUTE, load<u32>(FLAGS));
  if (host == 0) return 0;
  const page = codePage(host);
  if (page == 0) {
    raise(NEED_POOL, pc);
    return 0;
  }
  store<u64>(entry, <u64>(pc & ~4095));
  store<u32>(entry, page, 8);
  return page;
}

/**
 * Decodes the instruction at `pc` (its slot is `slot` in the decode page `base`), whose second half lies in the next
 * page, into an entry of the scratch area: its address, or 0: trapped.
 */
export function decodeStraddler(pc: i64, base: u32, slot: u32): u32 {
  const next = fetch(pc + 2);
  if (next == 0) return 0;
  const bits = <u32>load<u16>(load<u32>(base, DP_FRAME) + 4094) | (<u32>load<u16>(load<u32>(next, DP_FRAME)) << 16);
  const entry: u32 = SCRATCH + (((slot >>> 14) & 63) << 5);
  store<u32>(SCRATCH_BITS, bits);
  store<u16>(entry, <u16>decode32(bits, entry, SCRATCH));
  store<u64>(entry, PAGE_END, 16);
  store<u32>(entry, slot, 24);
  store<u32>(entry, next, 28);
  store<u32>(next, 1, DP_DIRTY);
  return entry;
}

/** Fills the TLB after the fast interpreter missed; whether the access would hit now (a misaligned one never does). */
function refilled(): bool {
  const access = <i32>load<u32>(MISS) - 1;
  const tag = load<i64>(MISS_TAG);
  store<u32>(MISS, 0);
  if (access < 0) return false;
  if (pageFor(tag, access) == 0) {
    store<i32>(CAUSE, NO_TRAP);
    return false;
  }
  return load<u64>((access == READ ? TLB_READ : TLB_WRITE) + tlbIndex(tag)) == <u64>tag;
}

/** Runs at most `limit` instructions: a cause of layout.ts or of machine.ts. LEFT says how much of the limit is left. */
export function run(limit: i32): i32 {
  let left = limit;
  let single = false;
  let cause: i32;
  store<i32>(CAUSE, NO_TRAP);
  while (true) {
    if (left == 0) {
      cause = BUDGET_SPENT;
      break;
    }
    const pc = load<i64>(PC);
    const base = fetch(pc);
    cause = load<i32>(CAUSE);
    if (base == 0) break;
    const ip = base + ((<u32>pc & 4095) << 2);
    const pcbase = (pc & ~4095) - <i64>(base >> 2);
    if (left > STRETCH && !single) {
      const slice = min(left - STRETCH, SLICE);
      const rest = hot(ip, pcbase, slice);
      left -= slice - rest;
      store<i64>(INSTRET, load<i64>(INSTRET) + <i64>(slice - rest));
      if (rest >= 0) {
        single = !refilled();
        continue;
      }
      if (left <= STRETCH) continue;
      cause = MORE;
      break;
    }
    store<u32>(STOP, 0);
    const done = step(ip, base, pcbase, single ? 1 : left);
    single = false;
    left -= done;
    store<i64>(INSTRET, load<i64>(INSTRET) + <i64>done);
    cause = load<i32>(CAUSE);
    if (cause != NO_TRAP) break;
  }
  if (cause == 3) store<i64>(TVAL, load<i64>(PC));
  store<i32>(LEFT, left);
  return cause;
}

/** After a context's bytes were laid in place. */
export function contextLoaded(): void {
  const bits = load<u32>(FCSR);
  setFflags(bits & 31);
  store<u32>(FCSR, bits & 0xe0);
  store<i64>(0x1000, 0);
  store<i64>(RES_ADDR, -1);
}

/** Before a context's bytes are copied out: fcsr with its flags. `contextLoaded` undoes it. */
export function contextSaving(): void {
  store<u32>(FCSR, fcsr());
}

/** After they were: fcsr as it is while running. */
export function contextSaved(): void {
  store<u32>(FCSR, load<u32>(FCSR) & 0xe0);
}
