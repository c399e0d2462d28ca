/** Which op a piece of code decodes to, in TypeScript: what the generated decoder does, for profiles and tests. */
import { extract, type Field, FORMATS, find16, find32, instructionNamed } from '../isa/index.ts';
import { buildOps, isPure, isRelativeJump } from './ops.ts';

const table = buildOps([]);

/** The op's name (see ops.ts) of the instruction at `pc`; '?' when there is none. */
export function classify(bits: number, pc: number): string {
  const short = (bits & 3) !== 3;
  const compressed = short ? find16(bits & 0xffff) : undefined;
  const instruction = compressed ? instructionNamed(compressed.expands) : short ? undefined : find32(bits);
  if (!instruction) return '?';
  const fields = FORMATS[instruction.format].operands as Record<string, Field>;
  const value = (name: string): number => {
    if (!compressed) return extract(fields[name], bits);
    const from = compressed.operands[name];
    return typeof from === 'number' ? from : extract(from, bits);
  };
  const prefix = short ? 'c.' : '';
  if (isPure(instruction) && value('rd') === 0) return `${prefix}nop`;
  const family = table.families.find(
    (f) =>
      f.instruction === instruction &&
      Object.entries(f.when ?? {}).every(([name, wanted]) => value(name) === wanted),
  )!;
  const far = isRelativeJump(instruction) && Math.floor((pc + value('imm')) / 4096) !== Math.floor(pc / 4096);
  return family.ops.find((op) => op.far === far && (op.length === 2) === short)!.name;
}
