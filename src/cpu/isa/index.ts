/** All declared instructions, and look-ups over them. */
import { ATOMIC } from './atomic.ts';
import { BASE } from './base.ts';
import { BITMANIP } from './bitmanip.ts';
import { COMPRESSED } from './compressed.ts';
import type { Compressed, Instruction } from './declare.ts';
import { extract } from './fields.ts';
import { FLOAT } from './float.ts';

export { COMPRESSED } from './compressed.ts';
export {
  type Compressed,
  FORMATS,
  type Format,
  type FormatName,
  type Instruction,
  operandsOf,
} from './declare.ts';
export { extract, type Field, insert } from './fields.ts';

/** Every 32-bit instruction of RV64IMAFD_Zicsr_Zifencei_Zba_Zbb. */
export const INSTRUCTIONS: readonly Instruction[] = [...BASE, ...ATOMIC, ...FLOAT, ...BITMANIP];

const byName = new Map(INSTRUCTIONS.map((instruction) => [instruction.name, instruction]));
const byMajor = new Map<number, Instruction[]>();
for (const instruction of INSTRUCTIONS) {
  const major = instruction.match & 0x7f;
  byMajor.set(major, [...(byMajor.get(major) ?? []), instruction]);
}

/** The instruction of that name; throws for a name nobody declared. */
export function instructionNamed(name: string): Instruction {
  const found = byName.get(name);
  if (!found) throw new RangeError(`no instruction is called ${name}`);
  return found;
}

/** The declaration that 32 bits match. */
export function find32(bits: number): Instruction | undefined {
  return byMajor.get(bits & 0x7f)?.find((i) => (bits & i.mask) >>> 0 === i.match);
}

/** The declaration that 16 bits match, reserved operands excluded. */
export function find16(bits: number): Compressed | undefined {
  return COMPRESSED.find((c) => (bits & c.mask) === c.match && nonzeroHolds(c, bits));
}

function nonzeroHolds(c: Compressed, bits: number): boolean {
  return (c.nonzero ?? []).every((name) => {
    const operand = c.operands[name];
    return typeof operand === 'number' || extract(operand, bits) !== 0;
  });
}
