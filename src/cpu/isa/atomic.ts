/** The A extension: LR/SC and atomic memory operations. One hart, so every order bit is trivially obeyed. */
import { declare, type Instruction } from './declare.ts';

const AMO = 0x2f;

function both(
  name: string,
  funct5: number,
  meaning: (old: string, operand: string) => string,
): Instruction[] {
  const make = (suffix: string, funct3: number, type: string, old: string, operand: string) =>
    declare(
      'A',
      `amo${name}.${suffix}`,
      'amo',
      AMO | (funct3 << 12) | (funct5 << 27),
      0xf800707f,
      `rd = swap_${type}(rs1, ${meaning(old, operand)})`,
    );
  return [make('w', 2, 'i32', 'old', 'sx32(rs2)'), make('d', 3, 'i64', 'old', 'rs2')];
}

export const ATOMIC: readonly Instruction[] = [
  declare('A', 'lr.w', 'lr', AMO | (2 << 12) | (2 << 27), 0xf9f0707f, 'rd = lr_i32(rs1)'),
  declare('A', 'lr.d', 'lr', AMO | (3 << 12) | (2 << 27), 0xf9f0707f, 'rd = lr_i64(rs1)'),
  declare('A', 'sc.w', 'amo', AMO | (2 << 12) | (3 << 27), 0xf800707f, 'rd = sc_i32(rs1, rs2)'),
  declare('A', 'sc.d', 'amo', AMO | (3 << 12) | (3 << 27), 0xf800707f, 'rd = sc_i64(rs1, rs2)'),
  ...both('swap', 1, (_old, operand) => operand),
  ...both('add', 0, (old, operand) => `${old} + ${operand}`),
  ...both('xor', 4, (old, operand) => `${old} ^ ${operand}`),
  ...both('and', 12, (old, operand) => `${old} & ${operand}`),
  ...both('or', 8, (old, operand) => `${old} | ${operand}`),
  ...both('min', 16, (old, operand) => `${old} < ${operand} ? ${old} : ${operand}`),
  ...both('max', 20, (old, operand) => `${old} > ${operand} ? ${old} : ${operand}`),
  ...both('minu', 24, (old, operand) => `ltu(${old}, ${operand}) ? ${old} : ${operand}`),
  ...both('maxu', 28, (old, operand) => `ltu(${old}, ${operand}) ? ${operand} : ${old}`),
];
