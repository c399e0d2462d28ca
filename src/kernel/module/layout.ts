/**
 * Where a module's sections go in memory (layout_sections, move_module). Always true: text, read-only data and data begin on
 * pages of their own, in the core and in the part that is freed after init; nothing is placed outside its region.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import type { Elf, Section } from './elf.ts';
import { SHF, SHT } from './elf.ts';
import { KernelPage, writeK } from './kmem.ts';
import { allocRegion, freeRegion, protectPages } from './memory.ts';
import type { Region } from './types.ts';

/** A part of a module's memory with the rights of its pages. */
interface Group {
  readonly flags: number;
  readonly sections: { section: Section; offset: number }[];
  size: number;
}

export interface Placed {
  /** Address of each section; 0 for those that are not loaded. */
  readonly addresses: Vaddr[];
  readonly core: Region[];
  readonly init: Region[];
  readonly coreSize: number;
  readonly initSize: number;
  readonly textBase: Vaddr;
  readonly parts: Part[];
}

/** A region being filled: `bytes` go to memory when everything is relocated. */
export interface Part {
  readonly base: Vaddr;
  readonly bytes: Uint8Array;
  readonly flags: number;
}

/** What one module may take. */
const MAX_BYTES = 64 * 2 ** 20;
const MAX_ALIGN = 65536;

/** Sections that are gone once the module is live; the symbol table is kept elsewhere by then. */
export const isInitSection = (name: string): boolean =>
  name.startsWith('.init') || name === '.symtab' || name === '.strtab';
const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Room for the global offset table, one pointer for each symbol that is reached through it. */
export const GOT_SECTION = '.got';

/**
 * Places every section and takes memory for it. `gotEntries` pointers are added to the data. Answers -ENOEXEC for alignments
 * that are none, -ENOMEM when memory is spent.
 */
export function placeSections(k: Kernel, elf: Elf, gotEntries: number): (Placed & { got: Vaddr }) | number {
  const group = (flags: number): Group => ({ flags, sections: [], size: 0 });
  const halves = [0, 1].map(() => [group(KernelPage.TEXT), group(KernelPage.RODATA), group(KernelPage.DATA)]);
  for (const section of elf.sections) {
    if ((section.flags & SHF.ALLOC) === 0 || section.type === SHT.NULL) continue;
    const align = Math.max(1, section.align);
    if (align > MAX_ALIGN || 2 ** Math.round(Math.log2(align)) !== align) return -8;
    const half = halves[isInitSection(section.name) ? 1 : 0];
    const part = half[section.flags & SHF.EXEC ? 0 : section.flags & SHF.WRITE ? 2 : 1];
    const offset = roundUp(part.size, align);
    part.sections.push({ section, offset });
    part.size = offset + section.size;
    if (!(part.size <= MAX_BYTES)) return -12;
  }
  const data = halves[0][2];
  const gotOffset = roundUp(data.size, 8);
  if (gotEntries > 0) data.size = gotOffset + gotEntries * 8;

  const addresses: Vaddr[] = elf.sections.map(() => 0);
  const parts: Part[] = [];
  const regions: Region[][] = [[], []];
  let got = 0;
  for (const [h, half] of halves.entries())
    for (const part of half) {
      if (part.size === 0) continue;
      const pages = Math.ceil(part.size / PAGE_SIZE);
      const region = allocRegion(k, pages);
      if (!region) {
        for (const taken of regions.flat()) freeRegion(k, taken);
        return -12;
      }
      regions[h].push(region);
      const bytes = new Uint8Array(pages * PAGE_SIZE);
      for (const { section, offset } of part.sections) {
        addresses[section.index] = region.base + offset;
        if (section.type !== SHT.NOBITS)
          bytes.set(elf.bytes.subarray(section.offset, section.offset + section.size), offset);
      }
      if (part === data) got = region.base + gotOffset;
      parts.push({ base: region.base, bytes, flags: part.flags });
    }
  const sizeOf = (half: Region[]): number => half.reduce((sum, { pages }) => sum + pages * PAGE_SIZE, 0);
  return {
    addresses,
    core: regions[0],
    init: regions[1],
    coreSize: sizeOf(regions[0]),
    initSize: sizeOf(regions[1]),
    textBase: regions[0][0]?.base ?? regions[1][0]?.base ?? 0,
    parts,
    got,
  };
}

/** Copies the finished bytes to guest memory and gives the pages their rights. */
export function commitParts(k: Kernel, placed: Placed): void {
  for (const { base, bytes, flags } of placed.parts) {
    writeK(k, base, bytes, true);
    if (flags !== KernelPage.DATA) protectPages(k, base, bytes.length / PAGE_SIZE, flags);
  }
}

/** Gives the memory back. */
export function releasePlaced(k: Kernel, placed: Pick<Placed, 'core' | 'init'>): void {
  for (const region of [...placed.core, ...placed.init]) freeRegion(k, region);
}
