/**
 * Conversions between integers, singles and doubles of the F and D extensions.
 *
 * Always true: a float that does not fit the integer saturates and raises NV alone; a NaN converts like +infinity;
 * 32-bit results are sign-extended, those of the unsigned conversions too (ISA chapter "F", "Single-Precision
 * Floating-Point Conversion and Move Instructions", table of domains).
 */
import { DOUBLE, NV, NX, RDN, RMM, RNE, RTZ, raise, SINGLE } from './softfloat';
import { softConvert, softFromInteger } from './softfloat-ops';

const TWO_63: f64 = 4294967296.0 * 2147483648.0;

/** Rounds to an integral value without touching the flags. */
function roundToIntegral(x: f64, rm: u32): f64 {
  if (rm === RTZ) return trunc(x);
  if (rm === RNE) return nearest(x);
  if (rm === RDN) return floor(x);
  if (rm !== RMM) return ceil(x);
  const whole = trunc(x);
  return abs(x - whole) >= 0.5 ? whole + copysign<f64>(1, x) : whole;
}

/** fcvt.w of a number given as a double. */
function toWord(x: f64, rm: u32): i64 {
  const whole = roundToIntegral(x, rm);
  if (whole >= -2147483648 && whole <= 2147483647) {
    if (whole !== x) raise(NX);
    return <i64>(<i32>whole);
  }
  raise(NV);
  return whole < 0 ? -2147483648 : 2147483647;
}

function toUnsignedWord(x: f64, rm: u32): i64 {
  const whole = roundToIntegral(x, rm);
  if (whole >= 0 && whole <= 4294967295) {
    if (whole !== x) raise(NX);
    return <i64>(<i32>(<u32>whole));
  }
  raise(NV);
  return whole < 0 ? 0 : -1;
}

function toLong(x: f64, rm: u32): i64 {
  const whole = roundToIntegral(x, rm);
  if (whole >= -TWO_63 && whole < TWO_63) {
    if (whole !== x) raise(NX);
    return <i64>whole;
  }
  raise(NV);
  return whole < 0 ? i64.MIN_VALUE : i64.MAX_VALUE;
}

function toUnsignedLong(x: f64, rm: u32): i64 {
  const whole = roundToIntegral(x, rm);
  if (whole >= 0 && whole < TWO_63 * 2) {
    if (whole !== x) raise(NX);
    return <i64>(<u64>whole);
  }
  raise(NV);
  return whole < 0 ? 0 : -1;
}

/** fcvt.w.d. */
export function fcvt_w_d(a: u64, rm: u32): i64 {
  return toWord(reinterpret<f64>(a), rm);
}

/** fcvt.wu.d. */
export function fcvt_wu_d(a: u64, rm: u32): i64 {
  return toUnsignedWord(reinterpret<f64>(a), rm);
}

/** fcvt.l.d. */
export function fcvt_l_d(a: u64, rm: u32): i64 {
  return toLong(reinterpret<f64>(a), rm);
}

/** fcvt.lu.d. */
export function fcvt_lu_d(a: u64, rm: u32): i64 {
  return toUnsignedLong(reinterpret<f64>(a), rm);
}

/** fcvt.w.s. */
export function fcvt_w_s(a: u32, rm: u32): i64 {
  return toWord(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.wu.s. */
export function fcvt_wu_s(a: u32, rm: u32): i64 {
  return toUnsignedWord(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.l.s. */
export function fcvt_l_s(a: u32, rm: u32): i64 {
  return toLong(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.lu.s. */
export function fcvt_lu_s(a: u32, rm: u32): i64 {
  return toUnsignedLong(<f64>reinterpret<f32>(a), rm);
}

/** fcvt.d.w: always exact. Only the low 32 bits of `v` count. */
export function fcvt_d_w(v: i64, _rm: u32): u64 {
  return reinterpret<u64>(<f64>(<i32>v));
}

/** fcvt.d.wu: always exact. */
export function fcvt_d_wu(v: i64, _rm: u32): u64 {
  return reinterpret<u64>(<f64>(<u32>v));
}

/** fcvt.d.l. */
export function fcvt_d_l(v: i64, rm: u32): u64 {
  if (<u64>(v + 0x20000000000000) <= 0x40000000000000) return reinterpret<u64>(<f64>v);
  return v < 0 ? softFromInteger(DOUBLE, 1, 0 - <u64>v, rm) : softFromInteger(DOUBLE, 0, <u64>v, rm);
}

/** fcvt.d.lu. */
export function fcvt_d_lu(v: i64, rm: u32): u64 {
  if (<u64>v <= 0x20000000000000) return reinterpret<u64>(<f64>v);
  return softFromInteger(DOUBLE, 0, <u64>v, rm);
}

/** fcvt.s.l. */
export function fcvt_s_l(v: i64, rm: u32): u32 {
  if (<u64>(v + 0x1000000) <= 0x2000000) return reinterpret<u32>(<f32>v);
  return <u32>(v < 0 ? softFromInteger(SINGLE, 1, 0 - <u64>v, rm) : softFromInteger(SINGLE, 0, <u64>v, rm));
}

/** fcvt.s.lu. */
export function fcvt_s_lu(v: i64, rm: u32): u32 {
  if (<u64>v <= 0x1000000) return reinterpret<u32>(<f32>v);
  return <u32>softFromInteger(SINGLE, 0, <u64>v, rm);
}

/** fcvt.s.w. Only the low 32 bits of `v` count. */
export function fcvt_s_w(v: i64, rm: u32): u32 {
  return fcvt_s_l(<i64>(<i32>v), rm);
}

/** fcvt.s.wu. */
export function fcvt_s_wu(v: i64, rm: u32): u32 {
  return fcvt_s_lu(<i64>(<u32>v), rm);
}

/** fcvt.s.d. */
export function fcvt_s_d(a: u64, rm: u32): u32 {
  if (rm === RNE) {
    const x = reinterpret<f64>(a);
    const single = <f32>x;
    const size = abs(single);
    if (size > f32.MIN_NORMAL_VALUE && size <= f32.MAX_VALUE) {
      if (<f64>single !== x) raise(NX);
      return reinterpret<u32>(single);
    }
  }
  return <u32>softConvert(DOUBLE, SINGLE, a, rm);
}

/** fcvt.d.s: exact. */
export function fcvt_d_s(a: u32, rm: u32): u64 {
  if ((a & 0x7fffffff) <= 0x7f800000) return reinterpret<u64>(<f64>reinterpret<f32>(a));
  return softConvert(SINGLE, DOUBLE, a, rm);
}
