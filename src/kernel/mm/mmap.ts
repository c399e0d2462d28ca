/**
 * Mapping and unmapping (mm/mmap.c): mmap, munmap, brk and the search for free space. Always true: lengths and addresses were made
 * whole pages here, and limits (RLIMIT_AS, RLIMIT_DATA, map count, overcommit) are checked before anything changes.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Access, PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { getFileRef, isReadable, isWritable } from '../fs/file.ts';
import { Ms } from '../fs/flags.ts';
import { opsOf } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { Outcome } from '../outcome.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { areas, DRIVER_MEMORY } from './area.ts';
import { faultIn } from './fault.ts';
import { MMAP_MIN_ADDR, pageOffset, pageUp, STACK_GUARD_GAP, TASK_SIZE, UNMAPPED_BASE } from './layout.ts';
import { freeTables, zapRange } from './pagetable.ts';
import { newSharedMemory } from './shmem.ts';
import type { Mm, Vma } from './types.ts';
import { MapFlag, Prot } from './types.ts';
import { findVmaIndex, hasRoomForMaps, insertVma, overlaps, removeVmas } from './vma.ts';

export const Rlimit = { DATA: 2, STACK: 3, MEMLOCK: 8, AS: 9 } as const;
const TYPE_MASK = 0xf;
const PROT_ALL = Prot.READ | Prot.WRITE | Prot.EXEC;
/** What a File's `mmap` operation answers for memory without pages behind it, as /dev/zero's. */
export const ANONYMOUS_MEMORY = 1;

/** Limit of the address space's process; without a task there is none. */
const limitOf = (task: Task | null, resource: number): number =>
  task?.group.rlimits[resource]?.cur ?? Number.POSITIVE_INFINITY;

const startGap = (vma: Vma): number => ((vma.flags & MapFlag.GROWSDOWN) !== 0 ? STACK_GUARD_GAP : 0);

/** Free space of `length` bytes: highest below the mmap base, else lowest from a third up; or -ENOMEM. */
export function findFreeArea(mm: Mm, length: number): Vaddr | number {
  const { vmas } = mm;
  let high = mm.mmapBase;
  let i = findVmaIndex(mm, high);
  if (i < vmas.length && vmas[i].start < high) high = vmas[i].start - startGap(vmas[i]);
  for (i--; ; i--) {
    const low = i >= 0 ? vmas[i].end : 0;
    if (high - length >= Math.max(low, MMAP_MIN_ADDR)) return high - length;
    if (i < 0) break;
    high = Math.min(high, vmas[i].start - startGap(vmas[i]));
  }
  let low = UNMAPPED_BASE;
  for (i = findVmaIndex(mm, low); i < vmas.length; i++) {
    if (vmas[i].start - startGap(vmas[i]) - low >= length) return low;
    low = Math.max(low, vmas[i].end);
  }
  return TASK_SIZE - low >= length ? low : -Errno.ENOMEM;
}

/** Where a mapping goes (get_unmapped_area): the hint when it is free, else {@link findFreeArea}. */
function placeFor(mm: Mm, hint: Vaddr, length: number): Vaddr | number {
  if (length > TASK_SIZE) return -Errno.ENOMEM;
  if (hint > 0) {
    const at = Math.max(pageUp(hint), MMAP_MIN_ADDR);
    const next = mm.vmas[findVmaIndex(mm, at)];
    if (at + length <= TASK_SIZE && (!next || at + length <= next.start - startGap(next))) return at;
  }
  return findFreeArea(mm, length);
}

const dataPages = (mm: Mm): number => {
  let pages = 0;
  for (const { flags, prot, start, end } of mm.vmas)
    if ((flags & (MapFlag.SHARED | MapFlag.GROWSDOWN)) === 0 && (prot & Prot.WRITE) !== 0)
      pages += (end - start) / PAGE_SIZE;
  return pages;
};

/** Whether `pages` more may be mapped: limits and overcommit (may_expand_vm, __vm_enough_memory). 0 or -ENOMEM. */
export function mayExpand(
  k: Kernel,
  task: Task | null,
  mm: Mm,
  pages: number,
  prot: number,
  flags: number,
): number {
  if ((mm.totalVmPages + pages) * PAGE_SIZE > limitOf(task, Rlimit.AS)) return -Errno.ENOMEM;
  const accountable = (flags & MapFlag.SHARED) === 0 && (prot & Prot.WRITE) !== 0;
  if (!accountable) return 0;
  const dataLimit = limitOf(task, Rlimit.DATA);
  if (dataLimit < Number.POSITIVE_INFINITY && (dataPages(mm) + pages) * PAGE_SIZE > dataLimit)
    return -Errno.ENOMEM;
  if (k.mm.overcommit === 1 || ((flags & MapFlag.NORESERVE) !== 0 && k.mm.overcommit === 0)) return 0;
  return pages > k.guest.maxPages ? -Errno.ENOMEM : 0;
}

/** What a mapping shall be; `start` and `length` in whole pages. */
export interface MapRequest {
  start: Vaddr;
  length: number;
  prot: number;
  /** MAP_SHARED or MAP_PRIVATE, and bits that stay. */
  flags: number;
  file: File | null;
  offset: number;
  name?: string | null;
  /** struct vm_area_struct of a driver's mapping. */
  area?: Vaddr;
}

/** Puts a mapping where it is asked for, replacing what is there. Holds the file. 0 or -errno. */
export function mapRegion(k: Kernel, task: Task | null, mm: Mm, request: MapRequest): number {
  const { start, length, prot, flags, file, offset } = request;
  if (!hasRoomForMaps(k, mm)) return -Errno.ENOMEM;
  const refused = mayExpand(k, task, mm, length / PAGE_SIZE, prot, flags);
  if (refused < 0) return refused;
  if (overlaps(mm, start, start + length)) unmapRegion(k, mm, start, start + length);
  const shared = (flags & MapFlag.SHARED) !== 0;
  const inode = file ? file.inode : shared ? newSharedMemory(k, length) : null;
  insertVma(k, mm, {
    start,
    end: start + length,
    prot: prot & PROT_ALL,
    flags,
    file: file ? getFileRef(file) : null,
    inode,
    offset: inode ? offset : 0,
    name: request.name ?? null,
    ...(request.area ? { area: request.area } : {}),
  });
  return 0;
}

/** Takes a page-aligned range out of an address space. */
export function unmapRegion(k: Kernel, mm: Mm, start: Vaddr, end: Vaddr): void {
  if (!overlaps(mm, start, end)) return;
  zapRange(k, mm, start, end);
  removeVmas(k, mm, start, end);
  const index = findVmaIndex(mm, start);
  const below = mm.vmas[index - 1]?.end ?? 0;
  const above = mm.vmas[index]?.start ?? TASK_SIZE;
  // Tables come free where a whole reach of theirs (2 MiB, 1 GiB) has no mapping left.
  for (const reach of [2 ** 30, 2 ** 21]) {
    const floor = Math.floor(start / reach) * reach;
    const ceiling = Math.ceil(end / reach) * reach;
    const from = floor >= below ? floor : floor + reach;
    const to = ceiling <= above ? ceiling : ceiling - reach;
    if (from < to) {
      freeTables(k, mm, from, to);
      if (from === floor && to === ceiling) break;
    }
  }
}

/** Faults in a range (MAP_POPULATE, mlock); stops at the first page that cannot be. 0 or -ENOMEM. */
export function populate(k: Kernel, task: Task, mm: Mm, start: Vaddr, end: Vaddr): number {
  for (let va = start; va < end; va += PAGE_SIZE) {
    const vma = mm.vmas[findVmaIndex(mm, va)];
    if (!vma || vma.start > va) return -Errno.ENOMEM;
    const write = (vma.prot & Prot.WRITE) !== 0 && (vma.flags & MapFlag.SHARED) === 0;
    if (faultIn(k, mm, va, write ? Access.Write : Access.Read, task)) return -Errno.ENOMEM;
  }
  return 0;
}

/** What a file allows (do_mmap): 0, ANONYMOUS_MEMORY, or -errno. */
function checkFile(k: Kernel, task: Task, file: File, prot: number, shared: boolean, flags: number): number {
  if (!isReadable(file)) return -Errno.EACCES;
  if (shared && (prot & Prot.WRITE) !== 0 && !isWritable(file)) return -Errno.EACCES;
  if ((prot & Prot.EXEC) !== 0 && file.path && (file.path.mnt.flags & Ms.NOEXEC) !== 0) return -Errno.EPERM;
  const { mmap } = opsOf(file);
  return mmap ? mmap(k, task, file, prot, flags) : -Errno.ENODEV;
}

/** mmap(2): the address, or -errno; a driver that maps is asked. `file` null: anonymous. */
export function doMmap(
  k: Kernel,
  task: Task,
  hint: Vaddr,
  size: number,
  prot: number,
  flags: number,
  file: File | null,
  offset: number,
): Outcome {
  const { mm } = task;
  if (!mm || size === 0 || pageOffset(offset) !== 0 || offset < 0) return -Errno.EINVAL;
  const type = flags & TYPE_MASK;
  if (type !== MapFlag.SHARED && type !== MapFlag.PRIVATE && type !== MapFlag.SHARED_VALIDATE)
    return -Errno.EINVAL;
  if (size > TASK_SIZE) return -Errno.ENOMEM;
  const shared = type !== MapFlag.PRIVATE;
  const length = pageUp(size);
  if (offset + length > Number.MAX_SAFE_INTEGER) return -Errno.EOVERFLOW;
  const fixed = (flags & (MapFlag.FIXED | MapFlag.FIXED_NOREPLACE)) !== 0;
  if (fixed && (pageOffset(hint) !== 0 || hint < 0)) return hint < 0 ? -Errno.ENOMEM : -Errno.EINVAL;
  if (fixed && hint + length > TASK_SIZE) return -Errno.ENOMEM;
  const start = fixed ? hint : placeFor(mm, hint, length);
  if (start < 0) return start;
  if (start < MMAP_MIN_ADDR && !capable(task.cred, CAP.SYS_RAWIO)) return -Errno.EPERM;
  if ((flags & MapFlag.FIXED_NOREPLACE) !== 0 && overlaps(mm, start, start + length)) return -Errno.EEXIST;
  let backing = file;
  let driver = false;
  if (file) {
    const allowed = checkFile(k, task, file, prot, shared, flags);
    if (allowed < 0) return allowed;
    if (allowed === ANONYMOUS_MEMORY) backing = null;
    driver = allowed === DRIVER_MEMORY;
  }
  const wantsLock = (flags & MapFlag.LOCKED) !== 0 || mm.lockFuture;
  if (wantsLock) {
    const refused = checkLock(task, mm, length / PAGE_SIZE);
    if (refused < 0) return refused;
  }
  const kept =
    (shared ? MapFlag.SHARED : MapFlag.PRIVATE) |
    (flags & (shared ? MapFlag.NORESERVE : MapFlag.GROWSDOWN | MapFlag.NORESERVE)) |
    (wantsLock ? MapFlag.LOCKED : 0);
  const request: MapRequest = {
    start,
    length,
    prot,
    flags: kept & ~MapFlag.NORESERVE,
    file: backing,
    offset: backing ? offset : 0,
  };
  if (driver) return areas().map(k, task, mm, request);
  const refused = mapRegion(k, task, mm, request);
  if (refused < 0) return refused;
  if (wantsLock) mm.lockedPages += length / PAGE_SIZE;
  if (wantsLock || (flags & MapFlag.POPULATE) !== 0) populate(k, task, mm, start, start + length);
  return start;
}

/** Whether `pages` more may be locked: 0, -EPERM, -EAGAIN. */
export function checkLock(task: Task, mm: Mm, pages: number): number {
  if (capable(task.cred, CAP.IPC_LOCK)) return 0;
  const limit = limitOf(task, Rlimit.MEMLOCK);
  if (limit === 0) return -Errno.EPERM;
  return (mm.lockedPages + pages) * PAGE_SIZE > limit ? -Errno.EAGAIN : 0;
}

/** Whether taking out [start, end) leaves both ends of one mapping. */
function splits(mm: Mm, start: Vaddr, end: Vaddr): boolean {
  const vma = mm.vmas[findVmaIndex(mm, start)];
  return vma !== undefined && vma.start < start && vma.end > end;
}

/** munmap(2). */
export function doMunmap(k: Kernel, mm: Mm, start: Vaddr, size: number): number {
  if (start < 0 || pageOffset(start) !== 0 || size === 0 || size > TASK_SIZE || start + size > TASK_SIZE)
    return -Errno.EINVAL;
  if (!hasRoomForMaps(k, mm) && splits(mm, start, start + pageUp(size))) return -Errno.ENOMEM;
  unmapRegion(k, mm, start, start + pageUp(size));
  return 0;
}

/** brk(2): answers the break as it is now, moved or not. */
export function doBrk(k: Kernel, task: Task, mm: Mm, want: Vaddr): Vaddr {
  if (want < mm.brkStart || want > TASK_SIZE) return mm.brk;
  const data = want - mm.brkStart + (mm.endData - mm.startData);
  if (data > limitOf(task, Rlimit.DATA)) return mm.brk;
  const from = pageUp(mm.brk);
  const to = pageUp(want);
  if (to < from) unmapRegion(k, mm, to, from);
  else if (to > from) {
    const next = mm.vmas[findVmaIndex(mm, from)];
    if (next && to > next.start - Math.max(startGap(next), PAGE_SIZE)) return mm.brk;
    const refused = mapRegion(k, task, mm, {
      start: from,
      length: to - from,
      prot: Prot.READ | Prot.WRITE,
      flags: MapFlag.PRIVATE | (mm.lockFuture ? MapFlag.LOCKED : 0),
      file: null,
      offset: 0,
      name: '[heap]',
    });
    if (refused < 0) return mm.brk;
  }
  mm.brk = want;
  return want;
}
