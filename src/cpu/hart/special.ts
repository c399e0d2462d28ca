/** What only the hart can do: CSRs, LR/SC, environment calls. Called by the stepping interpreter alone. */
import { atomicAddress } from './access';
import { fflags, setFflags } from './fpu';
import { DP_FRAME, FCSR, FLAGS, INSTRET, RES_ADDR, RES_VALUE, SCRATCH, SCRATCH_BITS, STOP } from './layout';
import { READ, WRITE } from './mmu';
import { raise, trapped } from './trap';

/** Where the running instruction is, for `illegal`, and how many of this stretch retired before it, for the counters. */
let page: u32 = 0;
let slot: u32 = 0;
let before: i64 = 0;

/** Notes the running instruction. */
@inline
export function at(base: u32, ip: u32, retired: i32): void {
  page = base;
  slot = ip;
  before = retired;
}

/** Illegal instruction; tval is its bits. */
export function illegal(): i64 {
  let bits: u32;
  if (page == SCRATCH) bits = load<u32>(SCRATCH_BITS);
  else {
    const address = load<u32>(page, DP_FRAME) + ((slot - page) >> 2);
    bits = load<u16>(address);
    if ((bits & 3) == 3) bits |= <u32>load<u16>(address + 2) << 16;
  }
  raise(2, bits);
  return 0;
}

/** The rounding mode to use: `field` is the instruction's, 7 stands for frm. Reserved ones are illegal. */
@inline
export function rounding(field: u32): u32 {
  const mode = field == 7 ? load<u32>(FCSR) >> 5 : field;
  if (mode > 4) illegal();
  return mode;
}

export function ecall(): void {
  raise(load<u32>(FLAGS) & 1 ? 9 : 8, 0);
}

/** ebreak: tval is the pc, as the privileged ISA allows and Linux expects; `run` fills it in. */
export function ebreak(): void {
  raise(3, 0);
}

/** fence.i: decoded code follows every store anyway; looking the pc up anew suffices. */
export function fencei(): void {
  store<u32>(STOP, 1);
}

const FFLAGS = 1;
const FRM = 2;
const FCSR_NUMBER = 3;
const CYCLE = 0xc00;
const TIME = 0xc01;
const INSTRET_NUMBER = 0xc02;

/** The whole fcsr, flags included. */
export function fcsr(): u32 {
  return (load<u32>(FCSR) & 0xe0) | fflags;
}

function csrRead(csr: u32): i64 {
  if (csr == FFLAGS) return fflags;
  if (csr == FRM) return load<u32>(FCSR) >> 5;
  if (csr == FCSR_NUMBER) return fcsr();
  const retired = load<i64>(INSTRET) + before;
  if (csr == CYCLE || csr == INSTRET_NUMBER) return retired;
  if (csr == TIME) return retired / 10;
  return illegal();
}

function csrPut(csr: u32, value: i64): void {
  const bits = <u32>value;
  if (csr == FFLAGS) setFflags(bits & 31);
  else if (csr == FRM) store<u32>(FCSR, (bits & 7) << 5);
  else if (csr == FCSR_NUMBER) {
    setFflags(bits & 31);
    store<u32>(FCSR, bits & 0xe0);
  } else illegal();
}

/** csrrw. The counters are read-only: writing one is illegal. */
export function csrWrite(csr: u32, value: i64): i64 {
  if (csr > <u32>FCSR_NUMBER) return illegal();
  const old = csrRead(csr);
  if (!trapped()) csrPut(csr, value);
  return old;
}

/** csrrs; does not write when the source operand is x0 (`source` is 0). */
export function csrSet(csr: u32, value: i64, source: u32): i64 {
  const old = csrRead(csr);
  if (source != 0 && !trapped()) csrPut(csr, old | value);
  return old;
}

/** csrrc, likewise. */
export function csrClear(csr: u32, value: i64, source: u32): i64 {
  const old = csrRead(csr);
  if (source != 0 && !trapped()) csrPut(csr, old & ~value);
  return old;
}

function reserve(va: i64, value: i64): i64 {
  store<i64>(RES_ADDR, va);
  store<i64>(RES_VALUE, value);
  return value;
}

export function lr_i32(va: i64): i64 {
  const host = atomicAddress(va, 4, READ, 4);
  return host == 0 ? 0 : reserve(va, load<i32>(host));
}
export function lr_i64(va: i64): i64 {
  const host = atomicAddress(va, 8, READ, 4);
  return host == 0 ? 0 : reserve(va, load<i64>(host));
}

/** Whether a store-conditional at `va` may store over `old`. The reservation is spent either way. */
function mayStore(va: i64, old: i64): bool {
  const holds = load<i64>(RES_ADDR) == va && load<i64>(RES_VALUE) == old;
  store<i64>(RES_ADDR, -1);
  return holds;
}

export function sc_i32(va: i64, value: i64): i64 {
  const host = atomicAddress(va, 4, WRITE, 6);
  if (host == 0) return 0;
  if (!mayStore(va, load<i32>(host))) return 1;
  store<i32>(host, <i32>value);
  return 0;
}
export function sc_i64(va: i64, value: i64): i64 {
  const host = atomicAddress(va, 8, WRITE, 6);
  if (host == 0) return 0;
  if (!mayStore(va, load<i64>(host))) return 1;
  store<i64>(host, value);
  return 0;
}
