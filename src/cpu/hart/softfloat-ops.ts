/**
 * IEEE-754 add, multiply, divide, square root, fused multiply-add and conversions in integer arithmetic.
 *
 * Always true: these are exact for every operand, rounding mode and flag; `fpu.ts` calls them when its short cuts
 * through the host's own arithmetic cannot be shown to give the same bits and flags.
 * `format` is {@link DOUBLE} or {@link SINGLE}; numbers of the single format travel in the low half of a u64.
 */
import {
  canonicalNaN,
  DZ,
  FINITE,
  INFINITE,
  infinity,
  invalid,
  normalizeAndPack,
  pack,
  partExp,
  partSig,
  partSign,
  QUIET_NAN,
  RDN,
  raise,
  SIGNALLING_NAN,
  shiftRightJam,
  signShift,
  unpack,
  ZERO,
  zero,
} from './softfloat';

/** The 128-bit result of {@link multiplyWide} and the operand of the wide shifts: high and low half. */
let wideHigh: u64 = 0;
let wideLow: u64 = 0;

/** The answer when at least one operand is a NaN: canonical, and invalid if one signals. */
function anyNaN(format: i32, kindA: i32, kindB: i32): u64 {
  if (kindA === SIGNALLING_NAN || kindB === SIGNALLING_NAN) return invalid(format);
  return canonicalNaN(format);
}

/** The sum of two zeros or of two numbers that cancel: +0, but -0 when rounding down (IEEE-754 section 6.3). */
function cancelled(format: i32, rm: u32): u64 {
  return zero(format, rm === RDN ? 1 : 0);
}

function multiplyWide(a: u64, b: u64): void {
  const a0 = a & 0xffffffff;
  const a1 = a >> 32;
  const b0 = b & 0xffffffff;
  const b1 = b >> 32;
  const low = a0 * b0;
  const middle = a1 * b0 + (low >> 32);
  const other = a0 * b1 + (middle & 0xffffffff);
  wideHigh = a1 * b1 + (middle >> 32) + (other >> 32);
  wideLow = a * b;
}

/** a + b. */
export function softAdd(format: i32, a: u64, b: u64, rm: u32): u64 {
  const kindA = unpack(format, a);
  let signA = partSign;
  let expA = partExp;
  let sigA = partSig;
  const kindB = unpack(format, b);
  let signB = partSign;
  let expB = partExp;
  let sigB = partSig;
  if (kindA >= QUIET_NAN || kindB >= QUIET_NAN) return anyNaN(format, kindA, kindB);
  if (kindA === INFINITE) return kindB === INFINITE && signA !== signB ? invalid(format) : a;
  if (kindB === INFINITE) return b;
  if (kindA === ZERO && kindB === ZERO) return signA === signB ? a : cancelled(format, rm);
  if (kindA === ZERO) return b;
  if (kindB === ZERO) return a;
  if (expA < expB || (expA === expB && sigA < sigB)) {
    const sign = signA;
    const exp = expA;
    const sig = sigA;
    signA = signB;
    expA = expB;
    sigA = sigB;
    signB = sign;
    expB = exp;
    sigB = sig;
  }
  sigB = shiftRightJam(sigB, expA - expB);
  if (signA === signB) {
    const sum = sigA + sigB;
    if (sum >> 63 !== 0) return pack(format, signA, expA + 1, shiftRightJam(sum, 1), rm);
    return pack(format, signA, expA, sum, rm);
  }
  const difference = sigA - sigB;
  if (difference === 0) return cancelled(format, rm);
  return normalizeAndPack(format, signA, expA, difference, rm);
}

/** a * b. */
export function softMultiply(format: i32, a: u64, b: u64, rm: u32): u64 {
  const kindA = unpack(format, a);
  const expA = partExp;
  const sigA = partSig;
  let sign = partSign;
  const kindB = unpack(format, b);
  sign ^= partSign;
  if (kindA >= QUIET_NAN || kindB >= QUIET_NAN) return anyNaN(format, kindA, kindB);
  if (kindA === INFINITE || kindB === INFINITE) {
    return kindA === ZERO || kindB === ZERO ? invalid(format) : infinity(format, sign);
  }
  if (kindA === ZERO || kindB === ZERO) return zero(format, sign);
  multiplyWide(sigA, partSig);
  return packProduct(format, sign, expA + partExp, rm);
}

/** Packs the product that lies in the wide pair, whose leading one is at bit 124 or 125. */
function packProduct(format: i32, sign: u64, exp: i32, rm: u32): u64 {
  const sig = (wideHigh << 1) | (wideLow >> 63);
  return normalizeAndPack(format, sign, exp + 1, sig | (wideLow << 1 !== 0 ? 1 : 0), rm);
}

/** a / b. */
export function softDivide(format: i32, a: u64, b: u64, rm: u32): u64 {
  const kindA = unpack(format, a);
  let expA = partExp;
  const sigA = partSig;
  let sign = partSign;
  const kindB = unpack(format, b);
  sign ^= partSign;
  if (kindA >= QUIET_NAN || kindB >= QUIET_NAN) return anyNaN(format, kindA, kindB);
  if (kindA === INFINITE) return kindB === INFINITE ? invalid(format) : infinity(format, sign);
  if (kindB === INFINITE) return zero(format, sign);
  if (kindB === ZERO) {
    if (kindA === ZERO) return invalid(format);
    raise(DZ);
    return infinity(format, sign);
  }
  if (kindA === ZERO) return zero(format, sign);
  // Both significands have 53 bits at most; each round divides 11 more bits of the remainder, 1 + 5 * 11 = 56 in all.
  let rest = sigA >> 10;
  const divisor = partSig >> 10;
  if (rest < divisor) {
    rest <<= 1;
    expA--;
  }
  let quotient: u64 = 1;
  rest -= divisor;
  for (let i = 0; i < 5; i++) {
    rest <<= 11;
    const digits = rest / divisor;
    rest -= digits * divisor;
    quotient = (quotient << 11) | digits;
  }
  return pack(format, sign, expA - partExp, (quotient << 7) | (rest !== 0 ? 1 : 0), rm);
}

/** The square root, one bit a step: 56 bits and whether anything is left. */
export function softSqrt(format: i32, a: u64, rm: u32): u64 {
  const kind = unpack(format, a);
  if (kind >= QUIET_NAN) return anyNaN(format, kind, kind);
  if (kind === ZERO) return a;
  if (partSign !== 0) return invalid(format);
  if (kind === INFINITE) return a;
  const odd = partExp & 1;
  // The radicand as a 2.62 fixed point number in [1, 4); its bits are taken two at a time from the top.
  let radicand = partSig << odd;
  let root: u64 = 0;
  let rest: u64 = 0;
  for (let i = 0; i < 56; i++) {
    rest = (rest << 2) | (radicand >> 62);
    radicand <<= 2;
    const trial = (root << 2) | 1;
    root <<= 1;
    if (rest >= trial) {
      rest -= trial;
      root |= 1;
    }
  }
  return pack(format, 0, (partExp - odd) >> 1, (root << 7) | (rest !== 0 ? 1 : 0), rm);
}

/** a * b + c with one rounding. */
export function softFusedMultiplyAdd(format: i32, a: u64, b: u64, c: u64, rm: u32): u64 {
  const kindA = unpack(format, a);
  let sign = partSign;
  let exp = partExp;
  const sigA = partSig;
  const kindB = unpack(format, b);
  sign ^= partSign;
  exp += partExp;
  const sigB = partSig;
  const kindC = unpack(format, c);
  const signC = partSign;
  // Zero times infinity is invalid even when c is a quiet NaN (ISA chapter "F", fused multiply-add).
  if ((kindA === INFINITE && kindB === ZERO) || (kindA === ZERO && kindB === INFINITE))
    return invalid(format);
  if (kindA >= QUIET_NAN || kindB >= QUIET_NAN || kindC >= QUIET_NAN) {
    return anyNaN(format, kindA === SIGNALLING_NAN ? kindA : kindB, kindC);
  }
  if (kindA === INFINITE || kindB === INFINITE) {
    return kindC === INFINITE && signC !== sign ? invalid(format) : infinity(format, sign);
  }
  if (kindC === INFINITE) return c;
  if (kindA === ZERO || kindB === ZERO) {
    if (kindC !== ZERO) return c;
    return sign === signC ? c : cancelled(format, rm);
  }
  multiplyWide(sigA, sigB);
  if (kindC === ZERO) return packProduct(format, sign, exp, rm);
  // The product's leading one goes to bit 126 of the wide pair, where c's is.
  const shift = <i32>clz(wideHigh) - 1;
  wideHigh = (wideHigh << shift) | (wideLow >> (64 - shift));
  wideLow <<= shift;
  return addWide(format, sign, exp + 2 - shift, signC, partExp, partSig, rm);
}

/** Adds c to the product in the wide pair (leading one at bit 126) and packs the sum. */
function addWide(format: i32, sign: u64, exp: i32, signC: u64, expC: i32, sigC: u64, rm: u32): u64 {
  let high = wideHigh;
  let low = wideLow;
  let otherHigh = sigC;
  let otherLow: u64 = 0;
  if (exp < expC || (exp === expC && high < sigC)) {
    otherHigh = high;
    otherLow = low;
    high = sigC;
    low = 0;
    const swapped = exp;
    exp = expC;
    expC = swapped;
    const other = sign;
    sign = signC;
    signC = other;
  }
  const distance = exp - expC;
  if (distance >= 64) {
    otherLow = shiftRightJam(otherHigh, distance - 64) | (otherLow !== 0 ? 1 : 0);
    otherHigh = 0;
  } else if (distance > 0) {
    otherLow = shiftRightJam(otherLow, distance) | (otherHigh << (64 - distance));
    otherHigh >>= distance;
  }
  if (sign === signC) {
    const sum = low + otherLow;
    high += otherHigh + (sum < low ? 1 : 0);
    if (high >> 63 !== 0)
      return pack(format, sign, exp + 1, shiftRightJam(high, 1) | (sum !== 0 ? 1 : 0), rm);
    return pack(format, sign, exp, high | (sum !== 0 ? 1 : 0), rm);
  }
  high -= otherHigh + (low < otherLow ? 1 : 0);
  low -= otherLow;
  if (high === 0) {
    if (low === 0) return cancelled(format, rm);
    // So much cancels only when the operands were at most one place apart, and then bit 0 is clear.
    return normalizeAndPack(format, sign, exp - 63, low >> 1, rm);
  }
  const shift = <i32>clz(high) - 1;
  if (shift > 0) {
    high = (high << shift) | (low >> (64 - shift));
    low <<= shift;
  }
  return pack(format, sign, exp - shift, high | (low !== 0 ? 1 : 0), rm);
}

/** The number `from` of format `source` rounded to `format` (fcvt.s.d, fcvt.d.s). */
export function softConvert(source: i32, format: i32, from: u64, rm: u32): u64 {
  const kind = unpack(source, from);
  if (kind === FINITE) return pack(format, partSign, partExp, partSig, rm);
  if (kind === ZERO) return zero(format, partSign);
  if (kind === INFINITE) return infinity(format, partSign);
  return anyNaN(format, kind, kind);
}

/** An integer given as sign and magnitude, rounded to `format`. */
export function softFromInteger(format: i32, sign: u64, magnitude: u64, rm: u32): u64 {
  if (magnitude === 0) return zero(format, 0);
  if (magnitude >> 63 !== 0) return pack(format, sign, 63, shiftRightJam(magnitude, 1), rm);
  return normalizeAndPack(format, sign, 62, magnitude, rm);
}

/** `bits` with the sign turned over. */
export function negate(format: i32, bits: u64): u64 {
  return bits ^ ((<u64>1) << signShift(format));
}
