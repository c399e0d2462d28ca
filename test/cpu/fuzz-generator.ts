/**
 * Random programs made from the instruction declarations.
 *
 * Always true: a program cannot trap, cannot loop for ever and reads nothing that differs between two machines: memory
 * operands lie in the scratch window, jumps go to labels of the program, loops count down a register nobody else
 * writes, `fcsr` never keeps a reserved rounding mode. What the ISA leaves open, or what needs a trap to be seen, is
 * left out by {@link leftOut}. One register is reserved: at the end it finds the way back (see fuzz-image.ts).
 */
import { F } from '../../src/cpu/isa/fields.ts';
import {
  COMPRESSED,
  extract,
  type Field,
  FORMATS,
  INSTRUCTIONS,
  type Instruction,
  instructionNamed,
} from '../../src/cpu/isa/index.ts';
import { encode, GAP, type Jump, type Program, SCRATCH } from './fuzz-program.ts';
import {
  accessSize,
  type Declaration,
  destination,
  expansion,
  operandsOf,
  sizeOf,
  Writer,
} from './fuzz-writer.ts';

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

const FUZZED: readonly Declaration[] = [...INSTRUCTIONS, ...COMPRESSED].filter((d) => !leftOut(d.name));
/** The commonest instructions of compiled code, in all their forms. */
const HOT_NAMES = new Set(
  (
    'lui auipc addi addiw slli srli srai slliw srliw sraiw add sub addw subw and or xor andi ori xori slt sltu sltiu mul ' +
    'sh3add zext.h lb lbu lh lhu lw lwu ld sb sh sw sd beq bne blt bge bltu bgeu'
  ).split(' '),
);
const HOT: readonly Declaration[] = FUZZED.filter((d) => HOT_NAMES.has(expansion(d).name));
/** Float instructions that compute. */
const ARITHMETIC: readonly Declaration[] = INSTRUCTIONS.filter(
  ({ format, extension }) =>
    (extension === 'F' || extension === 'D') && format !== 'fload' && format !== 'fstore',
);
const TEMPORARIES = [5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24, 25, 26, 27, 29, 30];

/** Writes one program. Declarations are dealt like cards so that each comes up equally often. */
export class Generator extends Writer {
  private deck: Declaration[] = [];
  private reserved = 0;

  /** A program of about `length` instructions. */
  program(length: number): Program {
    this.reserved = this.random.pick([1, 3, 4, 9, 15, 20, 28, 31]);
    this.items = [];
    this.kept = new Set([this.reserved]);
    const float = this.random.oneIn(3);
    while (this.items.length < length) {
      if (float) this.emitFloat();
      else if (this.random.oneIn(4)) this.emitHotRun();
      else this.emit(this.deal());
    }
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
    let address = this.scratchAddress(size, atomic);
    // The ISA leaves open whether an SC pairs with an LR of another width: they never meet at one address.
    if (/^(lr|sc).w/.test(instruction.name)) address |= 4;
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
      if (this.random.oneIn(12)) this.emitGap((this.items[at].jump as Jump).field);
      this.land(at);
    }
  }

  /** Bytes to jump over, so many that the offset's upper bits matter; what falls through to them goes round them. */
  private emitGap(field: Field): void {
    const bits = 4 + this.random.below(this.random.oneIn(40) ? 17 : 9);
    const reach = 2 ** Math.min(bits, field.signBit as number) - 200;
    if (reach < 2) return;
    const round = this.addJump(instructionNamed('jal'), { rd: 0 });
    this.add(GAP, 0, 2 * (1 + this.random.below(reach / 2)));
    this.land(round);
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
      if (at >= 0) (this.items[at].jump as Jump).to = top;
      return;
    }
    // beq, bge and bgeu leave the loop, a bne behind them goes on.
    const exit = this.addJump(declaration, name === 'beq' ? given : { rs1: 0, rs2: counter });
    const again = this.addJump(instructionNamed('bne'), { rs1: counter, rs2: 0 });
    (this.items[again].jump as Jump).to = top;
    if (exit >= 0) this.land(exit);
  }

  /** jump over a block, jump back to it, and from its end on to what follows. */
  private emitBackwardJump(declaration: Declaration): void {
    const over = this.addJump(instructionNamed('jal'), { rd: 0 });
    const block = this.items.length;
    this.emitFiller(1 + this.random.below(2));
    const out = this.addJump(instructionNamed('jal'), { rd: 0 });
    if (this.random.oneIn(12)) this.emitGap(operandsOf(declaration).imm as Field);
    this.land(over);
    const back = this.addJump(declaration);
    if (back < 0) {
      const plain = this.addJump(instructionNamed('jal'), { rd: 0 });
      (this.items[plain].jump as Jump).to = block;
    } else {
      (this.items[back].jump as Jump).to = block;
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
      this.add(declaration.name, bits, sizeOf(declaration), {
        field,
        to: 0,
        from,
        odd: this.random.oneIn(3),
      });
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

  /**
   * Float arithmetic on operands of one group of f0..f15 (two groups of doubles, two of singles, each made to be
   * interesting together), its result where it does not spoil the groups. Mostly the flags it raised are then moved to
   * an integer register, because what has accrued hides what comes later.
   */
  private emitFloat(): void {
    const declaration = this.random.pick(ARITHMETIC);
    const operands = operandsOf(declaration);
    const double = declaration.name.endsWith('.d') !== this.random.oneIn(16);
    const group = (double ? 0 : 8) + 4 * this.random.below(2);
    const given: Record<string, number> = {};
    for (const name of ['fs1', 'fs2', 'fs3'])
      if (name in operands) given[name] = group + this.random.below(4);
    if ('fd' in operands) given.fd = 16 + this.random.below(16);
    const bits = this.draw(declaration, given);
    const flags = this.random.pick(TEMPORARIES);
    if (bits === undefined || this.kept.has(flags)) return;
    this.add(declaration.name, bits, 4);
    if (!this.random.oneIn(3))
      this.simple('csrrwi', { rd: flags, csr: 1, zimm: this.random.pick([0, 0, 1, 31]) });
  }

  /**
   * A few of the commonest instructions in a row, each feeding on the one before: what an interpreter is tempted to
   * fuse. Memory is reached through one pointer into the window, or as compilers do, relative to pc.
   */
  private emitHotRun(): void {
    const pointer = this.random.pick(
      [2, 8, 9, 10, 11, 12, 13, 14, 15, 18, 30].filter((r) => !this.kept.has(r)),
    );
    this.loadAddress(pointer, SCRATCH.middle);
    this.kept.add(pointer);
    let last = this.random.below(32);
    for (let count = 2 + this.random.below(4); count > 0; count--) last = this.emitHot(pointer, last);
    this.kept.delete(pointer);
  }

  /** One instruction of a hot run; answers the register it wrote, or `last` when none. */
  private emitHot(pointer: number, last: number): number {
    const declaration = this.random.pick(HOT);
    const instruction = expansion(declaration);
    const given: Record<string, number> = {};
    if (this.random.below(4) > 0) given[this.random.oneIn(3) ? 'rs2' : 'rs1'] = last;
    if (instruction.format === 'B') {
      const at = this.addJump(declaration, given);
      if (at < 0) return last;
      this.emitFiller(this.random.below(2));
      this.land(at);
      return last;
    }
    if (instruction.format === 'load' || instruction.format === 'S') {
      const size = accessSize(instruction);
      if (this.random.oneIn(6) && declaration === instruction) return this.emitPcRelative(instruction, size);
      const offset = this.random.below(SCRATCH.size - size + 1) - SCRATCH.size / 2;
      Object.assign(given, { rs1: pointer, imm: this.random.oneIn(3) ? offset : offset - (offset % size) });
    }
    const bits =
      this.draw(declaration, given) ?? this.draw(declaration, { ...given, rs2: this.random.below(32) });
    if (bits === undefined) return last;
    this.add(declaration.name, bits, sizeOf(declaration));
    return destination(declaration, bits) ?? last;
  }

  /** auipc and a load or store relative to it. */
  private emitPcRelative(instruction: Instruction, size: number): number {
    const base = this.freeRegister(F.rs1);
    const bits = this.draw(instruction, { rs1: base, imm: 0 });
    if (bits === undefined) return base;
    const from = this.items.length;
    const to = this.scratchAddress(size, false);
    this.simple('auipc', { rd: base, imm: 0 });
    this.items[from].address = { field: F.immU, part: 'high', to, from };
    this.add(instruction.name, bits, 4);
    const field = operandsOf(instruction).imm as Field;
    this.items[from + 1].address = { field, part: 'low', to, from };
    return destination(instruction, bits) ?? base;
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
