/**
 * vmalloc, vmap and kvmalloc (mm/vmalloc.c, mm/util.c). Always true: an area of vmalloc space is mapped whole, a guard page after it;
 * what vmap shows is held while it is mapped.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { showMemory } from '../fs/proc/show-memory.ts';
import type { Kernel } from '../kernel.ts';
import { VMALLOC_BASE } from '../mm/layout.ts';
import { getPage } from '../mm/pages.ts';
import { frameAt, KernelPage, mapKernelPage } from '../module/kmem.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { uint, unsigned } from './access.ts';
import { isLive, load } from './guest.ts';
import { noteBadFree, noteFree } from './heap-errors.ts';
import {
  define,
  heap,
  KMALLOC_MAX_SIZE,
  kfree,
  kmalloc,
  mapArea,
  placeArea,
  record,
  unmapArea,
  variants,
} from './memory.ts';
import { pageAddress } from './page-struct.ts';
import { kapi } from './registry.ts';
import { dumpStack, kernelWarn, kernelWarnOnce } from './report.ts';
import { kapiRoom } from './room.ts';

const VMALLOC_SYMBOL = '__vmalloc_node_range_noprof+0x70e/0x756';
const VMALLOC_CALLER = ['vmalloc_noprof+0x54/0x62'];

export function vmalloc(k: Kernel, task: Task, size: number): Vaddr {
  const pages = Math.ceil(size / PAGE_SIZE);
  if (size === 0) {
    kernelWarnOnce(k, task, { file: 'mm/vmalloc.c:3838', symbol: VMALLOC_SYMBOL, below: VMALLOC_CALLER });
    return 0;
  }
  const told = kapiRoom(k).warned;
  if (pages > k.guest.maxPages) {
    if (!told.has('vmalloc')) {
      told.add('vmalloc');
      const text = `${task.comm}: vmalloc error: size ${pages * PAGE_SIZE}, exceeds total pages, mode:0xcc0(GFP_KERNEL), nodemask=(null),cpuset=/,mems_allowed=0`;
      printk(k, Level.WARNING, text);
      dumpStack(k, task, [
        'dump_backtrace+0x28/0x30',
        'show_stack+0x38/0x44',
        'dump_stack_lvl+0x5a/0x7c',
        'dump_stack+0x18/0x20',
        'warn_alloc+0x102/0x176',
        '__vmalloc_node_range_noprof+0x72c/0x756',
        ...VMALLOC_CALLER,
      ]);
      showMemory(k);
    }
    return 0;
  }
  const address = mapArea(k, VMALLOC_BASE, VMALLOC_BASE + 2 ** 36, pages);
  if (address === null) return 0;
  record(k, task, { address, size, room: pages * PAGE_SIZE, kind: 'vmalloc', cache: '' });
  return address;
}

export function vfree(k: Kernel, task: Task, address: Vaddr): void {
  if (address === 0) return;
  if (unmapArea(k, address)) {
    const known = heap(k).objects.get(address);
    if (known) noteFree(k, task, known, 0);
    heap(k).objects.delete(address);
    return;
  }
  noteBadFree(k, task, address);
  const shown = BigInt.asUintN(64, BigInt(address)).toString(16).padStart(16, '0');
  kernelWarn(
    k,
    task,
    { file: 'mm/vmalloc.c:3378', symbol: 'vfree+0x128/0x16a' },
    `Trying to vfree() nonexistent vm area (${shown})`,
  );
}

define([
  ...variants('vmalloc'),
  ...variants('vzalloc'),
  'vmalloc_user',
  'vmalloc_user_noprof',
  'vmalloc_node',
  'vzalloc_node',
  'vmalloc_32',
], (k, task, [size]) => vmalloc(k, task, unsigned(size)));
define(['vfree'], (k, task, [address]) => {
  vfree(k, task, address);
  return 0;
});
/** kvmalloc: kmalloc when it is small enough, else vmalloc. */
const kvmalloc = (k: Kernel, task: Task, size: number): Vaddr =>
  size > KMALLOC_MAX_SIZE ? vmalloc(k, task, size) : kmalloc(k, task, size);
define([...variants('kvmalloc'), ...variants('kvzalloc'), 'kvmalloc_node', '__kvmalloc_node_noprof'], (
  k,
  task,
  [size],
) => kvmalloc(k, task, unsigned(size)));
define(['kvmalloc_array', 'kvcalloc'], (k, task, [n, size]) =>
  kvmalloc(k, task, unsigned(n) * unsigned(size)));
kapi('kvfree', (k, task, [address]) => {
  if (heap(k).areas.some((area) => area.base === address) && !heap(k).large.has(address))
    vfree(k, task, address);
  else kfree(k, task, address);
  return 0;
});
kapi('is_vmalloc_addr', (_k, _task, [address]) =>
  Number(address >= VMALLOC_BASE && address < VMALLOC_BASE + 2 ** 36),
);

/** The most pages that one vmap shows. */
const MAX_MAPPED = 1 << 16;

/** vmap(): pages that somebody holds, side by side. */
kapi('vmap', (k, task, [pages, count]) => {
  const n = uint(count);
  if (n === 0 || n > MAX_MAPPED) return 0;
  const frames: number[] = [];
  for (let i = 0; i < n; i++) {
    const page = load(k, task, pages + 8 * i);
    if (!isLive(k, task)) return 0;
    frames.push(frameAt(k, pageAddress(page)));
  }
  const base = frames.every((frame) => frame >= 0)
    ? placeArea(k, VMALLOC_BASE, VMALLOC_BASE + 2 ** 36, n)
    : null;
  if (base === null) return 0;
  frames.forEach((frame, i) => {
    getPage(k, frame);
    mapKernelPage(k, base + i * PAGE_SIZE, frame, KernelPage.DATA);
  });
  record(k, task, { address: base, size: n * PAGE_SIZE, room: n * PAGE_SIZE, kind: 'vmalloc', cache: '' });
  return base;
});
kapi('vunmap', (k, task, [address]) => {
  vfree(k, task, address);
  return 0;
});
