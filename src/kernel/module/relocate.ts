/**
 * Relocations of riscv (arch/riscv/kernel/module.c, the RISC-V ELF psABI). Always true: a relocation writes only inside the section
 * it is for; anything else is refused.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Elf, Section } from './elf.ts';
import { SHF, SHT } from './elf.ts';
import type { Part, Placed } from './layout.ts';

export const R = {
  NONE: 0,
  ABS32: 1,
  ABS64: 2,
  BRANCH: 16,
  JAL: 17,
  CALL: 18,
  CALL_PLT: 19,
  GOT_HI20: 20,
  PCREL_HI20: 23,
  PCREL_LO12_I: 24,
  PCREL_LO12_S: 25,
  HI20: 26,
  LO12_I: 27,
  LO12_S: 28,
  ADD8: 33,
  ADD16: 34,
  ADD32: 35,
  ADD64: 36,
  SUB8: 37,
  SUB16: 38,
  SUB32: 39,
  SUB64: 40,
  ALIGN: 43,
  RVC_BRANCH: 44,
  RVC_JUMP: 45,
  RELAX: 51,
  SUB6: 52,
  SET6: 53,
  SET8: 54,
  SET16: 55,
  SET32: 56,
  PCREL_32: 57,
} as const;

const RELA_BYTES = 24;
const ENOEXEC = 8;
const EINVAL = 22;
/** How many bytes each kind writes. */
const WIDTH: Readonly<Record<number, number>> = {
  [R.ABS64]: 8,
  [R.ADD64]: 8,
  [R.SUB64]: 8,
  [R.CALL]: 8,
  [R.CALL_PLT]: 8,
  [R.RVC_BRANCH]: 2,
  [R.RVC_JUMP]: 2,
  [R.ADD8]: 1,
  [R.SUB8]: 1,
  [R.SUB6]: 1,
  [R.SET6]: 1,
  [R.SET8]: 1,
  [R.ADD16]: 2,
  [R.SUB16]: 2,
  [R.SET16]: 2,
  [R.NONE]: 0,
  [R.RELAX]: 0,
  [R.ALIGN]: 0,
};

const KNOWN: ReadonlySet<number> = new Set(Object.values(R));

const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

/** Values of all symbols, by index; NaN for what no code may reach. */
export type SymbolValues = readonly number[];

/** Which symbols are reached through the global offset table, and each one's slot. */
export function gotSlots(elf: Elf): Map<number, number> {
  const slots = new Map<number, number>();
  for (const section of relocationsOf(elf))
    for (let at = section.offset; at + RELA_BYTES <= section.offset + section.size; at += RELA_BYTES)
      if (elf.view.getUint32(at + 8, true) === R.GOT_HI20) {
        const symbol = elf.view.getUint32(at + 12, true);
        if (!slots.has(symbol)) slots.set(symbol, slots.size);
      }
  return slots;
}

const relocationsOf = (elf: Elf): Section[] =>
  elf.sections.filter(
    ({ type, info }) =>
      type === SHT.RELA && info < elf.sections.length && (elf.sections[info].flags & SHF.ALLOC) !== 0,
  );

/** Whether all tables together are no longer than the file: overlapping ones would cost far more than their bytes. */
export const relocationsFit = (elf: Elf): boolean =>
  relocationsOf(elf).reduce((sum, { size }) => sum + size, 0) <= elf.bytes.length;

/** Applies every relocation of the loaded sections. 0 or a negative errno, after a line in the log. */
export function relocate(
  k: Kernel,
  elf: Elf,
  placed: Placed & { got: Vaddr },
  values: SymbolValues,
  slots: ReadonlyMap<number, number>,
): number {
  for (const [symbol, slot] of slots) {
    const part = partAt(placed.parts, placed.got);
    const value = values[symbol];
    if (!part || value === undefined || Number.isNaN(value)) return -ENOEXEC;
    const offset = placed.got - part.base + slot * 8;
    new DataView(part.bytes.buffer).setBigInt64(offset, BigInt(value), true);
  }
  for (const section of relocationsOf(elf)) {
    if (elf.sections[section.info].type === SHT.NOBITS || elf.sections[section.info].size === 0) continue;
    const error = relocateSection(k, elf, placed, section, values, slots);
    if (error < 0) return error;
  }
  return 0;
}

const partAt = (parts: readonly Part[], va: Vaddr): Part | undefined =>
  parts.find(({ base, bytes }) => va >= base && va < base + bytes.length);

function relocateSection(
  k: Kernel,
  elf: Elf,
  placed: Placed & { got: Vaddr },
  section: Section,
  values: SymbolValues,
  slots: ReadonlyMap<number, number>,
): number {
  const target = elf.sections[section.info];
  const base = placed.addresses[section.info];
  const part = partAt(placed.parts, base);
  if (!part) return -ENOEXEC;
  const view = new DataView(part.bytes.buffer);
  const { name } = elf;
  const fail = (text: string, error = EINVAL): number => {
    printk(k, Level.ERR, `${name}: ${text}`);
    return -error;
  };
  const high = new Map<number, number>();
  const later: { at: number; symbol: number; type: number; offset: number }[] = [];
  const count = Math.floor(section.size / RELA_BYTES);
  for (let i = 0; i < count; i++) {
    const entry = section.offset + i * RELA_BYTES;
    const low = elf.view.getUint32(entry, true);
    const offset = low + elf.view.getUint32(entry + 4, true) * 2 ** 32;
    const type = elf.view.getUint32(entry + 8, true);
    const index = elf.view.getUint32(entry + 12, true);
    const addend = Number(elf.view.getBigInt64(entry + 16, true));
    const width = WIDTH[type] ?? 4;
    if (offset + width > target.size)
      return fail(`relocation ${i} of ${target.name} lies outside the section`, ENOEXEC);
    if (type === R.NONE || type === R.RELAX) continue;
    if (!KNOWN.has(type)) return fail(`Unknown relocation type ${type}`);
    const symbol = values[index];
    if (symbol === undefined || Number.isNaN(symbol) || !Number.isSafeInteger(symbol + addend))
      return fail(`relocation ${i} of ${target.name} has an invalid symbol`, ENOEXEC);
    const at = base - part.base + offset;
    const pc = base + offset;
    const value = symbol + addend;
    const far = (): number =>
      fail(`target ${hex(value)} can not be addressed by the 32-bit offset from PC = ${hex(pc)}`);
    switch (type) {
      case R.ALIGN:
        return fail(`The unexpected relocation type 'R_RISCV_ALIGN' from PC = ${hex(pc)}`);
      case R.PCREL_HI20:
      case R.GOT_HI20: {
        let delta = value - pc;
        if (type === R.GOT_HI20) delta = placed.got + slots.get(index)! * 8 - pc;
        if (!fits(delta)) return far();
        high.set(pc, delta);
        setHi20(view, at, delta);
        break;
      }
      case R.PCREL_LO12_I:
      case R.PCREL_LO12_S:
        later.push({ at, symbol, type, offset });
        break;
      case R.CALL:
      case R.CALL_PLT: {
        const delta = value - pc;
        if (!fits(delta)) return far();
        setHi20(view, at, delta);
        setLo12I(view, at + 4, delta);
        break;
      }
      default: {
        const error = simple(view, at, type, value, pc);
        if (error) return error === 'far' ? far() : fail(error);
      }
    }
  }
  for (const { at, symbol, type } of later) {
    const delta = high.get(symbol);
    if (delta === undefined)
      return fail(`Can not find HI20 relocation information for the low part at PC = ${hex(part.base + at)}`);
    if (type === R.PCREL_LO12_I) setLo12I(view, at, delta);
    else setLo12S(view, at, delta);
  }
  return 0;
}

/** What auipc and a 12-bit immediate reach. */
const fits = (delta: number): boolean => delta >= -(2 ** 31) - 2 ** 11 && delta < 2 ** 31 - 2 ** 11;

function setHi20(view: DataView, at: number, value: number): void {
  const hi = Math.floor((value + 0x800) / 0x1000);
  view.setUint32(at, ((view.getUint32(at, true) & 0xfff) | (hi << 12)) >>> 0, true);
}
function setLo12I(view: DataView, at: number, value: number): void {
  view.setUint32(at, ((view.getUint32(at, true) & 0xfffff) | ((value & 0xfff) << 20)) >>> 0, true);
}
function setLo12S(view: DataView, at: number, value: number): void {
  const imm = value & 0xfff;
  const bits = view.getUint32(at, true) & 0x1fff07f;
  view.setUint32(at, (bits | ((imm & 0x1f) << 7) | ((imm >> 5) << 25)) >>> 0, true);
}

/** The kinds that need nothing but their own place. Answers '' or why not. */
function simple(view: DataView, at: number, type: number, value: number, pc: number): string {
  const big = (): bigint => BigInt.asUintN(64, BigInt(value));
  const delta = value - pc;
  switch (type) {
    case R.ABS32:
      if (value < -(2 ** 31) || value >= 2 ** 32) return 'far';
      view.setUint32(at, value >>> 0, true);
      return '';
    case R.ABS64:
      view.setBigUint64(at, big(), true);
      return '';
    case R.PCREL_32:
      if (delta < -(2 ** 31) || delta >= 2 ** 31) return 'far';
      view.setInt32(at, delta, true);
      return '';
    case R.HI20:
      if (value < -(2 ** 31) || value >= 2 ** 31) return 'far';
      setHi20(view, at, value);
      return '';
    case R.LO12_I:
      setLo12I(view, at, value);
      return '';
    case R.LO12_S:
      setLo12S(view, at, value);
      return '';
    case R.BRANCH: {
      if (delta < -4096 || delta >= 4096 || delta & 1) return 'far';
      const bits = view.getUint32(at, true) & 0x1fff07f;
      const imm =
        ((delta & 0x1000) << 19) | ((delta & 0x7e0) << 20) | ((delta & 0x1e) << 7) | ((delta & 0x800) >> 4);
      view.setUint32(at, (bits | imm) >>> 0, true);
      return '';
    }
    case R.JAL: {
      if (delta < -(2 ** 20) || delta >= 2 ** 20 || delta & 1) return 'far';
      const bits = view.getUint32(at, true) & 0xfff;
      const imm =
        ((delta & 0x100000) << 11) | (delta & 0xff000) | ((delta & 0x800) << 9) | ((delta & 0x7fe) << 20);
      view.setUint32(at, (bits | imm) >>> 0, true);
      return '';
    }
    case R.RVC_BRANCH: {
      if (delta < -256 || delta >= 256 || delta & 1) return 'far';
      const bits = view.getUint16(at, true) & 0xe383;
      const imm =
        ((delta & 0x100) << 4) |
        ((delta & 0x18) << 7) |
        ((delta & 0xc0) >> 1) |
        ((delta & 0x6) << 2) |
        ((delta & 0x20) >> 3);
      view.setUint16(at, bits | imm, true);
      return '';
    }
    case R.RVC_JUMP: {
      if (delta < -2048 || delta >= 2048 || delta & 1) return 'far';
      const bits = view.getUint16(at, true) & 0xe003;
      const imm =
        ((delta & 0x800) << 1) |
        ((delta & 0x10) << 7) |
        ((delta & 0x300) << 1) |
        ((delta & 0x400) >> 2) |
        ((delta & 0x40) << 1) |
        ((delta & 0x80) >> 1) |
        ((delta & 0xe) << 2) |
        ((delta & 0x20) >> 3);
      view.setUint16(at, bits | imm, true);
      return '';
    }
    case R.ADD8:
      view.setUint8(at, view.getUint8(at) + value);
      return '';
    case R.SUB8:
      view.setUint8(at, view.getUint8(at) - value);
      return '';
    case R.SET8:
      view.setUint8(at, value);
      return '';
    case R.SET6:
      view.setUint8(at, (view.getUint8(at) & 0xc0) | (value & 0x3f));
      return '';
    case R.SUB6:
      view.setUint8(at, (view.getUint8(at) & 0xc0) | ((view.getUint8(at) - value) & 0x3f));
      return '';
    case R.ADD16:
      view.setUint16(at, view.getUint16(at, true) + value, true);
      return '';
    case R.SUB16:
      view.setUint16(at, view.getUint16(at, true) - value, true);
      return '';
    case R.SET16:
      view.setUint16(at, value, true);
      return '';
    case R.ADD32:
      view.setUint32(at, (view.getUint32(at, true) + value) % 2 ** 32, true);
      return '';
    case R.SUB32:
      view.setUint32(at, (view.getUint32(at, true) - value) % 2 ** 32, true);
      return '';
    case R.SET32:
      view.setUint32(at, value % 2 ** 32, true);
      return '';
    case R.ADD64:
      view.setBigUint64(at, BigInt.asUintN(64, view.getBigUint64(at, true) + big()), true);
      return '';
    case R.SUB64:
      view.setBigUint64(at, BigInt.asUintN(64, view.getBigUint64(at, true) - big()), true);
      return '';
    default:
      return `Unknown relocation type ${type}`;
  }
}
