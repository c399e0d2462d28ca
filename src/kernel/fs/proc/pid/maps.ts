/** /proc/PID/maps, smaps, smaps_rollup, map_files and pagemap: what is mapped (fs/proc/task_mmu.c of 4.15). */
import { PTE } from '../../../../cpu/machine.ts';
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import { forEachLeaf, PTE_ANON, PTE_SPECIAL, ptePfn } from '../../../mm/pagetable.ts';
import { type Mm, type Vma, VmaFlag } from '../../../mm/types.ts';
import { copyToIo } from '../../../mm/uio.ts';
import { CAP, capable } from '../../../task/capability.ts';
import type { Task } from '../../../task/types.ts';
import { fileName } from '../../dpath.ts';
import { type DirNode, type KernfsNode, resolve } from '../../kernfs.ts';
import { pathOfFile } from '../../namei.ts';
import { defineFileOps } from '../../ops.ts';
import { major, mangle, minor } from '../format.ts';
import { common, maySee, privateCheck, targetOf, taskLink } from '../target.ts';

const hex = (value: number, width: number): string => value.toString(16).padStart(width, '0');

/** Column at which the name of a mapping begins. */
const NAME_COLUMN = 73;

const permissions = (vma: Vma): string =>
  `${vma.prot & 1 ? 'r' : '-'}${vma.prot & 2 ? 'w' : '-'}${vma.prot & 4 ? 'x' : '-'}${vma.flags & 1 ? 's' : 'p'}`;

function mapLine(vma: Vma, reader: Task | null, owner: Task): string {
  const inode = vma.file?.inode ?? (vma.flags & 1 ? vma.inode : null);
  const dev = inode ? inode.sb.dev : 0;
  const range = `${hex(vma.start, 8)}-${hex(vma.end, 8)} ${permissions(vma)} ${hex(inode ? vma.offset : 0, 8)}`;
  const line = `${range} ${hex(major(dev), 2)}:${hex(minor(dev), 2)} ${inode ? inode.ino : 0} `;
  const root = (reader ?? owner).fs.root;
  const name = vma.file
    ? mangle(fileName(vma.file, root), '\n')
    : (vma.name ?? (inode ? '/dev/zero (deleted)' : ''));
  return name === '' ? `${line}\n` : `${line.padEnd(NAME_COLUMN)}${name}\n`;
}

const vmasOf = (task: Task): readonly Vma[] => task.mm?.vmas ?? [];

export const showMaps = (_k: Kernel, task: Task, ctx: { task: Task | null }): string =>
  vmasOf(task)
    .map((vma) => mapLine(vma, ctx.task, task))
    .join('');

/** Kilobytes of one mapping by kind. */
interface Usage {
  rss: number;
  pss: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  anonymous: number;
  locked: number;
}

const noUsage = (): Usage => ({
  rss: 0,
  pss: 0,
  sharedClean: 0,
  sharedDirty: 0,
  privateClean: 0,
  privateDirty: 0,
  anonymous: 0,
  locked: 0,
});

function measure(k: Kernel, mm: Mm, vma: Vma, sum: Usage): void {
  forEachLeaf(k, mm.root, vma.start, vma.end, (_va, _at, pte) => {
    if ((pte & PTE_SPECIAL) !== 0) return;
    const anonymous = (pte & PTE_ANON) !== 0;
    const holders = Math.max(1, k.mm.pageRefs[ptePfn(pte)] - (anonymous ? 0 : 1));
    const dirty = anonymous || ((pte & PTE.W) !== 0 && (vma.flags & 1) !== 0);
    sum.rss += 4;
    sum.pss += 4 / holders;
    if (anonymous) sum.anonymous += 4;
    if (holders > 1) sum[dirty ? 'sharedDirty' : 'sharedClean'] += 4;
    else sum[dirty ? 'privateDirty' : 'privateClean'] += 4;
    if ((vma.flags & 0x2000) !== 0) sum.locked += 4;
  });
}

const sizeLine = (label: string, kilobytes: number): string =>
  `${`${label}:`.padEnd(16)}${String(Math.floor(kilobytes)).padStart(8)} kB\n`;

const usageLines = (usage: Usage): string =>
  [
    sizeLine('Rss', usage.rss),
    sizeLine('Pss', usage.pss),
    sizeLine('Shared_Clean', usage.sharedClean),
    sizeLine('Shared_Dirty', usage.sharedDirty),
    sizeLine('Private_Clean', usage.privateClean),
    sizeLine('Private_Dirty', usage.privateDirty),
    sizeLine('Referenced', usage.rss),
    sizeLine('Anonymous', usage.anonymous),
    sizeLine('LazyFree', 0),
    sizeLine('AnonHugePages', 0),
    sizeLine('ShmemPmdMapped', 0),
    sizeLine('Shared_Hugetlb', 0),
    sizeLine('Private_Hugetlb', 0),
    sizeLine('Swap', 0),
    sizeLine('SwapPss', 0),
    sizeLine('Locked', usage.locked),
  ].join('');

function flagWords(vma: Vma): string {
  const { prot, flags } = vma;
  const shared = (flags & 1) !== 0;
  const words = [
    prot & 1 ? 'rd' : '',
    prot & 2 ? 'wr' : '',
    prot & 4 ? 'ex' : '',
    shared ? 'sh' : '',
    'mr',
    'mw',
    'me',
    shared ? 'ms' : '',
    flags & 0x100 ? 'gd' : '',
    flags & 0x2000 ? 'lo' : '',
    flags & VmaFlag.DONTFORK ? 'dc' : '',
    (prot & 2) !== 0 && !shared ? 'ac' : '',
    flags & 0x4000 ? 'nr' : '',
    flags & VmaFlag.WIPEONFORK ? 'wf' : '',
    flags & VmaFlag.DONTDUMP ? 'dd' : '',
  ];
  return `VmFlags: ${words
    .filter((word) => word !== '')
    .map((word) => `${word} `)
    .join('')}\n`;
}

export function showSmaps(k: Kernel, task: Task, ctx: { task: Task | null }): string {
  const { mm } = task;
  if (!mm) return '';
  return mm.vmas
    .map((vma) => {
      const usage = noUsage();
      measure(k, mm, vma, usage);
      const head = sizeLine('Size', (vma.end - vma.start) / 1024);
      const pages = sizeLine('KernelPageSize', 4) + sizeLine('MMUPageSize', 4);
      return mapLine(vma, ctx.task, task) + head + pages + usageLines(usage) + flagWords(vma);
    })
    .join('');
}

export function showSmapsRollup(k: Kernel, task: Task): string {
  const { mm } = task;
  if (!mm || mm.vmas.length === 0) return '';
  const usage = noUsage();
  for (const vma of mm.vmas) measure(k, mm, vma, usage);
  const range = `${hex(mm.vmas[0].start, 8)}-${hex(mm.vmas[mm.vmas.length - 1].end, 8)} ---p 00000000 00:00 0 `;
  return `${range.padEnd(NAME_COLUMN)}[rollup]\n${usageLines(usage)}`;
}

// ── map_files ──────────────────────────────────────────────────────────────────────────────────────────────────

const mapFile: KernfsNode = taskLink(
  (k, target, ctx) => {
    const vma = vmasOf(target).find((each) => rangeName(each) === ctx.params.range);
    if (!vma?.file) return -Errno.ENOENT;
    const root = (ctx.task ?? target).fs.root;
    return { text: fileName(vma.file, root), path: pathOfFile(k, vma.file) };
  },
  { mode: 0o700 },
);
const rangeName = (vma: Vma): string => `${vma.start.toString(16)}-${vma.end.toString(16)}`;

/** /proc/PID/map_files: a link for each mapping of a file. */
export const mapFiles: DirNode = {
  type: 'dir',
  mode: 0o500,
  children: new Map(),
  ...common,
  check(k, ctx) {
    const target = targetOf(k, ctx);
    return target && maySee(ctx, target) ? 0 : -Errno.EACCES;
  },
  *list(k, ctx) {
    const target = targetOf(k, ctx);
    for (const vma of target ? vmasOf(target) : [])
      if (vma.file) yield [rangeName(vma), mapFile] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    const target = targetOf(k, ctx);
    const found = target && vmasOf(target).some((vma) => vma.file && rangeName(vma) === name);
    return found ? { node: mapFile, params: { range: name } } : null;
  },
};

// ── pagemap ────────────────────────────────────────────────────────────────────────────────────────────────────

/** At most this many bytes a read of pagemap answers. */
const PAGEMAP_CHUNK = 131072;

/** /proc/PID/pagemap: 64 bits a page; the frame number only for CAP_SYS_ADMIN (Documentation/vm/pagemap.txt). */
defineFileOps('proc.pagemap', {
  seekable: true,
  read(k, task, file, buf, pos) {
    const found = resolve(k, file.data.ref, task);
    const target = found ? targetOf(k, found.ctx) : null;
    if (!target) return -Errno.ESRCH;
    const at = pos ?? file.pos;
    const room = Math.min(buf.length - buf.done, PAGEMAP_CHUNK);
    if (at % 8 !== 0 || room % 8 !== 0) return -Errno.EINVAL;
    const first = at / 8;
    const count = Math.min(room / 8, 2 ** 26 - first);
    if (!target.mm || count <= 0) return 0;
    const showFrames = capable(task.cred, CAP.SYS_ADMIN);
    const out = new Uint8Array(count * 8);
    const view = new DataView(out.buffer);
    forEachLeaf(k, target.mm.root, first * 4096, (first + count) * 4096, (va, _at, pte) => {
      const entry = (va / 4096 - first) * 8;
      view.setUint32(entry, showFrames ? ptePfn(pte) : 0, true);
      view.setUint32(entry + 4, (0x80000000 | ((pte & PTE_ANON) !== 0 ? 0 : 0x20000000)) >>> 0, true);
    });
    const copied = copyToIo(k, task, buf, out);
    if (copied > 0 && pos === null) file.pos = at + copied;
    return copied;
  },
});

export const pagemapCheck = privateCheck;
