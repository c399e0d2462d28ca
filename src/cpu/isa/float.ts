/** The F and D extensions. Single-precision values are NaN-boxed in the 64-bit registers: `unbox` and `box` say so. */
import { declare, type FormatName, type Instruction } from './declare.ts';

const OPFP = 0x53;
const NO_RM = 0xfe00707f;
const RM = 0xfe00007f;
const UNARY_RM = 0xfff0007f;
const UNARY = 0xfff0707f;

/** Declares an instruction for both precisions; `$` in name and meaning is the precision's letter. */
function both(
  name: string,
  format: FormatName,
  funct5: number,
  low: number,
  mask: number,
  single: string,
  double: string,
): Instruction[] {
  const bits = (OPFP | (funct5 << 27) | low) >>> 0;
  return [
    declare('F', name.replace('$', 's'), format, bits, mask, single),
    declare('D', name.replace('$', 'd'), format, bits | (1 << 25), mask, double),
  ];
}

const binary = (name: string, funct5: number) =>
  both(
    `${name}.$`,
    'f2rm',
    funct5,
    0,
    RM,
    `fd = box(${name}_s(unbox(fs1), unbox(fs2), rm))`,
    `fd = ${name}_d(fs1, fs2, rm)`,
  );
const minmax = (name: string, funct3: number) =>
  both(
    `${name}.$`,
    'f2',
    5,
    funct3 << 12,
    NO_RM,
    `fd = box(${name}_s(unbox(fs1), unbox(fs2)))`,
    `fd = ${name}_d(fs1, fs2)`,
  );
const compare = (name: string, funct3: number) =>
  both(
    `${name}.$`,
    'fcmp',
    0x14,
    funct3 << 12,
    NO_RM,
    `rd = ${name}_s(unbox(fs1), unbox(fs2))`,
    `rd = ${name}_d(fs1, fs2)`,
  );
const sign = (name: string, funct3: number, single: string, double: string) =>
  both(`${name}.$`, 'f2', 4, funct3 << 12, NO_RM, `fd = box(${single})`, `fd = ${double}`);
const toInteger = (suffix: string, rs2: number) =>
  both(
    `fcvt.${suffix}.$`,
    'ftox',
    0x18,
    rs2 << 20,
    UNARY_RM,
    `rd = fcvt_${suffix}_s(unbox(fs1), rm)`,
    `rd = fcvt_${suffix}_d(fs1, rm)`,
  );
const fromInteger = (suffix: string, rs2: number) =>
  both(
    `fcvt.$.${suffix}`,
    'xtof',
    0x1a,
    rs2 << 20,
    UNARY_RM,
    `fd = box(fcvt_s_${suffix}(rs1, rm))`,
    `fd = fcvt_d_${suffix}(rs1, rm)`,
  );
const fused = (name: string, opcode: number, a: string, c: string): Instruction[] => {
  const term = (negated: string, value: string, flip: string) =>
    negated === '-' ? `${value} ^ ${flip}` : value;
  return [
    declare(
      'F',
      `${name}.s`,
      'f3rm',
      opcode,
      0x0600007f,
      `fd = box(fmadd_s(${term(a, 'unbox(fs1)', '0x80000000')}, unbox(fs2), ${term(c, 'unbox(fs3)', '0x80000000')}, rm))`,
    ),
    declare(
      'D',
      `${name}.d`,
      'f3rm',
      opcode | (1 << 25),
      0x0600007f,
      `fd = fmadd_d(${term(a, 'fs1', '0x8000000000000000')}, fs2, ${term(c, 'fs3', '0x8000000000000000')}, rm)`,
    ),
  ];
};

export const FLOAT: readonly Instruction[] = [
  declare('F', 'flw', 'fload', 0x2007, 0x707f, 'fd = box(<u32>load_u32(rs1 + imm))'),
  declare('D', 'fld', 'fload', 0x3007, 0x707f, 'fd = load_i64(rs1 + imm)'),
  declare('F', 'fsw', 'fstore', 0x2027, 0x707f, 'store_u32(rs1 + imm, fs2)'),
  declare('D', 'fsd', 'fstore', 0x3027, 0x707f, 'store_i64(rs1 + imm, fs2)'),

  ...fused('fmadd', 0x43, '', ''),
  ...fused('fmsub', 0x47, '', '-'),
  ...fused('fnmsub', 0x4b, '-', ''),
  ...fused('fnmadd', 0x4f, '-', '-'),

  ...binary('fadd', 0),
  ...binary('fsub', 1),
  ...binary('fmul', 2),
  ...binary('fdiv', 3),
  ...both('fsqrt.$', 'f1rm', 0x0b, 0, UNARY_RM, 'fd = box(fsqrt_s(unbox(fs1), rm))', 'fd = fsqrt_d(fs1, rm)'),
  ...sign(
    'fsgnj',
    0,
    '(unbox(fs1) & 0x7fffffff) | (unbox(fs2) & 0x80000000)',
    '(fs1 & MAGNITUDE) | (fs2 & SIGN)',
  ),
  ...sign(
    'fsgnjn',
    1,
    '(unbox(fs1) & 0x7fffffff) | (~unbox(fs2) & 0x80000000)',
    '(fs1 & MAGNITUDE) | (~fs2 & SIGN)',
  ),
  ...sign('fsgnjx', 2, 'unbox(fs1) ^ (unbox(fs2) & 0x80000000)', 'fs1 ^ (fs2 & SIGN)'),
  ...minmax('fmin', 0),
  ...minmax('fmax', 1),
  ...compare('fle', 0),
  ...compare('flt', 1),
  ...compare('feq', 2),
  ...both('fclass.$', 'fmvx', 0x1c, 1 << 12, UNARY, 'rd = fclass_s(unbox(fs1))', 'rd = fclass_d(fs1)'),

  ...toInteger('w', 0),
  ...toInteger('wu', 1),
  ...toInteger('l', 2),
  ...toInteger('lu', 3),
  ...fromInteger('w', 0),
  ...fromInteger('wu', 1),
  ...fromInteger('l', 2),
  ...fromInteger('lu', 3),
  declare('D', 'fcvt.s.d', 'f1rm', OPFP | (0x08 << 27) | (1 << 20), UNARY_RM, 'fd = box(fcvt_s_d(fs1, rm))'),
  declare(
    'D',
    'fcvt.d.s',
    'f1rm',
    OPFP | (0x08 << 27) | (1 << 25),
    UNARY_RM,
    'fd = fcvt_d_s(unbox(fs1), rm)',
  ),

  declare('F', 'fmv.x.w', 'fmvx', OPFP | (0x1c << 27), UNARY, 'rd = sx32(fs1)'),
  declare('D', 'fmv.x.d', 'fmvx', OPFP | (0x1c << 27) | (1 << 25), UNARY, 'rd = fs1'),
  declare('F', 'fmv.w.x', 'fmvf', OPFP | (0x1e << 27), UNARY, 'fd = box(rs1)'),
  declare('D', 'fmv.d.x', 'fmvf', OPFP | (0x1e << 27) | (1 << 25), UNARY, 'fd = rs1'),
];
