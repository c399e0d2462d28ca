/**
 * Comparisons, minimum, maximum and classification of the F and D extensions (ISA chapter "F", version 2.2).
 *
 * Always true: comparisons answer 0 or 1; feq, fmin and fmax raise NV for signalling NaNs only, flt and fle for any.
 */
import { NV, raise } from './softfloat';

function isNaN_d(a: u64): bool {
  return a << 1 > 0xffe0000000000000;
}

function isNaN_s(a: u32): bool {
  return (a & 0x7fffffff) > 0x7f800000;
}

function isSignalling_d(a: u64): bool {
  return (a & 0x7ff8000000000000) === 0x7ff0000000000000 && (a & 0x7ffffffffffff) !== 0;
}

function isSignalling_s(a: u32): bool {
  return (a & 0x7fc00000) === 0x7f800000 && (a & 0x3fffff) !== 0;
}

/** feq.d: a quiet comparison. */
export function feq_d(a: u64, b: u64): u64 {
  if (isSignalling_d(a) || isSignalling_d(b)) raise(NV);
  return reinterpret<f64>(a) === reinterpret<f64>(b) ? 1 : 0;
}

/** flt.d: a signalling comparison. */
export function flt_d(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x < y) return 1;
  if (isNaN_d(a) || isNaN_d(b)) raise(NV);
  return 0;
}

/** fle.d: a signalling comparison. */
export function fle_d(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x <= y) return 1;
  if (isNaN_d(a) || isNaN_d(b)) raise(NV);
  return 0;
}

/** feq.s. */
export function feq_s(a: u32, b: u32): u64 {
  if (isSignalling_s(a) || isSignalling_s(b)) raise(NV);
  return reinterpret<f32>(a) === reinterpret<f32>(b) ? 1 : 0;
}

/** flt.s. */
export function flt_s(a: u32, b: u32): u64 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x < y) return 1;
  if (isNaN_s(a) || isNaN_s(b)) raise(NV);
  return 0;
}

/** fle.s. */
export function fle_s(a: u32, b: u32): u64 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x <= y) return 1;
  if (isNaN_s(a) || isNaN_s(b)) raise(NV);
  return 0;
}

/** fmin.d: IEEE 754-2019 minimumNumber, -0 below +0. */
export function fmin_d(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x < y) return a;
  if (y < x) return b;
  if (x === y) return a | b;
  return numberOf_d(a, b);
}

/** fmax.d: IEEE 754-2019 maximumNumber. */
export function fmax_d(a: u64, b: u64): u64 {
  const x = reinterpret<f64>(a);
  const y = reinterpret<f64>(b);
  if (x > y) return a;
  if (y > x) return b;
  if (x === y) return a & b;
  return numberOf_d(a, b);
}

/** Of two operands with a NaN among them the one that is a number, else the canonical NaN. */
function numberOf_d(a: u64, b: u64): u64 {
  if (isSignalling_d(a) || isSignalling_d(b)) raise(NV);
  if (!isNaN_d(a)) return a;
  return isNaN_d(b) ? 0x7ff8000000000000 : b;
}

/** fmin.s. */
export function fmin_s(a: u32, b: u32): u32 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x < y) return a;
  if (y < x) return b;
  if (x === y) return a | b;
  return numberOf_s(a, b);
}

/** fmax.s. */
export function fmax_s(a: u32, b: u32): u32 {
  const x = reinterpret<f32>(a);
  const y = reinterpret<f32>(b);
  if (x > y) return a;
  if (y > x) return b;
  if (x === y) return a & b;
  return numberOf_s(a, b);
}

function numberOf_s(a: u32, b: u32): u32 {
  if (isSignalling_s(a) || isSignalling_s(b)) raise(NV);
  if (!isNaN_s(a)) return a;
  return isNaN_s(b) ? 0x7fc00000 : b;
}

/**
 * The mask of fclass (ISA table "Format of result of FCLASS instruction") from the sign, whether the exponent field is
 * all zeros or all ones, the fraction's being zero, and its quiet bit.
 */
function classify(negative: bool, allZeros: bool, allOnes: bool, fractionIsZero: bool, quiet: bool): u64 {
  if (allOnes && !fractionIsZero) return quiet ? 1 << 9 : 1 << 8;
  let rank = 1;
  if (allOnes) rank = 0;
  else if (allZeros) rank = fractionIsZero ? 3 : 2;
  return (<u64>1) << (negative ? rank : 7 - rank);
}

/** fclass.d. */
export function fclass_d(a: u64): u64 {
  const field = (a >> 52) & 0x7ff;
  return classify(
    a >> 63 !== 0,
    field === 0,
    field === 0x7ff,
    (a & 0xfffffffffffff) === 0,
    ((a >> 51) & 1) !== 0,
  );
}

/** fclass.s. */
export function fclass_s(a: u32): u64 {
  const field = (a >> 23) & 0xff;
  return classify(a >> 31 !== 0, field === 0, field === 0xff, (a & 0x7fffff) === 0, ((a >> 22) & 1) !== 0);
}
