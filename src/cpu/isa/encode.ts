/** A tiny assembler made from the declarations, for tests, trampolines and the fuzzer. Its mistakes throw. */
import { FORMATS } from './declare.ts';
import { type Field, insert } from './fields.ts';
import { COMPRESSED, instructionNamed } from './index.ts';

/** Operand values by name: register numbers, immediates, offsets in bytes for jumps. */
export type Operands = Readonly<Record<string, number>>;

/** The 32 bits of an instruction. An operand that is not given is 0 (the rounding mode: 7, dynamic). */
export function encode(name: string, operands: Operands = {}): number {
  const instruction = instructionNamed(name);
  const fields = FORMATS[instruction.format].operands as Record<string, Field>;
  for (const given of Object.keys(operands)) {
    if (!(given in fields)) throw new RangeError(`${name} has no operand ${given}`);
  }
  let bits = instruction.match;
  for (const [operand, field] of Object.entries(fields)) {
    bits |= insert(field, operands[operand] ?? (operand === 'rm' ? 7 : 0));
  }
  return bits >>> 0;
}

/** The 16 bits of a compressed instruction; operands are those of the instruction it stands for,
 * and one that is not given leaves its field alone (so `rd` suffices where `rs1` is the same field). */
export function encodeCompressed(name: string, operands: Operands = {}): number {
  const declared = COMPRESSED.find((c) => c.name === name);
  if (!declared) throw new RangeError(`no compressed instruction is called ${name}`);
  let bits = declared.match;
  for (const [operand, from] of Object.entries(declared.operands)) {
    const value = operands[operand];
    if (typeof from !== 'number' && value !== undefined) bits |= insert(from, value);
  }
  return bits & 0xffff;
}

/** Little-endian bytes of instructions: numbers below 0x10000 whose low bits are not 11 take two bytes. */
export function assemble(instructions: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const bits of instructions) {
    bytes.push(bits & 255, (bits >>> 8) & 255);
    if ((bits & 3) === 3) bytes.push((bits >>> 16) & 255, bits >>> 24);
  }
  return Uint8Array.from(bytes);
}

/** Instructions that put a 64-bit constant into a register. */
export function loadConstant(rd: number, value: bigint): number[] {
  const signed = BigInt.asIntN(64, value);
  if (signed >= -(2n ** 31n) && signed < 2n ** 31n) {
    const low = Number(BigInt.asIntN(12, signed));
    const high = (Number(signed) - low) | 0;
    const lui = high === 0 ? [] : [encode('lui', { rd, imm: high })];
    return [...lui, encode(high === 0 ? 'addi' : 'addiw', { rd, rs1: high === 0 ? 0 : rd, imm: low })];
  }
  const low = BigInt.asIntN(12, signed);
  return [
    ...loadConstant(rd, (signed - low) >> 12n),
    encode('slli', { rd, rs1: rd, imm: 12 }),
    encode('addi', { rd, rs1: rd, imm: Number(low) }),
  ];
}
