/**
 * What a fuzz program is, and how it becomes bytes.
 *
 * Always true: a program is a list of items at no particular address; jumps name items, so any prefix of it can be laid
 * out, too, with what leads beyond leading to its end.
 */
import { type Field, FORMATS, type Instruction, insert } from '../../src/cpu/isa/index.ts';

/** The window that loads and stores hit; a page boundary lies in its middle. */
export const SCRATCH = { start: 0x60f00, middle: 0x61000, size: 512 } as const;

/**
 * Where a jump leads: the index of an item, the program's length being its end. `from` is the item whose address the
 * offset counts from (the jump itself when absent); `odd` sets the low bit that jalr has to clear.
 */
export interface Jump {
  field: Field;
  to: number;
  from?: number;
  odd?: boolean;
}

/** One instruction of a program, or a gap: bytes that are never executed. */
export interface Item {
  name: string;
  bits: number;
  size: number;
  jump?: Jump;
  /** pc-relative halves of an address: `high` for auipc, `low` for what follows the auipc at item `from`. */
  address?: { field: Field; part: 'high' | 'low'; to: number; from: number };
}

/** The name of gaps, which is no instruction's. */
export const GAP = 'gap';

export interface Program {
  /** The register that stays what it was. */
  reserved: number;
  items: Item[];
}

/** The bits of a 32-bit instruction with the operands given by name. */
export function encode(instruction: Instruction, operands: Readonly<Record<string, number>>): number {
  let bits = instruction.match;
  for (const [name, field] of Object.entries(FORMATS[instruction.format].operands as Record<string, Field>)) {
    bits |= insert(field, operands[name]);
  }
  return bits >>> 0;
}

/** The bytes of the first `count` items laid out at `address`; jumps that lead further on lead to the end. */
export function layOut(program: Program, address: number, count = program.items.length): Uint8Array {
  const items = program.items.slice(0, count);
  const addresses = [address];
  for (const item of items) addresses.push(addresses[addresses.length - 1] + item.size);
  const bytes = new Uint8Array(addresses[count] - address);
  const view = new DataView(bytes.buffer);
  items.forEach((item, index) => {
    if (item.name === GAP) return;
    let bits = item.bits;
    if (item.jump) {
      const target = addresses[Math.min(item.jump.to, count)] + (item.jump.odd ? 1 : 0);
      bits |= insert(item.jump.field, target - addresses[item.jump.from ?? index]);
    }
    if (item.address) {
      const offset = item.address.to - addresses[item.address.from];
      const low = (offset << 20) >> 20;
      bits |= insert(item.address.field, item.address.part === 'low' ? low : offset - low);
    }
    if (item.size === 2) view.setUint16(addresses[index] - address, bits, true);
    else view.setUint32(addresses[index] - address, bits >>> 0, true);
  });
  return bytes;
}
