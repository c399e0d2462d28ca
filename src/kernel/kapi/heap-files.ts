/** What /proc tells of the modules' heap. Always true: the rows are read from the heap's books; nothing is kept here. */
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { provideHeap } from '../fs/proc/heap.ts';
import type { Kernel } from '../kernel.ts';
import { VMALLOC_BASE } from '../mm/layout.ts';
import { symbolic } from '../panic/trace.ts';
import { kmemCaches } from './memory.ts';

const VMALLOC_END = VMALLOC_BASE + 2 ** 36;

function slabsOf(k: Kernel) {
  return kmemCaches(k).map(({ name, size, stride, pages, total, active }) => {
    const perSlab = Math.max(1, Math.floor((pages * PAGE_SIZE) / stride));
    return { name, active, total, objectSize: size, perSlab, pages, slabs: Math.ceil(total / perSlab) };
  });
}

function areasOf(k: Kernel) {
  const heap = k.kapi?.heap;
  return (heap?.areas ?? [])
    .filter(({ base }) => base >= VMALLOC_BASE && base < VMALLOC_END)
    .map(({ base, pages }) => {
      const known = heap?.objects.get(base);
      return {
        address: base,
        bytes: (pages + 1) * PAGE_SIZE,
        caller: known ? symbolic(k, known.caller) : '0x0',
        pages,
        kind: known ? 'vmalloc' : 'vmap',
      };
    });
}

provideHeap(slabsOf, areasOf);
