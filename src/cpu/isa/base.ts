/** RV64I, M, Zicsr, Zifencei and the supervisor's few instructions (unprivileged ISA 20191213, privileged ISA 1.12). */
import { declare, type Instruction } from './declare.ts';

const OP = 0x33;
const OP32 = 0x3b;
const OPIMM = 0x13;
const OPIMM32 = 0x1b;

const r = (
  name: string,
  opcode: number,
  funct3: number,
  funct7: number,
  meaning: string,
  ext: 'I' | 'M' = 'I',
) => declare(ext, name, 'R', opcode | (funct3 << 12) | (funct7 << 25), 0xfe00707f, meaning);
const i = (name: string, opcode: number, funct3: number, meaning: string) =>
  declare('I', name, 'I', opcode | (funct3 << 12), 0x707f, meaning);
const load = (name: string, funct3: number, type: string) =>
  declare('I', name, 'load', 0x03 | (funct3 << 12), 0x707f, `rd = load_${type}(rs1 + imm)`);
const store = (name: string, funct3: number, type: string) =>
  declare('I', name, 'S', 0x23 | (funct3 << 12), 0x707f, `store_${type}(rs1 + imm, rs2)`);
const branch = (name: string, funct3: number, condition: string) =>
  declare('I', name, 'B', 0x63 | (funct3 << 12), 0x707f, `if (${condition}) goto pc + imm`);
const shift6 = (name: string, funct3: number, top: number, meaning: string) =>
  declare('I', name, 'shift6', OPIMM | (funct3 << 12) | (top << 26), 0xfc00707f, meaning);
const shift5 = (name: string, funct3: number, top: number, meaning: string) =>
  declare('I', name, 'shift5', OPIMM32 | (funct3 << 12) | (top << 25), 0xfe00707f, meaning);
const csr = (name: string, funct3: number, call: string) =>
  declare('Zicsr', name, funct3 < 4 ? 'csr' : 'csri', 0x73 | (funct3 << 12), 0x707f, `rd = ${call}`);
const system = (name: string, match: number, meaning: string) =>
  declare('I', name, 'none', match, 0xffffffff, meaning);

export const BASE: readonly Instruction[] = [
  declare('I', 'lui', 'U', 0x37, 0x7f, 'rd = imm'),
  declare('I', 'auipc', 'U', 0x17, 0x7f, 'rd = pc + imm'),
  declare('I', 'jal', 'J', 0x6f, 0x7f, 'rd = next; goto pc + imm'),
  declare('I', 'jalr', 'load', 0x67, 0x707f, 't = (rs1 + imm) & ~1; rd = next; goto t'),

  branch('beq', 0, 'rs1 == rs2'),
  branch('bne', 1, 'rs1 != rs2'),
  branch('blt', 4, 'rs1 < rs2'),
  branch('bge', 5, 'rs1 >= rs2'),
  branch('bltu', 6, 'ltu(rs1, rs2)'),
  branch('bgeu', 7, '!ltu(rs1, rs2)'),

  load('lb', 0, 'i8'),
  load('lh', 1, 'i16'),
  load('lw', 2, 'i32'),
  load('ld', 3, 'i64'),
  load('lbu', 4, 'u8'),
  load('lhu', 5, 'u16'),
  load('lwu', 6, 'u32'),
  store('sb', 0, 'u8'),
  store('sh', 1, 'u16'),
  store('sw', 2, 'u32'),
  store('sd', 3, 'i64'),

  i('addi', OPIMM, 0, 'rd = rs1 + imm'),
  i('slti', OPIMM, 2, 'rd = truth(rs1 < imm)'),
  i('sltiu', OPIMM, 3, 'rd = truth(ltu(rs1, imm))'),
  i('xori', OPIMM, 4, 'rd = rs1 ^ imm'),
  i('ori', OPIMM, 6, 'rd = rs1 | imm'),
  i('andi', OPIMM, 7, 'rd = rs1 & imm'),
  shift6('slli', 1, 0, 'rd = rs1 << imm'),
  shift6('srli', 5, 0, 'rd = shr(rs1, imm)'),
  shift6('srai', 5, 0x10, 'rd = rs1 >> imm'),

  r('add', OP, 0, 0, 'rd = rs1 + rs2'),
  r('sub', OP, 0, 0x20, 'rd = rs1 - rs2'),
  r('sll', OP, 1, 0, 'rd = rs1 << (rs2 & 63)'),
  r('slt', OP, 2, 0, 'rd = truth(rs1 < rs2)'),
  r('sltu', OP, 3, 0, 'rd = truth(ltu(rs1, rs2))'),
  r('xor', OP, 4, 0, 'rd = rs1 ^ rs2'),
  r('srl', OP, 5, 0, 'rd = shr(rs1, rs2 & 63)'),
  r('sra', OP, 5, 0x20, 'rd = rs1 >> (rs2 & 63)'),
  r('or', OP, 6, 0, 'rd = rs1 | rs2'),
  r('and', OP, 7, 0, 'rd = rs1 & rs2'),

  i('addiw', OPIMM32, 0, 'rd = sx32(rs1 + imm)'),
  shift5('slliw', 1, 0, 'rd = sx32(rs1 << imm)'),
  shift5('srliw', 5, 0, 'rd = sx32(shr(zx32(rs1), imm))'),
  shift5('sraiw', 5, 0x20, 'rd = sx32(rs1) >> imm'),
  r('addw', OP32, 0, 0, 'rd = sx32(rs1 + rs2)'),
  r('subw', OP32, 0, 0x20, 'rd = sx32(rs1 - rs2)'),
  r('sllw', OP32, 1, 0, 'rd = sx32(rs1 << (rs2 & 31))'),
  r('srlw', OP32, 5, 0, 'rd = sx32(shr(zx32(rs1), rs2 & 31))'),
  r('sraw', OP32, 5, 0x20, 'rd = sx32(rs1) >> (rs2 & 31)'),

  r('mul', OP, 0, 1, 'rd = rs1 * rs2', 'M'),
  r('mulh', OP, 1, 1, 'rd = mulh(rs1, rs2)', 'M'),
  r('mulhsu', OP, 2, 1, 'rd = mulhsu(rs1, rs2)', 'M'),
  r('mulhu', OP, 3, 1, 'rd = mulhu(rs1, rs2)', 'M'),
  r('div', OP, 4, 1, 'rd = div(rs1, rs2)', 'M'),
  r('divu', OP, 5, 1, 'rd = divu(rs1, rs2)', 'M'),
  r('rem', OP, 6, 1, 'rd = rem(rs1, rs2)', 'M'),
  r('remu', OP, 7, 1, 'rd = remu(rs1, rs2)', 'M'),
  r('mulw', OP32, 0, 1, 'rd = sx32(rs1 * rs2)', 'M'),
  r('divw', OP32, 4, 1, 'rd = sx32(div(sx32(rs1), sx32(rs2)))', 'M'),
  r('divuw', OP32, 5, 1, 'rd = sx32(divu(zx32(rs1), zx32(rs2)))', 'M'),
  r('remw', OP32, 6, 1, 'rd = sx32(rem(sx32(rs1), sx32(rs2)))', 'M'),
  r('remuw', OP32, 7, 1, 'rd = sx32(remu(zx32(rs1), zx32(rs2)))', 'M'),

  declare('I', 'fence', 'none', 0x0f, 0x707f, ''),
  declare('Zifencei', 'fence.i', 'none', 0x100f, 0x707f, 'fencei()'),
  system('ecall', 0x73, 'ecall()'),
  system('ebreak', 0x100073, 'ebreak()'),
  csr('csrrw', 1, 'csrWrite(csr, rs1)'),
  csr('csrrs', 2, 'csrSet(csr, rs1, field_rs1)'),
  csr('csrrc', 3, 'csrClear(csr, rs1, field_rs1)'),
  csr('csrrwi', 5, 'csrWrite(csr, zimm)'),
  csr('csrrsi', 6, 'csrSet(csr, zimm, field_zimm)'),
  csr('csrrci', 7, 'csrClear(csr, zimm, field_zimm)'),
];
