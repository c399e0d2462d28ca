/** What the log shows of memory: sysrq m, and allocations that failed (lib/show_mem.c, mm/show_mem.c). */
import type { Kernel } from '../../kernel.ts';
import { Level, printk } from '../../printk/printk.ts';
import { memoryUse } from './memory.ts';

/** Blocks of each order that free memory makes when it lies together, as the buddy allocator counts them. */
function blocks(pages: number): string {
  const out: string[] = [];
  for (let order = 0; order <= 10; order++) {
    const count = order === 10 ? Math.floor(pages / 1024) : Math.floor(pages / 2 ** order) % 2;
    out.push(`${count}*${4 * 2 ** order}kB${count > 0 ? ' (UM)' : ''}`);
  }
  return out.join(' ');
}

/** show_mem(): all records are of level warning. */
export function showMemory(k: Kernel): void {
  const use = memoryUse(k);
  const say = (text: string): void => printk(k, Level.WARNING, text);
  const modern = !/^[1-4]\./.test(k.identity.release);
  const file = Math.max(0, use.cached - use.shmem);
  const active = Math.floor(file / 2);
  const kb = (pages: number): string => `${pages * 4}kB`;
  const stack = k.task.tasks.size * 16;
  say('Mem-Info:');
  say(
    [
      `active_anon:${use.anonymous} inactive_anon:0 isolated_anon:0`,
      `active_file:${active} inactive_file:${file - active} isolated_file:0`,
      `unevictable:${use.locked} dirty:0 writeback:0${modern ? '' : ' unstable:0'}`,
      `slab_reclaimable:${Math.ceil(use.reclaimableKb / 4)} slab_unreclaimable:${Math.ceil((use.slabKb - use.reclaimableKb) / 4)}`,
      `mapped:${use.mapped} shmem:${use.shmem} pagetables:${use.tables}${modern ? '' : ' bounce:0'}`,
      ...(modern ? ['sec_pagetables:0 bounce:0', 'kernel_misc_reclaimable:0'] : []),
      `free:${use.free} free_pcp:0 free_cma:0`,
    ].join('\n '),
  );
  const files = `active_anon:${kb(use.anonymous)} inactive_anon:0kB active_file:${kb(active)} inactive_file:${kb(file - active)} unevictable:${kb(use.locked)}`;
  const extra = modern
    ? `shmem_thp:0kB shmem_pmdmapped:0kB anon_thp:0kB writeback_tmp:0kB kernel_stack:${stack}kB pagetables:${kb(use.tables)} sec_pagetables:0kB all_unreclaimable? no`
    : 'writeback_tmp:0kB unstable:0kB all_unreclaimable? no';
  say(
    `Node 0 ${files} isolated(anon):0kB isolated(file):0kB mapped:${kb(use.mapped)} dirty:0kB writeback:0kB shmem:${kb(use.shmem)} ${extra}`,
  );
  const min = Math.floor(use.total / 42);
  const marks = `min:${kb(min)} low:${kb(Math.floor(min * 1.25))} high:${kb(Math.floor(min * 1.5))}`;
  const boost = modern ? ' boost:0kB' : '';
  const reserved = modern ? ' reserved_highatomic:0KB' : '';
  const zone = `present:${kb(use.total)} managed:${kb(use.total)} mlocked:${kb(use.locked)}`;
  const tail = modern ? '' : ` kernel_stack:${stack}kB pagetables:${kb(use.tables)}`;
  say(
    `Node 0 DMA32 free:${kb(use.free)}${boost} ${marks}${reserved} ${files} writepending:0kB ${zone}${tail} bounce:0kB free_pcp:0kB local_pcp:0kB free_cma:0kB`,
  );
  say('lowmem_reserve[]: 0 0 0 0');
  say(`Node 0 DMA32: ${blocks(use.free)} = ${kb(use.free)}`);
  if (modern) say('Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=1048576kB');
  say('Node 0 hugepages_total=0 hugepages_free=0 hugepages_surp=0 hugepages_size=2048kB');
  say(`${use.cached} total pagecache pages`);
  say('0 pages in swap cache');
  if (!modern) say('Swap cache stats: add 0, delete 0, find 0/0');
  say('Free swap  = 0kB');
  say('Total swap = 0kB');
  say(`${use.total} pages RAM`);
  say('0 pages HighMem/MovableOnly');
  say('0 pages reserved');
}
