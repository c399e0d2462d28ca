/**
 * A .ko file as a table of sections (kernel/module/main.c elf_validity_check). Always true: whatever passes here has every
 * section inside the file, every name ended by a NUL, and one symbol table; nothing of a hostile file is used before.
 */
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';

export interface Section {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entsize: number;
}

export interface Elf {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly sections: Section[];
  readonly symtab: Section;
  readonly strtab: Section;
  readonly modinfo: [string, string][];
  /** The module's name as far as messages go. */
  readonly name: string;
}

export const SHT = { NULL: 0, PROGBITS: 1, SYMTAB: 2, STRTAB: 3, RELA: 4, NOTE: 7, NOBITS: 8 } as const;
export const SHF = { WRITE: 1, ALLOC: 2, EXEC: 4 } as const;
const HEADER_BYTES = 64;
export const SECTION_BYTES = 64;
export const SYMBOL_BYTES = 24;
const ET_REL = 1;
const EM_RISCV = 243;
const ENOEXEC = 8;
/** Longer names than any tool makes: a hostile table must not cost more than its size. */
const MAX_NAME = 512;

/** A byte string that ends at a NUL before `end`. */
export function textAt(bytes: Uint8Array, offset: number, end: number): string {
  const limit = Math.min(end, offset + MAX_NAME, bytes.length);
  let text = '';
  for (let i = offset; i < limit && bytes[i] !== 0; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** The entries of .modinfo: `name=value`. */
function parseModinfo(bytes: Uint8Array): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at < bytes.length && out.length < 4096; ) {
    let end = bytes.indexOf(0, at);
    if (end < 0) end = bytes.length;
    if (end > at) {
      let text = '';
      for (let i = at; i < end && i < at + 4096; i++) text += String.fromCharCode(bytes[i]);
      const equals = text.indexOf('=');
      if (equals > 0) out.push([text.slice(0, equals), text.slice(equals + 1)]);
    }
    at = end + 1;
  }
  return out;
}

export const modinfoOf = (modinfo: readonly [string, string][], key: string): string | undefined =>
  modinfo.find(([name]) => name === key)?.[1];

/** Checks the file and reads its tables; a negative errno after a line in the log when it is refused. */
export function parseElf(k: Kernel, bytes: Uint8Array): Elf | number {
  const refuse = (text: string, level: number = Level.ERR): number => {
    printk(k, level, text);
    return -ENOEXEC;
  };
  const { length } = bytes;
  if (length < HEADER_BYTES) return refuse(`Invalid ELF header len ${length}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => u32(at) + u32(at + 4) * 2 ** 32;
  if (u32(0) !== 0x464c457f) return refuse('Invalid ELF header magic: != \x7fELF');
  if (u16(16) !== ET_REL) return refuse(`Invalid ELF header type: ${u16(16)} != ${ET_REL}`);
  if (u16(18) !== EM_RISCV || bytes[4] !== 2) return refuse(`Invalid architecture in ELF header: ${u16(18)}`);
  if (u16(58) !== SECTION_BYTES) return refuse('Invalid ELF section header size');
  const offset = u64(40);
  const count = u16(60);
  const names = u16(62);
  if (offset >= length || count * SECTION_BYTES > length - offset)
    return refuse('Invalid ELF section header overflow');
  if (names === 0 || names >= count)
    return refuse(`Invalid ELF section name index: ${names} || e_shstrndx (${names}) >= e_shnum (${count})`);

  const raw = (i: number) => {
    const at = offset + i * SECTION_BYTES;
    return {
      nameOffset: u32(at),
      type: u32(at + 4),
      flags: u32(at + 8),
      offset: u64(at + 24),
      size: u64(at + 32),
      link: u32(at + 40),
      info: u32(at + 44),
      align: u64(at + 48),
      entsize: u64(at + 56),
    };
  };
  const inside = (section: { offset: number; size: number }): boolean =>
    section.offset + section.size <= length;
  const nameTable = raw(names);
  if (nameTable.type === SHT.NOBITS || !inside(nameTable))
    return refuse(`Invalid ELF section hdr(type ${nameTable.type})`);
  const namesEnd = nameTable.offset + nameTable.size;
  if (nameTable.size === 0 || bytes[namesEnd - 1] !== 0)
    return refuse("ELF Spec violation: section name table isn't null terminated");
  const first = raw(0);
  if (first.type !== SHT.NULL || first.size !== 0)
    return refuse(`ELF Spec violation: section 0 type(${first.type})!=SH_NULL or non-zero len or addr`);

  const sections: Section[] = [];
  for (let i = 0; i < count; i++) {
    const { nameOffset, ...section } = raw(i);
    if (section.type === SHT.SYMTAB && (section.link === 0 || section.link >= count))
      return refuse(
        `Invalid ELF sh_link!=SHN_UNDEF(${section.link}) or (sh_link(${section.link}) >= hdr->e_shnum(${count})`,
      );
    if (section.type !== SHT.NULL && section.type !== SHT.NOBITS && !inside(section))
      return refuse(`Invalid ELF section in module (section ${i} type ${section.type})`);
    if (nameOffset >= nameTable.size)
      return refuse(`Invalid ELF section name in module (section ${i} type ${section.type})`);
    sections.push({ ...section, index: i, name: textAt(bytes, nameTable.offset + nameOffset, namesEnd) });
  }

  const info = sections.filter(({ name, type }) => name === '.modinfo' && type !== SHT.NOBITS);
  if (info.length > 1) return refuse('Only one .modinfo section must exist.');
  const modinfo = info[0] ? parseModinfo(bytes.subarray(info[0].offset, info[0].offset + info[0].size)) : [];
  const name = modinfoOf(modinfo, 'name')?.slice(0, 55) ?? '(missing .modinfo name field)';
  const tables = sections.filter(({ type }) => type === SHT.SYMTAB);
  if (tables.length !== 1) return refuse(`${name}: module has no symbols (stripped?)`, Level.WARNING);
  const [symtab] = tables;
  const strtab = sections[symtab.link];
  if (strtab.type === SHT.NOBITS || strtab.size === 0 || bytes[strtab.offset + strtab.size - 1] !== 0)
    return refuse("ELF Spec violation: symbol strtab isn't null terminated");
  return { bytes, view, sections, symtab, strtab, modinfo, name };
}
