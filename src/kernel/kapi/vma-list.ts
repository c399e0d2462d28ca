/**
 * The mappings of a process as modules walk them (mm->mmap and vm_next, find_vma, for_each_vma). Always true: the structs of a process lie
 * in a stretch of their own that is filled when it is first touched, and is taken away when the mappings have changed.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { fieldOf, sizeOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { VMALLOC_BASE } from '../mm/layout.ts';
import { MapFlag, type Mm, type Vma } from '../mm/types.ts';
import { provideDemand } from '../module/fault.ts';
import { KernelPage, writeK32, writeK64, writeKString } from '../module/kmem.ts';
import { mapFresh, unmapPages } from '../module/memory.ts';
import { kernelDev } from './filp.ts';

const BASE = VMALLOC_BASE + 2 ** 36 + 2 ** 35;
/** Bytes for one process: more mappings than fit are not shown. */
const STRETCH = 2 ** 19;
const MAX_TID = 2 ** 15;

const AREA = Math.ceil(sizeOf('vm_area_struct') / 64) * 64;
const FILE = Math.ceil((sizeOf('file') + sizeOf('dentry') + sizeOf('inode')) / 64) * 64;
const MOST = Math.floor(STRETCH / (AREA + FILE));
const area = (member: string): number => fieldOf('vm_area_struct', member).offset;

const VM = {
  SHARED: 8,
  MAYREAD: 0x10,
  MAYWRITE: 0x20,
  MAYEXEC: 0x40,
  MAYSHARE: 0x80,
  GROWSDOWN: 0x100,
} as const;

/** Where the list of a process begins; 0: it has no mappings. */
export const firstVma = (mm: Mm, tid: number): Vaddr =>
  mm.vmas.length === 0 || tid >= MAX_TID ? 0 : BASE + tid * STRETCH;

const signature = (mm: Mm): string => mm.vmas.map(({ start, end, prot }) => `${start}-${end}-${prot}`).join();

/** Takes the list of a process away when it is no longer what is so; `gone`: the process ended. */
export function refreshVmas(k: Kernel, tid: number, mm: Mm | null): void {
  const { vmaLists } = k.tasking;
  const known = vmaLists.get(tid);
  if (!known || (mm && known.shows === signature(mm))) return;
  unmapPages(k, BASE + tid * STRETCH, known.pages);
  vmaLists.delete(tid);
}

function writeFile(k: Kernel, at: Vaddr, vma: Vma): void {
  const { file } = vma;
  if (!file) return;
  const dentry = at + sizeOf('file');
  const inode = dentry + sizeOf('dentry');
  const put = (struct: string, base: Vaddr, member: string, value: number): boolean => {
    const { offset, size } = fieldOf(struct, member);
    return size === 4 ? writeK32(k, base + offset, value) : writeK64(k, base + offset, value);
  };
  put('file', at, 'f_count', 1);
  put('file', at, 'f_flags', file.flags);
  put('file', at, 'f_inode', inode);
  put('file', at, 'f_path.dentry', dentry);
  put('dentry', dentry, 'd_inode', inode);
  const name = (file.path?.dentry.name ?? '').slice(0, 39);
  put('dentry', dentry, 'd_name.len', name.length);
  const text = dentry + fieldOf('dentry', 'd_iname').offset;
  put('dentry', dentry, 'd_name.name', text);
  writeKString(k, text, name);
  put('inode', inode, 'i_ino', file.inode.ino);
  put('inode', inode, 'i_size', file.inode.size);
  put('inode', inode, 'i_rdev', kernelDev(file.inode.rdev));
}

function fill(k: Kernel, tid: number, mm: Mm, mmPointer: Vaddr): boolean {
  const base = BASE + tid * STRETCH;
  const vmas = mm.vmas.slice(0, MOST);
  const bytes = vmas.length * (AREA + FILE);
  const pages = Math.ceil(bytes / PAGE_SIZE);
  if (!mapFresh(k, base, pages, KernelPage.DATA)) return false;
  k.tasking.vmaLists.set(tid, { pages, shows: signature(mm) });
  const linked = k.identity.release.startsWith('4.');
  vmas.forEach((vma, i) => {
    const at = base + i * AREA;
    const file = base + vmas.length * AREA + i * FILE;
    const shared = (vma.flags & MapFlag.SHARED) !== 0;
    const flags =
      vma.prot |
      VM.MAYREAD |
      VM.MAYWRITE |
      VM.MAYEXEC |
      (shared ? VM.SHARED | VM.MAYSHARE : 0) |
      ((vma.flags & MapFlag.GROWSDOWN) !== 0 ? VM.GROWSDOWN : 0);
    writeK64(k, at + area('vm_start'), vma.start);
    writeK64(k, at + area('vm_end'), vma.end);
    if (linked && i + 1 < vmas.length) writeK64(k, at + area('vm_next'), at + AREA);
    if (linked && i > 0) writeK64(k, at + area('vm_prev'), at - AREA);
    writeK64(k, at + area('vm_mm'), mmPointer);
    writeK64(k, at + area('vm_flags'), flags);
    writeK64(k, at + area('vm_pgoff'), Math.floor(vma.offset / PAGE_SIZE));
    if (vma.file) writeK64(k, at + area('vm_file'), file);
    writeFile(k, file, vma);
  });
  return true;
}

/** Whose struct mm_struct lies at an address: provided by who keeps them. */
type Owner = (k: Kernel, tid: number) => { mm: Mm; pointer: Vaddr } | null;
let ownerOf: Owner = () => null;
export function provideMmOwner(find: Owner): void {
  ownerOf = find;
}
provideDemand((k, _task, { tval }) => {
  if (tval < BASE || tval >= BASE + MAX_TID * STRETCH) return false;
  const tid = Math.floor((tval - BASE) / STRETCH);
  const owner = ownerOf(k, tid);
  if (!owner || k.tasking.vmaLists.has(tid)) return false;
  return fill(k, tid, owner.mm, owner.pointer);
});

/** find_vma: the first mapping that ends above an address; 0: none. Makes the list. */
export function findVma(k: Kernel, tid: number, address: number): Vaddr {
  const owner = ownerOf(k, tid);
  if (!owner || tid >= MAX_TID) return 0;
  refreshVmas(k, tid, owner.mm);
  if (!k.tasking.vmaLists.has(tid) && !fill(k, tid, owner.mm, owner.pointer)) return 0;
  const index = owner.mm.vmas.findIndex(({ end }) => end > address);
  if (index < 0) return 0;
  // A driver's mapping has a struct of its own, which its operations know.
  return owner.mm.vmas[index].area || (index < MOST ? BASE + tid * STRETCH + index * AREA : 0);
}
