/**
 * Add, subtract, multiply, divide, square root and fused multiply-add of the F and D extensions.
 *
 * Always true: operands and results are bit patterns (single ones already unboxed), `rm` is a resolved rounding mode
 * (0 RNE, 1 RTZ, 2 RDN, 3 RUP, 4 RMM), NaN results are canonical, and flags are accrued in {@link fflags}.
 * Each function first tries the host's own round-to-nearest operation and keeps its result where both the bits and
 * the flags are certain: the result is finite and (but for sums) larger than the smallest normal number, so that
 * neither OF, UF, DZ nor NV can apply, and NX is either set already or found by an error-free check. Everything else
 * goes to the integer arithmetic of `softfloat-ops`. (ISA: unprivileged, chapters "F" and "D".)
 */
import { DOUBLE, fflags, RNE, raise, SINGLE } from './softfloat';
import { negate, softAdd, softDivide, softFusedMultiplyAdd, softMultiply, softSqrt } from './softfloat-ops';

export * from './fpu-compare';
export * from './fpu-convert';
export { fflags, setFflags } from './softfloat';

const NX: u32 = 1;
/** Sums below this leave the error-free check of {@link fadd_d} (Knuth's TwoSum) no chance to overflow. */
const SUM_LIMIT_D: f64 = 1e300;
const SUM_LIMIT_S: f32 = 1e30;
const MAX_D: f64 = f64.MAX_VALUE;
const MAX_S: f32 = f32.MAX_VALUE;
const MIN_NORMAL_D: f64 = f64.MIN_NORMAL_VALUE;
const MIN_NORMAL_S: f32 = f32.MIN_NORMAL_VALUE;
const HIDDEN_D: u64 = 0x10000000000000;
const FRACTION_D: u64 = 0xfffffffffffff;
const EXPONENT_D: u64 = 0x7ff0000000000000;

/** fadd.d. A sum is never inexact and subnormal, so a finite one needs only the NX question answered. */
export function fadd_d(a: u64, b: u64, rm: u32): u64 {
  if (rm === RNE) {
    const x = reinterpret<f64>(a);
    const y = reinterpret<f64>(b);
    const sum = x + y;
    if ((fflags & NX) !== 0) {
      if (abs(sum) <= MAX_D) return reinterpret<u64>(sum);
    } else if (abs(sum) <= SUM_LIMIT_D && abs(x) <= SUM_LIMIT_D) {
      const part = sum - x;
      if (x - (sum - part) + (y - part) !== 0) raise(NX);
      return reinterpret<u64>(sum);
    }
  }
  return softAdd(DOUBLE, a, b, rm);
}

/** fsub.d: a sum with the second sign turned over. */
export function fsub_d(a: u64, b: u64, rm: u32): u64 {
  return fadd_d(a, b ^ 0x8000000000000000, rm);
}

/** fmul.d. Without NX the trailing zeros of the factors tell whether the product fits 53 bits. */
export function fmul_d(a: u64, b: u64, rm: u32): u64 {
  if (rm === RNE) {
    const product = reinterpret<f64>(a) * reinterpret<f64>(b);
    const size = abs(product);
    if (size > MIN_NORMAL_D && size <= MAX_D) {
      if ((fflags & NX) !== 0) return reinterpret<u64>(product);
      if ((a & EXPONENT_D) !== 0 && (b & EXPONENT_D) !== 0) {
        const zeros = ctz((a & FRACTION_D) | HIDDEN_D) + ctz((b & FRACTION_D) | HIDDEN_D);
        if (zeros !== 52) {
          if (zeros < 52) raise(NX);
          return reinterpret<u64>(product);
        }
      }
    }
  }
  return softMultiply(DOUBLE, a, b, rm);
}

/** fdiv.d. */
export function fdiv_d(a: u64, b: u64, rm: u32): u64 {
  if (rm === RNE && (fflags & NX) !== 0) {
    const quotient = reinterpret<f64>(a) / reinterpret<f64>(b);
    const size = abs(quotient);
    if (size > MIN_NORMAL_D && size <= MAX_D && (b & EXPONENT_D) !== EXPONENT_D)
      return reinterpret<u64>(quotient);
    // An infinite quotient of finite operands may be DZ or OF, so it is worked out below like all the rest.
  }
  return softDivide(DOUBLE, a, b, rm);
}

/** fsqrt.d. A root of a positive number is always normal. */
export function fsqrt_d(a: u64, rm: u32): u64 {
  if (rm === RNE && (fflags & NX) !== 0) {
    const x = reinterpret<f64>(a);
    if (x > 0 && x <= MAX_D) return reinterpret<u64>(sqrt(x));
  }
  return softSqrt(DOUBLE, a, rm);
}

/**
 * fmadd.d: a * b + c rounded once. The caller turns signs over for fmsub, fnmsub and fnmadd. The integer arithmetic was
 * measured as fast as emulating the operation with error-free sums of doubles, so there is no short cut.
 */
export function fmadd_d(a: u64, b: u64, c: u64, rm: u32): u64 {
  return softFusedMultiplyAdd(DOUBLE, a, b, c, rm);
}

/** fadd.s. */
export function fadd_s(a: u32, b: u32, rm: u32): u32 {
  if (rm === RNE) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const sum = x + y;
    if ((fflags & NX) !== 0) {
      if (abs(sum) <= MAX_S) return reinterpret<u32>(sum);
    } else if (abs(sum) <= SUM_LIMIT_S && abs(x) <= SUM_LIMIT_S) {
      const part = sum - x;
      if (x - (sum - part) + (y - part) !== 0) raise(NX);
      return reinterpret<u32>(sum);
    }
  }
  return <u32>softAdd(SINGLE, a, b, rm);
}

/** fsub.s. */
export function fsub_s(a: u32, b: u32, rm: u32): u32 {
  return fadd_s(a, b ^ 0x80000000, rm);
}

/** fmul.s. The double product of two singles is exact. */
export function fmul_s(a: u32, b: u32, rm: u32): u32 {
  if (rm === RNE) {
    const exact = <f64>reinterpret<f32>(a) * <f64>reinterpret<f32>(b);
    const product = <f32>exact;
    const size = abs(product);
    if (exact === 0) return reinterpret<u32>(product);
    if (size > MIN_NORMAL_S && size <= MAX_S) {
      if (<f64>product !== exact) raise(NX);
      return reinterpret<u32>(product);
    }
  }
  return <u32>softMultiply(SINGLE, a, b, rm);
}

/** fdiv.s. The double product of quotient and divisor is exact, so it tells whether anything was rounded off. */
export function fdiv_s(a: u32, b: u32, rm: u32): u32 {
  if (rm === RNE) {
    const x = reinterpret<f32>(a);
    const y = reinterpret<f32>(b);
    const quotient = x / y;
    const size = abs(quotient);
    if (size > MIN_NORMAL_S && size <= MAX_S && abs(y) <= MAX_S && abs(x) <= MAX_S) {
      if (<f64>quotient * <f64>y !== <f64>x) raise(NX);
      return reinterpret<u32>(quotient);
    }
  }
  return <u32>softDivide(SINGLE, a, b, rm);
}

/** fsqrt.s. The double square of the root is exact. */
export function fsqrt_s(a: u32, rm: u32): u32 {
  if (rm === RNE) {
    const x = reinterpret<f32>(a);
    if (x > 0 && x <= MAX_S) {
      const root = sqrt<f32>(x);
      if (<f64>root * <f64>root !== <f64>x) raise(NX);
      return reinterpret<u32>(root);
    }
  }
  return <u32>softSqrt(SINGLE, a, rm);
}

/**
 * fmadd.s. The double product is exact; its double sum with c is rounded to odd (Boldo and Melquiond, "Emulation of
 * FMA and correctly rounded sums"), after which rounding to single is as good as rounding once.
 */
export function fmadd_s(a: u32, b: u32, c: u32, rm: u32): u32 {
  if (rm === RNE) {
    const product = <f64>reinterpret<f32>(a) * <f64>reinterpret<f32>(b);
    const z = <f64>reinterpret<f32>(c);
    let sum = product + z;
    const part = sum - product;
    const error = product - (sum - part) + (z - part);
    if (error !== 0) {
      const bits = reinterpret<u64>(sum);
      // Cut towards zero where the sum was rounded away from it, then make the last place odd.
      if ((bits & 1) === 0) sum = reinterpret<f64>(error > 0 === sum > 0 ? bits | 1 : bits - 1);
    }
    const result = <f32>sum;
    const size = abs(result);
    if (size > MIN_NORMAL_S && size <= MAX_S) {
      // A sum made odd never fits a single, so this sees both roundings.
      if (<f64>result !== sum) raise(NX);
      return reinterpret<u32>(result);
    }
  }
  return <u32>softFusedMultiplyAdd(SINGLE, a, b, c, rm);
}

/** Turns the sign of a double over; for the caller's fmsub, fnmsub and fnmadd. */
export function fneg_d(a: u64): u64 {
  return negate(DOUBLE, a);
}

/** Turns the sign of a single over. */
export function fneg_s(a: u32): u32 {
  return <u32>negate(SINGLE, a);
}
