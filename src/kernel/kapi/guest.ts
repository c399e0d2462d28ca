/**
 * C objects in kernel memory for the families of exported functions. Always true: a pointer that is not mapped is an oops of the
 * caller, told once; after it the caller is gone and whatever the handler still does is void.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { LINEAR_BASE } from '../mm/layout.ts';
import { allocPage } from '../mm/pages.ts';
import { kfault } from '../module/fault.ts';
import { readK32, readK64, readKInt, writeK32, writeK64 } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';

const PAGE = 4096;

/** Whether the task still runs the kernel code that called us. */
export const isLive = (k: Kernel, task: Task): boolean => k.halted === null && task.state === 'running';

/** The caller gave a bad pointer. Answers 0. */
export function bad(k: Kernel, task: Task, va: Vaddr, write: boolean): number {
  return isLive(k, task) ? kfault(k, task, va, write) : 0;
}

/** A long or pointer. */
export const load = (k: Kernel, task: Task, va: Vaddr): number => readK64(k, va) ?? bad(k, task, va, false);
/** An unsigned int. */
export const loadU32 = (k: Kernel, task: Task, va: Vaddr): number =>
  readK32(k, va) ?? bad(k, task, va, false);
/** An int. */
export const loadInt = (k: Kernel, task: Task, va: Vaddr): number =>
  readKInt(k, va) ?? bad(k, task, va, false);

/** Stores a long or pointer; false after a fault. */
export function store(k: Kernel, task: Task, va: Vaddr, value: number): boolean {
  if (writeK64(k, va, value)) return true;
  bad(k, task, va, true);
  return false;
}

export function store32(k: Kernel, task: Task, va: Vaddr, value: number): boolean {
  if (writeK32(k, va, value)) return true;
  bad(k, task, va, true);
  return false;
}

/** A struct list_head that is empty: INIT_LIST_HEAD. */
export const listInit = (k: Kernel, task: Task, head: Vaddr): boolean =>
  store(k, task, head, head) && store(k, task, head + 8, head);

export const listEmpty = (k: Kernel, task: Task, head: Vaddr): boolean => load(k, task, head) === head;

function link(k: Kernel, task: Task, entry: Vaddr, prev: Vaddr, next: Vaddr): boolean {
  return (
    store(k, task, next + 8, entry) &&
    store(k, task, entry, next) &&
    store(k, task, entry + 8, prev) &&
    store(k, task, prev, entry)
  );
}

/** list_add: right after the head. */
export const listAdd = (k: Kernel, task: Task, entry: Vaddr, head: Vaddr): boolean =>
  link(k, task, entry, head, load(k, task, head));

/** list_add_tail. */
export const listAddTail = (k: Kernel, task: Task, entry: Vaddr, head: Vaddr): boolean =>
  link(k, task, entry, load(k, task, head + 8), head);

/** list_del_init. */
export function listDelInit(k: Kernel, task: Task, entry: Vaddr): boolean {
  const next = load(k, task, entry);
  const prev = load(k, task, entry + 8);
  return store(k, task, next + 8, prev) && store(k, task, prev, next) && listInit(k, task, entry);
}

/** A page of kernel memory in the linear map; 0 when there is none. */
export function kernelPage(k: Kernel): Vaddr {
  const pfn = allocPage(k);
  return pfn < 0 ? 0 : LINEAR_BASE + pfn * PAGE;
}

/** A zeroed object that lives as long as the VM; 0 when memory is spent. For the few things modules see only pointers of. */
export function arenaAlloc(k: Kernel, bytes: number): Vaddr {
  const size = Math.ceil(bytes / 64) * 64;
  const { arena } = k.tasking;
  if (arena.page === 0 || arena.used + size > PAGE) {
    const page = kernelPage(k);
    if (page === 0) return 0;
    arena.page = page;
    arena.used = 0;
  }
  const at = arena.page + arena.used;
  arena.used += size;
  return at;
}

/** ERR_PTR and what IS_ERR sees: a small negative number. */
export const errPtr = (errno: number): number => -errno;
