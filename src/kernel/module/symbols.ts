/**
 * Symbols of modules: those a module needs, those it gives, and whose address this is. Always true: a module links only against
 * functions that something implements, against variables, and against what live modules export.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import {
  functionAt,
  imageOf,
  isExported,
  KERNEL_DATA,
  KERNEL_TEXT,
  kernelCode,
  otherCalls,
  SLOT_BYTES,
} from '../kapi/image.ts';
import { findKapi } from '../kapi/registry.ts';
import { hasModversions, symbolCrc } from '../kapi/vermagic.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';
import { type Elf, modinfoOf, SHF, SHT, SYMBOL_BYTES, textAt } from './elf.ts';
import { isInitSection, type Placed } from './layout.ts';
import { addTaint, Taint } from './taint.ts';
import type { ExportedSymbol, LoadedModule, ModuleSymbol } from './types.ts';

const ENOENT = 2;
const ENOEXEC = 8;
const EACCES = 13;
const EBUSY = 16;
const EINVAL = 22;
const SHN = { UNDEF: 0, LORESERVE: 0xff00, ABS: 0xfff1, COMMON: 0xfff2 } as const;
const STB_WEAK = 2;
const STT_OBJECT = 1;
/** Symbols kept of one module, and bytes of a name. */
const MAX_SYMBOLS = 20_000;

const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

export const findModule = (k: Kernel, name: string): LoadedModule | undefined =>
  k.module.modules.find((module) => module.name === name);

/** license_is_gpl_compatible. */
export const isGplCompatible = (license: string): boolean =>
  ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'].includes(
    license,
  );

interface Definition {
  address: Vaddr;
  gpl: boolean;
  crc: number | null;
  namespace: string;
  owner: LoadedModule | null;
}

/** Who defines an exported symbol: the kernel first, then modules, newest first. */
export function findExport(k: Kernel, name: string): Definition | null {
  const symbol = imageOf(k).byName.get(name);
  if (symbol) {
    if (isExported(symbol))
      return {
        address: symbol.address,
        gpl: symbol.gpl,
        crc: symbolCrc(symbol, k.identity.release),
        namespace: '',
        owner: null,
      };
    if (!symbol.hidden) unsupported(k, `kernel symbol ${name}`);
  }
  for (const owner of k.module.modules) {
    if (owner.state === 'unformed') continue;
    const found = owner.exports.find((entry) => entry.name === name);
    if (found) return { ...found, owner };
  }
  return null;
}

/** The CRCs a module was built with, by symbol; null when it has none. */
export function versionsOf(elf: Elf): Map<string, number> | null {
  const section = elf.sections.find(({ name, type }) => name === '__versions' && type !== SHT.NOBITS);
  if (!section) return null;
  const out = new Map<string, number>();
  for (let at = 0; at + 64 <= section.size; at += 64)
    out.set(
      textAt(elf.bytes, section.offset + at + 8, section.offset + at + 64),
      elf.view.getUint32(section.offset + at, true),
    );
  return out;
}

/** try_to_force_load: loads in spite of what is missing, and says so once. */
export function forceLoad(k: Kernel, module: LoadedModule, reason: string): void {
  if ((k.taint & Taint.FORCED_MODULE) === 0)
    printk(k, Level.WARNING, `${module.name}: ${reason}: kernel tainted.`);
  module.taints |= Taint.FORCED_MODULE;
  addTaint(k, Taint.FORCED_MODULE, true);
}

/** check_version. True: the module may use the symbol. */
export function checkVersion(
  k: Kernel,
  module: LoadedModule,
  versions: Map<string, number> | null,
  name: string,
  crc: number | null,
): boolean {
  if (crc === null || !hasModversions(k.identity.release)) return true;
  if (!versions) {
    forceLoad(k, module, name);
    return true;
  }
  const wanted = versions.get(name);
  if (wanted === undefined) {
    printk(k, Level.WARNING, `${module.name}: no symbol version for ${name}`);
    return true;
  }
  if (wanted === crc) return true;
  printk(k, Level.WARNING, `${module.name}: disagrees about version of symbol ${name}`);
  return false;
}

/** resolve_symbol: the address, or why not. Takes a reference on the module that defines it. */
function resolve(
  k: Kernel,
  module: LoadedModule,
  versions: Map<string, number> | null,
  name: string,
): { address: Vaddr } | { error: number } {
  const found = findExport(k, name);
  if (!found) return { error: -ENOENT };
  if (found.gpl && !isGplCompatible(module.license)) return { error: -ENOENT };
  const { owner } = found;
  if (owner && (owner.taints & Taint.PROPRIETARY) !== 0) {
    if (module.exports.some(({ gpl }) => gpl)) return { error: -EACCES };
    module.taints |= Taint.PROPRIETARY;
  }
  if (!checkVersion(k, module, versions, name, found.crc)) return { error: -EINVAL };
  if (found.namespace !== '' && !module.namespaces.includes(found.namespace)) {
    printk(
      k,
      Level.ERR,
      `${module.name}: module uses symbol (${name}) from namespace ${found.namespace}, but does not import it.`,
    );
    return { error: -EINVAL };
  }
  if (owner) {
    if (owner.state !== 'live') return { error: owner.state === 'coming' ? -EBUSY : -ENOENT };
    if (!module.uses.includes(owner.name)) {
      module.uses.push(owner.name);
      owner.refcnt++;
    }
  }
  return { address: found.address };
}

/** Values of all symbols (simplify_symbols): defined ones get their address, undefined ones are looked up. */
export function resolveSymbols(
  k: Kernel,
  elf: Elf,
  placed: Placed,
  module: LoadedModule,
  versions: Map<string, number> | null,
): number[] | number {
  const { view, symtab, strtab, sections } = elf;
  const count = Math.floor(symtab.size / SYMBOL_BYTES);
  const values: number[] = new Array(count).fill(0);
  const end = strtab.offset + strtab.size;
  let result = 0;
  for (let i = 1; i < count; i++) {
    const at = symtab.offset + i * SYMBOL_BYTES;
    const index = view.getUint16(at + 6, true);
    const value = Number(view.getBigInt64(at + 8, true));
    const nameOf = (): string =>
      textAt(elf.bytes, Math.min(end, strtab.offset + view.getUint32(at, true)), end);
    if (index === SHN.UNDEF) {
      const name = nameOf();
      const found = resolve(k, module, versions, name);
      if ('address' in found) {
        values[i] = found.address;
        continue;
      }
      if (view.getUint8(at + 4) >> 4 === STB_WEAK && found.error === -ENOENT) continue;
      printk(k, Level.WARNING, `${module.name}: Unknown symbol ${name} (err ${found.error})`);
      result = found.error;
    } else if (index === SHN.COMMON) {
      if (nameOf().startsWith('__gnu_lto')) continue;
      printk(k, Level.WARNING, `${module.name}: please compile with -fno-common`);
      result = -ENOEXEC;
    } else if (index === SHN.ABS) values[i] = value;
    else if (index >= sections.length) return -ENOEXEC;
    else {
      const address = placed.addresses[index];
      values[i] = address === 0 ? Number.NaN : address + value;
    }
  }
  return result < 0 ? result : values;
}

/** The letter of nm(1) (elf_type). */
function letterOf(elf: Elf, info: number, index: number): string {
  if (info >> 4 === STB_WEAK) return (info & 15) === STT_OBJECT ? 'v' : 'w';
  if (index === SHN.ABS) return 'a';
  const section = elf.sections[index];
  if (!section) return '?';
  if (section.flags & SHF.EXEC) return 't';
  if (section.type === SHT.NOBITS) return 'b';
  return section.flags & SHF.WRITE ? 'd' : 'r';
}

/** What /proc/kallsyms shows of a module: its defined symbols in loaded sections. */
export function symbolTable(elf: Elf, values: readonly number[]): ModuleSymbol[] {
  const out: ModuleSymbol[] = [];
  const { view, symtab, strtab } = elf;
  const end = strtab.offset + strtab.size;
  for (let i = 1; i < values.length && out.length < MAX_SYMBOLS; i++) {
    const at = symtab.offset + i * SYMBOL_BYTES;
    const index = view.getUint16(at + 6, true);
    const section = elf.sections[index];
    if (index === SHN.UNDEF || !section || (section.flags & SHF.ALLOC) === 0 || Number.isNaN(values[i]))
      continue;
    const name = textAt(elf.bytes, Math.min(end, strtab.offset + view.getUint32(at, true)), end);
    if (name === '') continue;
    out.push({
      name,
      address: values[i],
      size: view.getUint32(at + 16, true),
      type: letterOf(elf, view.getUint8(at + 4), index),
      init: isInitSection(section.name),
    });
  }
  return out;
}

/** Reads the tables that EXPORT_SYMBOL leaves, out of relocated bytes. */
export function exportsOf(elf: Elf, placed: Placed): ExportedSymbol[] {
  const out: ExportedSymbol[] = [];
  for (const gpl of [false, true]) {
    const table = elf.sections.find(({ name }) => name === (gpl ? '__ksymtab_gpl' : '__ksymtab'));
    if (!table || placed.addresses[table.index] === 0) continue;
    const crcs = elf.sections.find(({ name }) => name === (gpl ? '__kcrctab_gpl' : '__kcrctab'));
    const count = Math.min(4096, Math.floor(table.size / 24));
    const crcBytes = crcs && placed.addresses[crcs.index] !== 0 && crcs.size >= count * 8 ? 8 : 4;
    for (let i = 0; i < count; i++) {
      const at = placed.addresses[table.index] + i * 24;
      const pointers = bytesAt(placed, at, 24);
      if (!pointers) break;
      const view = new DataView(pointers.buffer, pointers.byteOffset, 24);
      const crc = crcs && bytesAt(placed, placed.addresses[crcs.index] + i * crcBytes, 4);
      const namespace = Number(view.getBigInt64(16, true));
      out.push({
        address: Number(view.getBigInt64(0, true)),
        name: stringAt(placed, Number(view.getBigInt64(8, true))),
        namespace: namespace === 0 ? '' : stringAt(placed, namespace),
        gpl,
        crc: crc ? new DataView(crc.buffer, crc.byteOffset, 4).getUint32(0, true) : null,
      });
    }
  }
  return out;
}

/** Bytes of a module that is being placed, by their address to be. */
export function bytesAt(placed: Placed, va: Vaddr, length: number): Uint8Array | null {
  const part = placed.parts.find(({ base, bytes }) => va >= base && va + length <= base + bytes.length);
  return part ? part.bytes.subarray(va - part.base, va - part.base + length) : null;
}

export function stringAt(placed: Placed, va: Vaddr): string {
  const part = placed.parts.find(({ base, bytes }) => va >= base && va < base + bytes.length);
  return part ? textAt(part.bytes, va - part.base, part.bytes.length) : '';
}

/** verify_exported_symbols: nobody else may export the same names. */
export function verifyExports(k: Kernel, module: LoadedModule): number {
  for (const { name } of module.exports) {
    const other = findExport(k, name);
    if (!other) continue;
    const owner = other.owner?.name ?? 'kernel';
    printk(k, Level.ERR, `${module.name}: exports duplicate symbol ${name} (owned by ${owner})`);
    return -ENOEXEC;
  }
  return 0;
}

/** A kernel address in words. */
export interface SymbolAt {
  name: string;
  offset: number;
  size: number;
  module: string | null;
}

const isLocalLabel = (name: string): boolean => name.startsWith('$') || name.startsWith('.L') || name === '';

/** Whose address this is (kallsyms_lookup); null when it is nobody's. Reads nothing of guest memory. */
export function lookupSymbol(k: Kernel, va: Vaddr): SymbolAt | null {
  const other = va >= KERNEL_TEXT ? otherCalls().nameAt(k, va) : null;
  if (other) return { ...other, size: SLOT_BYTES, module: null };
  if (va >= KERNEL_TEXT && va < imageOf(k).textEnd) {
    const start = va - ((((va - KERNEL_TEXT) % SLOT_BYTES) + SLOT_BYTES) % SLOT_BYTES);
    const found = functionAt(k, start);
    return found ? { name: found.name, offset: va - start, size: SLOT_BYTES, module: null } : null;
  }
  if (va >= KERNEL_DATA) {
    const found = imageOf(k).data.findLast(({ address }) => address <= va);
    return found && va < found.address + Math.max(8, found.size)
      ? { name: found.name, offset: va - found.address, size: found.size, module: null }
      : null;
  }
  for (const module of k.module.modules) {
    const region = [...module.core, ...module.init].find(
      ({ base, pages }) => va >= base && va < base + pages * PAGE_SIZE,
    );
    if (!region) continue;
    const end = region.base + region.pages * PAGE_SIZE;
    let best: ModuleSymbol | null = null;
    let next = end;
    for (const symbol of module.symbols) {
      if (isLocalLabel(symbol.name) || symbol.address < region.base || symbol.address >= end) continue;
      if (symbol.address <= va) {
        if (!best || symbol.address > best.address) best = symbol;
      } else if (symbol.address < next) next = symbol.address;
    }
    if (!best) return null;
    return { name: best.name, offset: va - best.address, size: next - best.address, module: module.name };
  }
  return null;
}

/** The address of a symbol by name, exported or not (kallsyms_lookup_name); `module:name` asks one module. 0: none. */
export function lookupName(k: Kernel, name: string): Vaddr {
  const colon = name.indexOf(':');
  const symbol = imageOf(k).byName.get(name);
  if (symbol) return symbol.address;
  const other = otherCalls().addressOf(k, name);
  if (other !== 0) return other;
  for (const module of k.module.modules) {
    if (colon > 0 && module.name !== name.slice(0, colon)) continue;
    const found = module.symbols.find((entry) => entry.name === name.slice(colon + 1));
    if (found) return found.address;
  }
  return 0;
}

/** The module whose memory holds an address (__module_address). */
export const moduleAt = (k: Kernel, va: Vaddr): LoadedModule | undefined =>
  k.module.modules.find((module) =>
    [...module.core, ...module.init].some(({ base, pages }) => va >= base && va < base + pages * PAGE_SIZE),
  );

/** A line of /proc/kallsyms. */
export interface KallsymsEntry {
  address: Vaddr;
  type: string;
  name: string;
  module: string | null;
}

/** The kernel's functions and data, then the modules'. */
export function kallsyms(k: Kernel): KallsymsEntry[] {
  const { functions, data } = imageOf(k);
  const entries: KallsymsEntry[] = [];
  for (const { name, address } of functions)
    if (findKapi(name)) entries.push({ address, type: 'T', name, module: null });
  for (const { name, address } of data) entries.push({ address, type: 'D', name, module: null });
  for (const module of k.module.modules) {
    if (module.state === 'unformed') continue;
    const exported = new Set(module.exports.map(({ name }) => name));
    for (const { name, address, type } of module.symbols)
      entries.push({
        address,
        type: exported.has(name) ? type.toUpperCase() : type,
        name,
        module: module.name,
      });
  }
  return entries;
}

/** Lines of /proc/kallsyms. */
export const kallsymsText = (k: Kernel, addresses: boolean): string =>
  kallsyms(k)
    .map(({ address, type, name, module }) => {
      const shown = addresses ? hex(address) : '0000000000000000';
      return `${shown} ${type} ${name}${module === null ? '' : `\t[${module}]`}\n`;
    })
    .join('');

/** The text of a modinfo field of a loaded module. */
export const infoOf = (module: LoadedModule, key: string): string | undefined =>
  modinfoOf(module.modinfo, key);
export { kernelCode };
