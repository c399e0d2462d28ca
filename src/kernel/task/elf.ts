/**
 * Loading an ELF program into an address space (fs/binfmt_elf.c). Always true: only a fresh {@link Mm} is touched, so a failure
 * leaves the caller as it was; addresses outside the user half are refused before anything is mapped.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { type Ehdr, ElfType, Pf, PHDR_SIZE, type Phdr, Pt, parseEhdr, parsePhdrs } from '../abi/elf.ts';
import { Errno } from '../abi/errno.ts';
import { randomBelow } from '../drivers/random.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readKernel } from '../mm/filemap.ts';
import {
  MMAP_MIN_ADDR,
  PIE_BASE,
  pageDown,
  pageOffset,
  pageUp,
  RANDOM_PAGES,
  TASK_SIZE,
} from '../mm/layout.ts';
import { findFreeArea, mapRegion } from '../mm/mmap.ts';
import { writeMm } from '../mm/remote.ts';
import type { Mm } from '../mm/types.ts';
import { MapFlag, Prot } from '../mm/types.ts';
import { overlaps } from '../mm/vma.ts';

/** ELF_MIN_ALIGN pages of program headers at most (load_elf_phdrs). */
const MAX_PHDR_BYTES = 65536;
const PATH_MAX = 4096;

/** A parsed file, before any of it is mapped. */
export interface ElfImage {
  file: File;
  header: Ehdr;
  phdrs: Phdr[];
  /** PT_INTERP, or null. */
  interpreter: string | null;
}

/** Where things went. */
export interface LoadedElf {
  /** Added to every address of the file. */
  bias: number;
  entry: Vaddr;
  phdr: Vaddr;
  phnum: number;
  startCode: Vaddr;
  endCode: Vaddr;
  startData: Vaddr;
  endData: Vaddr;
  /** End of the highest segment with its zeros. */
  end: Vaddr;
}

/** Reads and checks the headers: -ENOEXEC for anything that is not a riscv64 program, -EIO for a cut one. */
export function readElf(k: Kernel, file: File): ElfImage | number {
  const { inode } = file;
  const header = parseEhdr(readKernel(k, inode, 0, 64));
  if (!header || (header.type !== ElfType.EXEC && header.type !== ElfType.DYN)) return -Errno.ENOEXEC;
  const size = header.phnum * PHDR_SIZE;
  if (header.phnum < 1 || size > MAX_PHDR_BYTES) return -Errno.ENOEXEC;
  const phdrs = parsePhdrs(readKernel(k, inode, header.phoff, size), header.phnum);
  if (!phdrs) return -Errno.ENOEXEC;
  if (!phdrs.some(({ type }) => type === Pt.LOAD)) return -Errno.ENOEXEC;
  const wanted = phdrs.find(({ type }) => type === Pt.INTERP);
  if (!wanted) return { file, header, phdrs, interpreter: null };
  if (wanted.filesz < 2 || wanted.filesz > PATH_MAX) return -Errno.ENOEXEC;
  const name = readKernel(k, inode, wanted.offset, wanted.filesz);
  if (name.length < wanted.filesz) return -Errno.EIO;
  if (name[name.length - 1] !== 0) return -Errno.ENOEXEC;
  const interpreter = byteText(name.subarray(0, name.indexOf(0)));
  return { file, header, phdrs, interpreter };
}

const byteText = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const protOf = (flags: number): number =>
  ((flags & Pf.R) !== 0 ? Prot.READ : 0) |
  ((flags & Pf.W) !== 0 ? Prot.WRITE : 0) |
  ((flags & Pf.X) !== 0 ? Prot.EXEC : 0);

/** Where a position-independent file goes: programs at {@link PIE_BASE}, interpreters among the mappings. */
function chooseBias(k: Kernel, mm: Mm, image: ElfImage, isProgram: boolean, randomize: boolean): number {
  if (image.header.type === ElfType.EXEC) return 0;
  const loads = image.phdrs.filter(({ type }) => type === Pt.LOAD);
  const low = pageDown(loads[0].vaddr);
  const last = loads[loads.length - 1];
  const span = pageUp(last.vaddr + last.memsz) - low;
  if (!(span > 0 && span <= TASK_SIZE)) return -Errno.ENOMEM;
  if (isProgram && image.interpreter !== null) {
    const random = randomize ? randomBelow(k, RANDOM_PAGES + 1) * PAGE_SIZE : 0;
    return PIE_BASE + random - low;
  }
  const at = findFreeArea(mm, span);
  return at < 0 ? at : at - low;
}

/** Maps every PT_LOAD of a file. Answers where it went, or -errno. */
export function mapElf(
  k: Kernel,
  mm: Mm,
  image: ElfImage,
  isProgram: boolean,
  randomize: boolean,
): LoadedElf | number {
  const bias = chooseBias(k, mm, image, isProgram, randomize);
  if (image.header.type === ElfType.DYN && bias < 0 && bias > -4096) return bias;
  const { header, phdrs, file } = image;
  const loaded: LoadedElf = {
    bias,
    entry: header.entry + bias,
    phdr: 0,
    phnum: header.phnum,
    startCode: Number.POSITIVE_INFINITY,
    endCode: 0,
    startData: 0,
    endData: 0,
    end: 0,
  };
  for (const segment of phdrs) {
    if (segment.type !== Pt.LOAD) continue;
    const failed = mapSegment(k, mm, file, segment, bias);
    if (failed < 0) return failed;
    const start = segment.vaddr + bias;
    const dataEnd = start + segment.filesz;
    if (header.phoff >= segment.offset && header.phoff < segment.offset + segment.filesz)
      loaded.phdr = start + header.phoff - segment.offset;
    if (start < loaded.startCode) loaded.startCode = start;
    if (start > loaded.startData) loaded.startData = start;
    if ((segment.flags & Pf.X) !== 0 && dataEnd > loaded.endCode) loaded.endCode = dataEnd;
    if (dataEnd > loaded.endData) loaded.endData = dataEnd;
    if (start + segment.memsz > loaded.end) loaded.end = start + segment.memsz;
  }
  return loaded;
}

/** One segment: the file's part, zeros to the end of its last page, then anonymous pages (elf_map, set_brk, padzero). */
function mapSegment(k: Kernel, mm: Mm, file: File, segment: Phdr, bias: number): number {
  const { vaddr, filesz, memsz, offset } = segment;
  const start = vaddr + bias;
  if (filesz > memsz || memsz > TASK_SIZE || start < 0 || start + memsz > TASK_SIZE) return -Errno.EINVAL;
  if (pageOffset(vaddr) !== pageOffset(offset)) return -Errno.EINVAL;
  if (memsz === 0) return 0;
  const prot = protOf(segment.flags);
  const from = pageDown(start);
  if (from < MMAP_MIN_ADDR) return -Errno.EPERM;
  const fileEnd = filesz > 0 ? pageUp(start + filesz) : from;
  const end = pageUp(start + memsz);
  if (overlaps(mm, from, end)) return -Errno.ENOEXEC;
  if (filesz > 0) {
    const failed = mapRegion(k, null, mm, {
      start: from,
      length: fileEnd - from,
      prot,
      flags: MapFlag.PRIVATE,
      file,
      offset: pageDown(offset),
    });
    if (failed < 0) return failed;
    const tail = fileEnd - (start + filesz);
    if (memsz > filesz && tail > 0 && (prot & Prot.WRITE) !== 0) {
      const cut = Math.min(tail, end - (start + filesz));
      if (writeMm(k, mm, start + filesz, new Uint8Array(cut)) < cut) return -Errno.EFAULT;
    }
  }
  if (end <= fileEnd) return 0;
  return mapRegion(k, null, mm, {
    start: fileEnd,
    length: end - fileEnd,
    prot,
    flags: MapFlag.PRIVATE,
    file: null,
    offset: 0,
  });
}
