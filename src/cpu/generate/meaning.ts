/**
 * Turns an instruction's meaning into AssemblyScript, for one of the two interpreters:
 * - `hot` holds only fast paths and no calls; what it cannot do it leaves (`return leave(...)`) before any effect;
 * - `step` does everything, one instruction at a time, with calls into the hart.
 *
 * Always true: an instruction's effects come after its last possible trap.
 */
import { FORMATS, type Instruction } from '../isa/index.ts';
import type { Op } from './ops.ts';

export type Flavour = 'hot' | 'step';

const BYTE_OF_PLACE: Record<string, number> = { a: 2, b: 4, c: 6 };
const SIZES: Record<string, number> = { i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, i64: 8 };
const PC_TEXT = '(pcbase + <i64>(ip >>> 2))';

/** Text that reads an operand out of the slot at `ip`. */
function operandText(instruction: Instruction, name: string): string {
  const format = FORMATS[instruction.format];
  const place = (format.places as Record<string, string>)[name];
  const isRegister = /^(rs|fs)/.test(name);
  if (place === 'packed')
    return `load<i64>(((<u32>load<u16>(ip, 6) >> ${name === 'fs3' ? 5 : 0}) & 31) << 3, FREGS)`;
  if (place === 'w') return 'i64.load32_s(ip, 4)';
  const byte = BYTE_OF_PLACE[place];
  if (isRegister && 'rm' in format.operands && place === 'c')
    return `load<i64>(<u32>load<u16>(ip, 6) & 0xfff, X)`;
  if (isRegister) return `load<i64>(<u32>load<u16>(ip, ${byte}), X)`;
  if (name === 'csr') return '<u32>load<u16>(ip, 6)';
  if (name === 'zimm') return `<i64>load<u16>(ip, ${byte})`;
  if (instruction.format === 'B') return '(i64.load16_s(ip, 6) >> 2)';
  return `i64.load16_s(ip, ${byte})`;
}

/** The field of the rounding mode. */
function roundingText(instruction: Instruction): string {
  const packed = (FORMATS[instruction.format].places as Record<string, string>).rm === 'packed';
  return `<u32>load<u16>(ip, 6) >> ${packed ? 10 : 12}`;
}

function expression(op: Op, text: string): string {
  return text.replace(/\b(field_)?(rs1|rs2|fs1|fs2|fs3|imm|csr|zimm|pc|next)\b/g, (_all, field, name) => {
    if (field) return `<u32>load<u16>(ip, ${BYTE_OF_PLACE.b})`;
    if (name === 'pc') return PC_TEXT;
    if (name === 'next') return `(${PC_TEXT} + ${op.length})`;
    return operandText(op.instruction, name);
  });
}

/** Whether the fast interpreter can do the op at all. */
export function isHot(op: Op): boolean {
  if (/lr_|sc_|csr|ecall|ebreak|fencei/.test(op.meaning)) return false;
  return !/\bf[a-z]+(_[a-z]+)?_[sd]\(|_[sd]_[a-z]+\(/.test(op.meaning) || HOT_FLOAT.test(op.meaning);
}

/** Float helpers called from the fast interpreter. */
const HOT_FLOAT = /\b(fadd|fsub|fmul|feq|flt|fle)_[sd]\(|fcvt_d_w\(|fcvt_d_s\(/;

/** The rounding modes other than to-nearest-even are left to `step`. */
function rounding(op: Op, flavour: Flavour): string {
  if (!/\brm\b/.test(op.meaning)) return '';
  const field = roundingText(op.instruction);
  if (flavour === 'step')
    return `at(base, ip, done); const rm = rounding(${field}); if (trapped()) ${give(flavour)}`;
  return `const rm: u32 = 0; if ((${field}) != 0 && ((${field}) != 7 || load<u32>(FCSR) != 0)) ${give(flavour)}`;
}

/** Text that gives the instruction up: to `step`, or to the trap that was raised. */
function give(flavour: Flavour): string {
  return flavour === 'hot' ? `return leave(${PC_TEXT}, n);` : `return leave(${PC_TEXT}, done);`;
}

const setRegister = (value: string): string => `store<i64>(<u32>load<u16>(ip, 2), ${value}, X);`;

function tag(size: number): string {
  return `<u64>(va & ${-4096 + size - 1})`;
}

function loadText(op: Op, flavour: Flavour, type: string, address: string): string {
  const size = SIZES[type];
  const head = `const va: i64 = ${expression(op, address)}; const e: u32 = TLB_READ + ((<u32>va >>> 8) & 0x3ff0);`;
  const fast = `<i64>load<${type}>(<u32>va + load<u32>(e, 8))`;
  if (flavour === 'hot')
    return `${head} if (load<u64>(e) != ${tag(size)}) ${give(flavour)} const v: i64 = ${fast};`;
  return `${head} let v: i64; if (load<u64>(e) == ${tag(size)}) v = ${fast};
    else { v = <i64><${type}>readSlow(va, ${size}); if (trapped()) ${give(flavour)} }`;
}

function storeText(op: Op, flavour: Flavour, type: string, address: string, value: string): string {
  const size = SIZES[type];
  const head = `const va: i64 = ${expression(op, address)}; const e: u32 = TLB_WRITE + ((<u32>va >>> 8) & 0x3ff0);`;
  const fast = `store<${type}>(<u32>va + load<u32>(e, 8), <${type}>${expression(op, value)});`;
  if (flavour === 'hot') return `${head} if (load<u64>(e) != ${tag(size)}) ${give(flavour)} ${fast}`;
  return `${head} if (load<u64>(e) == ${tag(size)}) ${fast}
    else { writeSlow(va, ${size}, <u64>${expression(op, value)}); if (trapped()) ${give(flavour)} }`;
}

function swapText(op: Op, flavour: Flavour, type: string, address: string, value: string): string {
  const size = SIZES[type];
  const va = `const va: i64 = ${expression(op, address)};`;
  const rest = `const old: i64 = <i64>load<${type}>(host); store<${type}>(host, <${type}>(${expression(op, value)}));
    ${setRegister('old')}`;
  if (flavour === 'step') {
    return `${va} const host = atomicAddress(va, ${size}, 1, 6); if (host == 0) ${give(flavour)} ${rest}`;
  }
  return `${va} const e: u32 = TLB_WRITE + ((<u32>va >>> 8) & 0x3ff0);
    if (load<u64>(e) != ${tag(size)}) ${give(flavour)} const host: u32 = <u32>va + load<u32>(e, 8); ${rest}`;
}

/** One statement that is not a jump. */
function statement(op: Op, flavour: Flavour, text: string): string {
  const [, type, address, value] = /^store_(\w+)\((.+?), (.+)\)$/.exec(text) ?? [];
  if (type) return storeText(op, flavour, type, address, value);
  const assignment = /^(rd|fd|t) = (.+)$/.exec(text);
  if (!assignment) return `at(base, ip, done); ${expression(op, text)}; if (trapped()) ${give(flavour)}`;
  const [, target, right] = assignment;
  if (target === 't') return `const t: i64 = ${expression(op, right)};`;
  const swap = /^swap_(\w+)\((\w+), (.+)\)$/.exec(right);
  if (swap) return swapText(op, flavour, swap[1], swap[2], swap[3]);
  const load = /load_(\w+)\(([^()]*)\)/.exec(right);
  if (load) {
    return `${loadText(op, flavour, load[1], load[2])} ${setRegister(expression(op, right.replace(load[0], 'v')))}`;
  }
  if (/\b(lr_|sc_|csr[A-Z])/.test(right)) {
    return `at(base, ip, done); const v: i64 = ${expression(op, right)}; if (trapped()) ${give(flavour)} ${setRegister('v')}`;
  }
  return setRegister(`<i64>(${expression(op, right)})`);
}

/** How a jump ends: near ones stay in the page, far ones leave `npc` for the loop to look up. */
function jump(op: Op, flavour: Flavour, target: string): string {
  const near = (op.instruction.format === 'B' || op.instruction.format === 'J') && !op.far;
  if (near) {
    const delta = op.instruction.format === 'B' ? '<u32><i32>load<i16>(ip, 6)' : 'load<u32>(ip, 4)';
    if (flavour === 'step') return `{ ip += ${delta}; break; }`;
    return `{ ip += ${delta}; if (--n < 0) return leave(${PC_TEXT}, n); continue; }`;
  }
  if (flavour === 'step') return `return leave(${expression(op, target)}, done + 1);`;
  return `{ npc = ${expression(op, target)}; --n; break; }`;
}

/** The op's whole body; falls out at its end when the instruction is done and the next one follows it. */
export function body(op: Op, flavour: Flavour): string {
  const parts = op.meaning === '' ? [] : op.meaning.split('; ');
  const lines = [rounding(op, flavour)];
  for (const part of parts) {
    const conditional = /^if \((.+)\) goto (.+)$/.exec(part);
    const always = /^goto (.+)$/.exec(part);
    if (conditional)
      lines.push(`if (${expression(op, conditional[1])}) ${jump(op, flavour, conditional[2])}`);
    else if (always) lines.push(jump(op, flavour, always[1]));
    else lines.push(statement(op, flavour, part));
  }
  return lines.filter((line) => line !== '').join('\n    ');
}

/** Whether the op always jumps, so that nothing follows its body. */
export function alwaysJumps(op: Op): boolean {
  return /(^|; )goto /.test(op.meaning);
}
