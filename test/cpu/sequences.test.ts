/**
 * Fused sequences change speed only: each one, with random operands that make the decoder fuse it, does in the fast
 * interpreter what single steps do (which never fuse) — registers, memory, traps and counts.
 */
import { expect, test } from 'vitest';
import { type Classified, classify } from '../../src/cpu/generate/classify.ts';
import { buildOps, type Fused, type Part } from '../../src/cpu/generate/ops.ts';
import { CONTEXT, Trap } from '../../src/cpu/index.ts';
import { encode, encodeCompressed } from '../../src/cpu/isa/encode.ts';
import { COMPRESSED, extract, type Field, FORMATS } from '../../src/cpu/isa/index.ts';
import { CODE, DATA, Rig, USER_RW, USER_RWX } from './rig.ts';

const VARIANTS = process.env.OOPSBOX_TEST_ALL ? 40 : 5;
const TABLE = buildOps();
const AT = CODE + 4096 + 1024;
const SIZE = { '': 4, 'c.': 2 };

let state = 0x2545f491;
function next(limit: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

/** A random value that an operand's field can hold. */
function operandValue(name: string, field: Field, far: boolean): number {
  if (field.kind === 'x' || field.kind === 'f') return 8 + next(4);
  if (field.kind === 'imm' && name === 'imm' && far) return (next(2) ? 4096 : -4096) + 64;
  return extract(field, field.kind === 'rm' ? 7 << 12 : (next(2 ** 16) * 65536 + next(2 ** 16)) >>> 0);
}

/** Bits that decode to the part's op at `pc` and stand to `before` as the part says; undefined when luck fails. */
function bitsOf({ op, relation }: Part, pc: number, before?: Classified): [number, Classified] | undefined {
  const wanted = Object.assign({}, TABLE.families.find((family) => family.ops.includes(op))?.when);
  const fields = Object.entries(FORMATS[op.instruction.format].operands as Record<string, Field>);
  const jumps = op.instruction.format === 'B' || op.instruction.format === 'J';
  for (let attempt = 0; attempt < 2000; attempt++) {
    const operands = Object.fromEntries(
      fields.map(([name, field]) => [name, wanted[name] ?? operandValue(name, field, op.far)]),
    );
    const letterOf: Record<string, string> = { rs1: 's', rs2: 't', rd: 'd' };
    for (const [name, field] of fields) {
      if (field.kind !== 'x' || name in wanted || before?.rd === undefined) continue;
      if (relation.includes(letterOf[name])) operands[name] = before.rd;
      else while (relation !== '' && operands[name] === before.rd) operands[name] = 8 + next(4);
    }
    if (jumps && !op.far) operands.imm = 64 + 4 * next(8);
    let bits: number;
    try {
      bits =
        op.length === 4
          ? encode(op.instruction.name, operands)
          : compressedBits(op.instruction.name, operands);
    } catch {
      continue;
    }
    const found = classify(bits, pc);
    if (found.name !== op.name) continue;
    const letters = [found.rs1, found.rs2, found.rd].map((r, i) =>
      before?.rd !== undefined && r === before.rd ? 'std'[i] : '',
    );
    if (relation !== '' && letters.join('') !== relation) continue;
    return [bits, found];
  }
  return undefined;
}

function compressedBits(name: string, operands: Record<string, number>): number {
  const forms = COMPRESSED.filter((form) => form.expands === name);
  const form = forms[next(forms.length)];
  const given = Object.entries(form.operands).filter(([, from]) => typeof from !== 'number');
  const values = Object.fromEntries(
    given.map(([operand, from]) => {
      const isImmediate = (from as Field).kind === 'imm';
      return [
        operand,
        isImmediate && !('target' === form.syntax) && !form.syntax.includes('target')
          ? extract(from as Field, next(65536))
          : operands[operand],
      ];
    }),
  );
  if ('rd' in values && 'rs1' in values && form.operands.rd === form.operands.rs1) values.rs1 = values.rd;
  return encodeCompressed(form.name, values);
}

/** What a run leaves behind. */
function outcome(rig: Rig, data: number, step: boolean, start: Uint8Array): unknown {
  rig.hart.loadContext(start);
  rig.guest.page(data, true).forEach((_byte, i, page) => {
    page[i] = i * 7;
  });
  let trap: number;
  let retired = 0;
  do {
    trap = rig.run(step ? 1 : 100_000);
    retired += rig.hart.retired;
  } while (trap === Trap.BudgetSpent && retired < 64);
  const bytes = (array: Uint8Array) => Buffer.from(array).toString('hex');
  const { pc, tval } = rig.hart;
  return [trap, pc, tval, retired, bytes(rig.context()), bytes(rig.guest.page(data, false))];
}

test('every sequence does what its ops do', async () => {
  const rig = await Rig.make();
  for (let i = 0; i < 4; i++) rig.page(CODE + i * 4096, USER_RWX);
  const data = rig.page(DATA, USER_RW);
  const ecalls = new Uint8Array(4096).map((_byte, i) => [0x73, 0, 0, 0][i & 3]);
  const unmade: string[] = [];
  const check = (fused: Fused): boolean => {
    const instructions: number[] = [];
    let pc = AT;
    let before: Classified | undefined;
    for (const part of fused.parts) {
      const made = bitsOf(part, pc, before);
      if (!made) return false;
      instructions.push(made[0]);
      before = made[1];
      pc += SIZE[part.op.length === 2 ? 'c.' : ''];
    }
    for (let i = 0; i < 4; i++) rig.guest.page(rig.pfn(CODE + i * 4096), true).set(ecalls);
    if (pc % 4 === 2) instructions.push(0x0001);
    rig.write(AT, instructions);
    rig.start(AT);
    const plain = next(3) === 0;
    for (let i = 1; i < 32; i++) {
      const address = DATA + 2048 + 8 * next(64);
      rig.hart.setX(i, plain ? [0, -1, 2 ** 31, -(2 ** 31), CODE + 4096, address][next(6)] : address);
    }
    const start = new Uint8Array(CONTEXT.size);
    rig.hart.saveContext(start);
    const single = outcome(rig, data, true, start);
    for (let warm = 0; warm < 2; warm++) {
      expect([fused.name, instructions, outcome(rig, data, false, start)]).toEqual([
        fused.name,
        instructions,
        single,
      ]);
    }
    return true;
  };
  for (const fused of TABLE.fused) {
    for (let variant = 0; variant < VARIANTS; variant++) if (!check(fused)) unmade.push(fused.name);
  }
  expect(unmade).toEqual([]);
});
