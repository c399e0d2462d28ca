/**
 * Random programs made from the instruction declarations.
 *
 * Always true: a program cannot trap, cannot loop for ever and reads nothing that differs between two machines: memory
 * operands lie in the scratch window, jumps go to labels of the program, loops count down a register nobody else
 * writes, `fcsr` never keeps a reserved rounding mode. What the ISA leaves open, or what needs a trap to be seen, is
 * left out by {@link leftOut}. One register is reserved: at the end it finds the way back (see fuzz-image.ts).
 */
import {
  COMPRESSED,
  type Compressed,
  extract,
  type Field,
  FORMATS,
  find16,
  find32,
  INSTRUCTIONS,
  type Instruction,
  insert,
  instructionNamed,
} from '../../src/cpu/isa/index.ts';
import type { Random } from './fuzz-random.ts';

/** The window that loads and stores hit; a page boundary lies in its middle. */
export const SCRATCH = { start: 0x60f00, middle: 0x61000, size: 512 } as const;

/** Instructions no program contains, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  // CSRs other than fflags, frm and fcsr are left out too: counters differ, the rest trap.
  ecall: 'leaves the program; the traps have tests of their own',
  ebreak: 'traps; the traps have tests of their own',
  'c.ebreak': 'traps; the traps have tests of their own',
  sret: 'privileged',
  wfi: 'privileged',
  'sfence.vma': 'privileged',
};

/** Why an instruction is not fuzzed, or undefined when it is. */
export function leftOut(name: string): string | undefined {
  return LEFT_OUT[name];
}

/** One instruction of a program; the target of a jump is the index of an item, the program's length being its end. */
export interface Item {
  name: string;
  bits: number;
  size: 2 | 4;
  jump?: { field: Field; to: number; from?: number };
}

export interface Program {
  /** The register that stays what it was. */
  reserved: number;
  items: Item[];
}

type Declaration = Instruction | Compressed;
type Operands = Record<string, Field | number>;

const FUZZED: readonly Declaration[] = [...INSTRUCTIONS, ...COMPRESSED].filter((d) => !leftOut(d.name));
const TEMPORARIES = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 28, 29, 30];
const MEMORY_SIZE: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, d: 8 };
const READ_WRITE_CSRS = [1, 2, 3];

function operandsOf(declaration: Declaration): Operands {
  return 'expands' in declaration ? declaration.operands : FORMATS[declaration.format].operands;
}

function expansion(declaration: Declaration): Instruction {
  return 'expands' in declaration ? instructionNamed(declaration.expands) : declaration;
}

/** Bytes a load or store moves, read off its name (lbu, c.fsdsp, amoadd.w, ...). */
function accessSize(instruction: Instruction): number {
  const letter = instruction.name.includes('.')
    ? instruction.name.split('.')[1]
    : instruction.name.replace(/^f?[ls]/, '');
  return MEMORY_SIZE[letter[0]];
}

/** Writes one program. Declarations are dealt like cards so that each comes up equally often. */
export class Generator {
  private readonly random: Random;
  private deck: Declaration[] = [];
  private items: Item[] = [];
  private reserved = 0;
  /** Registers that the block being written needs unchanged. */
  private kept = new Set<number>();

  constructor(random: Random) {
    this.random = random;
  }

  /** A program of about `length` instructions. */
  program(length: number): Program {
    this.reserved = this.random.pick([1, 3, 4, 9, 15, 20, 28, 31]);
    this.items = [];
    this.kept = new Set([this.reserved]);
    while (this.items.length < length) this.emit(this.deal());
    return { reserved: this.reserved, items: this.items };
  }

  private deal(): Declaration {
    if (this.deck.length === 0) {
      this.deck = [...FUZZED];
      for (let i = this.deck.length - 1; i > 0; i--) {
        const j = this.random.below(i + 1);
        [this.deck[i], this.deck[j]] = [this.deck[j], this.deck[i]];
      }
    }
    return this.deck.pop() as Declaration;
  }

  private emit(declaration: Declaration): void {
    const instruction = expansion(declaration);
    switch (instruction.format) {
      case 'load':
        if (instruction.name === 'jalr') this.emitIndirectJump(declaration);
        else this.emitMemory(declaration);
        break;
      case 'S':
      case 'fload':
      case 'fstore':
      case 'amo':
      case 'lr':
        this.emitMemory(declaration);
        break;
      case 'B':
      case 'J':
        this.emitJump(declaration);
        break;
      case 'csr':
      case 'csri':
        this.emitCsr(declaration);
        break;
      default:
        this.emitPlain(declaration);
    }
  }

  /** Something to stand between a jump and its target. */
  private emitFiller(count: number): void {
    for (let i = 0; i < count; ) {
      const declaration = this.random.pick(FUZZED);
      const { format, name } = expansion(declaration);
      if (['B', 'J', 'csr', 'csri', 'lr'].includes(format) || name === 'jalr' || name.startsWith('sc.'))
        continue;
      this.emit(declaration);
      i++;
    }
  }

  private add(name: string, bits: number, size: 2 | 4, jump?: Item['jump']): void {
    this.items.push({ name, bits, size, jump });
  }

  /** A 32-bit instruction with given operands. */
  private simple(name: string, operands: Readonly<Record<string, number>>): void {
    this.add(name, encode(instructionNamed(name), operands), 4);
  }

  /** Bits with random operands, some of them `given`; undefined when they would break the program's promises. */
  private encodeRandomly(
    declaration: Declaration,
    given: Readonly<Record<string, number>>,
  ): number | undefined {
    const operands = operandsOf(declaration);
    const values = new Map<Field, number>();
    for (const [name, field] of Object.entries(operands)) {
      if (typeof field === 'number') {
        if (name === 'rd' && this.kept.has(field)) return undefined;
        if (name in given && given[name] !== field) return undefined;
        continue;
      }
      const value = given[name] ?? values.get(field) ?? this.operand(field);
      if (field.kind === 'x' && name === 'rd' && this.kept.has(value)) return undefined;
      values.set(field, value);
    }
    let bits = declaration.match;
    for (const [field, value] of values) bits |= insert(field, value);
    bits >>>= 0;
    return ('expands' in declaration ? find16(bits) : find32(bits)) === declaration ? bits : undefined;
  }

  private operand(field: Field): number {
    if (field.kind === 'rm') return this.random.pick([0, 1, 2, 3, 4, 7, 7, 7, 7]);
    if (field.kind === 'csr') return this.random.pick(READ_WRITE_CSRS);
    const choice = field.kind === 'imm' ? this.random.below(8) : 7;
    if (choice === 0) return extract(field, 0xffffffff);
    if (choice === 1) return extract(field, 0);
    return extract(field, this.random.u32());
  }

  /** Draws operands until they fit; a declaration that cannot avoid a kept register is skipped. */
  private draw(declaration: Declaration, given: Readonly<Record<string, number>> = {}): number | undefined {
    for (let attempt = 0; attempt < 50; attempt++) {
      const bits = this.encodeRandomly(declaration, given);
      if (bits !== undefined) return bits;
    }
    return undefined;
  }

  private emitPlain(declaration: Declaration): void {
    if (declaration.name === 'ctzw') {
      this.emitCtzw(declaration);
      return;
    }
    const bits = this.draw(declaration);
    if (bits !== undefined) this.add(declaration.name, bits, sizeOf(declaration));
  }

  /**
   * ctzw of a number whose lower half is not zero: for others qemu before 8.0 answers the zeros of all 64 bits (its
   * commit "target/riscv: Fix ctzw behavior"), where the ISA says 32. A test of fuzz.test.ts has those.
   */
  private emitCtzw(declaration: Declaration): void {
    const source = this.freeRegister(operandsOf(declaration).rs1);
    const bits = source < 0 ? undefined : this.draw(declaration, { rs1: source });
    if (bits === undefined) return;
    this.simple('ori', { rd: source, rs1: source, imm: -(1 << this.random.below(11)) });
    this.add(declaration.name, bits, 4);
  }

  /** A register that is free to be set before the instruction that uses it as `field`; -1 when there is none. */
  private freeRegister(field: Field | number): number {
    if (typeof field === 'number') return this.kept.has(field) ? -1 : field;
    for (let attempt = 0; attempt < 50; attempt++) {
      const register = extract(field, this.random.u32());
      if (register !== 0 && !this.kept.has(register)) return register;
    }
    return -1;
  }

  /** lui + addi: a 32-bit address into a register. */
  private loadAddress(register: number, address: number): void {
    const low = (address << 20) >> 20;
    this.simple('lui', { rd: register, imm: (address - low) | 0 });
    this.simple('addi', { rd: register, rs1: register, imm: low });
  }

  /** An address in the scratch window for an access of `size` bytes: often across the page boundary, often crooked. */
  private scratchAddress(size: number, aligned: boolean): number {
    const { start, middle, size: window } = SCRATCH;
    const address = this.random.oneIn(4)
      ? middle - size + this.random.below(2 * size)
      : start + this.random.below(window - size + 1);
    if (aligned || this.random.below(5) < 3) return address - (address % size);
    return address;
  }

  private emitMemory(declaration: Declaration): void {
    const instruction = expansion(declaration);
    const size = accessSize(instruction);
    const atomic = instruction.format === 'amo' || instruction.format === 'lr';
    const operands = operandsOf(declaration);
    const base = this.freeRegister(operands.rs1);
    if (base < 0) return;
    const bits = this.draw(declaration, { rs1: base });
    if (bits === undefined) return;
    const field = operands.imm;
    const offset = typeof field === 'object' ? extract(field, bits) : (field ?? 0);
    const address = this.scratchAddress(size, atomic);
    this.loadAddress(base, address - offset);
    if (instruction.name.startsWith('sc.') && !this.random.oneIn(6)) this.emitReservation(instruction, base);
    this.add(declaration.name, bits, sizeOf(declaration));
  }

  /** An LR at the address of the SC that follows, with up to two other instructions between them. */
  private emitReservation(conditional: Instruction, base: number): void {
    this.kept.add(base);
    const bits = this.draw(instructionNamed(conditional.name.replace('sc', 'lr')), { rs1: base });
    if (bits !== undefined) this.add(conditional.name.replace('sc', 'lr'), bits, 4);
    this.emitFiller(this.random.below(3));
    this.kept.delete(base);
  }

  private emitJump(declaration: Declaration): void {
    const style = this.random.below(4);
    if (style === 0 && expansion(declaration).format === 'B') {
      this.emitLoop(declaration);
    } else if (style === 0) {
      this.emitBackwardJump(declaration);
    } else {
      const at = this.addJump(declaration);
      if (at < 0) return;
      this.emitFiller(1 + this.random.below(3));
      this.land(at);
    }
  }

  /** Adds a jump whose target is set by {@link land} or by the caller; answers its index, -1 when it cannot be had. */
  private addJump(declaration: Declaration, given: Readonly<Record<string, number>> = {}): number {
    const field = operandsOf(declaration).imm as Field;
    const bits = this.draw(declaration, { ...given, imm: 0 });
    if (bits === undefined) return -1;
    this.add(declaration.name, bits, sizeOf(declaration), { field, to: 0 });
    return this.items.length - 1;
  }

  /** Makes the jump at `index` lead to what is added next. */
  private land(index: number): void {
    (this.items[index].jump as { to: number }).to = this.items.length;
  }

  /** A counted loop that ends with the branch, turned so that it is taken while the count lasts. */
  private emitLoop(declaration: Declaration): void {
    const operands = operandsOf(declaration);
    const counter = this.freeRegister(operands.rs1);
    const { name } = expansion(declaration);
    if (counter < 0 || this.kept.size > 2) return;
    // The count runs to zero from above; what compares "less" gets the operands the other way round.
    const swapped = name === 'blt' || name === 'bltu';
    const given = swapped ? { rs1: 0, rs2: counter } : { rs1: counter, rs2: 0 };
    this.simple('addi', { rd: counter, rs1: 0, imm: 1 + this.random.below(5) });
    const top = this.items.length;
    this.kept.add(counter);
    this.emitFiller(1 + this.random.below(3));
    this.kept.delete(counter);
    this.simple('addi', { rd: counter, rs1: counter, imm: -1 });
    if (name === 'bne' || swapped) {
      const at = this.addJump(declaration, given);
      if (at >= 0) (this.items[at].jump as { to: number }).to = top;
      return;
    }
    // beq, bge and bgeu leave the loop, a bne behind them goes on.
    const exit = this.addJump(declaration, name === 'beq' ? given : { rs1: 0, rs2: counter });
    const again = this.addJump(instructionNamed('bne'), { rs1: counter, rs2: 0 });
    (this.items[again].jump as { to: number }).to = top;
    if (exit >= 0) this.land(exit);
  }

  /** jump over a block, jump back to it, and from its end on to what follows. */
  private emitBackwardJump(declaration: Declaration): void {
    const over = this.addJump(instructionNamed('jal'), { rd: 0 });
    const block = this.items.length;
    this.emitFiller(1 + this.random.below(2));
    const out = this.addJump(instructionNamed('jal'), { rd: 0 });
    this.land(over);
    const back = this.addJump(declaration);
    if (back < 0) {
      const plain = this.addJump(instructionNamed('jal'), { rd: 0 });
      (this.items[plain].jump as { to: number }).to = block;
    } else {
      (this.items[back].jump as { to: number }).to = block;
    }
    this.land(out);
  }

  /** auipc and a jalr that lands a few instructions on. The offset is settled when the program is laid out. */
  private emitIndirectJump(declaration: Declaration): void {
    const operands = operandsOf(declaration);
    const base = this.freeRegister(operands.rs1);
    if (base < 0) return;
    const field = operands.imm;
    const bits = this.draw(declaration, typeof field === 'object' ? { rs1: base, imm: 0 } : { rs1: base });
    if (bits === undefined) return;
    this.simple('auipc', { rd: base, imm: 0 });
    const from = this.items.length - 1;
    let at = this.items.length;
    if (typeof field === 'object') {
      this.add(declaration.name, bits, sizeOf(declaration), { field, to: 0, from });
    } else {
      const addi = instructionNamed('addi');
      this.add('addi', encode(addi, { rd: base, rs1: base, imm: 0 }), 4, {
        field: FORMATS.I.operands.imm,
        to: 0,
        from,
      });
      this.add(declaration.name, bits, sizeOf(declaration));
      at = this.items.length - 2;
    }
    this.emitFiller(1 + this.random.below(3));
    this.land(at);
  }

  /** A CSR instruction, then what it left in fcsr, then a rounding mode that exists. */
  private emitCsr(declaration: Declaration): void {
    const bits = this.draw(declaration);
    const free = this.random.pick(TEMPORARIES);
    if (bits === undefined || this.kept.has(free)) return;
    this.add(declaration.name, bits, sizeOf(declaration));
    this.simple('csrrs', { rd: free, csr: 3, rs1: 0 });
    this.simple('csrrwi', { rd: 0, csr: 2, zimm: this.random.below(5) });
  }
}

function sizeOf(declaration: Declaration): 2 | 4 {
  return 'expands' in declaration ? 2 : 4;
}

/** The bits of a 32-bit instruction with the operands given by name. */
export function encode(instruction: Instruction, operands: Readonly<Record<string, number>>): number {
  let bits = instruction.match;
  for (const [name, field] of Object.entries(FORMATS[instruction.format].operands as Record<string, Field>)) {
    bits |= insert(field, operands[name]);
  }
  return bits >>> 0;
}

/** The bytes of the first `count` items laid out at `address`; jumps that lead further on lead to the end. */
export function layOut(program: Program, address: number, count = program.items.length): Uint8Array {
  const items = program.items.slice(0, count);
  const addresses = [address];
  for (const item of items) addresses.push(addresses[addresses.length - 1] + item.size);
  const bytes = new Uint8Array(addresses[count] - address);
  const view = new DataView(bytes.buffer);
  items.forEach((item, index) => {
    let bits = item.bits;
    if (item.jump) {
      const target = addresses[Math.min(item.jump.to, count)];
      bits |= insert(item.jump.field, target - addresses[item.jump.from ?? index]);
    }
    if (item.size === 2) view.setUint16(addresses[index] - address, bits, true);
    else view.setUint32(addresses[index] - address, bits >>> 0, true);
  });
  return bytes;
}
