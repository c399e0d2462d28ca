/**
 * The list of mappings of an address space. Always true: sorted, without overlap, page-aligned; neighbours that could be one
 * are one; each mapping holds a reference to its file, or to its inode when it has no file.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { getFileRef, putFile } from '../fs/file.ts';
import type { Kernel } from '../kernel.ts';
import { areas } from './area.ts';
import { MAX_MAP_COUNT, MAX_VM_MAPS } from './layout.ts';
import { putSharedMemory } from './shmem.ts';
import type { Mm, Vma } from './types.ts';
import { MapFlag } from './types.ts';

/** Index of the first mapping that ends above `va`; vmas.length when there is none. */
export function findVmaIndex(mm: Mm, va: Vaddr): number {
  let low = 0;
  let high = mm.vmas.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mm.vmas[middle].end > va) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The mapping that holds `va`, or null. */
export function vmaAt(mm: Mm, va: Vaddr): Vma | null {
  const vma = mm.vmas[findVmaIndex(mm, va)];
  return vma && vma.start <= va ? vma : null;
}

/** Whether any mapping touches [start, end). */
export function overlaps(mm: Mm, start: Vaddr, end: Vaddr): boolean {
  const vma = mm.vmas[findVmaIndex(mm, start)];
  return vma !== undefined && vma.start < end;
}

/** Whether the address space may have another mapping or two (sysctl vm.max_map_count, and the VM's own bound). */
export const hasRoomForMaps = (k: Kernel, mm: Mm): boolean =>
  mm.vmas.length + 2 <= MAX_MAP_COUNT && k.mm.vmaCount + 2 <= MAX_VM_MAPS;

/** One more holder of what a mapping maps. */
export function holdBacking(vma: Vma): void {
  if (vma.file) getFileRef(vma.file);
  else if (vma.inode) vma.inode.refs++;
}

/** One holder less. */
export function dropBacking(k: Kernel, vma: Vma): void {
  if (vma.file) putFile(k, vma.file);
  else if (vma.inode) putSharedMemory(k, vma.inode);
}

const mergeable = (a: Vma, b: Vma): boolean =>
  a.end === b.start &&
  !a.area &&
  !b.area &&
  a.prot === b.prot &&
  a.flags === b.flags &&
  a.file === b.file &&
  a.inode === b.inode &&
  a.name === b.name &&
  (a.inode === null || a.offset + (a.end - a.start) === b.offset);

/** Makes one of the mappings at `index - 1` and `index` where they are alike. Answers whether it did. */
function mergeWithPrevious(k: Kernel, mm: Mm, index: number): boolean {
  const { vmas } = mm;
  if (index <= 0 || index >= vmas.length || !mergeable(vmas[index - 1], vmas[index])) return false;
  vmas[index - 1].end = vmas[index].end;
  dropBacking(k, vmas[index]);
  k.mm.vmaCount--;
  vmas.splice(index, 1);
  return true;
}

/** Merges where possible at all borders of mappings `first` to `last` (inclusive). */
export function mergeRange(k: Kernel, mm: Mm, first: number, last: number): void {
  for (let index = Math.min(last + 1, mm.vmas.length - 1); index >= Math.max(first, 1); index--)
    mergeWithPrevious(k, mm, index);
}

/** Adds a mapping into free space; takes over the caller's hold on its backing. */
export function insertVma(k: Kernel, mm: Mm, vma: Vma): void {
  const index = findVmaIndex(mm, vma.start);
  mm.vmas.splice(index, 0, vma);
  k.mm.vmaCount++;
  mm.totalVmPages += (vma.end - vma.start) / PAGE_SIZE;
  mergeRange(k, mm, index, index);
}

function splitAt(k: Kernel, mm: Mm, index: number, at: Vaddr): void {
  const vma = mm.vmas[index];
  const upper: Vma = { ...vma, start: at, offset: vma.inode ? vma.offset + (at - vma.start) : 0 };
  vma.end = at;
  holdBacking(upper);
  if (vma.area) {
    areas().changed(k, vma);
    areas().copied(k, upper);
  }
  mm.vmas.splice(index + 1, 0, upper);
  k.mm.vmaCount++;
}

/** Splits mappings so that borders lie at `start` and `end`. Answers the range of indices within. */
export function isolate(k: Kernel, mm: Mm, start: Vaddr, end: Vaddr): { first: number; last: number } {
  let first = findVmaIndex(mm, start);
  if (first < mm.vmas.length && mm.vmas[first].start < start) {
    splitAt(k, mm, first, start);
    first++;
  }
  let last = first;
  while (last < mm.vmas.length && mm.vmas[last].start < end) {
    if (mm.vmas[last].end > end) splitAt(k, mm, last, end);
    last++;
  }
  return { first, last };
}

/** Takes all mappings of [start, end) out of the list, splitting at the borders. The pages are the caller's. */
export function removeVmas(k: Kernel, mm: Mm, start: Vaddr, end: Vaddr): void {
  const { first, last } = isolate(k, mm, start, end);
  k.mm.vmaCount -= last - first;
  for (const vma of mm.vmas.splice(first, last - first)) {
    const pages = (vma.end - vma.start) / PAGE_SIZE;
    mm.totalVmPages -= pages;
    if ((vma.flags & MapFlag.LOCKED) !== 0) mm.lockedPages -= pages;
    if (vma.area) areas().dropped(k, vma, false);
    else dropBacking(k, vma);
  }
}
