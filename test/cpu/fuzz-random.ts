/**
 * The fuzzer's dice: a seeded generator, and the operand values that find bugs.
 *
 * Always true: the same seed gives the same values on every machine and Node version (integer arithmetic only).
 */

const MASK64 = (1n << 64n) - 1n;

/** A seeded generator of 32-bit numbers (Marsaglia's xorshift128 with a splitmix-like seeding). */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed: number) {
    let state = seed >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.a = next() | 1;
    this.b = next();
    this.c = next();
    this.d = next();
  }

  /** 32 random bits. */
  u32(): number {
    const t = this.a ^ (this.a << 11);
    this.a = this.b;
    this.b = this.c;
    this.c = this.d;
    this.d = this.d ^ (this.d >>> 19) ^ t ^ (t >>> 8);
    return this.d >>> 0;
  }

  /** 64 random bits. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** An integer from 0 to `bound` - 1. */
  below(bound: number): number {
    return this.u32() % bound;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)];
  }
}

const INTEGERS = [
  0n, 1n, 2n, MASK64, MASK64 - 1n,
  0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn,
  0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n,
  0xffffffff80000000n, 0xffffffff7fffffffn,
  0x7fffffffffffffffn, 0x8000000000000000n, 0x8000000000000001n,
  0x20000000000000n, 0x1000000n, 0x5555555555555555n, 0xaaaaaaaaaaaaaaaan,
]; // biome-ignore format: a table

/** An integer register: borders, powers of two and their neighbours, random lengths, or a relative of `near`. */
export function integerValue(random: Random, near: bigint): bigint {
  const jitter = BigInt(random.below(3) - 1);
  switch (random.below(6)) {
    case 0:
      return random.pick(INTEGERS);
    case 1:
      return ((1n << BigInt(random.below(64))) + jitter) & MASK64;
    case 2:
      return random.u64() >> BigInt(random.below(64));
    case 3:
      return -(random.u64() >> BigInt(random.below(64))) & MASK64;
    case 4:
      return (near + jitter) & MASK64;
    default:
      return random.u64();
  }
}

interface FloatFormat {
  width: number;
  fraction: number;
  specials: readonly bigint[];
}

const DOUBLE: FloatFormat = {
  width: 64,
  fraction: 52,
  specials: [
    0n, 0x3ff0000000000000n, 0x7ff0000000000000n, 0x7ff8000000000000n, 0x7ff0000000000001n, 0x7ff4000000000000n,
    0x7fffffffffffffffn, 0x7fefffffffffffffn, 0x0010000000000000n, 0x000fffffffffffffn, 1n, 0x4330000000000000n,
    0x43e0000000000000n, 0x43dfffffffffffffn, 0x43f0000000000000n, 0x41e0000000000000n, 0x41dfffffffc00000n,
    0x41efffffffe00000n, 0x3fe0000000000000n, 0x3ff8000000000000n, 0x4004000000000000n, 0x47efffffe0000000n,
    0x47effffff0000000n, 0x3810000000000000n, 0x380fffffe0000000n, 0x380ffffff0000000n, 0x3ca0000000000000n,
  ], // biome-ignore format: a table
};

const SINGLE: FloatFormat = {
  width: 32,
  fraction: 23,
  specials: [
    0n, 0x3f800000n, 0x7f800000n, 0x7fc00000n, 0x7f800001n, 0x7fa00000n, 0x7fffffffn, 0x7f7fffffn, 0x00800000n,
    0x007fffffn, 1n, 0x4b000000n, 0x5f000000n, 0x5effffffn, 0x5f800000n, 0x4f000000n, 0x4effffffn, 0x4f7fffffn,
    0x3f000000n, 0x3fc00000n, 0x40200000n, 0x33800000n,
  ], // biome-ignore format: a table
};

/** A float of the format: a special, its neighbour, any bits, few bits near 1, or a relative of `near`. */
function floatBits(random: Random, format: FloatFormat, near: bigint): bigint {
  const { width, fraction, specials } = format;
  const all = (1n << BigInt(width)) - 1n;
  const fractionMask = (1n << BigInt(fraction)) - 1n;
  const sign = BigInt(random.below(2)) << BigInt(width - 1);
  const jitter = BigInt(random.below(5) - 2);
  const bias = width === 64 ? 1023 : 127;
  const exponent = (value: number): bigint =>
    BigInt(Math.max(0, Math.min(2 * bias + 1, value))) << BigInt(fraction);
  const bits = (): bigint => random.u64() & fractionMask;
  switch (random.below(8)) {
    case 0:
    case 1:
      return sign | random.pick(specials);
    case 2:
      return ((sign | random.pick(specials)) + jitter) & all;
    case 3:
      return random.u64() & all;
    case 4: {
      const few = (bits() >> BigInt(random.below(fraction))) << BigInt(random.below(fraction));
      return sign | exponent(bias - 30 + random.below(60)) | (few & fractionMask);
    }
    case 5:
      return ((near ^ sign) + jitter) & all;
    case 6: {
      // An exponent that meets `near` in a sum, a product or a quotient: at a border of the format or one place apart.
      const e = Number((near >> BigInt(fraction)) & BigInt(2 * bias + 1));
      const meeting = [e, e - fraction, 2 * bias - e, bias - e, 3 * bias - e];
      return sign | exponent(random.pick(meeting) + random.below(7) - 3) | bits();
    }
    default:
      return sign | exponent(random.below(60)) | bits();
  }
}

/** A float register: a double, a boxed single, or a single in a wrong box. `near` is another register of the case. */
export function floatValue(random: Random, near: bigint): bigint {
  if (random.below(2) === 0) return floatBits(random, DOUBLE, near);
  const single = floatBits(random, SINGLE, near & 0xffffffffn);
  if (random.below(12) !== 0) return 0xffffffff00000000n | single;
  return (BigInt(random.pick([0, 1, 0x7fffffff, 0xfffffffe, random.u32()])) << 32n) | single;
}

const EDGES: Readonly<Record<'double' | 'single', readonly bigint[]>> = {
  double: [0n, 0n, 1n, 0x000fffffffffffffn, 0x0010000000000000n, 0x3ff0000000000000n, 0x3fefffffffffffffn,
    0x3ff0000000000001n, 0x7fefffffffffffffn, 0x7ff0000000000000n, 0x7ff8000000000000n, 0x7ff0000000000001n],
  single: [0n, 0n, 1n, 0x007fffffn, 0x00800000n, 0x3f800000n, 0x3f7fffffn, 0x3f800001n, 0x7f7fffffn, 0x7f800000n,
    0x7fc00000n, 0x7f800001n],
}; // biome-ignore format: a table

/** Minus the product of two floats of the format, rounded: what makes a fused multiply-add cancel. */
function cancelling(format: FloatFormat, a: bigint, b: bigint): bigint {
  const view = new DataView(new ArrayBuffer(16));
  if (format === DOUBLE) {
    view.setBigUint64(0, a);
    view.setBigUint64(8, b);
    view.setFloat64(0, -(view.getFloat64(0) * view.getFloat64(8)));
    return view.getBigUint64(0);
  }
  view.setUint32(0, Number(a));
  view.setUint32(4, Number(b));
  view.setFloat32(0, -(view.getFloat32(0) * view.getFloat32(4)));
  return BigInt(view.getUint32(0));
}

/** A float at the border of an integer type, or a half or one away from it. */
function nearIntegerBorder(random: Random, precision: 'double' | 'single'): bigint {
  const border = 2 ** random.pick([0, 31, 31, 32, 32, 63, 64]) + random.pick([-1.5, -1, -0.5, 0, 0, 0.5, 1]);
  const value = random.oneIn(2) ? border : -border;
  const view = new DataView(new ArrayBuffer(8));
  if (precision === 'double') view.setFloat64(0, value);
  else view.setFloat32(4, value);
  return view.getBigUint64(0);
}

/** A float near one whose significand ends with its `count`th bit. */
function withBits(random: Random, format: FloatFormat, count: number): bigint {
  const { width, fraction } = format;
  const length = Math.max(0, Math.min(fraction, count - 1));
  const bits = length === 0 ? 0n : (random.u64() & ((1n << BigInt(length)) - 1n)) | 1n;
  const exponent = BigInt((width === 64 ? 1023 : 127) - 8 + random.below(17)) << BigInt(fraction);
  const sign = BigInt(random.below(2)) << BigInt(width - 1);
  return sign | exponent | (bits << BigInt(fraction - length));
}

/**
 * Four floats of one format that make each other interesting: edges of the format, relatives of one number, or two
 * numbers with their product turned over and a neighbour of it. Singles are boxed.
 */
export function floatGroup(random: Random, precision: 'double' | 'single'): bigint[] {
  const format = precision === 'double' ? DOUBLE : SINGLE;
  const all = (1n << BigInt(format.width)) - 1n;
  const sign = (): bigint => BigInt(random.below(2)) << BigInt(format.width - 1);
  const first = floatBits(random, format, 0n);
  const group = [first];
  const style = random.below(6);
  if (style === 0) {
    const edges = random.oneIn(2) ? EDGES[precision] : EDGES[precision].slice(4, 8);
    for (let i = 0; i < 4; i++) group[i] = sign() | random.pick(edges);
  } else if (style === 3) {
    // Significands of n and of about (places - n) bits: products that just fit, or just do not.
    const n = 1 + random.below(format.fraction);
    group[0] = withBits(random, format, n);
    while (group.length < 4) group.push(withBits(random, format, format.fraction + random.below(4) - n));
  } else if (style === 4) {
    for (let i = 0; i < 4; i++) group[i] = nearIntegerBorder(random, precision);
  } else if (style === 1) {
    while (group.length < 4) group.push(floatBits(random, format, random.pick(group)));
  } else {
    group.push(floatBits(random, format, first));
    group.push(cancelling(format, first, group[1]));
    group.push((group[2] + BigInt(random.below(5) - 2)) & all);
  }
  return precision === 'double' ? group : group.map((bits) => 0xffffffff00000000n | bits);
}
