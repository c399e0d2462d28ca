/**
 * The numbering of decoded operations. A decoded slot names an *op*: a declared instruction or one of its special
 * cases, in one of up to four forms (4 or 2 bytes long; a jump within the page or out of it), or a fused sequence.
 *
 * Always true: the forms of one operation are numbered `id` (4 bytes, near), `id + 1` (2 bytes, near), `id + 2`,
 * `id + 3` (the same, far); a fused op's number is above every plain one's.
 */
import { COMPRESSED, FORMATS, INSTRUCTIONS, type Instruction } from '../isa/index.ts';
import { SEQUENCES } from '../isa/sequences.ts';
import { SPECIAL } from '../isa/special.ts';

/** Ops that stand for no instruction. */
export const UNDECODED = 0;
export const ILLEGAL = 1;
export const PAGE_END = 2;
export const STRADDLE = 3;
export const NOP = 4;
const FIRST_ID = 6;

/** Binaryen makes a jump table of at most so many cases; beyond it the interpreter would be ten times slower. */
const MOST_OPS = 1024;

/** One form of one operation. */
export interface Op {
  readonly id: number;
  /** Unique: the operation's name, with `c.` before 2-byte forms and `!` after far ones. */
  readonly name: string;
  readonly instruction: Instruction;
  readonly meaning: string;
  readonly length: 2 | 4;
  readonly far: boolean;
}

/** The four forms of one operation, and the operand values that select it when it is a special case. */
export interface Family {
  readonly id: number;
  readonly instruction: Instruction;
  readonly when?: Readonly<Record<string, number>>;
  readonly ops: readonly Op[];
}

/**
 * What an op of a sequence has to do with the one before it: letters of `s` (its rs1 is that one's rd), `t` (its rs2
 * is) and `d` (its rd is the same). Empty: nothing is known.
 */
export type Relation = string;

/** One op of a fused sequence. */
export interface Part {
  readonly op: Op;
  readonly relation: Relation;
}

/** Ops in a row run as one. */
export interface Fused {
  readonly id: number;
  readonly name: string;
  readonly parts: readonly Part[];
  /** The op it grows from: the sequence less its last part. */
  readonly stem: number;
}

export interface OpTable {
  readonly families: readonly Family[];
  readonly ops: readonly Op[];
  readonly fused: readonly Fused[];
  readonly count: number;
}

const compressible = new Set(COMPRESSED.map((c) => c.expands));
const nopLike: Op = {
  id: NOP,
  name: 'nop',
  instruction: INSTRUCTIONS.find((i) => i.name === 'addi')!,
  meaning: '',
  length: 4,
  far: false,
};

/** True when the format's target is `pc + imm`, so that it has a near and a far form. */
export function isRelativeJump(instruction: Instruction): boolean {
  return instruction.format === 'B' || instruction.format === 'J';
}

/** True when all the instruction does is write `rd`: with x0 as rd it is a nop. */
export function isPure(instruction: Instruction): boolean {
  return (
    /^rd = /.test(instruction.meaning) &&
    !/;|load_|swap_|lr_|sc_|csr|rm\b|_s\(|_d\(/.test(instruction.meaning)
  );
}

/**
 * Where an op keeps its integer registers, for the decoder: bits 1..0 the place of rs1 (0: none, 1: a, 2: b, 3: c),
 * bits 3..2 that of rs2, bit 4 whether it has an rd (always in place a).
 */
export function shapeOf(op: Op): number {
  const places = FORMATS[op.instruction.format].places as Record<string, string>;
  const used = (name: string) =>
    new RegExp(`\\b${name}\\b`).test(op.meaning) ? ' abc'.indexOf(places[name]) : 0;
  return used('rs1') | (used('rs2') << 2) | (/\brd\b/.test(op.meaning) ? 16 : 0);
}

/** Numbers every op. The order of declarations is the order of numbers, so the same sources give the same module. */
export function buildOps(sequences: readonly string[] = SEQUENCES): OpTable {
  let id = FIRST_ID;
  const families: Family[] = [];
  const add = (name: string, instruction: Instruction, meaning: string, when?: Family['when']) => {
    const family = { id, instruction, when, ops: [] as Op[] };
    for (const far of isRelativeJump(instruction) ? [false, true] : [false]) {
      for (const length of compressible.has(instruction.name) ? ([4, 2] as const) : ([4] as const)) {
        const opName = `${length === 2 ? 'c.' : ''}${name}${far ? '!' : ''}`;
        family.ops.push({
          id: family.id + (far ? 2 : 0) + (length === 2 ? 1 : 0),
          name: opName,
          instruction,
          meaning,
          length,
          far,
        });
      }
    }
    families.push(family);
    id = Math.max(...family.ops.map((op) => op.id)) + 1;
  };
  for (const special of SPECIAL) {
    add(special.name, INSTRUCTIONS.find((i) => i.name === special.of)!, special.meaning, special.when);
  }
  for (const instruction of INSTRUCTIONS) add(instruction.name, instruction, instruction.meaning);

  const ops: Op[] = [nopLike, { ...nopLike, id: NOP + 1, name: 'c.nop', length: 2 }];
  for (const family of families) ops.push(...family.ops);
  const named = new Map(ops.map((op) => [op.name, op]));
  const stems = new Map(ops.map((op) => [op.name, op.id]));
  const fused: Fused[] = [];
  for (const name of sequences) {
    const parts = name.split(' + ').map((part): Part | undefined => {
      const [opName, relation = ''] = part.split(':');
      const op = named.get(opName);
      return op && { op, relation };
    });
    const stem = stems.get(name.slice(0, name.lastIndexOf(' + ')));
    if (stem === undefined || parts.includes(undefined)) {
      throw new Error(`sequences.ts names an unknown op or stem in "${name}"`);
    }
    stems.set(name, id);
    fused.push({ id: id++, name, parts: parts as Part[], stem });
  }
  if (id > MOST_OPS) throw new Error(`${id} ops are more than a jump table holds; shorten sequences.ts`);
  return { families, ops, fused, count: id };
}
