/**
 * Turns an instruction's meaning into AssemblyScript, for one of the two interpreters:
 * - `hot` holds only fast paths and no calls; what it cannot do it leaves (`return leave(...)`) before any effect;
 * - `step` does everything, one instruction at a time, with calls into the hart.
 *
 * Always true: an instruction's effects come after its last possible trap.
 */
import { FORMATS } from '../isa/index.ts';
import type { Op, Part, Relation } from './ops.ts';

export type Flavour = 'hot' | 'step';

/**
 * Where an op's text stands: in which interpreter and, in a fused sequence, how far its slot is from `ip` and how many
 * ops come before it.
 */
export interface Site {
  readonly op: Op;
  readonly flavour: Flavour;
  readonly slot: number;
  readonly index: number;
  /** What is known of its registers and the previous op's, whose result is in the local `v<index - 1>`. */
  readonly relation: Relation;
  /** The next op takes the result from the local `v<index>`. */
  readonly passed: boolean;
  /** The next op overwrites the result, and nothing can come between. */
  readonly dead: boolean;
}

const BYTE_OF_PLACE: Record<string, number> = { a: 2, b: 4, c: 6 };
const SIZES: Record<string, number> = { i8: 1, u8: 1, i16: 2, u16: 2, i32: 4, u32: 4, i64: 8 };
const IP_AS_PC = '(pcbase + <i64>(ip >>> 2))';
/** Text of the op's own address. */
const ownPc = ({ slot }: Site): string => (slot === 0 ? IP_AS_PC : `(pcbase + <i64>((ip + ${slot}) >>> 2))`);

/** Text that reads 16 bits of the op's slot. */
const half = ({ slot }: Site, byte: number): string => `<u32>load<u16>(ip, ${slot + byte})`;

/** Text that reads an operand out of the op's slot. */
function operandText(site: Site, name: string): string {
  const { instruction } = site.op;
  const format = FORMATS[instruction.format];
  const place = (format.places as Record<string, string>)[name];
  const isRegister = /^(rs|fs)/.test(name);
  if (name === 'rs1' && site.relation.includes('s')) return `v${site.index - 1}`;
  if (name === 'rs2' && site.relation.includes('t')) return `v${site.index - 1}`;
  if (place === 'packed')
    return `load<i64>(((${half(site, 6)} >> ${name === 'fs3' ? 5 : 0}) & 31) << 3, FREGS)`;
  if (place === 'w') return `i64.load32_s(ip, ${site.slot + 4})`;
  const byte = BYTE_OF_PLACE[place];
  if (isRegister && 'rm' in format.operands && place === 'c') return `load<i64>(${half(site, 6)} & 0xfff, X)`;
  if (isRegister) return `load<i64>(${half(site, byte)}, X)`;
  if (name === 'csr') return half(site, 6);
  if (name === 'zimm') return `<i64>(${half(site, byte)})`;
  if (instruction.format === 'B') return `(i64.load16_s(ip, ${site.slot + 6}) >> 2)`;
  return `i64.load16_s(ip, ${site.slot + byte})`;
}

function expression(site: Site, text: string): string {
  return text.replace(/\b(field_)?(rs1|rs2|fs1|fs2|fs3|imm|csr|zimm|pc|next)\b/g, (_all, field, name) => {
    if (field) return half(site, BYTE_OF_PLACE.b);
    if (name === 'pc') return ownPc(site);
    if (name === 'next') return `(${ownPc(site)} + ${site.op.length})`;
    return operandText(site, name);
  });
}

/** Whether the fast interpreter can do the op at all. */
export function isHot(op: Op): boolean {
  return !/lr_|sc_|csr|ecall|ebreak|fencei/.test(op.meaning);
}

/** The rounding mode. Those other than to-nearest-even are left to `step`. */
function rounding(site: Site): string {
  if (!/\brm\b/.test(site.op.meaning)) return '';
  const packed = (FORMATS[site.op.instruction.format].places as Record<string, string>).rm === 'packed';
  const field = `${half(site, 6)} >> ${packed ? 10 : 12}`;
  if (site.flavour === 'step')
    return `at(base, ip, done); const rm = rounding(${field}); if (trapped()) ${give(site)}`;
  return `const rm: u32 = 0; if ((${field}) != 0 && ((${field}) != 7 || load<u32>(FCSR) != 0)) ${give(site)}`;
}

/** Text that gives the instruction up: to `step`, or to the trap that was raised. */
function give(site: Site): string {
  if (site.flavour === 'step') return `return leave(${IP_AS_PC}, done);`;
  return `return leave(${ownPc(site)}, n${site.index === 0 ? '' : ` - ${site.index}`});`;
}

/** Text that writes the destination register. */
function setRegister(site: Site, value: string): string {
  const write = (result: string) => (site.dead ? '' : `store<i64>(${half(site, 2)}, ${result}, X);`);
  return site.passed ? `v${site.index} = ${value}; ${write(`v${site.index}`)}` : write(value);
}

/** A TLB entry's place and the test that it serves an aligned access at `va`. */
const entryAt = (table: string): string => `const e: u32 = ${table} + ((<u32>va >>> 8) & 0x3ff0);`;
const tag = (size: number): string => `(va & ${-4096 + size - 1})`;
const hits = (size: number): string => `load<u64>(e) == <u64>${tag(size)}`;

/** Text that gives up because the TLB has no such entry, saying which. */
const miss = (site: Site, access: 'READ' | 'WRITE', size: number): string =>
  `return missed(${ownPc(site)}, n${site.index === 0 ? '' : ` - ${site.index}`}, ${access === 'READ' ? 1 : 2}, ${tag(size)});`;

function loadText(site: Site, type: string, address: string): string {
  const size = SIZES[type];
  const head = `const va: i64 = ${expression(site, address)}; ${entryAt('TLB_READ')}`;
  const fast = `<i64>load<${type}>(<u32>va + load<u32>(e, 8))`;
  if (site.flavour === 'hot')
    return `${head} if (!(${hits(size)})) ${miss(site, 'READ', size)} const v: i64 = ${fast};`;
  return `${head} let v: i64; if (${hits(size)}) v = ${fast};
    else { v = <i64><${type}>readSlow(va, ${size}); if (trapped()) ${give(site)} }`;
}

function storeText(site: Site, type: string, address: string, value: string): string {
  const size = SIZES[type];
  const head = `const va: i64 = ${expression(site, address)}; ${entryAt('TLB_WRITE')}`;
  const fast = `store<${type}>(<u32>va + load<u32>(e, 8), <${type}>${expression(site, value)});`;
  if (site.flavour === 'hot') return `${head} if (!(${hits(size)})) ${miss(site, 'WRITE', size)} ${fast}`;
  return `${head} if (${hits(size)}) ${fast}
    else { writeSlow(va, ${size}, <u64>${expression(site, value)}); if (trapped()) ${give(site)} }`;
}

function swapText(site: Site, type: string, address: string, value: string): string {
  const size = SIZES[type];
  const va = `const va: i64 = ${expression(site, address)};`;
  const rest = `const old: i64 = <i64>load<${type}>(host); store<${type}>(host, <${type}>(${expression(site, value)}));
    ${setRegister(site, 'old')}`;
  if (site.flavour === 'step') {
    return `${va} const host = atomicAddress(va, ${size}, 1, 6); if (host == 0) ${give(site)} ${rest}`;
  }
  return `${va} ${entryAt('TLB_WRITE')} if (!(${hits(size)})) ${miss(site, 'WRITE', size)}
    const host: u32 = <u32>va + load<u32>(e, 8); ${rest}`;
}

/** One statement that is not a jump. */
function statement(site: Site, text: string): string {
  const [, type, address, value] = /^store_(\w+)\((.+?), (.+)\)$/.exec(text) ?? [];
  if (type) return storeText(site, type, address, value);
  const assignment = /^(rd|fd|t) = (.+)$/.exec(text);
  if (!assignment) return `at(base, ip, done); ${expression(site, text)}; if (trapped()) ${give(site)}`;
  const [, target, right] = assignment;
  if (target === 't') return `const t: i64 = ${expression(site, right)};`;
  const swap = /^swap_(\w+)\((\w+), (.+)\)$/.exec(right);
  if (swap) return swapText(site, swap[1], swap[2], swap[3]);
  const load = /load_(\w+)\(([^()]*)\)/.exec(right);
  if (load) {
    return `${loadText(site, load[1], load[2])} ${setRegister(site, expression(site, right.replace(load[0], 'v')))}`;
  }
  if (/\b(lr_|sc_|csr[A-Z])/.test(right)) {
    return `at(base, ip, done); const v: i64 = ${expression(site, right)}; if (trapped()) ${give(site)} ${setRegister(site, 'v')}`;
  }
  return setRegister(site, `<i64>(${expression(site, right)})`);
}

/** How a jump ends: near ones stay in the page, far ones leave `npc` for the loop to look up. */
function jump(site: Site, target: string): string {
  const { op, flavour, slot, index } = site;
  const near = (op.instruction.format === 'B' || op.instruction.format === 'J') && !op.far;
  const count = `n -= ${index + 1};`;
  if (near) {
    const delta =
      op.instruction.format === 'B' ? `<u32><i32>load<i16>(ip, ${slot + 6})` : `load<u32>(ip, ${slot + 4})`;
    if (flavour === 'step') return `{ ip += ${delta}; break; }`;
    return `{ ip += ${delta} + ${slot}; ${count} if (n < 0) return leave(${IP_AS_PC}, n); continue; }`;
  }
  if (flavour === 'step') return `return leave(${expression(site, target)}, done + 1);`;
  return `{ npc = ${expression(site, target)}; ${count} break; }`;
}

/** The op's whole body; falls out at its end when the instruction is done and the next one follows it. */
function bodyAt(site: Site): string {
  const { meaning } = site.op;
  const lines = [rounding(site)];
  for (const part of meaning === '' ? [] : meaning.split('; ')) {
    const conditional = /^if \((.+)\) goto (.+)$/.exec(part);
    const always = /^goto (.+)$/.exec(part);
    if (conditional) lines.push(`if (${expression(site, conditional[1])}) ${jump(site, conditional[2])}`);
    else if (always) lines.push(jump(site, always[1]));
    else lines.push(statement(site, part));
  }
  return lines.filter((line) => line !== '').join('\n    ');
}

/** The body of an op that stands alone. */
export function body(op: Op, flavour: Flavour): string {
  return bodyAt({ op, flavour, slot: 0, index: 0, relation: '', passed: false, dead: false });
}

/** The bodies of a fused sequence, for the fast interpreter. */
export function fusedBody(parts: readonly Part[]): string {
  let slot = 0;
  const bodies = parts.map(({ op, relation }, index) => {
    const after = parts[index + 1];
    const passed = after !== undefined && /[st]/.test(after.relation);
    const dead = after?.relation.includes('d') === true && !mayLeave(after.op);
    const text = `{ ${bodyAt({ op, flavour: 'hot', slot, index, relation, passed, dead })} }`;
    slot += op.length * 4;
    return passed ? `let v${index}: i64 = 0; ${text}` : text;
  });
  return bodies.join('\n    ');
}

/** Whether the fast interpreter may give the op up. */
function mayLeave(op: Op): boolean {
  return /load_|store_|swap_|rm\b/.test(op.meaning);
}

/** Whether the op always jumps, so that nothing follows its body. */
export function alwaysJumps(op: Op): boolean {
  return /(^|; )goto /.test(op.meaning);
}
