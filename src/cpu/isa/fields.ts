/**
 * Where the operands of an instruction lie in its bits: the one place that knows RISC-V's scattered immediates
 * (unprivileged ISA, "Immediate Encoding Variants" and "Compressed Instruction Formats").
 *
 * Always true: a field is a list of bit runs; decoder source, encoder and disassembler are all made from that list.
 */

/** A run of `width` bits: from bit `from` of the instruction to bit `to` of the value. */
export type BitRun = readonly [from: number, width: number, to: number];

/** An operand's place in the instruction. */
export interface Field {
  readonly runs: readonly BitRun[];
  /** The value's sign bit, when it is signed. */
  readonly signBit?: number;
  /** Added to the value: 8 for the three-bit register numbers of compressed forms. */
  readonly bias?: number;
  /** What the value is. */
  readonly kind: 'x' | 'f' | 'imm' | 'csr' | 'rm' | 'zimm';
}

const x = (from: number): Field => ({ kind: 'x', runs: [[from, 5, 0]] });
const f = (from: number): Field => ({ kind: 'f', runs: [[from, 5, 0]] });
const xp = (from: number): Field => ({ kind: 'x', runs: [[from, 3, 0]], bias: 8 });
const fp = (from: number): Field => ({ kind: 'f', runs: [[from, 3, 0]], bias: 8 });
const imm = (...runs: BitRun[]): Field => ({ kind: 'imm', runs });
const signed = (signBit: number, ...runs: BitRun[]): Field => ({ kind: 'imm', signBit, runs });

/** Fields of 32-bit instructions. */
export const F = {
  rd: x(7),
  rs1: x(15),
  rs2: x(20),
  fd: f(7),
  fs1: f(15),
  fs2: f(20),
  fs3: f(27),
  rm: { kind: 'rm', runs: [[12, 3, 0]] } as Field,
  csr: { kind: 'csr', runs: [[20, 12, 0]] } as Field,
  zimm: { kind: 'zimm', runs: [[15, 5, 0]] } as Field,
  immI: signed(11, [20, 12, 0]),
  immS: signed(11, [25, 7, 5], [7, 5, 0]),
  immB: signed(12, [31, 1, 12], [7, 1, 11], [25, 6, 5], [8, 4, 1]),
  immU: signed(31, [12, 20, 12]),
  immJ: signed(20, [31, 1, 20], [12, 8, 12], [20, 1, 11], [21, 10, 1]),
  shamt5: imm([20, 5, 0]),
  shamt6: imm([20, 6, 0]),
} as const;

/** Fields of compressed instructions (unprivileged ISA, "RVC Instruction Set Listings"). */
export const C = {
  rd: x(7),
  rs2: x(2),
  rdp: xp(2),
  rs1p: xp(7),
  rs2p: xp(2),
  fd: f(7),
  fs2: f(2),
  fdp: fp(2),
  addi4spn: imm([11, 2, 4], [7, 4, 6], [6, 1, 2], [5, 1, 3]),
  word: imm([10, 3, 3], [6, 1, 2], [5, 1, 6]),
  double: imm([10, 3, 3], [5, 2, 6]),
  six: signed(5, [12, 1, 5], [2, 5, 0]),
  shamt: imm([12, 1, 5], [2, 5, 0]),
  addi16sp: signed(9, [12, 1, 9], [6, 1, 4], [5, 1, 6], [3, 2, 7], [2, 1, 5]),
  lui: signed(17, [12, 1, 17], [2, 5, 12]),
  jump: signed(
    11,
    [12, 1, 11],
    [11, 1, 4],
    [9, 2, 8],
    [8, 1, 10],
    [7, 1, 6],
    [6, 1, 7],
    [3, 3, 1],
    [2, 1, 5],
  ),
  branch: signed(8, [12, 1, 8], [10, 2, 3], [5, 2, 6], [3, 2, 1], [2, 1, 5]),
  wordFromSp: imm([12, 1, 5], [4, 3, 2], [2, 2, 6]),
  doubleFromSp: imm([12, 1, 5], [5, 2, 3], [2, 3, 6]),
  wordToSp: imm([9, 4, 2], [7, 2, 6]),
  doubleToSp: imm([10, 3, 3], [7, 3, 6]),
} as const;

const low = (width: number): number => 2 ** width - 1;

/** The field's value in `bits`, sign-extended when it is signed. */
export function extract(field: Field, bits: number): number {
  let value = 0;
  for (const [from, width, to] of field.runs) value |= ((bits >>> from) & low(width)) << to;
  if (field.signBit !== undefined) value = (value << (31 - field.signBit)) >> (31 - field.signBit);
  return value + (field.bias ?? 0);
}

/** `value` laid into the field's bits; throws a RangeError when it does not fit (an assembler's mistake, not a guest's). */
export function insert(field: Field, value: number): number {
  let bits = 0;
  const raw = value - (field.bias ?? 0);
  for (const [from, width, to] of field.runs) bits |= ((raw >> to) & low(width)) << from;
  if (extract(field, bits) !== value) throw new RangeError(`operand ${value} does not fit its field`);
  return bits >>> 0;
}

/** AssemblyScript text that extracts the field from the u32 `bits`. */
export function extractSource(field: Field, bits = 'bits'): string {
  const parts = field.runs.map(([from, width, to]) => `(((${bits} >>> ${from}) & ${low(width)}) << ${to})`);
  let text = parts.join(' | ');
  if (field.signBit !== undefined)
    text = `<u32>(<i32>((${text}) << ${31 - field.signBit}) >> ${31 - field.signBit})`;
  return field.bias ? `((${text}) + ${field.bias})` : `(${text})`;
}
