/**
 * The page cache of regular files (mm/filemap.c). Always true: a cached page holds one reference; a CLEAN page can be had again
 * from where it came, `inode.disk` (pages written back) or else the image, and may be dropped; each page that is not
 * CLEAN and each page in `disk` is charged to the superblock's size, and no index is both; an index without either shows
 * the image below `lowerSize` and is a hole of zeros above; bytes of the last page after the size are zeros.
 */
import type { Pfn } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { noteInode, notePage } from '../fs/changes.ts';
import { currentTime } from '../fs/inode.ts';
import type { Inode, Superblock } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { adoptPage, allocPage, getPage, putPage } from './pages.ts';
import { unmapInode } from './rmap.ts';
import type { IoBuf } from './types.ts';
import { PageFlag } from './types.ts';
import { ioFromPage, ioRemaining, ioToPage, zerosToIo } from './uio.ts';

/** Charges `bytes` of a file system's space: 0 or -ENOSPC. */
function charge(k: Kernel, sb: Superblock, bytes: number): number {
  const max = sb.maxBytes < Number.POSITIVE_INFINITY ? sb.maxBytes : k.quotas.diskBytes;
  if (sb.usedBytes + bytes > max) return -Errno.ENOSPC;
  sb.usedBytes += bytes;
  return 0;
}

const fromImage = (inode: Inode, index: number): boolean =>
  inode.lower !== 0 && index * PAGE_SIZE < inode.lowerSize;

/** Whether page `index` has content: it is cached, on disk, or the image has it. */
export const hasPage = (inode: Inode, index: number): boolean =>
  inode.pages?.has(index) === true || inode.disk?.has(index) === true || fromImage(inode, index);

/** Indices of pages in the cache or written back, in no order, some perhaps twice. */
export function* knownPages(inode: Inode): Generator<number> {
  if (inode.pages) yield* inode.pages.keys();
  if (inode.disk) yield* inode.disk.keys();
}

/** Whether the inode has content that is not the image's. */
export function hasOwnContent(k: Kernel, inode: Inode): boolean {
  if (inode.disk && inode.disk.size > 0) return true;
  if (inode.pages)
    for (const pfn of inode.pages.values()) if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) === 0) return true;
  return false;
}

function addImagePage(k: Kernel, inode: Inode, index: number): Pfn {
  const frame = k.machine.sharedFrame(k.image.pageKey(inode.lower, index), (page) =>
    k.image.readPage(inode.lower, index, page),
  );
  if (frame < 0) return -Errno.ENOMEM;
  const pfn = adoptPage(k, frame);
  if (pfn < 0) return -Errno.ENOMEM;
  k.mm.pageFlags[pfn] = PageFlag.CLEAN;
  return pfn;
}

/** Reads a page back that was written to disk. */
function addDiskPage(k: Kernel, bytes: Uint8Array): Pfn {
  const pfn = allocPage(k);
  if (pfn < 0) return -Errno.ENOMEM;
  k.guest.page(pfn, true).set(bytes);
  k.mm.pageFlags[pfn] = PageFlag.CLEAN;
  return pfn;
}

function addFreshPage(k: Kernel, inode: Inode, index: number): Pfn {
  const refused = charge(k, inode.sb, PAGE_SIZE);
  if (refused < 0) return refused;
  const pfn = allocPage(k);
  if (pfn >= 0) {
    notePage(k, inode, index);
    return pfn;
  }
  inode.sb.usedBytes -= PAGE_SIZE;
  return -Errno.ENOMEM;
}

/** The page at `index`, read from the image or made when it lacks. -ENOMEM, -ENOSPC. */
export function cachePage(k: Kernel, inode: Inode, index: number): Pfn {
  inode.pages ??= new Map();
  const cached = inode.pages.get(index);
  if (cached !== undefined) return cached;
  const stored = inode.disk?.get(index);
  const pfn = stored
    ? addDiskPage(k, stored)
    : fromImage(inode, index)
      ? addImagePage(k, inode, index)
      : addFreshPage(k, inode, index);
  if (pfn < 0) return pfn;
  if (isOnDisk(inode)) k.mm.cacheInodes.add(inode);
  inode.pages.set(index, pfn);
  k.mm.cachedPages++;
  return pfn;
}

/** The same for a page that is about to change: it belongs to the file from now on. */
export function cachePageForWrite(k: Kernel, inode: Inode, index: number): Pfn {
  const pfn = cachePage(k, inode, index);
  if (pfn < 0) return pfn;
  notePage(k, inode, index);
  if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) === 0) return pfn;
  if (!inode.disk?.delete(index)) {
    const refused = charge(k, inode.sb, PAGE_SIZE);
    if (refused < 0) return refused;
  }
  k.mm.pageFlags[pfn] &= ~PageFlag.CLEAN;
  return pfn;
}

/** Whether the file lies on the VM's disk, so that its pages need not stay in memory. */
const isOnDisk = (inode: Inode): boolean => inode.sb.type === 'ext4';

/** Moves up to `want` changed pages of a file that nobody maps out of guest memory, to disk. Answers how many came free. */
export function writeBack(k: Kernel, inode: Inode, want: number): number {
  if (!inode.pages || !isOnDisk(inode)) return 0;
  let freed = 0;
  for (const [index, pfn] of inode.pages) {
    if (freed >= want) break;
    if (k.mm.pageRefs[pfn] !== 1 || (k.mm.pageFlags[pfn] & PageFlag.CLEAN) !== 0) continue;
    const bytes = k.guest.page(pfn, false).slice();
    const end = inode.size - index * PAGE_SIZE;
    if (end < PAGE_SIZE) bytes.fill(0, Math.max(0, end));
    inode.disk ??= new Map();
    inode.disk.set(index, new Uint8Array(bytes));
    inode.pages.delete(index);
    k.mm.cachedPages--;
    putPage(k, pfn);
    freed++;
  }
  return freed;
}

/** Notes that the content changed: times, and the version by which the store finds dirty inodes. */
export function touchContent(k: Kernel, inode: Inode): void {
  const now = currentTime(k);
  inode.mtime = now;
  inode.ctime = now;
  inode.version++;
  noteInode(k, inode);
}

/** Reads a regular file at `pos`; answers the bytes moved, 0 at the end, -EFAULT, -ENOMEM. */
export function readFile(k: Kernel, task: Task, inode: Inode, io: IoBuf, pos: number): number {
  let total = 0;
  while (ioRemaining(io) > 0 && pos < inode.size) {
    const index = Math.floor(pos / PAGE_SIZE);
    const offset = pos - index * PAGE_SIZE;
    const count = Math.min(PAGE_SIZE - offset, ioRemaining(io), inode.size - pos);
    let moved: number;
    if (hasPage(inode, index)) {
      const pfn = cachePage(k, inode, index);
      if (pfn < 0) return total > 0 ? total : pfn;
      getPage(k, pfn);
      moved = ioFromPage(k, task, io, pfn, offset, count);
      putPage(k, pfn);
    } else moved = zerosToIo(k, task, io, count);
    if (moved < 0) return total > 0 ? total : moved;
    total += moved;
    pos += moved;
    if (moved < count) break;
  }
  return total;
}

/** Writes a regular file at `pos`, extending its size; answers the bytes moved, -EFAULT, -ENOSPC, -ENOMEM. */
export function writeFile(k: Kernel, task: Task, inode: Inode, io: IoBuf, pos: number): number {
  if (ioRemaining(io) === 0) return 0;
  if (pos > inode.size) zeroTail(k, inode);
  let total = 0;
  let failure = 0;
  while (ioRemaining(io) > 0) {
    const index = Math.floor(pos / PAGE_SIZE);
    const offset = pos - index * PAGE_SIZE;
    const count = Math.min(PAGE_SIZE - offset, ioRemaining(io));
    const pfn = cachePageForWrite(k, inode, index);
    if (pfn < 0) {
      failure = pfn;
      break;
    }
    getPage(k, pfn);
    const moved = ioToPage(k, task, io, pfn, offset, count);
    putPage(k, pfn);
    if (moved < 0) {
      failure = moved;
      break;
    }
    total += moved;
    pos += moved;
    if (pos > inode.size) inode.size = pos;
    if (moved < count) break;
  }
  if (total > 0) touchContent(k, inode);
  return total > 0 ? total : failure;
}

/** Zeros what a shared mapping may have written after the end in the last page. */
function zeroTail(k: Kernel, inode: Inode): void {
  const offset = inode.size % PAGE_SIZE;
  const pfn = inode.pages?.get(Math.floor(inode.size / PAGE_SIZE));
  if (offset === 0 || pfn === undefined || (k.mm.pageFlags[pfn] & PageFlag.CLEAN) !== 0) return;
  k.guest.page(pfn, true).fill(0, offset);
}

/** Bytes of a file for the kernel itself; short at the end of the file or when memory is spent. */
export function readKernel(k: Kernel, inode: Inode, pos: number, length: number): Uint8Array {
  const size = Math.max(0, Math.min(length, inode.size - pos));
  const out = new Uint8Array(size);
  let done = 0;
  while (done < size) {
    const index = Math.floor((pos + done) / PAGE_SIZE);
    const offset = pos + done - index * PAGE_SIZE;
    const count = Math.min(PAGE_SIZE - offset, size - done);
    if (hasPage(inode, index)) {
      const pfn = cachePage(k, inode, index);
      if (pfn < 0) return out.slice(0, done);
      out.set(k.guest.page(pfn, false).subarray(offset, offset + count), done);
    }
    done += count;
  }
  return out;
}

function dropPage(k: Kernel, inode: Inode, index: number, pfn: Pfn): void {
  inode.pages?.delete(index);
  k.mm.cachedPages--;
  if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) === 0) {
    inode.sb.usedBytes -= PAGE_SIZE;
    notePage(k, inode, index);
  } else k.mm.pageFlags[pfn] &= ~PageFlag.CLEAN;
  putPage(k, pfn);
}

/** Drops all pages with indices in [first, last), cached or on disk, taking them out of every mapping. */
function dropRange(k: Kernel, inode: Inode, first: number, last: number): void {
  if (inode.disk)
    for (const index of inode.disk.keys())
      if (index >= first && index < last) {
        inode.disk.delete(index);
        inode.sb.usedBytes -= PAGE_SIZE;
        notePage(k, inode, index);
      }
  if (!inode.pages || inode.pages.size === 0) return;
  unmapInode(k, inode, first, last);
  if (last - first < inode.pages.size) {
    for (let index = first; index < last; index++) {
      const pfn = inode.pages.get(index);
      if (pfn !== undefined) dropPage(k, inode, index, pfn);
    }
    return;
  }
  for (const [index, pfn] of [...inode.pages])
    if (index >= first && index < last) dropPage(k, inode, index, pfn);
}

/** Zeros [start, end) of one page, when it has content. Charges beyond the limit rather than fail. */
function zeroInPage(k: Kernel, inode: Inode, index: number, start: number, end: number): number {
  if (start >= end || !hasPage(inode, index)) return 0;
  const pfn = cachePage(k, inode, index);
  if (pfn < 0) return pfn;
  notePage(k, inode, index);
  if ((k.mm.pageFlags[pfn] & PageFlag.CLEAN) !== 0) {
    k.mm.pageFlags[pfn] &= ~PageFlag.CLEAN;
    if (!inode.disk?.delete(index)) inode.sb.usedBytes += PAGE_SIZE;
  }
  k.guest.page(pfn, true).fill(0, start, end);
  return 0;
}

/** Sets the size of a regular file, giving back what lies after it. 0, -ENOMEM. Times are the caller's. */
export function truncateInode(k: Kernel, inode: Inode, size: number): number {
  if (size < inode.size) {
    const keep = Math.ceil(size / PAGE_SIZE);
    const offset = size % PAGE_SIZE;
    if (offset > 0) {
      const failed = zeroInPage(k, inode, keep - 1, offset, PAGE_SIZE);
      if (failed < 0) return failed;
    }
    dropRange(k, inode, keep, Number.POSITIVE_INFINITY);
    if (inode.lowerSize > size) inode.lowerSize = size;
  } else if (size > inode.size) zeroTail(k, inode);
  inode.size = size;
  inode.version++;
  noteInode(k, inode);
  return 0;
}

/** Makes a hole of [start, end) (FALLOC_FL_PUNCH_HOLE, MADV_REMOVE). 0, -ENOMEM, -ENOSPC. */
export function punchHole(k: Kernel, inode: Inode, start: number, end: number): number {
  const stop = Math.min(end, Math.ceil(inode.size / PAGE_SIZE) * PAGE_SIZE);
  const first = Math.ceil(start / PAGE_SIZE);
  const last = Math.floor(stop / PAGE_SIZE);
  if (start >= stop) return 0;
  inode.version++;
  noteInode(k, inode);
  if (first > last) return zeroInPage(k, inode, last, start % PAGE_SIZE, stop % PAGE_SIZE);
  let failed = start < first * PAGE_SIZE ? zeroInPage(k, inode, first - 1, start % PAGE_SIZE, PAGE_SIZE) : 0;
  if (failed === 0 && stop > last * PAGE_SIZE) failed = zeroInPage(k, inode, last, 0, stop % PAGE_SIZE);
  // What the image would show through must be covered with zeros.
  for (let index = first; failed === 0 && index < last && fromImage(inode, index); index++)
    failed = zeroInPage(k, inode, index, 0, PAGE_SIZE);
  if (failed < 0) return failed;
  const uncovered = inode.lower === 0 ? first : Math.max(first, Math.ceil(inode.lowerSize / PAGE_SIZE));
  if (uncovered < last) dropRange(k, inode, uncovered, last);
  return 0;
}

/** Forgets the whole cache of an inode that is being freed; its space is given back. */
export function dropPages(k: Kernel, inode: Inode): void {
  dropRange(k, inode, 0, Number.POSITIVE_INFINITY);
  inode.pages = null;
  inode.disk = undefined;
  k.mm.cacheInodes.delete(inode);
}
