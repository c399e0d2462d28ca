/** The disassembler: assembly text as `objdump -d -M no-aliases` prints it, made from the declarations. */
import { type Compressed, FORMATS, type Instruction } from './declare.ts';
import { extract, type Field } from './fields.ts';
import { find16, find32, instructionNamed } from './index.ts';

const X_NAMES =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );
const F_NAMES =
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'.split(
    ' ',
  );
const ROUNDING = ['rne', 'rtz', 'rdn', 'rup', 'rmm'];
const CSR_NAMES: Record<number, string> = {
  1: 'fflags',
  2: 'frm',
  3: 'fcsr',
  256: 'sstatus',
  320: 'sscratch',
  3072: 'cycle',
  3073: 'time',
  3074: 'instret',
};

/** Text of an operand. */
function operandText(
  name: string,
  values: ReadonlyMap<string, number>,
  kinds: ReadonlyMap<string, string>,
  pc: number,
): string {
  const value = (operand: string) => values.get(operand) ?? 0;
  if (name === 'target') return `0x${address(pc + value('imm'))}`;
  if (name === 'upper') return `0x${((value('imm') >>> 12) & 0xfffff).toString(16)}`;
  if (name === 'shamt') return `0x${value('imm').toString(16)}`;
  if (name === 'csr') return CSR_NAMES[value('csr')] ?? `0x${value('csr').toString(16)}`;
  const kind = kinds.get(name);
  if (kind === 'x') return X_NAMES[value(name)];
  if (kind === 'f') return F_NAMES[value(name)];
  return String(value(name));
}

/** A code address in hexadecimal, as 64 bits when it is negative. */
function address(va: number): string {
  return va < 0 ? BigInt.asUintN(64, BigInt(va)).toString(16) : va.toString(16);
}

function text(
  mnemonic: string,
  syntax: string,
  values: Map<string, number>,
  kinds: Map<string, string>,
  pc: number,
): string {
  const operands = syntax.replace(/[a-z]+[0-9]?/g, (name) => operandText(name, values, kinds, pc));
  return operands ? `${mnemonic}\t${operands}` : mnemonic;
}

const SHIFTS = new Set(['shift6', 'shift5']);

function disassemble32(instruction: Instruction, bits: number, pc: number): string {
  const format = FORMATS[instruction.format];
  const values = new Map<string, number>();
  const kinds = new Map<string, string>();
  for (const [name, field] of Object.entries(format.operands as Record<string, Field>)) {
    values.set(name, extract(field, bits));
    kinds.set(name, field.kind);
  }
  let mnemonic = instruction.name;
  let syntax: string = format.syntax;
  if (SHIFTS.has(instruction.format)) syntax = syntax.replace('imm', 'shamt');
  if (instruction.extension === 'A') mnemonic += ['', '.rl', '.aq', '.aqrl'][(bits >>> 25) & 3];
  if (instruction.name === 'fence') return `fence\t${fenceSet(bits >>> 24)},${fenceSet(bits >>> 20)}`;
  const mode = values.get('rm');
  if (mode !== undefined) {
    const exact = /^fcvt\.d\.(s|wu?)$/.test(instruction.name);
    const shown = mode !== 7 && !(exact && mode === 0);
    syntax = shown
      ? syntax.replace(',rm', `,${ROUNDING[mode]?.toUpperCase() ?? 'UNKNOWN'}`)
      : syntax.replace(',rm', '');
    return text(mnemonic, syntax, values, kinds, pc).toLowerCase();
  }
  return text(mnemonic, syntax, values, kinds, pc);
}

function fenceSet(nibble: number): string {
  const letters = ['i', 'o', 'r', 'w'].filter((_letter, i) => (nibble >> (3 - i)) & 1).join('');
  return letters === '' ? 'unknown' : letters;
}

function disassemble16(compressed: Compressed, bits: number, pc: number): string {
  const values = new Map<string, number>();
  const kinds = new Map<string, string>();
  const fields = FORMATS[instructionNamed(compressed.expands).format].operands as Record<string, Field>;
  for (const [name, from] of Object.entries(compressed.operands)) {
    values.set(name, typeof from === 'number' ? from : extract(from, bits));
    kinds.set(name, fields[name].kind);
  }
  return text(compressed.name, compressed.syntax, values, kinds, pc);
}

/** Assembly text of the instruction whose bits (16 or 32 of them) stand at `pc`. */
export function disassemble(bits: number, pc: number): string {
  if ((bits & 3) !== 3) {
    const half = bits & 0xffff;
    if (half === 0) return 'c.unimp';
    const found = find16(half);
    return found ? disassemble16(found, half, pc) : `.2byte\t0x${half.toString(16)}`;
  }
  const found = find32(bits);
  return found && !hasReservedRounding(found, bits)
    ? disassemble32(found, bits, pc)
    : `.4byte\t0x${(bits >>> 0).toString(16)}`;
}

function hasReservedRounding(instruction: Instruction, bits: number): boolean {
  const { rm } = FORMATS[instruction.format].operands as Record<string, Field>;
  const mode = rm ? extract(rm, bits) : 0;
  return mode === 5 || mode === 6;
}
