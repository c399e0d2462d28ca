/**
 * The C extension for RV64: every 16-bit encoding as the 32-bit instruction it stands for. The first declaration that
 * matches wins, so special cases stand before general ones. Reserved encodings match nothing and are illegal.
 */
import type { Compressed } from './declare.ts';
import { C } from './fields.ts';

const SP = 2;
const Q0 = 0;
const Q1 = 1;
const Q2 = 2;

function c(
  name: string,
  quadrant: number,
  funct3: number,
  expands: string,
  operands: Compressed['operands'],
  syntax: string,
  more: { match?: number; mask?: number; nonzero?: string[] } = {},
): Compressed {
  return {
    name: `c.${name}`,
    match: quadrant | (funct3 << 13) | (more.match ?? 0),
    mask: 0xe003 | (more.mask ?? 0),
    expands,
    operands,
    syntax,
    nonzero: more.nonzero,
  };
}

const arith = (name: string, expands: string, match: number) =>
  c(name, Q1, 4, expands, { rd: C.rs1p, rs1: C.rs1p, rs2: C.rs2p }, 'rd,rs2', { match, mask: 0xfc60 });

export const COMPRESSED: readonly Compressed[] = [
  c('addi4spn', Q0, 0, 'addi', { rd: C.rdp, rs1: SP, imm: C.addi4spn }, 'rd,rs1,imm', { nonzero: ['imm'] }),
  c('fld', Q0, 1, 'fld', { fd: C.fdp, rs1: C.rs1p, imm: C.double }, 'fd,imm(rs1)'),
  c('lw', Q0, 2, 'lw', { rd: C.rdp, rs1: C.rs1p, imm: C.word }, 'rd,imm(rs1)'),
  c('ld', Q0, 3, 'ld', { rd: C.rdp, rs1: C.rs1p, imm: C.double }, 'rd,imm(rs1)'),
  c('fsd', Q0, 5, 'fsd', { fs2: C.fdp, rs1: C.rs1p, imm: C.double }, 'fs2,imm(rs1)'),
  c('sw', Q0, 6, 'sw', { rs2: C.rs2p, rs1: C.rs1p, imm: C.word }, 'rs2,imm(rs1)'),
  c('sd', Q0, 7, 'sd', { rs2: C.rs2p, rs1: C.rs1p, imm: C.double }, 'rs2,imm(rs1)'),

  c('addi', Q1, 0, 'addi', { rd: C.rd, rs1: C.rd, imm: C.six }, 'rd,imm'),
  c('addiw', Q1, 1, 'addiw', { rd: C.rd, rs1: C.rd, imm: C.six }, 'rd,imm', { nonzero: ['rd'] }),
  c('li', Q1, 2, 'addi', { rd: C.rd, rs1: 0, imm: C.six }, 'rd,imm'),
  c('addi16sp', Q1, 3, 'addi', { rd: SP, rs1: SP, imm: C.addi16sp }, 'rd,imm', {
    match: SP << 7,
    mask: 0xf80,
    nonzero: ['imm'],
  }),
  c('lui', Q1, 3, 'lui', { rd: C.rd, imm: C.lui }, 'rd,upper', { nonzero: ['imm'] }),
  c('srli', Q1, 4, 'srli', { rd: C.rs1p, rs1: C.rs1p, imm: C.shamt }, 'rd,shamt', { mask: 0xc00 }),
  c('srai', Q1, 4, 'srai', { rd: C.rs1p, rs1: C.rs1p, imm: C.shamt }, 'rd,shamt', {
    match: 0x400,
    mask: 0xc00,
  }),
  c('andi', Q1, 4, 'andi', { rd: C.rs1p, rs1: C.rs1p, imm: C.six }, 'rd,imm', { match: 0x800, mask: 0xc00 }),
  arith('sub', 'sub', 0x0c00),
  arith('xor', 'xor', 0x0c20),
  arith('or', 'or', 0x0c40),
  arith('and', 'and', 0x0c60),
  arith('subw', 'subw', 0x1c00),
  arith('addw', 'addw', 0x1c20),
  c('j', Q1, 5, 'jal', { rd: 0, imm: C.jump }, 'target'),
  c('beqz', Q1, 6, 'beq', { rs1: C.rs1p, rs2: 0, imm: C.branch }, 'rs1,target'),
  c('bnez', Q1, 7, 'bne', { rs1: C.rs1p, rs2: 0, imm: C.branch }, 'rs1,target'),

  c('slli', Q2, 0, 'slli', { rd: C.rd, rs1: C.rd, imm: C.shamt }, 'rd,shamt'),
  c('fldsp', Q2, 1, 'fld', { fd: C.fd, rs1: SP, imm: C.doubleFromSp }, 'fd,imm(rs1)'),
  c('lwsp', Q2, 2, 'lw', { rd: C.rd, rs1: SP, imm: C.wordFromSp }, 'rd,imm(rs1)', { nonzero: ['rd'] }),
  c('ldsp', Q2, 3, 'ld', { rd: C.rd, rs1: SP, imm: C.doubleFromSp }, 'rd,imm(rs1)', { nonzero: ['rd'] }),
  c('jr', Q2, 4, 'jalr', { rd: 0, rs1: C.rd, imm: 0 }, 'rs1', { mask: 0x107c, nonzero: ['rs1'] }),
  c('mv', Q2, 4, 'add', { rd: C.rd, rs1: 0, rs2: C.rs2 }, 'rd,rs2', { mask: 0x1000, nonzero: ['rs2'] }),
  c('ebreak', Q2, 4, 'ebreak', {}, '', { match: 0x1000, mask: 0x1ffc }),
  c('jalr', Q2, 4, 'jalr', { rd: 1, rs1: C.rd, imm: 0 }, 'rs1', {
    match: 0x1000,
    mask: 0x107c,
    nonzero: ['rs1'],
  }),
  c('add', Q2, 4, 'add', { rd: C.rd, rs1: C.rd, rs2: C.rs2 }, 'rd,rs2', {
    match: 0x1000,
    mask: 0x1000,
    nonzero: ['rs2'],
  }),
  c('fsdsp', Q2, 5, 'fsd', { fs2: C.fs2, rs1: SP, imm: C.doubleToSp }, 'fs2,imm(rs1)'),
  c('swsp', Q2, 6, 'sw', { rs2: C.rs2, rs1: SP, imm: C.wordToSp }, 'rs2,imm(rs1)'),
  c('sdsp', Q2, 7, 'sd', { rs2: C.rs2, rs1: SP, imm: C.doubleToSp }, 'rs2,imm(rs1)'),
];
