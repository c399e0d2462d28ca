/** Generates the AssemblyScript of the decoder: `decode32`, `expand16` and `decodeRun`, and the op numbers it needs. */

import { extractSource } from '../isa/fields.ts';
import { COMPRESSED, type Field, FORMATS, INSTRUCTIONS, instructionNamed } from '../isa/index.ts';
import { type Family, type Fused, ILLEGAL, isPure, NOP, type OpTable, PAGE_END, STRADDLE } from './ops.ts';

const BYTE_OF_PLACE: Record<string, number> = { a: 2, b: 4, c: 6 };
const hex = (n: number): string => `0x${(n >>> 0).toString(16)}`;

/** Text of what a slot keeps of an operand: a register's offset from X, or the value. */
function slotValue(name: string, field: Field): string {
  const value = extractSource(field);
  if (name === 'rd') return `destination(${value})`;
  if (field.kind === 'x') return `${value} << 3`;
  if (field.kind === 'f') return `264 + (${value} << 3)`;
  return value;
}

/** A function per format that lays the operands into a slot and answers the op. */
function putFunction(name: string): string {
  const { operands, places } = FORMATS[name as keyof typeof FORMATS] as {
    operands: Record<string, Field>;
    places: Record<string, string>;
  };
  const lines: string[] = [];
  if (name === 'B') {
    lines.push(
      `store<u16>(slot, <u16>(${extractSource(operands.rs1)} << 3), 2);`,
      `store<u16>(slot, <u16>(${extractSource(operands.rs2)} << 3), 4);`,
      `const delta: u32 = ${extractSource(operands.imm)} << 2;`,
      'store<u16>(slot, <u16>delta, 6);',
      'return near(slot, base, delta) ? op : op + 2;',
    );
  } else if (name === 'J') {
    lines.push(
      `store<u16>(slot, <u16>${slotValue('rd', operands.rd)}, 2);`,
      `const imm: u32 = ${extractSource(operands.imm)};`,
      'if (near(slot, base, imm << 2)) { store<u32>(slot, imm << 2, 4); return op; }',
      'store<u32>(slot, imm, 4); return op + 2;',
    );
  } else {
    if ('rm' in operands)
      lines.push(
        `const rm: u32 = ${extractSource(operands.rm)};`,
        `if (rm == 5 || rm == 6) return ${ILLEGAL};`,
      );
    let c = '';
    for (const [operand, field] of Object.entries(operands)) {
      const place = places[operand];
      if (place === 'w') lines.push(`store<u32>(slot, ${slotValue(operand, field)}, 4);`);
      else if (place === 'c') c = slotValue(operand, field);
      else if (place in BYTE_OF_PLACE)
        lines.push(`store<u16>(slot, <u16>(${slotValue(operand, field)}), ${BYTE_OF_PLACE[place]});`);
    }
    if (places.rm === 'packed')
      c = `${extractSource(operands.fs2)} | (${extractSource(operands.fs3)} << 5) | (rm << 10)`;
    else if (places.rm === 'rm') c = c ? `(${c}) | (rm << 12)` : 'rm << 12';
    if (c) lines.push(`store<u16>(slot, <u16>(${c}), 6);`);
    lines.push('return op;');
  }
  return `function put_${name}(bits: u32, slot: u32, base: u32, op: u32): u32 {\n  ${lines.join('\n  ')}\n}`;
}

function familyLines(families: readonly Family[]): string {
  const general = families.find((family) => !family.when)!;
  const { instruction } = general;
  const operands = FORMATS[instruction.format].operands as Record<string, Field>;
  const put = (id: number) => `return put_${instruction.format}(bits, slot, base, ${id});`;
  const lines = [];
  if (isPure(instruction)) lines.push(`if ((${extractSource(operands.rd)}) == 0) return ${NOP};`);
  for (const family of families) {
    if (!family.when) continue;
    const tests = Object.entries(family.when).map(
      ([name, value]) => `${extractSource(operands[name])} == ${hex(value)}`,
    );
    lines.push(`if (${tests.join(' && ')}) ${put(family.id)}`);
  }
  lines.push(put(general.id));
  return `if ((bits & ${hex(instruction.mask)}) == ${hex(instruction.match)}) {\n      ${lines.join('\n      ')}\n    }`;
}

function decode32(table: OpTable): string {
  const majors = new Map<number, string[]>();
  for (const instruction of INSTRUCTIONS) {
    const major = (instruction.match >>> 2) & 31;
    const families = table.families.filter((family) => family.instruction === instruction);
    majors.set(major, [...(majors.get(major) ?? []), familyLines(families)]);
  }
  const cases = [...majors].map(([major, ifs]) => `case ${major}:\n    ${ifs.join('\n    ')}\n    break;`);
  return `export function decode32(bits: u32, slot: u32, base: u32): u32 {
  switch ((bits >>> 2) & 31) {
  ${cases.join('\n  ')}
  }
  return ${ILLEGAL};
}`;
}

/** Text that lays `value` into the field's bits. */
function insertSource(field: Field, value: string): string {
  return field.runs
    .map(([from, width, to]) => `((((${value}) >>> ${to}) & ${2 ** width - 1}) << ${from})`)
    .join(' | ');
}

function expand16(): string {
  const lines = COMPRESSED.map((c) => {
    const target = instructionNamed(c.expands);
    const fields = FORMATS[target.format].operands as Record<string, Field>;
    const parts = Object.entries(c.operands).map(([name, from]) =>
      insertSource(fields[name], typeof from === 'number' ? String(from) : extractSource(from)),
    );
    const guards = (c.nonzero ?? [])
      .map((name) => c.operands[name])
      .filter((operand) => typeof operand !== 'number')
      .map((operand) => ` && ${extractSource(operand as Field)} != 0`);
    const value = [hex(target.match), ...parts].join(' | ');
    return `if ((bits & ${hex(c.mask)}) == ${hex(c.match)}${guards.join('')}) return ${value}; // ${c.name}`;
  });
  return `/** The 32-bit instruction that 16 bits stand for; 0: none. */
export function expand16(bits: u32): u32 {
  ${lines.join('\n  ')}
  return 0;
}`;
}

function fuse(table: OpTable): string {
  const byStem = new Map<number, string[]>();
  for (const { id, parts, stem } of [...table.fused].sort((a, b) => lastRelation(b) - lastRelation(a))) {
    const last = parts[parts.length - 1];
    const relation = lastRelation({ parts });
    const same = relation === 0 ? '' : ` && relation == ${relation}`;
    byStem.set(stem, [...(byStem.get(stem) ?? []), `if (next == ${last.op.id}${same}) return ${id};`]);
  }
  const cases = [...byStem].map(([stem, ifs]) => `case ${stem}: ${ifs.join(' ')} break;`);
  return `/** The fused op that is \`stem\` and then \`next\`, which stands so to the op before it; 0: none. */
function fuse(stem: u32, next: u32, relation: u32): u32 {
  switch (stem) {
  ${cases.join('\n  ')}
  }
  return 0;
}`;
}

/** The last part's relation as the decoder computes it: 1 for s, 2 for t, 4 for d. */
function lastRelation({ parts }: Pick<Fused, 'parts'>): number {
  const letters = parts[parts.length - 1].relation;
  return [...letters].reduce((bits, letter) => bits | (1 << 'std'.indexOf(letter)), 0);
}

/** Source of op numbers for hand-written AssemblyScript. */
export function opsSource(): string {
  return `export const PAGE_END: u32 = ${PAGE_END};\n`;
}

/** Source of the decoder. */
export function decoderSource(table: OpTable): string {
  const ends = table.ops
    .filter((op) => /(^|; )goto |ecall|ebreak|fencei/.test(op.meaning))
    .map((op) => op.id);
  return `import { DP_DIRTY, DP_FRAME, PLAIN, SCRATCH, SHAPE, SLOTS_BYTES } from './layout';

/** Offset of a destination register: x0's writes go to the sink. */
function destination(register: u32): u32 {
  return register == 0 ? 256 : register << 3;
}

/** Whether a jump by \`delta\` (in slots' bytes) stays in the page. */
function near(slot: u32, base: u32, delta: u32): bool {
  return base != SCRATCH && slot - base + delta < <u32>SLOTS_BYTES;
}

${Object.keys(FORMATS).map(putFunction).join('\n\n')}

/** Lays what 32 bits mean into a slot (all but the op, which it answers: that of the 4-byte form). */
${decode32(table)}

${expand16()}

${fuse(table)}

/** Whether the code after the op is reached only by a jump. */
function ends(op: u32): bool {
  ${ends.map((id) => `if (op == ${id}) return true;`).join('\n  ')}
  return op == ${ILLEGAL};
}

/** Decodes one instruction into its slot's operands; answers its op. */
function decodeSlot(base: u32, code: u32, slot: u32): u32 {
  const at = (slot - base) >>> 2;
  const bits = <u32>load<u16>(code + at);
  if ((bits & 3) != 3) {
    const expanded = expand16(bits);
    return expanded == 0 ? ${ILLEGAL} : decode32(expanded, slot, base) + 1;
  }
  if (at == 4094) return ${STRADDLE};
  return decode32(bits | (<u32>load<u16>(code + at + 2) << 16), slot, base);
}

/** How the op in a slot stands to the one before it: 1 if its rs1 is that one's rd, 2 if its rs2 is, 4 if its rd is. */
function relate(beforeOp: u32, beforeSlot: u32, op: u32, slot: u32): u32 {
  if ((load<u8>(SHAPE + beforeOp) & 16) == 0) return 0;
  const rd = load<u16>(beforeSlot, 2);
  const shape = <u32>load<u8>(SHAPE + op);
  let relation: u32 = 0;
  if ((shape & 3) != 0 && load<u16>(slot + ((shape & 3) << 1)) == rd) relation = 1;
  if ((shape & 12) != 0 && load<u16>(slot + ((shape >> 1) & 6)) == rd) relation |= 2;
  if ((shape & 16) != 0 && load<u16>(slot, 2) == rd) relation |= 4;
  return relation;
}

/** The straight run being decoded: its slots and plain ops. */
const LONGEST: u32 = 64;
const slots = memory.data(LONGEST * 4);
const plain = memory.data(LONGEST * 4);

/**
 * Decodes from the slot \`ip\` of the decode page \`base\` to the end of the straight run or to code that is decoded
 * already (a few ops of which still serve to fuse the last new ones), then fuses: each slot gets the longest sequence
 * that starts with it.
 */
export function decodeRun(base: u32, ip: u32): void {
  const code = load<u32>(base, DP_FRAME);
  store<u32>(base, 1, DP_DIRTY);
  let count: u32 = 0;
  let fresh: u32 = 0;
  for (let slot = ip; count < LONGEST && slot < base + SLOTS_BYTES; ) {
    let op = <u32>load<u16>(PLAIN + (<u32>load<u16>(slot) << 1));
    if (op == 0) {
      if (fresh != count) break;
      op = decodeSlot(base, code, slot);
      fresh++;
    } else if (count - fresh == 3) break;
    store<u32>(slots + (count << 2), slot);
    store<u32>(plain + (count << 2), op);
    count++;
    if (op == ${STRADDLE} || ends(op)) break;
    slot += (load<u8>(code + ((slot - base) >>> 2)) & 3) == 3 ? 16 : 8;
  }
  for (let i: u32 = 0; i < fresh; i++) {
    let op = load<u32>(plain + (i << 2));
    for (let j = i + 1; j < count; j++) {
      const last = plain + (j << 2);
      const at = slots + (j << 2);
      const relation = relate(load<u32>(last - 4), load<u32>(at - 4), load<u32>(last), load<u32>(at));
      const longer = fuse(op, load<u32>(last), relation);
      if (longer == 0) break;
      op = longer;
    }
    store<u16>(load<u32>(slots + (i << 2)), <u16>op);
  }
}
`;
}
