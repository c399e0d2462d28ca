/**
 * How an instruction is declared: its name, its bits, its operands and its meaning. Decoder, interpreter, assembler and
 * disassembler are derived from these declarations, and a translator can be: a meaning stands alone.
 *
 * The language of meanings. Statements are separated by `;`. Operands are 64-bit integers: `rs1 rs2 rs3 imm zimm csr`,
 * and the raw bits of float registers `fs1 fs2 fs3`; `pc` is the instruction's address, `next` the following one's.
 * - `rd = E`, `fd = E` write a register; `t = E` names an intermediate result.
 * - `goto E`, `if (E) goto E` jump. In the formats B and J the target is always `pc + imm`.
 * - `load_T(A)` in a right side, `store_T(A, E)`: memory at address A; T is a WebAssembly
 *   scalar (i8 u8 i16 u16 i32 u32 i64). `swap_T(A, E)` as a right side stores E, in which `old` is what was there.
 * - `lr_T(A)`, `sc_T(A, E)`, `csr…(…)`, `ecall()` and the like: what only the hart can do (src/cpu/hart/special.ts);
 *   they may trap. `field_NAME` is 0 when the operand NAME is x0 (or the immediate 0).
 * - E is made of + - * & | ^ << >> >>> ~ comparisons, ?:, integer literals and the helpers of src/cpu/hart/alu.ts and
 *   src/cpu/hart/fpu.ts. `>>` is arithmetic; comparisons are signed; `ltu`, `shr` and the like are the unsigned forms.
 */
import { F, type Field } from './fields.ts';

/** Where the decoder keeps an operand in an 8-byte slot: three 16-bit places, or the last 32 bits as one. */
export type Place = 'a' | 'b' | 'c' | 'w' | 'rm' | 'packed';

export interface Format {
  readonly operands: Readonly<Record<string, Field>>;
  readonly places: Readonly<Record<string, Place>>;
  /** Order and punctuation of the operands in assembly text. */
  readonly syntax: string;
}

const { rd, rs1, rs2, fd, fs1, fs2, fs3, rm } = F;

/** Every layout of a 32-bit instruction. Names are the ISA manual's where it has one. */
export const FORMATS = {
  none: { operands: {}, places: {}, syntax: '' },
  R: { operands: { rd, rs1, rs2 }, places: { rd: 'a', rs1: 'b', rs2: 'c' }, syntax: 'rd,rs1,rs2' },
  R1: { operands: { rd, rs1 }, places: { rd: 'a', rs1: 'b' }, syntax: 'rd,rs1' },
  I: { operands: { rd, rs1, imm: F.immI }, places: { rd: 'a', rs1: 'b', imm: 'c' }, syntax: 'rd,rs1,imm' },
  load: {
    operands: { rd, rs1, imm: F.immI },
    places: { rd: 'a', rs1: 'b', imm: 'c' },
    syntax: 'rd,imm(rs1)',
  },
  shift6: {
    operands: { rd, rs1, imm: F.shamt6 },
    places: { rd: 'a', rs1: 'b', imm: 'c' },
    syntax: 'rd,rs1,imm',
  },
  shift5: {
    operands: { rd, rs1, imm: F.shamt5 },
    places: { rd: 'a', rs1: 'b', imm: 'c' },
    syntax: 'rd,rs1,imm',
  },
  S: {
    operands: { rs2, rs1, imm: F.immS },
    places: { rs2: 'a', rs1: 'b', imm: 'c' },
    syntax: 'rs2,imm(rs1)',
  },
  B: {
    operands: { rs1, rs2, imm: F.immB },
    places: { rs1: 'a', rs2: 'b', imm: 'c' },
    syntax: 'rs1,rs2,target',
  },
  U: { operands: { rd, imm: F.immU }, places: { rd: 'a', imm: 'w' }, syntax: 'rd,upper' },
  J: { operands: { rd, imm: F.immJ }, places: { rd: 'a', imm: 'w' }, syntax: 'rd,target' },
  amo: { operands: { rd, rs1, rs2 }, places: { rd: 'a', rs1: 'b', rs2: 'c' }, syntax: 'rd,rs2,(rs1)' },
  lr: { operands: { rd, rs1 }, places: { rd: 'a', rs1: 'b' }, syntax: 'rd,(rs1)' },
  csr: { operands: { rd, csr: F.csr, rs1 }, places: { rd: 'a', rs1: 'b', csr: 'c' }, syntax: 'rd,csr,rs1' },
  csri: {
    operands: { rd, csr: F.csr, zimm: F.zimm },
    places: { rd: 'a', zimm: 'b', csr: 'c' },
    syntax: 'rd,csr,zimm',
  },
  pair: { operands: { rs1, rs2 }, places: { rs1: 'b', rs2: 'c' }, syntax: 'rs1,rs2' },
  fload: {
    operands: { fd, rs1, imm: F.immI },
    places: { fd: 'a', rs1: 'b', imm: 'c' },
    syntax: 'fd,imm(rs1)',
  },
  fstore: {
    operands: { fs2, rs1, imm: F.immS },
    places: { fs2: 'a', rs1: 'b', imm: 'c' },
    syntax: 'fs2,imm(rs1)',
  },
  f2rm: {
    operands: { fd, fs1, fs2, rm },
    places: { fd: 'a', fs1: 'b', fs2: 'c', rm: 'rm' },
    syntax: 'fd,fs1,fs2,rm',
  },
  f1rm: { operands: { fd, fs1, rm }, places: { fd: 'a', fs1: 'b', rm: 'rm' }, syntax: 'fd,fs1,rm' },
  f3rm: {
    operands: { fd, fs1, fs2, fs3, rm },
    places: { fd: 'a', fs1: 'b', fs2: 'packed', fs3: 'packed', rm: 'packed' },
    syntax: 'fd,fs1,fs2,fs3,rm',
  },
  f2: { operands: { fd, fs1, fs2 }, places: { fd: 'a', fs1: 'b', fs2: 'c' }, syntax: 'fd,fs1,fs2' },
  fcmp: { operands: { rd, fs1, fs2 }, places: { rd: 'a', fs1: 'b', fs2: 'c' }, syntax: 'rd,fs1,fs2' },
  ftox: { operands: { rd, fs1, rm }, places: { rd: 'a', fs1: 'b', rm: 'rm' }, syntax: 'rd,fs1,rm' },
  xtof: { operands: { fd, rs1, rm }, places: { fd: 'a', rs1: 'b', rm: 'rm' }, syntax: 'fd,rs1,rm' },
  fmvx: { operands: { rd, fs1 }, places: { rd: 'a', fs1: 'b' }, syntax: 'rd,fs1' },
  fmvf: { operands: { fd, rs1 }, places: { fd: 'a', rs1: 'b' }, syntax: 'fd,rs1' },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof FORMATS;

/** The extensions declared here. */
export type Extension = 'I' | 'M' | 'A' | 'F' | 'D' | 'Zicsr' | 'Zifencei' | 'S' | 'Zba' | 'Zbb';

/** One 32-bit instruction. */
export interface Instruction {
  readonly name: string;
  readonly extension: Extension;
  readonly format: FormatName;
  readonly match: number;
  readonly mask: number;
  readonly meaning: string;
}

/** One compressed instruction: other bits for a 32-bit one. */
export interface Compressed {
  readonly name: string;
  readonly match: number;
  readonly mask: number;
  /** Name of the instruction it stands for. */
  readonly expands: string;
  /** Each operand of that instruction: a field of the 16 bits, or a fixed value. */
  readonly operands: Readonly<Record<string, Field | number>>;
  /** Operands that must not be zero (else the encoding is reserved, hence illegal, or another instruction's). */
  readonly nonzero?: readonly string[];
  readonly syntax: string;
}

/** A declaration that answers to every instruction with this name and format. */
export function declare(
  extension: Extension,
  name: string,
  format: FormatName,
  match: number,
  mask: number,
  meaning: string,
): Instruction {
  return { name, extension, format, match: match >>> 0, mask: mask >>> 0, meaning };
}

/** Names of the operands of an instruction, in the order of its format. */
export function operandsOf(instruction: Instruction): [string, Field][] {
  return Object.entries(FORMATS[instruction.format].operands as Record<string, Field>);
}
