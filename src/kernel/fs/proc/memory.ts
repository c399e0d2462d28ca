/** /proc/meminfo, vmstat, zoneinfo, buddyinfo, iomem and their kin: memory (fs/proc/meminfo.c, mm/vmstat.c of 4.15). */
import type { Kernel } from '../../kernel.ts';
import { memoryUse as pagesInUse } from '../../mm/index.ts';
import type { Mm } from '../../mm/types.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { NodeContext } from '../kernfs.ts';
import { pad } from './format.ts';

/** Where the memory of the simulated board begins, and what lies in front of what user space gets. */
const RAM_BASE = 0x80000000;

/** Pages by use. */
export interface MemoryUse {
  total: number;
  free: number;
  cached: number;
  /** Page cache that could be dropped at once. */
  reclaimable: number;
  shmem: number;
  anonymous: number;
  mapped: number;
  tables: number;
  locked: number;
  committed: number;
  /** Kilobytes of kernel objects, and of those that could be dropped. */
  slabKb: number;
  reclaimableKb: number;
}

/** Counts what there is, as meminfo, sysinfo(2) and the OOM report show it. */
export function memoryUse(k: Kernel): MemoryUse {
  const mms = new Set<Mm>();
  for (const task of k.task.tasks.values()) if (task.mm) mms.add(task.mm);
  let anonymous = 0;
  let mapped = 0;
  let tables = 0;
  let locked = 0;
  let committed = 0;
  for (const mm of mms) {
    anonymous += mm.rssAnon;
    mapped += mm.rssFile;
    tables += mm.tablePages + 1;
    locked += mm.lockedPages;
    for (const vma of mm.vmas)
      if ((vma.prot & 2) !== 0 && (vma.flags & 1) === 0) committed += (vma.end - vma.start) / 4096;
  }
  let shmem = 0;
  for (const sb of k.fs.superblocks)
    if (sb.type === 'tmpfs' || sb.type === 'devtmpfs') shmem += Math.ceil(sb.usedBytes / 4096);
  const reclaimableKb = Math.ceil((k.fs.dentries * (192 + 592)) / 1024);
  const objects = k.task.tasks.size * 3776 + k.fs.openFiles * 256;
  return {
    ...pagesInUse(k),
    shmem,
    anonymous,
    mapped: Math.min(mapped, k.mm.cachedPages),
    tables,
    locked,
    committed,
    slabKb: reclaimableKb + Math.ceil(objects / 1024),
    reclaimableKb,
  };
}

const line = (name: string, kilobytes: number): string => `${`${name}:`.padEnd(16)}${pad(kilobytes, 8)} kB\n`;

export function showMeminfo(k: Kernel): string {
  const use = memoryUse(k);
  const file = Math.max(0, use.cached - use.shmem) * 4;
  const active = Math.floor(file / 2);
  const values: [string, number][] = [
    ['MemTotal', use.total * 4],
    ['MemFree', use.free * 4],
    ['MemAvailable', (use.free + use.reclaimable) * 4],
    ['Buffers', 0],
    ['Cached', use.cached * 4],
    ['SwapCached', 0],
    ['Active', use.anonymous * 4 + active],
    ['Inactive', file - active],
    ['Active(anon)', use.anonymous * 4],
    ['Inactive(anon)', 0],
    ['Active(file)', active],
    ['Inactive(file)', file - active],
    ['Unevictable', use.locked * 4],
    ['Mlocked', use.locked * 4],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', use.anonymous * 4],
    ['Mapped', use.mapped * 4],
    ['Shmem', use.shmem * 4],
    ['Slab', use.slabKb],
    ['SReclaimable', use.reclaimableKb],
    ['SUnreclaim', use.slabKb - use.reclaimableKb],
    ['KernelStack', k.task.tasks.size * 8],
    ['PageTables', use.tables * 4],
    ['NFS_Unstable', 0],
    ['Bounce', 0],
    ['WritebackTmp', 0],
    ['CommitLimit', use.total * 2],
    ['Committed_AS', use.committed * 4],
  ];
  const vmalloc = 'VmallocTotal:   134217727 kB\nVmallocUsed:           0 kB\nVmallocChunk:          0 kB\n';
  return values.map(([name, kilobytes]) => line(name, kilobytes)).join('') + vmalloc;
}

export function showVmstat(k: Kernel): string {
  const use = memoryUse(k);
  const file = Math.max(0, use.cached - use.shmem);
  const values: Record<string, number> = {
    nr_free_pages: use.free,
    nr_zone_inactive_anon: 0,
    nr_zone_active_anon: use.anonymous,
    nr_zone_inactive_file: file - Math.floor(file / 2),
    nr_zone_active_file: Math.floor(file / 2),
    nr_zone_unevictable: use.locked,
    nr_zone_write_pending: 0,
    nr_mlock: use.locked,
    nr_page_table_pages: use.tables,
    nr_kernel_stack: k.task.tasks.size * 8,
    nr_bounce: 0,
    nr_inactive_anon: 0,
    nr_active_anon: use.anonymous,
    nr_inactive_file: file - Math.floor(file / 2),
    nr_active_file: Math.floor(file / 2),
    nr_unevictable: use.locked,
    nr_slab_reclaimable: Math.ceil(use.reclaimableKb / 4),
    nr_slab_unreclaimable: Math.ceil((use.slabKb - use.reclaimableKb) / 4),
    nr_anon_pages: use.anonymous,
    nr_mapped: use.mapped,
    nr_file_pages: use.cached,
    nr_dirty: 0,
    nr_writeback: 0,
    nr_shmem: use.shmem,
    nr_dirtied: 0,
    nr_written: 0,
    pgpgin: 0,
    pgpgout: 0,
    pswpin: 0,
    pswpout: 0,
    pgfault: k.mm.pageFaults,
    pgmajfault: k.mm.majorFaults,
    oom_kill: k.mm.oomKills,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}\n`)
    .join('');
}

/** Free pages as the buddy allocator would hold them: the largest blocks first. */
function freeBlocks(k: Kernel): number[] {
  const counts = new Array<number>(11).fill(0);
  let left = memoryUse(k).free;
  for (let order = 10; order >= 0; order--) {
    counts[order] = Math.floor(left / 2 ** order);
    left -= counts[order] * 2 ** order;
  }
  return counts;
}

export const showBuddyinfo = (k: Kernel): string =>
  `Node 0, zone ${pad('DMA32', 8)} ${freeBlocks(k)
    .map((count) => `${pad(count, 6)} `)
    .join('')}\n`;

export function showPagetypeinfo(k: Kernel): string {
  const orders = Array.from({ length: 11 }, (_, order) => `${pad(order, 6)} `).join('');
  const free = freeBlocks(k)
    .map((count) => `${pad(count, 6)} `)
    .join('');
  return (
    `Page block order: 9\nPages per block:  512\n\n${'Free pages count per migrate type at order'.padEnd(43)}${orders}\n` +
    `Node    0, zone ${pad('DMA32', 8)}, type ${pad('Movable', 12)} ${free}\n\n` +
    `${'Number of blocks type'.padEnd(23)}${pad('Movable', 12)} \nNode 0, zone ${pad('DMA32', 8)} ` +
    `${pad(Math.floor(k.quotas.memoryPages / 512), 12)} \n`
  );
}

export function showZoneinfo(k: Kernel): string {
  const use = memoryUse(k);
  const low = Math.floor(use.total / 64);
  return (
    `Node 0, zone    DMA32\n  per-node stats\n      nr_anon_pages ${use.anonymous}\n      nr_file_pages ${use.cached}\n` +
    `  pages free     ${use.free}\n        min      ${low}\n        low      ${Math.floor(low * 1.25)}\n` +
    `        high     ${Math.floor(low * 1.5)}\n        spanned  ${use.total}\n        present  ${use.total}\n` +
    `        managed  ${use.total}\n        protection: (0, 0)\n      nr_free_pages ${use.free}\n` +
    `  node_unreclaimable:  0\n  start_pfn:           ${RAM_BASE / 4096}\n`
  );
}

/** Addresses are zeros for who has no CAP_SYS_ADMIN (iomem since 4.6). */
export function showIomem(k: Kernel, ctx: NodeContext): string {
  const open = ctx.task === null || capable(ctx.task.cred, CAP.SYS_ADMIN);
  const hex = (address: number): string => (open ? address : 0).toString(16).padStart(8, '0');
  const row = (from: number, to: number, depth: number, name: string): string =>
    `${'  '.repeat(depth)}${hex(from)}-${hex(to)} : ${name}\n`;
  return (
    row(0x10000000, 0x100000ff, 0, 'serial') +
    row(RAM_BASE, RAM_BASE + k.quotas.memoryPages * 4096 - 1, 0, 'System RAM')
  );
}

export const showSwaps = (): string => 'Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n';
