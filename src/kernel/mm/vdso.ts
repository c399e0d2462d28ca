/**
 * The vDSO: one page, mapped into every address space, that is a small ELF shared object (man 7 vdso). Always true: it holds
 * __vdso_rt_sigreturn, what signal handlers return to, and __vdso_riscv_hwprobe, which knows none of the keys it is asked for
 * (a key of -1), so that the dynamic linker's probe makes no system call and does not show in traces.
 */
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { EHDR_SIZE, ElfType, EM_RISCV, Pf, PHDR_SIZE, Pt } from '../abi/elf.ts';

/** Offset of the code in the page. */
export const VDSO_CODE = 0x800;
const SYM_SIZE = 24;
const Dt = { NULL: 0, HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, SYMENT: 11, SONAME: 14 } as const;
const SONAME = 'linux-vdso.so.1';
/** Global functions, in order of their code. */
const FUNCTIONS: readonly { name: string; code: readonly number[] }[] = [
  // li a7, 139 (rt_sigreturn); ecall
  { name: '__vdso_rt_sigreturn', code: [0x08b00893, 0x00000073] },
  {
    name: '__vdso_riscv_hwprobe',
    code: [
      0x00058e63, // 1: beqz a1, 2f
      0xfff00293, //    li t0, -1
      0x00553023, //    sd t0, 0(a0)
      0x00053423, //    sd zero, 8(a0)
      0x01050513, //    addi a0, a0, 16
      0xfff58593, //    addi a1, a1, -1
      0xfe9ff06f, //    j 1b
      0x00000513, // 2: li a0, 0
      0x00008067, //    ret
    ],
  },
];

/** The page's content. */
export function buildVdso(): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE);
  const view = new DataView(page.buffer);
  const u64 = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  const dynamicAt = EHDR_SIZE + 2 * PHDR_SIZE;
  const dynamicSize = 7 * 16;
  const symbolsAt = dynamicAt + dynamicSize;
  const hashAt = symbolsAt + (FUNCTIONS.length + 1) * SYM_SIZE;
  const stringsAt = hashAt + 4 * (2 + 1 + FUNCTIONS.length + 1);

  let strings = '\0';
  const addString = (text: string): number => {
    const at = strings.length;
    strings += `${text}\0`;
    return at;
  };
  let code = VDSO_CODE;
  FUNCTIONS.forEach((fn, i) => {
    const at = symbolsAt + (i + 1) * SYM_SIZE;
    view.setUint32(at, addString(fn.name), true);
    page[at + 4] = 0x12;
    view.setUint16(at + 6, 1, true);
    u64(at + 8, code);
    u64(at + 16, 4 * fn.code.length);
    for (const word of fn.code) {
      view.setUint32(code, word, true);
      code += 4;
    }
  });
  const soname = addString(SONAME);
  for (let i = 0; i < strings.length; i++) page[stringsAt + i] = strings.charCodeAt(i);

  // One bucket whose chain is all symbols.
  const chain = [1, FUNCTIONS.length + 1, 1, 0, ...FUNCTIONS.map((_, i) => (i + 2) % (FUNCTIONS.length + 1))];
  chain.forEach((word, i) => {
    view.setUint32(hashAt + 4 * i, word, true);
  });

  const dynamic = [
    [Dt.HASH, hashAt],
    [Dt.STRTAB, stringsAt],
    [Dt.SYMTAB, symbolsAt],
    [Dt.STRSZ, strings.length],
    [Dt.SYMENT, SYM_SIZE],
    [Dt.SONAME, soname],
    [Dt.NULL, 0],
  ];
  dynamic.flat().forEach((word, i) => {
    u64(dynamicAt + 8 * i, word);
  });

  page.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, ElfType.DYN, true);
  view.setUint16(18, EM_RISCV, true);
  view.setUint32(20, 1, true);
  u64(32, EHDR_SIZE);
  // EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE
  view.setUint32(48, 5, true);
  view.setUint16(52, EHDR_SIZE, true);
  view.setUint16(54, PHDR_SIZE, true);
  view.setUint16(56, 2, true);
  view.setUint16(58, 64, true);
  const header = (
    at: number,
    type: number,
    flags: number,
    offset: number,
    size: number,
    align: number,
  ): void => {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    for (const [i, value] of [offset, offset, offset, size, size, align].entries())
      u64(at + 8 + 8 * i, value);
  };
  header(EHDR_SIZE, Pt.LOAD, Pf.R | Pf.X, 0, code, 16);
  header(EHDR_SIZE + PHDR_SIZE, Pt.DYNAMIC, Pf.R, dynamicAt, dynamicSize, 8);
  return page;
}
