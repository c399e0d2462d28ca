/** /proc/slabinfo and /proc/vmallocinfo (mm/slab_common.c, mm/vmalloc.c of 4.15). The heap's room says what it has. */
import type { Kernel } from '../../kernel.ts';
import type { Mm } from '../../mm/types.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { NodeContext } from '../kernfs.ts';
import { pad } from './format.ts';

/** A slab cache. */
export interface SlabRow {
  name: string;
  active: number;
  total: number;
  objectSize: number;
  perSlab: number;
  pages: number;
  slabs: number;
}

/** A stretch of vmalloc space; `caller` as %pS prints it. */
export interface VmallocRow {
  address: number;
  bytes: number;
  caller: string;
  pages: number;
  kind: string;
}

let slabRows: (k: Kernel) => SlabRow[] = () => [];
let vmallocRows: (k: Kernel) => VmallocRow[] = () => [];

/** The heap of modules registers its caches and areas here. */
export function provideHeap(slabs: (k: Kernel) => SlabRow[], areas: (k: Kernel) => VmallocRow[]): void {
  slabRows = slabs;
  vmallocRows = areas;
}

/** Objects of the kernel's own that have a count here. */
function ownSlabs(k: Kernel): SlabRow[] {
  let vmas = 0;
  const mms = new Set<Mm>();
  for (const task of k.task.tasks.values()) if (task.mm) mms.add(task.mm);
  for (const mm of mms) vmas += mm.vmas.length;
  const counts: [string, number, number][] = [
    ['vm_area_struct', vmas, 200],
    ['mm_struct', mms.size, 1968],
    ['files_cache', k.task.groups.size, 704],
    ['signal_cache', k.task.groups.size, 1024],
    ['task_struct', k.task.tasks.size, 3776],
    ['inode_cache', k.fs.dentries, 592],
    ['dentry', k.fs.dentries, 192],
    ['filp', k.fs.openFiles, 256],
  ];
  return counts.map(([name, active, objectSize]) => {
    const perSlab = Math.max(1, Math.floor(32768 / objectSize));
    const slabs = Math.ceil(active / perSlab);
    return { name, active, total: slabs * perSlab, objectSize, perSlab, pages: 8, slabs };
  });
}

/** /proc/slabinfo (version 2.1): modules' caches first, kmalloc's last. */
export function showSlabinfo(k: Kernel): string {
  const head =
    'slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>' +
    ' : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n';
  const heap = slabRows(k).toReversed();
  const general = (row: SlabRow): boolean => row.name.startsWith('kmalloc-');
  const all = [...heap.filter((row) => !general(row)), ...ownSlabs(k), ...heap.filter(general)];
  const rows = all.map(({ name, active, total, objectSize, perSlab, pages, slabs }) => {
    const objects = `${name.padEnd(17)} ${pad(active, 6)} ${pad(total, 6)} ${pad(objectSize, 6)} ${pad(perSlab, 4)}`;
    return `${objects} ${pad(pages, 4)} : tunables    0    0    0 : slabdata ${pad(slabs, 6)} ${pad(slabs, 6)}      0\n`;
  });
  return head + rows.join('');
}

/** /proc/vmallocinfo; addresses are zeros for who may not see them. Sizes count the guard page. */
export function showVmallocinfo(k: Kernel, ctx: NodeContext): string {
  const open = ctx.task === null || capable(ctx.task.cred, CAP.SYSLOG);
  const hex = (value: number): string =>
    BigInt.asUintN(64, BigInt(open ? value : 0))
      .toString(16)
      .padStart(16, '0');
  return vmallocRows(k)
    .map(
      ({ address, bytes, caller, pages, kind }) =>
        `0x${hex(address)}-0x${hex(address + bytes)} ${pad(bytes, 7)} ${caller} pages=${pages} ${kind}\n`,
    )
    .join('');
}
