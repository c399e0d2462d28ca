/**
 * Pages for modules (mm/page_alloc.c, linux/mm.h). Always true: a page that is handed out is zeroed and recorded like any allocation;
 * its struct page is memory of its own (page-struct.ts).
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE, VMALLOC_BASE } from '../mm/layout.ts';
import { readK } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { setField, unsigned } from './access.ts';
import { define, kfree, kmalloc, takePages } from './memory.ts';
import { pageAddress, pageNumber, pageStruct } from './page-struct.ts';
import { kapi } from './registry.ts';
import { kernelBug, kernelWarnOnce } from './report.ts';
import { kapiRoom } from './room.ts';

const MAX_ORDER = 10;

function getPages(k: Kernel, task: Task, order: number): Vaddr {
  if (order < 0 || order > MAX_ORDER) {
    kernelWarnOnce(k, task, { file: 'mm/page_alloc.c:4817', symbol: '__alloc_pages_noprof+0x2e0/0xd56' });
    return 0;
  }
  return takePages(k, task, 2 ** order, 2 ** order * PAGE_SIZE, 'pages');
}

function freePages(k: Kernel, task: Task, address: Vaddr): void {
  if (address === 0) return;
  if (kapiRoom(k).heap.large.has(address)) kfree(k, task, address);
  else kernelBug(k, task, { file: 'mm/page_alloc.c:4826', symbol: 'free_pages+0x2c/0x38' });
}

define(['__get_free_pages', 'get_free_pages_noprof', '__get_free_pages_noprof'], (k, task, [, order]) =>
  getPages(k, task, order));
define(['__get_free_page', 'get_zeroed_page', 'get_zeroed_page_noprof'], (k, task) => getPages(k, task, 0));
kapi('free_pages', (k, task, [address]) => {
  freePages(k, task, address);
  return 0;
});
kapi('free_page', (k, task, [address]) => {
  freePages(k, task, address);
  return 0;
});
define(['alloc_pages', '__alloc_pages', 'alloc_pages_noprof'], (k, task, [, order]) => {
  const address = getPages(k, task, order);
  return address === 0 ? 0 : pageStruct(address);
});
define(['alloc_page'], (k, task) => {
  const address = getPages(k, task, 0);
  return address === 0 ? 0 : pageStruct(address);
});
define(['__free_pages', '__free_page'], (k, task, [page]) => {
  freePages(k, task, pageAddress(page));
  return 0;
});
define(['page_address', '__page_address', 'page_to_virt', 'kmap', 'kmap_local_page', 'kmap_atomic'], (
  _k,
  _task,
  [page],
) => pageAddress(page));
define(['kunmap', 'kunmap_local', 'kunmap_atomic'], () => 0);
define(['virt_to_page', '__virt_to_page', 'vmalloc_to_page'], (_k, _task, [address]) => pageStruct(address));
kapi('__page_to_pfn', (_k, _task, [page]) => pageNumber(page));
kapi('vmalloc_to_pfn', (_k, _task, [address]) => Math.floor((address - LINEAR_BASE) / PAGE_SIZE));
kapi('__pfn_to_page', (_k, _task, [pfn]) => pageStruct(LINEAR_BASE + pfn * PAGE_SIZE));
kapi('__virt_addr_valid', (k, _task, [address]) =>
  Number(readK(k, address, 1) !== null && address < VMALLOC_BASE + 2 ** 38),
);
kapi('set_page_dirty', () => 0);
/** The last reference by get_page and put_page went: a page of alloc_page is free again. */
kapi('__put_page', (k, task, [page]) => {
  const address = pageAddress(page);
  if (!k.kapi?.heap.large.has(address)) return 0;
  setField(k, 'page', page, '_refcount', 1);
  kfree(k, task, address);
  return 0;
});
define(['alloc_pages_exact', 'alloc_pages_exact_noprof'], (k, task, [size]) =>
  kmalloc(k, task, Math.max(PAGE_SIZE, unsigned(size))));
kapi('free_pages_exact', (k, task, [address]) => {
  kfree(k, task, address);
  return 0;
});
/** virt_to_phys of the linear map. */
define(['virt_to_phys', '__virt_to_phys'], (_k, _task, [address]) => address - LINEAR_BASE);
