/**
 * ELF for riscv64 (elf(5), the RISC-V psABI): headers as data. Always true: a parser answers null rather than reading outside
 * its bytes; sizes and offsets above 2^53 are refused.
 */

export const ElfType = { REL: 1, EXEC: 2, DYN: 3 } as const;
export const EM_RISCV = 243;
export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;

export const Pt = { LOAD: 1, DYNAMIC: 2, INTERP: 3, NOTE: 4, PHDR: 6, GNU_STACK: 0x6474e551 } as const;
export const Pf = { X: 1, W: 2, R: 4 } as const;

/** Tags of the auxiliary vector (linux/auxvec.h). */
export const At = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  EXECFN: 31,
  SYSINFO_EHDR: 33,
} as const;

/** Single-letter extensions I, M, A, F, D, C as AT_HWCAP reports them. */
export const HWCAP = 0x112d;

export interface Ehdr {
  type: number;
  entry: number;
  phoff: number;
  phnum: number;
}

export interface Phdr {
  type: number;
  flags: number;
  offset: number;
  vaddr: number;
  filesz: number;
  memsz: number;
  align: number;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** A 64-bit field as a number; NaN when it is not exact. */
function u64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value <= 0x1fffffffffffffn ? Number(value) : Number.NaN;
}

/** The header of a riscv64 executable or shared object, or null when it is anything else. */
export function parseEhdr(bytes: Uint8Array): Ehdr | null {
  if (bytes.length < EHDR_SIZE) return null;
  const view = viewOf(bytes);
  const isElf64Little = view.getUint32(0, false) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  if (!isElf64Little || view.getUint16(18, true) !== EM_RISCV) return null;
  const header = {
    type: view.getUint16(16, true),
    entry: u64(view, 24),
    phoff: u64(view, 32),
    phnum: view.getUint16(56, true),
  };
  if (view.getUint16(54, true) !== PHDR_SIZE) return null;
  return Number.isNaN(header.entry) || Number.isNaN(header.phoff) ? null : header;
}

/** `count` program headers, or null when a field is absurd. */
export function parsePhdrs(bytes: Uint8Array, count: number): Phdr[] | null {
  if (bytes.length < count * PHDR_SIZE) return null;
  const view = viewOf(bytes);
  const headers: Phdr[] = [];
  for (let i = 0; i < count; i++) {
    const at = i * PHDR_SIZE;
    const header = {
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: u64(view, at + 8),
      vaddr: u64(view, at + 16),
      filesz: u64(view, at + 32),
      memsz: u64(view, at + 40),
      align: u64(view, at + 48),
    };
    const relevant = header.type === Pt.LOAD || header.type === Pt.INTERP;
    if (relevant && Object.values(header).some(Number.isNaN)) return null;
    headers.push(header);
  }
  return headers;
}
