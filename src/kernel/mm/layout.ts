/**
 * Where things lie in a riscv64 Sv39 address space (arch/riscv: processor.h, elf.h, mmap.c). Always true: user addresses are
 * below {@link TASK_SIZE}, kernel addresses are negative numbers.
 */
import { PAGE_SIZE } from '../../cpu/machine.ts';

export const TASK_SIZE = 2 ** 38;
/** The vDSO's page, in every address space (mm/vdso.ts). */
export const VDSO_BASE = TASK_SIZE - PAGE_SIZE;
/** __vdso_rt_sigreturn: signal handlers return to it. */
export const SIGRETURN_TRAMPOLINE = VDSO_BASE + 0x800;
/** The highest a stack begins: a page is left free below the trampoline. */
export const STACK_TOP = TASK_SIZE - 2 * PAGE_SIZE;
/** ELF_ET_DYN_BASE: where position-independent programs go. */
export const PIE_BASE = 0x2aaaaaa000;
/** Where the bottom-up search for free space begins when there is none below the mmap base. */
export const UNMAPPED_BASE = Math.floor(TASK_SIZE / 3 / PAGE_SIZE) * PAGE_SIZE;
/** vm.mmap_min_addr. */
export const MMAP_MIN_ADDR = 65536;
/** Distance kept below a stack that grows (stack_guard_gap). */
export const STACK_GUARD_GAP = 256 * PAGE_SIZE;
/** vm.max_map_count. */
export const MAX_MAP_COUNT = 65530;
/** Mappings of all processes of a VM together. */
export const MAX_VM_MAPS = 4 * MAX_MAP_COUNT;
/** How far the stack top and the mmap base may be moved at random: 18 bits of pages. */
export const RANDOM_PAGES = 0x3ffff;
/** The kernel's linear map of all guest memory (PAGE_OFFSET of 4.15). */
export const LINEAR_BASE = -(2 ** 37);
/** Text and data of modules: the 2 GiB below the kernel's own text, within reach of its addresses. */
export const MODULES_BASE = -0xff000000;
/** vmalloc and ioremap space: the lowest kernel addresses. */
export const VMALLOC_BASE = -(2 ** 38);

export const pageDown = (va: number): number => va - mod(va, PAGE_SIZE);
export const pageUp = (va: number): number => pageDown(va + PAGE_SIZE - 1);
/** Offset in the page; right for negative addresses too. */
export const pageOffset = (va: number): number => va & (PAGE_SIZE - 1);

function mod(a: number, n: number): number {
  const r = a % n;
  return r < 0 ? r + n : r;
}
