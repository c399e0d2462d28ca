/** Generates the AssemblyScript of the two interpreters: `hot.ts` and `step.ts` (see meaning.ts for how they differ). */
import { alwaysJumps, body, fusedBody, isHot } from './meaning.ts';
import { ILLEGAL, type Op, type OpTable, PAGE_END, STRADDLE, UNDECODED } from './ops.ts';

const HEAD = `import { at, csrClear, csrSet, csrWrite, ebreak, ecall, fencei, illegal, lr_i32, lr_i64, rounding, sc_i32, sc_i64 } from './special';
import { atomicAddress, readSlow, writeSlow } from './access';
import { MAGNITUDE, SIGN, truth, box, div, divu, ltu, mulh, mulhsu, mulhu, orcb, rem, remu, shr, sx32, unbox, zx32 } from './alu';
import * as fpu from './fpu';
import { FCSR, FREGS, MISS, MISS_TAG, PC, PLAIN, SCRATCH, STOP, TLB_EXEC, TLB_READ, TLB_WRITE, X } from './layout';
import { trapped } from './trap';

@inline
function leave(pc: i64, count: i32): i32 {
  store<i64>(PC, pc);
  return count;
}

@inline
function missed(pc: i64, count: i32, miss: u32, tag: i64): i32 {
  store<u32>(MISS, miss);
  store<i64>(MISS_TAG, tag);
  return leave(pc, count);
}
`;

/** Float helpers are reached through the module's name. */
const qualify = (text: string): string =>
  text.replace(
    /\b(f(?:add|sub|mul|div|sqrt|madd|min|max|eq|lt|le|class|cvt)(?:_[a-z]+)?_[a-z]+\()/g,
    'fpu.$1',
  );

/** Source of the fast interpreter: `hot(ip, pcbase, n)` answers n less the instructions retired. */
export function hotSource(table: OpTable): string {
  const cases: string[] = [];
  const add = (id: number, name: string, text: string, parts: readonly Op[]) => {
    const slots = parts.reduce((sum, op) => sum + op.length * 4, 0);
    const tail = alwaysJumps(parts[parts.length - 1])
      ? ''
      : `ip += ${slots}; n -= ${parts.length}; continue;`;
    cases.push(`case ${id}: { // ${name}\n    ${qualify(text)}\n    ${tail}\n  }`);
  };
  for (const op of table.ops) if (isHot(op)) add(op.id, op.name, body(op, 'hot'), [op]);
  for (const { id, name, parts } of table.fused) {
    add(
      id,
      name,
      fusedBody(parts),
      parts.map((part) => part.op),
    );
  }
  return `${HEAD}
export function hot(ip: u32, pcbase: i64, n: i32): i32 {
  while (true) {
    let npc: i64;
    switch (<u32>load<u16>(ip)) {
  case ${PAGE_END}: { npc = pcbase + <i64>(ip >>> 2); break; }
  case ${STRADDLE}: {
    const pc = pcbase + <i64>(ip >>> 2);
    const s: u32 = SCRATCH + ((ip >>> 14 & 63) << 5);
    const e: u32 = TLB_EXEC + ((<u32>(pc + 2) >>> 8) & 0x3ff0);
    if (load<u32>(s, 24) != ip || load<u64>(e) != <u64>(pc + 2) || load<u32>(e, 8) != load<u32>(s, 28)) return leave(pc, n);
    pcbase = pc - <i64>(s >>> 2);
    ip = s;
    continue;
  }
  ${cases.join('\n  ')}
  default: return leave(pcbase + <i64>(ip >>> 2), n);
    }
    if (n < 0) return leave(npc, n);
    const e: u32 = TLB_EXEC + ((<u32>npc >>> 8) & 0x3ff0);
    if (load<u64>(e) != <u64>(npc & ~4095)) return leave(npc, n);
    const page = load<u32>(e, 8);
    pcbase = (npc & ~4095) - <i64>(page >>> 2);
    ip = page + ((<u32>npc & 4095) << 2);
  }
}
`;
}

/** Source of the exact interpreter: `step(ip, base, pcbase, count)` answers how many instructions retired. */
export function stepSource(table: OpTable): string {
  const cases: string[] = [];
  for (const op of table.ops) {
    const tail = alwaysJumps(op) ? '' : `ip += ${op.length * 4}; break;`;
    cases.push(`case ${op.id}: { // ${op.name}\n    ${qualify(body(op, 'step'))}\n    ${tail}\n  }`);
  }
  return `${HEAD}
import { decodeRun } from './decode';
import { decodeStraddler } from './run';

export function step(ip: u32, base: u32, pcbase: i64, count: i32): i32 {
  let done: i32 = 0;
  while (true) {
    switch (<u32>load<u16>(PLAIN + (<u32>load<u16>(ip) << 1))) {
  case ${UNDECODED}: { decodeRun(base, ip); continue; }
  case ${ILLEGAL}: { at(base, ip, done); illegal(); return leave(pcbase + <i64>(ip >>> 2), done); }
  case ${PAGE_END}: return leave(pcbase + <i64>(ip >>> 2), done);
  case ${STRADDLE}: {
    const pc = pcbase + <i64>(ip >>> 2);
    const s = decodeStraddler(pc, base, ip);
    if (s == 0) return leave(pc, done);
    base = SCRATCH;
    ip = s;
    pcbase = pc - <i64>(s >>> 2);
    continue;
  }
  ${cases.join('\n  ')}
  default: unreachable();
    }
    if (++done == count || load<u32>(STOP) != 0) return leave(pcbase + <i64>(ip >>> 2), done);
  }
}
`;
}
