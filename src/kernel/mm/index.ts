/** The mm room's door: address spaces, user memory, page cache. See types.ts for what is always true. */
import type { Kernel } from '../kernel.ts';

export { handleFault } from './fault.ts';
export {
  cachePage,
  dropPages,
  punchHole,
  readFile,
  readKernel,
  truncateInode,
  writeFile,
} from './filemap.ts';
export * from './layout.ts';
export { activateMm, createMm, createMmRoom, forkMm, initMm, kernelPte, putMm, setExe } from './mm.ts';
export { doMmap, doMunmap } from './mmap.ts';
export { allocPage, getPage, pageRefs, putPage } from './pages.ts';
export { readMm, writeMm } from './remote.ts';
export * from './uaccess.ts';
export { copyFromIo, copyToIo, importIovec, ioRemaining, kernelBuf, userBuf } from './uio.ts';

/** Memory of the VM in pages, for /proc/meminfo and sysinfo(2). */
export interface MemoryUse {
  total: number;
  free: number;
  /** In page caches (clean or not). */
  cached: number;
  /** In page caches and mapped by nobody, dropped when memory is short. */
  reclaimable: number;
}

export function memoryUse(k: Kernel): MemoryUse {
  const total = k.guest.maxPages;
  const free = total - k.guest.usedPages;
  let reclaimable = 0;
  for (const inode of k.mm.cacheInodes)
    if (inode.pages)
      for (const pfn of inode.pages.values())
        if (k.mm.pageRefs[pfn] === 1 && (k.mm.pageFlags[pfn] & 1) !== 0) reclaimable++;
  return { total, free, cached: k.mm.cachedPages, reclaimable };
}
