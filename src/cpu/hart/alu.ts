/** The helpers that meanings use (src/cpu/isa/declare.ts): integer arithmetic that AssemblyScript has no operator for. */

export const SIGN: u64 = 0x8000000000000000;
export const MAGNITUDE: u64 = 0x7fffffffffffffff;

@inline
export function truth(condition: bool): i64 {
  return <i64>condition;
}
@inline
export function ltu(a: i64, b: i64): bool {
  return <u64>a < <u64>b;
}
@inline
export function shr(a: i64, by: i64): i64 {
  return <i64>(<u64>a >> <u64>by);
}
/** The low 32 bits, sign-extended. */
@inline
export function sx32(a: i64): i64 {
  return <i64>(<i32>a);
}
/** The low 32 bits, zero-extended. */
@inline
export function zx32(a: i64): i64 {
  return <i64>(<u32>a);
}

/** High half of the unsigned product. */
@inline
export function mulhu(a: i64, b: i64): i64 {
  const al = <u64>a & 0xffffffff;
  const ah = <u64>a >> 32;
  const bl = <u64>b & 0xffffffff;
  const bh = <u64>b >> 32;
  const low = al * bl;
  const mid = ah * bl + (low >> 32);
  const mid2 = al * bh + (mid & 0xffffffff);
  return <i64>(ah * bh + (mid >> 32) + (mid2 >> 32));
}
@inline
export function mulh(a: i64, b: i64): i64 {
  return mulhu(a, b) - ((a >> 63) & b) - ((b >> 63) & a);
}
@inline
export function mulhsu(a: i64, b: i64): i64 {
  return mulhu(a, b) - ((a >> 63) & b);
}

/** Division as the M extension defines it: by zero all ones, overflow wraps. */
@inline
export function div(a: i64, b: i64): i64 {
  return b == 0 ? -1 : b == -1 ? 0 - a : a / b;
}
@inline
export function divu(a: i64, b: i64): i64 {
  return b == 0 ? -1 : <i64>(<u64>a / <u64>b);
}
@inline
export function rem(a: i64, b: i64): i64 {
  return b == 0 ? a : b == -1 ? 0 : a % b;
}
@inline
export function remu(a: i64, b: i64): i64 {
  return b == 0 ? a : <i64>(<u64>a % <u64>b);
}

/** Zbb orc.b: each byte that is not zero becomes 0xff. */
@inline
export function orcb(a: i64): i64 {
  const low = (a & MAGNITUDE & 0x7f7f7f7f7f7f7f7f) + 0x7f7f7f7f7f7f7f7f;
  const top = shr((low | a) & <i64>0x8080808080808080, 7);
  return (top << 8) - top;
}

/** The single-precision value in a register's bits; anything not NaN-boxed reads as the canonical NaN. */
@inline
export function unbox(bits: i64): u32 {
  return <u64>bits >> 32 == 0xffffffff ? <u32>bits : 0x7fc00000;
}
/** A single-precision value, NaN-boxed. */
@inline
export function box(value: i64): i64 {
  return <i64>(0xffffffff00000000 | <u64>(<u32>value));
}
