/** Zba and Zbb: address generation and basic bit manipulation (bitmanip ISA 1.0.0). Debian does not ask for them. */
import { declare, type Instruction } from './declare.ts';

const OP = 0x33;
const OP32 = 0x3b;
const OPIMM = 0x13;
const OPIMM32 = 0x1b;

const r = (
  ext: 'Zba' | 'Zbb',
  name: string,
  opcode: number,
  funct3: number,
  funct7: number,
  meaning: string,
) => declare(ext, name, 'R', opcode | (funct3 << 12) | (funct7 << 25), 0xfe00707f, meaning);
const unary = (name: string, opcode: number, funct3: number, funct12: number, meaning: string) =>
  declare('Zbb', name, 'R1', opcode | (funct3 << 12) | (funct12 << 20), 0xfff0707f, meaning);

export const BITMANIP: readonly Instruction[] = [
  r('Zba', 'sh1add', OP, 2, 0x10, 'rd = (rs1 << 1) + rs2'),
  r('Zba', 'sh2add', OP, 4, 0x10, 'rd = (rs1 << 2) + rs2'),
  r('Zba', 'sh3add', OP, 6, 0x10, 'rd = (rs1 << 3) + rs2'),
  r('Zba', 'add.uw', OP32, 0, 0x04, 'rd = zx32(rs1) + rs2'),
  r('Zba', 'sh1add.uw', OP32, 2, 0x10, 'rd = (zx32(rs1) << 1) + rs2'),
  r('Zba', 'sh2add.uw', OP32, 4, 0x10, 'rd = (zx32(rs1) << 2) + rs2'),
  r('Zba', 'sh3add.uw', OP32, 6, 0x10, 'rd = (zx32(rs1) << 3) + rs2'),
  declare('Zba', 'slli.uw', 'shift6', OPIMM32 | (1 << 12) | (2 << 26), 0xfc00707f, 'rd = zx32(rs1) << imm'),

  r('Zbb', 'andn', OP, 7, 0x20, 'rd = rs1 & ~rs2'),
  r('Zbb', 'orn', OP, 6, 0x20, 'rd = rs1 | ~rs2'),
  r('Zbb', 'xnor', OP, 4, 0x20, 'rd = ~(rs1 ^ rs2)'),
  r('Zbb', 'max', OP, 6, 0x05, 'rd = rs1 > rs2 ? rs1 : rs2'),
  r('Zbb', 'maxu', OP, 7, 0x05, 'rd = ltu(rs1, rs2) ? rs2 : rs1'),
  r('Zbb', 'min', OP, 4, 0x05, 'rd = rs1 < rs2 ? rs1 : rs2'),
  r('Zbb', 'minu', OP, 5, 0x05, 'rd = ltu(rs1, rs2) ? rs1 : rs2'),
  r('Zbb', 'rol', OP, 1, 0x30, 'rd = rotl<i64>(rs1, rs2 & 63)'),
  r('Zbb', 'ror', OP, 5, 0x30, 'rd = rotr<i64>(rs1, rs2 & 63)'),
  r('Zbb', 'rolw', OP32, 1, 0x30, 'rd = sx32(rotl<i32>(<i32>rs1, <i32>rs2 & 31))'),
  r('Zbb', 'rorw', OP32, 5, 0x30, 'rd = sx32(rotr<i32>(<i32>rs1, <i32>rs2 & 31))'),
  declare('Zbb', 'rori', 'shift6', OPIMM | (5 << 12) | (0x18 << 26), 0xfc00707f, 'rd = rotr<i64>(rs1, imm)'),
  declare(
    'Zbb',
    'roriw',
    'shift5',
    OPIMM32 | (5 << 12) | (0x30 << 25),
    0xfe00707f,
    'rd = sx32(rotr<i32>(<i32>rs1, <i32>imm))',
  ),
  unary('clz', OPIMM, 1, 0x600, 'rd = clz<i64>(rs1)'),
  unary('ctz', OPIMM, 1, 0x601, 'rd = ctz<i64>(rs1)'),
  unary('cpop', OPIMM, 1, 0x602, 'rd = popcnt<i64>(rs1)'),
  unary('sext.b', OPIMM, 1, 0x604, 'rd = <i64><i8>rs1'),
  unary('sext.h', OPIMM, 1, 0x605, 'rd = <i64><i16>rs1'),
  unary('clzw', OPIMM32, 1, 0x600, 'rd = <i64>clz<i32>(<i32>rs1)'),
  unary('ctzw', OPIMM32, 1, 0x601, 'rd = <i64>ctz<i32>(<i32>rs1)'),
  unary('cpopw', OPIMM32, 1, 0x602, 'rd = <i64>popcnt<i32>(<i32>rs1)'),
  unary('zext.h', OP32, 4, 0x080, 'rd = rs1 & 0xffff'),
  unary('orc.b', OPIMM, 5, 0x287, 'rd = orcb(rs1)'),
  unary('rev8', OPIMM, 5, 0x6b8, 'rd = bswap<i64>(rs1)'),
];
