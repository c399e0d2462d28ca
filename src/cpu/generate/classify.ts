/** Which op a piece of code decodes to, in TypeScript: what the generated decoder does, for profiles and tests. */
import { extract, type Field, FORMATS, find16, find32, instructionNamed } from '../isa/index.ts';
import { buildOps, isPure, isRelativeJump } from './ops.ts';

const table = buildOps([]);

/** What a piece of code decodes to: its op's name (see ops.ts; '?': none) and the registers it writes and reads. */
export interface Classified {
  readonly name: string;
  readonly rd?: number;
  readonly rs1?: number;
  readonly rs2?: number;
}

/** Classifies the instruction at `pc`. */
export function classify(bits: number, pc: number): Classified {
  const short = (bits & 3) !== 3;
  const compressed = short ? find16(bits & 0xffff) : undefined;
  const instruction = compressed ? instructionNamed(compressed.expands) : short ? undefined : find32(bits);
  if (!instruction) return { name: '?' };
  const fields = FORMATS[instruction.format].operands as Record<string, Field>;
  const value = (name: string): number => {
    if (!compressed) return extract(fields[name], bits);
    const from = compressed.operands[name];
    return typeof from === 'number' ? from : extract(from, bits);
  };
  const prefix = short ? 'c.' : '';
  if (isPure(instruction) && value('rd') === 0) return { name: `${prefix}nop` };
  const family = table.families.find(
    (f) =>
      f.instruction === instruction &&
      Object.entries(f.when ?? {}).every(([name, wanted]) => value(name) === wanted),
  )!;
  const far = isRelativeJump(instruction) && Math.floor((pc + value('imm')) / 4096) !== Math.floor(pc / 4096);
  const op = family.ops.find((form) => form.far === far && (form.length === 2) === short)!;
  const register = (name: string) =>
    name in fields && new RegExp(`\\b${name}\\b`).test(op.meaning) ? value(name) : undefined;
  return { name: op.name, rd: register('rd') || undefined, rs1: register('rs1'), rs2: register('rs2') };
}
