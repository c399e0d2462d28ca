/**
 * The integer heart of the floating point unit: taking IEEE-754 numbers apart, rounding them, putting them together.
 *
 * Always true: a finite non-zero number in here is `sig * 2^(exp - 62)` with the leading one of `sig` at bit 62, for
 * both formats, so that every operation is written once. Bits that fall off the low end are or-ed into bit 0 ("jam"),
 * which is enough for correct rounding because the formats leave at least ten spare bits below their last place.
 * Every NaN that comes out is the canonical one; tininess is detected after rounding (RISC-V unprivileged ISA,
 * chapter "F", sections "NaN Generation and Propagation" and "Floating-Point Control and Status Register").
 * Compiled by AssemblyScript (imports there carry no extension).
 */

/** Exception flags accrued so far: fcsr bits 4..0 (ISA chapter "F": NV DZ OF UF NX). */
export let fflags: u32 = 0;

export const NX: u32 = 1;
export const UF: u32 = 2;
export const OF: u32 = 4;
export const DZ: u32 = 8;
export const NV: u32 = 16;

export const RNE: u32 = 0;
export const RTZ: u32 = 1;
export const RDN: u32 = 2;
export const RUP: u32 = 3;
export const RMM: u32 = 4;

/** The two formats, named by the width of their fraction field. */
export const DOUBLE: i32 = 52;
export const SINGLE: i32 = 23;

/** What {@link unpack} found. */
export const ZERO: i32 = 0;
export const FINITE: i32 = 1;
export const INFINITE: i32 = 2;
export const QUIET_NAN: i32 = 3;
export const SIGNALLING_NAN: i32 = 4;

/** The parts of the number {@link unpack} took apart last. */
export let partSign: u64 = 0;
export let partExp: i32 = 0;
export let partSig: u64 = 0;

/** Adds exception flags to the accrued ones. */
export function raise(flags: u32): void {
  fflags |= flags;
}

/** Sets the accrued flags (fsflags, fscsr, a loaded context). */
export function setFflags(flags: u32): void {
  fflags = flags & 31;
}

/** All ones in the exponent field. */
function exponentMask(format: i32): u64 {
  return format === DOUBLE ? 0x7ff : 0xff;
}

function exponentBias(format: i32): i32 {
  return format === DOUBLE ? 1023 : 127;
}

/** Position of the sign bit. */
export function signShift(format: i32): i32 {
  return format === DOUBLE ? 63 : 31;
}

export function canonicalNaN(format: i32): u64 {
  return format === DOUBLE ? 0x7ff8000000000000 : 0x7fc00000;
}

export function zero(format: i32, sign: u64): u64 {
  return sign << signShift(format);
}

export function infinity(format: i32, sign: u64): u64 {
  return (sign << signShift(format)) | (exponentMask(format) << format);
}

/** An invalid operation: raises NV, answers the canonical NaN. */
export function invalid(format: i32): u64 {
  fflags |= NV;
  return canonicalNaN(format);
}

/** Takes `bits` apart into {@link partSign}, {@link partExp} and {@link partSig}; answers what kind of number it is. */
export function unpack(format: i32, bits: u64): i32 {
  const mask = exponentMask(format);
  const fraction = bits & (((<u64>1) << format) - 1);
  const field = (bits >> format) & mask;
  partSign = (bits >> signShift(format)) & 1;
  if (field === mask) {
    if (fraction === 0) return INFINITE;
    return fraction >> (format - 1) !== 0 ? QUIET_NAN : SIGNALLING_NAN;
  }
  if (field === 0) {
    if (fraction === 0) return ZERO;
    const shift = <i32>clz(fraction) - 1;
    partSig = fraction << shift;
    partExp = 1 - exponentBias(format) + (62 - format) - shift;
    return FINITE;
  }
  partSig = (fraction | ((<u64>1) << format)) << (62 - format);
  partExp = <i32>field - exponentBias(format);
  return FINITE;
}

/** Shifts right by any distance >= 0; what falls off is remembered in bit 0. */
export function shiftRightJam(value: u64, distance: i32): u64 {
  if (distance === 0) return value;
  if (distance >= 64) return value !== 0 ? 1 : 0;
  return (value >> distance) | (value << (64 - distance) !== 0 ? 1 : 0);
}

/** What rounding adds to the `spare` bits below the last place before cutting them off. */
function increment(rm: u32, sign: u64, spare: u64): u64 {
  if (rm === RNE || rm === RMM) return (spare >> 1) + 1;
  if (rm === RTZ) return 0;
  return (rm === RDN) === (sign !== 0) ? spare : 0;
}

/**
 * Rounds and packs the finite number `sig * 2^(exp - 62)`, raising OF, UF and NX as they apply.
 * `sig` has its leading one at bit 62.
 */
export function pack(format: i32, sign: u64, exp: i32, sig: u64, rm: u32): u64 {
  const drop = 62 - format;
  const spare = ((<u64>1) << drop) - 1;
  const add = increment(rm, sign, spare);
  let field = exp + exponentBias(format);
  const maxField = <i32>exponentMask(format) - 1;
  const carries = (sig + add) >> 63 !== 0;
  if (field >= maxField && (field > maxField || carries)) {
    fflags |= OF | NX;
    return infinity(format, sign) - (add === 0 ? 1 : 0);
  }
  if (field <= 0) {
    const tiny = field < 0 || !carries;
    sig = shiftRightJam(sig, 1 - field);
    field = 1;
    if (tiny && (sig & spare) !== 0) fflags |= UF;
  }
  const cut = sig & spare;
  sig = (sig + add) >> drop;
  if (cut !== 0) {
    fflags |= NX;
    if (rm === RNE && cut === (spare >> 1) + 1) sig &= ~(<u64>1);
  }
  // A normal number's leading one adds itself to the exponent field, and so does a carry out of the fraction.
  return (sign << signShift(format)) + ((<u64>(field - 1)) << format) + sig;
}

/** {@link pack} for a significand that may need shifting left first. `sig` is not zero and below 2^63. */
export function normalizeAndPack(format: i32, sign: u64, exp: i32, sig: u64, rm: u32): u64 {
  const shift = <i32>clz(sig) - 1;
  return pack(format, sign, exp - shift, sig << shift, rm);
}
