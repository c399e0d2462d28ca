/**
 * Known answers of the F and D extensions, case by case from the ISA manual and IEEE 754; the random ones are in
 * fuzz.test.ts. Each line is one instruction run on the hart: operands, rounding mode, result, flags.
 */
import { describe, expect, test } from 'vitest';
import { instructionNamed, operandsOf } from '../../src/cpu/isa/index.ts';
import { runOnHart } from './fuzz-hart.ts';
import { buildImage, type Case, RESULT } from './fuzz-image.ts';
import { encode } from './fuzz-program.ts';

const [NX, UF, OF, DZ, NV] = [1, 2, 4, 8, 16];
const [RNE, RTZ, RDN, RUP, RMM] = [0, 1, 2, 3, 4];
const NAN_D = 0x7ff8000000000000n;
const NAN_S = 0xffffffff7fc00000n;

const d = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];
const s = (value: number): bigint =>
  0xffffffff00000000n | BigInt(new Uint32Array(Float32Array.of(value).buffer)[0]);

type Line = [what: string, name: string, operands: bigint[], rm: number, result: bigint, flags: number];

const LINES: readonly Line[] = [
  ['one plus a half ulp is a tie, to even', 'fadd.d', [d(1), d(2 ** -53)], RNE, d(1), NX],
  ['a tie away from zero', 'fadd.d', [d(1), d(2 ** -53)], RMM, d(1 + 2 ** -52), NX],
  ['rounding up', 'fadd.d', [d(1), d(2 ** -1074)], RUP, d(1 + 2 ** -52), NX],
  ['rounding down a negative number', 'fsub.d', [d(-1), d(2 ** -1074)], RDN, d(-1 - 2 ** -52), NX],
  ['x - x is +0', 'fsub.d', [d(3), d(3)], RNE, d(0), 0],
  ['x - x is -0 when rounding down', 'fsub.d', [d(3), d(3)], RDN, d(-0), 0],
  ['infinity minus infinity', 'fsub.d', [d(Infinity), d(Infinity)], RNE, NAN_D, NV],
  ['overflow to infinity', 'fmul.d', [d(1e200), d(1e200)], RNE, d(Infinity), OF | NX],
  ['overflow to the largest number', 'fmul.d', [d(1e200), d(1e200)], RTZ, d(Number.MAX_VALUE), OF | NX],
  ['underflow', 'fmul.d', [d(2 ** -1074), d(0.5)], RNE, d(0), UF | NX],
  ['an exact subnormal does not underflow', 'fmul.d', [d(2 ** -1022), d(0.5)], RNE, d(2 ** -1023), 0],
  ['the smallest normal number, tiny before rounding', 'fmul.d', [d(2 ** -1022), d(1 - 2 ** -53)], RNE, d(2 ** -1022), UF | NX],
  ['tininess is detected after rounding', 'fmadd.d', [d(-(2 ** -600)), d(2 ** -500), d(2 ** -1022)], RNE, d(2 ** -1022), NX],
  ['division by zero', 'fdiv.d', [d(-1), d(0)], RNE, d(-Infinity), DZ],
  ['zero by zero', 'fdiv.d', [d(0), d(0)], RNE, NAN_D, NV],
  ['the root of a negative number', 'fsqrt.d', [d(-1)], RNE, NAN_D, NV],
  ['the root of minus zero', 'fsqrt.d', [d(-0)], RNE, d(-0), 0],
  ['an inexact root', 'fsqrt.d', [d(2)], RNE, d(Math.SQRT2), NX],
  ['fused: what one rounding keeps', 'fmadd.d', [d(1 + 2 ** -52), d(1 - 2 ** -52), d(-1)], RNE, d(-(2 ** -104)), 0],
  ['fused: zero times infinity is invalid even beside a NaN', 'fmadd.d', [d(0), d(Infinity), NAN_D], RNE, NAN_D, NV],
  ['fnmadd turns both signs over', 'fnmadd.d', [d(2), d(3), d(4)], RNE, d(-10), 0],
  ['fnmsub turns the product over', 'fnmsub.d', [d(2), d(3), d(4)], RNE, d(-2), 0],
  ['a fused single is not a double rounded twice', 'fmadd.s', [s(1 + 2 ** -23), s(1 + 2 ** -23), s(2 ** -70)], RUP, s(1 + 2 ** -22 + 2 ** -23), NX],
  ['NaNs lose their payload', 'fadd.d', [0x7ff8dead00000000n, d(1)], RNE, NAN_D, 0],
  ['a signalling NaN is invalid', 'fadd.d', [0x7ff0000000000001n, d(1)], RNE, NAN_D, NV],
  ['a single in a wrong box is a NaN', 'fadd.s', [0x3f800000n, s(1)], RNE, NAN_S, 0],
  ['the minimum of the zeros', 'fmin.d', [d(0), d(-0)], RNE, d(-0), 0],
  ['the maximum beside a NaN is the number', 'fmax.d', [NAN_D, d(-7)], RNE, d(-7), 0],
  ['the minimum of two NaNs', 'fmin.s', [NAN_S, NAN_S], RNE, NAN_S, 0],
  ['feq is quiet', 'feq.d', [NAN_D, d(1)], RNE, 0n, 0],
  ['flt is not', 'flt.d', [NAN_D, d(1)], RNE, 0n, NV],
  ['-0 = +0', 'fle.d', [d(0), d(-0)], RNE, 1n, 0],
  ['the class of -infinity', 'fclass.d', [d(-Infinity)], RNE, 1n, 0],
  ['the class of a signalling NaN', 'fclass.d', [0x7ff0000000000001n], RNE, 256n, 0],
  ['a NaN converts to the largest integer', 'fcvt.w.d', [NAN_D], RTZ, 0x7fffffffn, NV],
  ['saturation raises NV alone', 'fcvt.w.d', [d(2147483647.5)], RUP, 0x7fffffffn, NV],
  ['just inside', 'fcvt.w.d', [d(-2147483648.9)], RTZ, 0xffffffff80000000n, NX],
  ['unsigned words are sign-extended', 'fcvt.wu.d', [d(4294967295)], RTZ, 0xffffffffffffffffn, 0],
  ['minus a half rounds to an unsigned zero', 'fcvt.lu.d', [d(-0.5)], RNE, 0n, NX],
  ['minus one is no unsigned number', 'fcvt.lu.d', [d(-1)], RTZ, 0n, NV],
  ['two and a half to even', 'fcvt.l.d', [d(2.5)], RNE, 2n, NX],
  ['two and a half away from zero', 'fcvt.l.d', [d(2.5)], RMM, 3n, NX],
  ['a double between two singles', 'fcvt.s.d', [d(1 + 2 ** -24)], RNE, s(1), NX],
  ['a single is a double', 'fcvt.d.s', [s(1.5)], RNE, d(1.5), 0],
]; // biome-ignore format: a table

/** A case that runs the line's instruction from f1, f2, f3 into f0 or x5. */
function toCase([, name, operands, rm]: Line): Case {
  const instruction = instructionNamed(name);
  const given: Record<string, number> = { fs1: 1, fs2: 2, fs3: 3, fd: 0, rd: 5, rs1: 6, rm: 7 };
  const used = Object.fromEntries(operandsOf(instruction).map(([operand]) => [operand, given[operand]]));
  const f = Array.from({ length: 32 }, (_, i) => operands[i - 1] ?? 0n);
  return {
    program: { reserved: 31, items: [{ name, bits: encode(instruction, used), size: 4 }] },
    x: Array.from({ length: 32 }, () => 0n),
    f,
    fcsr: rm << 5,
  };
}

describe('float arithmetic', async () => {
  const { results } = await runOnHart(buildImage(LINES.map(toCase), 1));
  const view = new DataView(results.buffer);
  LINES.forEach(([what, name, , , result, flags], index) => {
    test(`${name}: ${what}`, () => {
      const at = index * RESULT.size;
      const intoInteger = operandsOf(instructionNamed(name)).some(([operand]) => operand === 'rd');
      const place = at + (intoInteger ? RESULT.x + 8 * 5 : RESULT.f);
      expect(view.getBigUint64(place, true).toString(16)).toBe(result.toString(16));
      expect(view.getUint32(at + RESULT.fcsr, true) & 31).toBe(flags);
    });
  });
});

test('reserved rounding modes are illegal, static and dynamic, also where nothing is rounded', async () => {
  const program = (name: string, rm: number, frm: number): Case => {
    const one = toCase([name, name, [], 0, 0n, 0]);
    const reserved = one.program.items.map((item) => ({ ...item, bits: (item.bits & ~0x7000) | (rm << 12) }));
    return { ...one, program: { reserved: 31, items: reserved }, fcsr: frm << 5 };
  };
  const illegal = ['fadd.d', 'fsqrt.s', 'fcvt.d.w', 'fmadd.s', 'fcvt.w.d'].flatMap((name) =>
    [
      [5, 0],
      [6, 0],
      [7, 5],
      [7, 6],
      [7, 7],
    ].map(([rm, frm]) => program(name, rm, frm)),
  );
  const legal = [program('fadd.d', 4, 7), program('feq.d', 2, 7)];
  const { failures } = await runOnHart(buildImage([...illegal, ...legal], 1));
  expect([...failures.values()].every((text) => text.startsWith('trap 2 '))).toBe(true);
  expect([...failures.keys()]).toEqual(illegal.map((_, i) => i));
});
