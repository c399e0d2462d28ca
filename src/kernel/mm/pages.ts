/**
 * Guest pages and who holds them. Always true: a page with references is allocated; each page table entry, page cache
 * entry or other holder counts once; at 0 the page goes back to the guest memory. The count saturates: a page with 65,535
 * holders is never freed (refcount_t's rule).
 */
import type { HostFrame, Pfn } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { reclaim } from './reclaim.ts';

const SATURATED = 0xffff;
/** How many pages a reclaim tries to free at once. */
const RECLAIM_BATCH = 64;

function track(k: Kernel, pfn: Pfn): Pfn {
  const { mm } = k;
  if (pfn >= mm.pageRefs.length) {
    const length = Math.max(1024, mm.pageRefs.length * 2, pfn + 1);
    const refs = new Uint16Array(length);
    refs.set(mm.pageRefs);
    const flags = new Uint8Array(length);
    flags.set(mm.pageFlags);
    mm.pageRefs = refs;
    mm.pageFlags = flags;
  }
  mm.pageRefs[pfn] = 1;
  mm.pageFlags[pfn] = 0;
  return pfn;
}

/** A zeroed page with one reference, or -1 when memory is spent even after reclaim. */
export function allocPage(k: Kernel): Pfn {
  let pfn = k.guest.allocPage();
  if (pfn < 0 && reclaim(k, RECLAIM_BATCH) > 0) pfn = k.guest.allocPage();
  return pfn < 0 ? -1 : track(k, pfn);
}

/** A page that shows a shared host frame, with one reference; -1 as above. */
export function adoptPage(k: Kernel, frame: HostFrame): Pfn {
  let pfn = k.guest.adoptPage(frame);
  if (pfn < 0 && reclaim(k, RECLAIM_BATCH) > 0) pfn = k.guest.adoptPage(frame);
  return pfn < 0 ? -1 : track(k, pfn);
}

/** A new page with the content of `source`, with one reference; -1 as above. `source` must be held by the caller. */
export function clonePage(k: Kernel, source: Pfn): Pfn {
  let pfn = k.guest.clonePage(source);
  if (pfn < 0 && reclaim(k, RECLAIM_BATCH) > 0) pfn = k.guest.clonePage(source);
  return pfn < 0 ? -1 : track(k, pfn);
}

/** One more holder. */
export function getPage(k: Kernel, pfn: Pfn): void {
  if (k.mm.pageRefs[pfn] < SATURATED) k.mm.pageRefs[pfn]++;
}

/** One holder less; the last one frees the page. Its mappings are gone and flushed. */
export function putPage(k: Kernel, pfn: Pfn): void {
  const refs = k.mm.pageRefs[pfn];
  if (refs === 0) throw new Error(`page ${pfn} is put once too often`);
  if (refs === SATURATED) return;
  k.mm.pageRefs[pfn] = refs - 1;
  if (refs > 1) return;
  k.mm.pageFlags[pfn] = 0;
  k.guest.freePage(pfn);
}

export const pageRefs = (k: Kernel, pfn: Pfn): number => k.mm.pageRefs[pfn];
