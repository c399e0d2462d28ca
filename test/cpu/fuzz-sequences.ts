/**
 * Programs made of the sequences that the fast interpreter fuses (src/cpu/isa/sequences.ts), to be run by it and by the
 * stepping interpreter, which fuses nothing: both must leave the same state, and trap at the same instruction when a
 * sequence breaks off in the middle.
 *
 * Always true: an access or a jump of such a program may fault, so it is not for qemu.
 */
import { buildOps, type Fused, type Part } from '../../src/cpu/generate/ops.ts';
import { COMPRESSED, extract, type Field, FORMATS, find16, find32, insert } from '../../src/cpu/isa/index.ts';
import type { Case } from './fuzz-image.ts';
import { GAP, type Item, SCRATCH } from './fuzz-program.ts';
import { floatValue, integerValue, Random } from './fuzz-random.ts';

const TABLE = buildOps();
const FAR = 4200;

type Values = Record<string, number>;

interface Encoded {
  item: Item;
  rd?: number;
}

/** How many sequences there are. */
export const SEQUENCE_COUNT = TABLE.fused.length;

/** The name of the sequence that case `index` of a batch is made of. */
export function sequenceName(index: number): string {
  return TABLE.fused[index % SEQUENCE_COUNT].name;
}

/** A batch of `count` cases that goes round the sequences. */
export function makeSequenceCases(seed: number, count: number): Case[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, index) => {
    const items = sequenceItems(random, TABLE.fused[index % SEQUENCE_COUNT]);
    const x = [0n];
    while (x.length < 32) x.push(registerValue(random));
    return {
      program: { reserved: random.pick([1, 3, 4, 9, 15, 28]), items },
      x,
      f: Array.from({ length: 32 }, () => floatValue(random, 0n)),
      fcsr: 0,
      pageBoundaryAt: random.oneIn(6) ? 2 + 2 * random.below(8) : undefined,
    };
  });
}

/** A pointer into the scratch window, a small index, or anything. */
function registerValue(random: Random): bigint {
  const choice = random.below(3);
  if (choice === 0) return BigInt(SCRATCH.start + 8 * random.below(SCRATCH.size / 8));
  return choice === 1 ? BigInt(random.below(16)) : integerValue(random, 0n);
}

/** The sequence twice: fused code may be entered again. What a part may jump over stands behind it. */
function sequenceItems(random: Random, fused: Fused): Item[] {
  const items: Item[] = [];
  for (let round = 0; round < 2; round++) {
    let rd: number | undefined;
    fused.parts.forEach((part, index) => {
      const encoded = encodePart(random, part, fused.parts[index + 1], rd);
      if (!encoded) return;
      rd = encoded.rd;
      const at = items.push(encoded.item) - 1;
      if (encoded.item.jump) encoded.item.jump.to = at + 1;
    });
    const last = items[items.length - 1];
    if (!last?.jump) continue;
    // Something is skipped when the jump is taken; a far one goes beyond the page.
    if (fused.parts[fused.parts.length - 1].op.far) items.push({ name: GAP, bits: 0, size: FAR });
    else items.push({ name: 'c.nop', bits: 1, size: 2 });
    last.jump.to = items.length;
  }
  return items;
}

/** Draws operands until they have the relations the sequence wants. */
function encodePart(
  random: Random,
  part: Part,
  next: Part | undefined,
  previous?: number,
): Encoded | undefined {
  const { op, relation } = part;
  const fields = FORMATS[op.instruction.format].operands as Record<string, Field>;
  const family = TABLE.families.find((f) => f.ops.includes(op));
  for (let attempt = 0; attempt < 200; attempt++) {
    const wanted: Values = { ...family?.when };
    if (previous !== undefined) {
      if (relation.includes('s')) wanted.rs1 = previous;
      if (relation.includes('t')) wanted.rs2 = previous;
      if (relation.includes('d')) wanted.rd = previous;
    }
    // The registers every compressed form can name, lest the next part cannot name this one's result.
    if (next && 'rd' in fields) wanted.rd ??= 8 + random.below(8);
    const bits = op.length === 4 ? draw32(random, part, wanted) : draw16(random, part, wanted);
    if (bits === undefined) continue;
    const operands = op.length === 4 ? fields : (find16(bits)?.operands ?? {});
    const rd = operands.rd;
    const jumps = op.instruction.format === 'B' || op.instruction.format === 'J';
    return {
      item: {
        name: op.name,
        bits,
        size: op.length,
        jump: jumps ? { field: operands.imm as Field, to: 0 } : undefined,
      },
      rd: typeof rd === 'object' ? extract(rd, bits) : rd,
    };
  }
  return undefined;
}

function draw32(random: Random, { op }: Part, wanted: Values): number | undefined {
  const { instruction } = op;
  let bits = instruction.match;
  for (const [name, field] of Object.entries(FORMATS[instruction.format].operands as Record<string, Field>)) {
    bits |= insert(field, wanted[name] ?? operand(random, field, instruction.format));
  }
  bits >>>= 0;
  return find32(bits) === instruction ? bits : undefined;
}

/** Immediates are small more often than not, so that addresses stay near their base; those of jumps come later. */
function operand(random: Random, field: Field, format: string): number {
  const value = extract(field, random.u32());
  if (field.kind !== 'imm') return value;
  if (format === 'B' || format === 'J') return 0;
  return field.runs[0][1] === 12 && random.oneIn(2) ? value % 64 : value;
}

function draw16(random: Random, { op }: Part, wanted: Values): number | undefined {
  const forms = COMPRESSED.filter((c) => c.expands === op.instruction.name);
  const form = random.pick(forms);
  let bits = form.match;
  const set = new Map<Field, number>();
  for (const [name, field] of Object.entries(form.operands)) {
    if (typeof field === 'number') {
      if (wanted[name] !== undefined && wanted[name] !== field) return undefined;
      continue;
    }
    const jump = name === 'imm' && (op.instruction.format === 'B' || op.instruction.format === 'J');
    const value = wanted[name] ?? set.get(field) ?? (jump ? 0 : extract(field, random.u32()));
    if (set.has(field) && set.get(field) !== value) return undefined;
    set.set(field, value);
  }
  for (const [field, value] of set) {
    const mask = insertable(field, value);
    if (mask === undefined) return undefined;
    bits |= mask;
  }
  return find16(bits) === form ? bits : undefined;
}

function insertable(field: Field, value: number): number | undefined {
  const raw = value - (field.bias ?? 0);
  let bits = 0;
  for (const [from, width, to] of field.runs) bits |= ((raw >> to) & (2 ** width - 1)) << from;
  return extract(field, bits) === value ? bits : undefined;
}
