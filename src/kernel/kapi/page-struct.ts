/**
 * struct page (linux/mm_types.h). Always true: its address follows from the page's by arithmetic, as with a vmemmap; the memory behind
 * it is made when a module first touches it, with one reference to each page.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { fieldOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE, pageDown, VMALLOC_BASE } from '../mm/layout.ts';
import { provideDemand } from '../module/fault.ts';
import { KernelPage, writeK32 } from '../module/kmem.ts';
import { mapFresh } from '../module/memory.ts';

const VMEMMAP = VMALLOC_BASE + 2 ** 36;
const PAGE_STRUCT = 64;
/** Struct pages of all that has an address: vmalloc space lies below the linear map, module memory above. */
const FIRST = VMEMMAP - 2 ** 31;
const END = VMEMMAP + 2 ** 32;

export const pageStruct = (address: Vaddr): Vaddr =>
  VMEMMAP + Math.floor((address - LINEAR_BASE) / PAGE_SIZE) * PAGE_STRUCT;
/** The page frame number that a struct page stands for. */
export const pageNumber = (page: Vaddr): number => Math.floor((page - VMEMMAP) / PAGE_STRUCT);
export const pageAddress = (page: Vaddr): Vaddr => LINEAR_BASE + pageNumber(page) * PAGE_SIZE;

const REFCOUNT = fieldOf('page', '_refcount').offset;

/** Memory for the struct pages around `va`; false when it is none of theirs, or memory is spent. */
function provideStructs(k: Kernel, va: Vaddr): boolean {
  if (va < FIRST || va >= END) return false;
  const base = pageDown(va);
  if (!mapFresh(k, base, 1, KernelPage.DATA)) return false;
  for (let at = base; at < base + PAGE_SIZE; at += PAGE_STRUCT) writeK32(k, at + REFCOUNT, 1);
  return true;
}

provideDemand((k, _task, { tval }) => provideStructs(k, tval));
