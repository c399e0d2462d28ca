/**
 * Address spaces as data. Invariants: VMAs are sorted, do not overlap and are page-aligned; a present leaf PTE lies in
 * a VMA; every guest page that a page table or a page cache shows holds one reference in `k.mm.pageRefs`.
 */
import type { Pfn, Vaddr } from '../../cpu/machine.ts';
import type { File, Inode } from '../fs/types.ts';

/** PROT_* of mmap(2). */
export const Prot = { READ: 1, WRITE: 2, EXEC: 4 } as const;
/** MAP_* of mmap(2). */
export const MapFlag = {
  SHARED: 1,
  PRIVATE: 2,
  SHARED_VALIDATE: 3,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  GROWSDOWN: 0x100,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  STACK: 0x20000,
  FIXED_NOREPLACE: 0x100000,
} as const;

/** Bits of {@link Vma.flags} that madvise(2) sets; they are no MAP_* bits. */
export const VmaFlag = { DONTFORK: 0x1000000, WIPEONFORK: 0x2000000, DONTDUMP: 0x4000000 } as const;

export interface Vma {
  start: Vaddr;
  end: Vaddr;
  prot: number;
  /** MAP_* bits that stay meaningful: SHARED or PRIVATE, GROWSDOWN, LOCKED, NORESERVE; and {@link VmaFlag}. */
  flags: number;
  /** The mapped file, holding a reference; null for anonymous memory. */
  file: File | null;
  /** The inode whose page cache backs it (shared anonymous memory has one without a file). */
  inode: Inode | null;
  /** Byte offset of `start` in the file. */
  offset: number;
  /** `[heap]`, `[stack]`, `[vdso]` for /proc/PID/maps; null else. */
  name: string | null;
  /** struct vm_area_struct of a mapping whose pages a driver gives (mm/area.ts); absent: none. */
  area?: Vaddr;
}

export interface Mm {
  /** Tasks and others that hold it. */
  users: number;
  root: Pfn;
  vmas: Vma[];
  brkStart: Vaddr;
  brk: Vaddr;
  mmapBase: Vaddr;
  stackTop: Vaddr;
  argStart: Vaddr;
  argEnd: Vaddr;
  envStart: Vaddr;
  envEnd: Vaddr;
  startCode: Vaddr;
  endCode: Vaddr;
  startData: Vaddr;
  endData: Vaddr;
  startStack: Vaddr;
  /** auxv as written at exec, for /proc/PID/auxv. */
  auxv: Uint8Array;
  exe: File | null;
  rssAnon: number;
  rssFile: number;
  hiwaterRss: number;
  totalVmPages: number;
  /** Pages that hold page tables (VmPTE). */
  tablePages: number;
  /** Pages that mlock(2) asked for, and whether future mappings are locked (MCL_FUTURE). */
  lockedPages: number;
  lockFuture: boolean;
}

/** The mm room's part of the kernel state. */
export interface MmRoom {
  /** References to each guest page, indexed by Pfn; grown as needed. 0: free. */
  pageRefs: Uint16Array;
  /** The kernel half of every root table is shared: the root table from which new ones are copied. */
  kernelRoot: Pfn;
  /** A page of zeros mapped read-only for untouched anonymous memory. */
  zeroPage: Pfn;
  /** The vDSO's page, with the rt_sigreturn trampoline, that every address space maps. */
  sigreturnPage: Pfn;
  pageFaults: number;
  majorFaults: number;
  /** vm.overcommit_memory: 0 heuristic, 1 always, 2 never. */
  overcommit: number;
  /** Facts about each guest page ({@link PageFlag}), parallel to `pageRefs`. */
  pageFlags: Uint8Array;
  /** Inodes that may have clean image pages in their cache, oldest first: what reclaim looks through. */
  cacheInodes: Set<Inode>;
  /** Pages in all page caches. */
  cachedPages: number;
  /** The address space that the hart has now; null between runs. */
  activeMm: Mm | null;
  oomKills: number;
  /** Mappings in all address spaces, against {@link MAX_VM_MAPS}: they cost the host memory that no page counts. */
  vmaCount: number;
  /** A page of a driver's mapping that the last fault wanted and nobody could give; see mm/area.ts. */
  areaFault?: { va: Vaddr; write: boolean } | null;
}

/** Bits of {@link MmRoom.pageFlags}. CLEAN: shows a page of the image, unchanged; it may be dropped and read again. */
export const PageFlag = { CLEAN: 1 } as const;

/**
 * Bytes to read into or write from: user memory of the current task in segments, or a kernel buffer. `done` counts
 * what was moved; an operation that parks keeps the IoBuf in its activation and goes on where it was.
 */
export interface IoBuf {
  /** User segments; ignored when `kernel` is set. */
  segments: { base: Vaddr; length: number }[];
  kernel: Uint8Array | null;
  /** Total length in bytes. */
  length: number;
  done: number;
}

/** What became of a fault: resolved, or the signal to raise. */
export interface FaultSignal {
  signo: number;
  code: number;
}
