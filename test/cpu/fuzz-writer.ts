/**
 * Writes items with random operands: the hands of the generator (fuzz-generator.ts).
 *
 * Always true: an encoding that comes out of {@link Writer} decodes to the declaration it was drawn for, has the
 * operands asked for, and does not write a register that is being kept.
 */
import {
  type Compressed,
  extract,
  type Field,
  FORMATS,
  find16,
  find32,
  type Instruction,
  insert,
  instructionNamed,
} from '../../src/cpu/isa/index.ts';
import { encode, type Item, type Jump, SCRATCH } from './fuzz-program.ts';
import type { Random } from './fuzz-random.ts';

export type Declaration = Instruction | Compressed;
type Operands = Record<string, Field | number>;

const MEMORY_SIZE: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
const READ_WRITE_CSRS = [1, 2, 3];

/** Operands of a declaration by name: a field, or the value a compressed form implies. */
export function operandsOf(declaration: Declaration): Operands {
  return 'expands' in declaration ? declaration.operands : FORMATS[declaration.format].operands;
}

/** The 32-bit instruction a declaration is or stands for. */
export function expansion(declaration: Declaration): Instruction {
  return 'expands' in declaration ? instructionNamed(declaration.expands) : declaration;
}

/** Bytes a load or store moves, read off its name (lbu, c.fsdsp, amoadd.w, ...). */
export function accessSize(instruction: Instruction): number {
  const letter = instruction.name.includes('.')
    ? instruction.name.split('.')[1]
    : instruction.name.replace(/^f?[ls]/, '');
  return MEMORY_SIZE[letter[0]];
}

/** The integer register an encoded instruction writes, if it writes one. */
export function destination(declaration: Declaration, bits: number): number | undefined {
  const operand = operandsOf(declaration).rd;
  return typeof operand === 'object' ? extract(operand, bits) : operand;
}

/** Bytes of its encoding. */
export function sizeOf(declaration: Declaration): 2 | 4 {
  return 'expands' in declaration ? 2 : 4;
}

/** Whether the operand can have the value. */
function fits(field: Field | number, value: number): boolean {
  if (typeof field === 'number') return field === value;
  const raw = value - (field.bias ?? 0);
  let bits = 0;
  for (const [from, width, to] of field.runs) bits |= ((raw >> to) & (2 ** width - 1)) << from;
  return extract(field, bits) === value;
}

/** A program being written, and the registers it must leave alone. */
export class Writer {
  protected readonly random: Random;
  protected items: Item[] = [];
  /** Registers that the block being written needs unchanged. */
  protected kept = new Set<number>();

  constructor(random: Random) {
    this.random = random;
  }

  protected add(name: string, bits: number, size: number, jump?: Jump): void {
    this.items.push({ name, bits, size, jump });
  }

  /** A 32-bit instruction with given operands. */
  protected simple(name: string, operands: Readonly<Record<string, number>>): void {
    this.add(name, encode(instructionNamed(name), operands), 4);
  }

  /** Bits with random operands, some of them `given`; undefined when they would break the program's promises. */
  protected encodeRandomly(
    declaration: Declaration,
    given: Readonly<Record<string, number>>,
  ): number | undefined {
    const operands = operandsOf(declaration);
    const values = new Map<Field, number>();
    for (const [name, field] of Object.entries(operands)) {
      if (typeof field === 'number') {
        if (name === 'rd' && this.kept.has(field)) return undefined;
        continue;
      }
      // Compressed forms have operands that share a field.
      values.set(field, given[name] ?? values.get(field) ?? this.operand(field));
    }
    const { rd } = operands;
    if (typeof rd === 'object' && this.kept.has(values.get(rd) as number)) return undefined;
    let bits = declaration.match;
    for (const [field, value] of values) {
      bits |= insert(field, value);
    }
    bits >>>= 0;
    return ('expands' in declaration ? find16(bits) : find32(bits)) === declaration ? bits : undefined;
  }

  protected operand(field: Field): number {
    if (field.kind === 'rm') return this.random.pick([0, 1, 2, 3, 4, 7, 7, 7, 7]);
    if (field.kind === 'csr') return this.random.pick(READ_WRITE_CSRS);
    const choice = field.kind === 'imm' ? this.random.below(8) : 7;
    if (choice === 0) return extract(field, 0xffffffff);
    if (choice === 1) return extract(field, 0);
    return extract(field, this.random.u32());
  }

  /** Draws operands until they fit; a declaration that cannot avoid a kept register is skipped. */
  protected draw(declaration: Declaration, given: Readonly<Record<string, number>> = {}): number | undefined {
    const operands = operandsOf(declaration);
    for (const [name, value] of Object.entries(given)) {
      if (name in operands && !fits(operands[name], value)) return undefined;
    }
    for (let attempt = 0; attempt < 50; attempt++) {
      const bits = this.encodeRandomly(declaration, given);
      if (bits !== undefined) return bits;
    }
    return undefined;
  }

  /** A register that is free to be set before the instruction that uses it as `field`; -1 when there is none. */
  protected freeRegister(field: Field | number): number {
    if (typeof field === 'number') return this.kept.has(field) ? -1 : field;
    for (let attempt = 0; attempt < 50; attempt++) {
      const register = extract(field, this.random.u32());
      if (register !== 0 && !this.kept.has(register)) return register;
    }
    return -1;
  }

  /** lui + addi: a 32-bit address into a register. */
  protected loadAddress(register: number, address: number): void {
    const low = (address << 20) >> 20;
    this.simple('lui', { rd: register, imm: (address - low) | 0 });
    this.simple('addi', { rd: register, rs1: register, imm: low });
  }

  /** An address in the scratch window for an access of `size` bytes: often across the page boundary, often crooked. */
  protected scratchAddress(size: number, aligned: boolean): number {
    const { start, middle, size: window } = SCRATCH;
    const address = this.random.oneIn(4)
      ? middle - size + this.random.below(2 * size)
      : start + this.random.below(window - size + 1);
    if (aligned || this.random.below(5) < 3) return address - (address % size);
    return address;
  }

  /** Adds a jump whose target is set by {@link land} or by the caller; answers its index, -1 when it cannot be had. */
  protected addJump(declaration: Declaration, given: Readonly<Record<string, number>> = {}): number {
    const field = operandsOf(declaration).imm as Field;
    const bits = this.draw(declaration, { ...given, imm: 0 });
    if (bits === undefined) return -1;
    this.add(declaration.name, bits, sizeOf(declaration), { field, to: 0 });
    return this.items.length - 1;
  }

  /** Makes the jump at `index` lead to what is added next. */
  protected land(index: number): void {
    (this.items[index].jump as Jump).to = this.items.length;
  }
}
