/**
 * Address spaces come and go (kernel/fork.c, mm/mmap.c exit_mmap). Always true: an {@link Mm} with users has a root table whose
 * kernel half equals the shared one; when the last user leaves every page, table and file it held is given back.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { getFileRef, putFile } from '../fs/file.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { areas } from './area.ts';
import { LINEAR_BASE, MAX_VM_MAPS, MODULES_BASE, TASK_SIZE, VMALLOC_BASE } from './layout.ts';
import { allocPage, getPage, putPage } from './pages.ts';
import { forEachLeaf, freeTables, makePte, PTE_ANON, PTE_SPECIAL, ptePfn, releaseLeaf } from './pagetable.ts';
import { allMms } from './rmap.ts';
import type { Mm, MmRoom, Vma } from './types.ts';
import { MapFlag, VmaFlag } from './types.ts';
import { buildVdso } from './vdso.ts';
import { dropBacking, holdBacking } from './vma.ts';

const KERNEL_HALF = 2048;

/** The room before {@link initMm}. */
export function createMmRoom(): MmRoom {
  return {
    pageRefs: new Uint16Array(0),
    pageFlags: new Uint8Array(0),
    kernelRoot: -1,
    zeroPage: -1,
    sigreturnPage: -1,
    pageFaults: 0,
    majorFaults: 0,
    overcommit: 0,
    cacheInodes: new Set(),
    cachedPages: 0,
    activeMm: null,
    oomKills: 0,
    vmaCount: 0,
  };
}

/** Makes the pages every VM has: zero page, vDSO, the kernel's root table with its linear map of all memory. */
export function initMm(k: Kernel): void {
  const pages = [allocPage(k), allocPage(k), allocPage(k)];
  if (pages.some((pfn) => pfn < 0)) throw new Error('the memory quota is too small for a kernel');
  [k.mm.zeroPage, k.mm.sigreturnPage, k.mm.kernelRoot] = pages;
  k.guest.page(k.mm.sigreturnPage, true).set(buildVdso());
  const root = k.mm.kernelRoot * PAGE_SIZE;
  const gigabytes = Math.ceil(k.guest.maxPages / 2 ** 18);
  const flags = PTE.V | PTE.R | PTE.W | PTE.G | PTE.A | PTE.D;
  const index = (va: Vaddr): number => Math.floor(va / 2 ** 30) & 511;
  for (let i = 0; i < gigabytes; i++) {
    k.guest.store32(root + (index(LINEAR_BASE) + i) * 8, (i << 28) | flags);
    k.guest.store32(root + (index(LINEAR_BASE) + i) * 8 + 4, i >>> 4);
  }
  for (const base of [VMALLOC_BASE, MODULES_BASE]) {
    const table = allocPage(k);
    if (table < 0) throw new Error('the memory quota is too small for a kernel');
    k.guest.store32(root + index(base) * 8, (table << 10) | PTE.V);
  }
}

/** Where the entry of a kernel page lies, making tables and showing them to every address space. -1: out of memory. */
export function kernelPte(k: Kernel, va: Vaddr): number {
  const offset = (Math.floor(va / 2 ** 30) & 511) * 8;
  const known = (k.guest.load32(k.mm.kernelRoot * PAGE_SIZE + offset) & PTE.V) !== 0;
  const at = makePte(k, null, k.mm.kernelRoot, va);
  if (at < 0 || known) return at;
  const entry = k.guest.load32(k.mm.kernelRoot * PAGE_SIZE + offset);
  for (const mm of allMms(k)) k.guest.store32(mm.root * PAGE_SIZE + offset, entry);
  return at;
}

/** An empty address space with one user; null when memory is spent. */
export function createMm(k: Kernel): Mm | null {
  const root = allocPage(k);
  if (root < 0) return null;
  const kernelHalf = k.guest.page(k.mm.kernelRoot, false).slice(KERNEL_HALF);
  k.guest.page(root, true).set(kernelHalf, KERNEL_HALF);
  return {
    users: 1,
    root,
    vmas: [],
    brkStart: 0,
    brk: 0,
    mmapBase: 0,
    stackTop: 0,
    argStart: 0,
    argEnd: 0,
    envStart: 0,
    envEnd: 0,
    startCode: 0,
    endCode: 0,
    startData: 0,
    endData: 0,
    startStack: 0,
    auxv: new Uint8Array(0),
    exe: null,
    rssAnon: 0,
    rssFile: 0,
    hiwaterRss: 0,
    totalVmPages: 0,
    tablePages: 1,
    lockedPages: 0,
    lockFuture: false,
  };
}

/** Names the program of an address space; it takes over the reference and denies writing to the file (ETXTBSY). */
export function setExe(k: Kernel, mm: Mm, file: File | null): void {
  if (file) file.inode.denyWrite++;
  if (mm.exe) {
    mm.exe.inode.denyWrite--;
    putFile(k, mm.exe);
  }
  mm.exe = file;
}

/** Copies the pages of one mapping; private ones become copy-on-write in both. False: out of memory. */
function copyPages(k: Kernel, from: Mm, to: Mm, vma: Vma): boolean {
  const isPrivate = (vma.flags & MapFlag.SHARED) === 0;
  let count = 0;
  let at = 0;
  let reach = -1;
  forEachLeaf(k, from.root, vma.start, vma.end, (va, source, pte) => {
    if (at < 0) return;
    if (va >= reach) {
      at = makePte(k, to, to.root, va);
      if (at < 0) return;
      reach = (Math.floor(va / 2 ** 21) + 1) * 2 ** 21;
      at -= ((va % 2 ** 21) / PAGE_SIZE) * 8;
    }
    let copy = pte;
    if (isPrivate && (pte & PTE.W) !== 0) {
      copy = pte & ~PTE.W;
      k.guest.store32(source, copy);
    }
    if ((pte & PTE_SPECIAL) === 0) {
      getPage(k, ptePfn(pte));
      if ((pte & PTE_ANON) !== 0) to.rssAnon++;
      else to.rssFile++;
    }
    k.guest.store32(at + ((va % 2 ** 21) / PAGE_SIZE) * 8, copy);
    count++;
  });
  k.sched.kernelWork += 20 + count * 4;
  return at >= 0;
}

/** A copy for fork(2): null when memory is spent. */
export function forkMm(k: Kernel, from: Mm): Mm | null {
  if (k.mm.vmaCount + from.vmas.length > MAX_VM_MAPS) return null;
  const mm = createMm(k);
  if (!mm) return null;
  const { root, tablePages } = mm;
  Object.assign(mm, from, { users: 1, root, tablePages, vmas: [], exe: null, lockedPages: 0 });
  mm.rssAnon = 0;
  mm.rssFile = 0;
  mm.totalVmPages = 0;
  mm.lockFuture = false;
  if (from.exe) setExe(k, mm, getFileRef(from.exe));
  let complete = true;
  for (const vma of from.vmas) {
    if ((vma.flags & VmaFlag.DONTFORK) !== 0) continue;
    holdBacking(vma);
    k.mm.vmaCount++;
    const copy = { ...vma, flags: vma.flags & ~MapFlag.LOCKED };
    mm.vmas.push(copy);
    if (copy.area) areas().copied(k, copy);
    mm.totalVmPages += (vma.end - vma.start) / PAGE_SIZE;
    if ((vma.flags & VmaFlag.WIPEONFORK) === 0) complete = copyPages(k, from, mm, vma);
    if (!complete) break;
  }
  k.hart.flushTlb();
  mm.hiwaterRss = mm.rssAnon + mm.rssFile;
  if (complete) return mm;
  putMm(k, mm);
  return null;
}

/** A user leaves; the last one takes everything down. */
export function putMm(k: Kernel, mm: Mm): void {
  if (--mm.users > 0) return;
  if (k.mm.activeMm === mm) activateMm(k, null);
  const leaves: number[] = [];
  forEachLeaf(k, mm.root, 0, TASK_SIZE, (_va, _at, pte) => leaves.push(pte));
  k.hart.flushTlb();
  for (const pte of leaves) releaseLeaf(k, mm, pte);
  k.sched.kernelWork += leaves.length * 4;
  k.mm.vmaCount -= mm.vmas.length;
  for (const vma of mm.vmas)
    if (vma.area) areas().dropped(k, vma, true);
    else dropBacking(k, vma);
  mm.vmas = [];
  freeTables(k, mm, 0, TASK_SIZE);
  putPage(k, mm.root);
  setExe(k, mm, null);
}

/** Gives the hart this address space; null: the kernel's alone. */
export function activateMm(k: Kernel, mm: Mm | null): void {
  k.hart.setAddressSpace(k.guest, mm ? mm.root : k.mm.kernelRoot);
  k.mm.activeMm = mm;
}
