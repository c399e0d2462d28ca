/**
 * The kernel heap as inspect shows it. Always true: looking changes nothing; an allocation stays under the name of the module that
 * made it until it is given back, even after the module is gone.
 */
import { writtenAfterFree } from '../kernel/kapi/heap-errors.ts';
import { allocations, kmemCaches, slabOf } from '../kernel/kapi/memory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { hex64, symbolic } from '../kernel/panic/trace.ts';
import type { AllocationView, HeapErrorView, MemoryView } from './inspect-schema.ts';

const loadedNames = (k: Kernel): Set<string> => new Set(k.module.modules.map(({ name }) => name));

/** Allocations of `module`; of everybody when it is not given. */
export function allocationViews(k: Kernel, module?: string): AllocationView[] {
  const wanted = allocations(k).filter((each) => module === undefined || each.module === module);
  return wanted.map((each) => ({
    address: hex64(each.address),
    size: each.size,
    room: each.room,
    kind: each.kind,
    cache: each.cache === '' ? null : each.cache,
    caller: symbolic(k, each.caller),
    module: each.module,
    timeNs: each.timeNs,
    tid: each.tid,
  }));
}

/** The cache of the slab that an address lies in. */
function cacheAt(k: Kernel, address: number): string | null {
  const slab = slabOf(k, address);
  return slab ? (k.kapi?.heap.caches[slab.index]?.name ?? null) : null;
}

/** What was done wrong with the heap, the oldest first; then what nobody has noticed before this look. */
function heapErrorViews(k: Kernel): HeapErrorView[] {
  if (!k.kapi) return [];
  const all = [...k.kapi.heap.errors, ...writtenAfterFree(k, (address) => cacheAt(k, address))];
  return all.map((error) => ({ ...error, address: hex64(error.address) }));
}

/** Memory of the VM and the heap of its kernel. */
export function memoryView(k: Kernel): MemoryView {
  const all = allocationViews(k);
  const loaded = loadedNames(k);
  return {
    quotaPages: k.quotas.memoryPages,
    usedPages: k.guest.usedPages,
    privatePages: k.guest.privatePages(),
    caches: kmemCaches(k).map(({ name, size, active, total, module }) => ({
      name,
      objectSize: size,
      active,
      total,
      module,
    })),
    allocations: all,
    leaked: all.filter(({ module }) => module !== null && !loaded.has(module)),
    errors: heapErrorViews(k),
  };
}
