/**
 * mmap of modules' files (mm/mmap.c, mm/memory.c): struct vm_area_struct, the functions that show a driver's pages, vm_ops. Always
 * true: every mapping with an `area` has a struct vm_area_struct in guest memory from before the driver's mmap to after its
 * vm_ops->close, and holds the file that long.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE, PTE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { getFileRef, putFile } from '../fs/file.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { areaOffset, isShown, provideAreas, showDriverPage } from '../mm/area.ts';
import { LINEAR_BASE, pageOffset, pageUp } from '../mm/layout.ts';
import { type MapRequest, mapRegion, unmapRegion } from '../mm/mmap.ts';
import type { Mm, Vma } from '../mm/types.ts';
import { MapFlag, Prot } from '../mm/types.ts';
import { vmaAt } from '../mm/vma.ts';
import { startKernelTask } from '../module/interrupt.ts';
import { kernelPageAt, writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { andThen, defineStep, type Outcome } from '../outcome.ts';
import { forceSignal } from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import { fieldAddress, getField, int, pointerField, setField, since, sizeOf, unsigned } from './access.ts';
import { moduleFile, opOf, release, stackScratch } from './filp.ts';
import { kfree, kmalloc } from './memory.ts';
import { mmPointer } from './mirror.ts';
import { pageAddress } from './page-struct.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';

/** VM_* of linux/mm.h. */
const Vm = {
  READ: 1,
  WRITE: 2,
  EXEC: 4,
  SHARED: 8,
  MAYREAD: 0x10,
  MAYWRITE: 0x20,
  MAYEXEC: 0x40,
  MAYSHARE: 0x80,
  PFNMAP: 0x400,
  LOCKED: 0x2000,
  IO: 0x4000,
  DONTEXPAND: 0x40000,
  DONTDUMP: 0x4000000,
  MIXEDMAP: 0x10000000,
} as const;
/** VM_FAULT_* of linux/mm_types.h. */
const VmFault = { OOM: 1, SIGBUS: 2, ERROR: 0x873, NOPAGE: 0x100 } as const;
const FAULT_FLAG_WRITE = 1;
const FAULT_FLAG_USER = 0x40;
const GFP_HIGHUSER = 0x14200ca;
const SIGBUS = 7;
const BUS_ADRERR = 2;

/** A call of vm_ops that is due. */
export interface AreaCall {
  op: 'open' | 'close';
  area: Vaddr;
  file: File;
}

const shared = (flags: number): boolean => (flags & MapFlag.SHARED) !== 0;

/** VM_* bits as do_mmap computes them. */
function vmFlags({ prot, flags }: { prot: number; flags: number }): number {
  const rights = prot & (Prot.READ | Prot.WRITE | Prot.EXEC);
  const may = Vm.MAYREAD | Vm.MAYWRITE | Vm.MAYEXEC;
  const locked = (flags & MapFlag.LOCKED) !== 0 ? Vm.LOCKED : 0;
  return rights | may | locked | (shared(flags) ? Vm.SHARED | Vm.MAYSHARE : 0);
}

/** vm_get_page_prot: what the PTEs of the mapping begin with. */
function pageProt({ prot, flags }: { prot: number; flags: number }): number {
  let bits = PTE.V | PTE.U | PTE.A;
  if (prot & (Prot.READ | Prot.WRITE)) bits |= PTE.R;
  if (prot & Prot.EXEC) bits |= PTE.X;
  if (prot & Prot.WRITE && shared(flags)) bits |= PTE.W | PTE.D;
  return bits;
}

function setBounds(k: Kernel, area: Vaddr, of: { start: Vaddr; end: Vaddr; offset: number }): void {
  setField(k, 'vm_area_struct', area, 'vm_start', of.start);
  setField(k, 'vm_area_struct', area, 'vm_end', of.end);
  setField(k, 'vm_area_struct', area, 'vm_pgoff', Math.floor(of.offset / PAGE_SIZE));
}

/** The kernel's own task pays for structs that are made where no task is at hand. */
const payer = (k: Kernel): Task => k.task.tasks.get(k.sched.current) ?? [...k.task.tasks.values()][0];

/** A struct that the kernel made is no allocation of the module's. */
function makeStruct(k: Kernel, task: Task): Vaddr {
  const area = kmalloc(k, task, sizeOf('vm_area_struct'));
  if (area !== 0) kapiRoom(k).heap.objects.delete(area);
  return area;
}

function map(k: Kernel, task: Task, mm: Mm, request: MapRequest): Outcome {
  const { start, length, file, offset } = request;
  if (!file) return -Errno.ENODEV;
  const entry = opOf(k, task, file, 'mmap');
  if (entry === null || entry === 0) return -Errno.ENODEV;
  const area = makeStruct(k, task);
  if (area === 0) return -Errno.ENOMEM;
  const failed = mapRegion(k, task, mm, { ...request, area });
  if (failed < 0) {
    kfree(k, task, area);
    return failed;
  }
  const { filp } = moduleFile(file);
  setBounds(k, area, { start, end: start + length, offset });
  setField(k, 'vm_area_struct', area, 'vm_mm', mmPointer(k, task));
  writeK64(k, fieldAddress('vm_area_struct', area, 'vm_page_prot'), pageProt(request));
  setField(k, 'vm_area_struct', area, 'vm_flags', vmFlags(request));
  setField(k, 'vm_area_struct', area, 'vm_file', filp);
  return call(entry, [filp, area], { step: 'module.mmapped', state: { start, length } });
}
defineStep('module.mmapped', (k, task, { start, length }: { start: Vaddr; length: number }, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : -Errno.EINTR;
  const { mm } = task;
  if (result === 0 || !mm) return start;
  // The driver refused: its mapping never was, so nothing of vm_ops is called.
  const vma = vmaAt(mm, start);
  if (vma?.area) {
    kfree(k, task, vma.area);
    delete vma.area;
  }
  unmapRegion(k, mm, start, start + length);
  return result;
});

// ── Copies and ends of mappings ────────────────────────────────────────────────────────────────────────────────

function opsEntry(k: Kernel, area: Vaddr, op: string): Vaddr {
  const ops = getField(k, 'vm_area_struct', area, 'vm_ops') ?? 0;
  return ops === 0 ? 0 : (getField(k, 'vm_operations_struct', ops, op) ?? 0);
}

/** A second struct like the first, with the bounds of `vma`. */
function copied(k: Kernel, vma: Vma): void {
  const from = vma.area!;
  const area = makeStruct(k, payer(k));
  if (area === 0) {
    // Without memory for a struct the copy is a mapping that shows what it shows, and that no driver hears of.
    delete vma.area;
    return;
  }
  vma.area = area;
  for (const field of ['vm_mm', 'vm_flags', 'vm_ops', 'vm_file', 'vm_private_data'])
    setField(k, 'vm_area_struct', area, field, getField(k, 'vm_area_struct', from, field) ?? 0);
  setField(
    k,
    'vm_area_struct',
    area,
    'vm_page_prot',
    getField(k, 'vm_area_struct', from, 'vm_page_prot') ?? 0,
  );
  setBounds(k, area, vma);
  if (vma.file && opsEntry(k, area, 'open') !== 0)
    kapiRoom(k).areaCalls.push({ op: 'open', area, file: getFileRef(vma.file) });
}

function dropped(k: Kernel, vma: Vma, orphan: boolean): void {
  const { areaCalls } = kapiRoom(k);
  areaCalls.push({ op: 'close', area: vma.area!, file: vma.file! });
  if (orphan && areaCalls.length === 1)
    startKernelTask(k, 'kworker/0:1H', { step: 'module.areas', state: null });
}

/** Makes the calls of vm_ops that are due, in order; a mapping that has ended lets go of its file. */
function settle(k: Kernel, task: Task, result: number): Outcome {
  for (;;) {
    const due = k.kapi?.areaCalls.shift();
    if (!due) return result;
    const entry = opsEntry(k, due.area, due.op);
    const done = { step: 'module.area.called', state: { due, result } };
    if (entry !== 0) return call(entry, [due.area], done);
    const outcome = finish(k, task, due);
    if (typeof outcome !== 'number')
      return { ...outcome, then: [{ step: 'module.area.next', state: { result } }, ...outcome.then] };
  }
}
function finish(k: Kernel, task: Task, { op, area, file }: AreaCall): Outcome {
  if (op === 'close') kfree(k, task, area);
  const outcome = file.refs === 1 ? release(k, task, file) : 0;
  if (typeof outcome === 'number') {
    putFile(k, file);
    return 0;
  }
  return { ...outcome, then: [{ step: 'module.area.put', state: { file } }, ...outcome.then] };
}
defineStep('module.area.put', (k, _task, { file }: { file: File }) => {
  putFile(k, file);
  return 0;
});
defineStep('module.area.called', (k, task, { due, result }: { due: AreaCall; result: number }) =>
  andThen(k, task, finish(k, task, due), { step: 'module.area.next', state: { result } }),
);
defineStep('module.area.next', (k, task, { result }: { result: number }) => settle(k, task, result));
defineStep('module.areas', (k, task, _state, entry) => (entry.by === 'result' ? 0 : settle(k, task, 0)));

// ── Faults ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Filling {
  va: Vaddr;
  vmf: Vaddr;
}

/** vm_ops->fault, with a struct vm_fault at the top of the task's kernel stack. */
function fill(k: Kernel, task: Task, vma: Vma, va: Vaddr, write: boolean): Outcome | null {
  const entry = opsEntry(k, vma.area!, 'fault');
  const vmf = entry === 0 ? 0 : stackScratch(k, task);
  if (vmf === 0) return null;
  for (let i = 0; i < sizeOf('vm_fault'); i += 8) writeK64(k, vmf + i, 0);
  setField(k, 'vm_fault', vmf, 'vma', vma.area!);
  setField(k, 'vm_fault', vmf, 'flags', FAULT_FLAG_USER | (write ? FAULT_FLAG_WRITE : 0));
  setField(k, 'vm_fault', vmf, 'gfp_mask', GFP_HIGHUSER);
  setField(k, 'vm_fault', vmf, 'pgoff', areaOffset(vma, va));
  setField(k, 'vm_fault', vmf, 'address', va);
  setField(k, 'vm_fault', vmf, 'real_address', va);
  // Before 4.11 the driver was handed the mapping, too.
  const args = since(k, 4, 11) ? [vmf] : [vma.area!, vmf];
  return call(entry, args, { step: 'module.area.filled', state: { va, vmf } satisfies Filling });
}
defineStep('module.area.filled', (k, task, { va, vmf }: Filling, entry) => {
  const { mm } = task;
  const vma = mm && vmaAt(mm, va);
  if (!mm || !vma) return 0;
  const answer = entry.by === 'result' ? int(entry.value) : VmFault.SIGBUS;
  if ((answer & VmFault.ERROR) === 0) {
    if (isShown(k, mm, va)) return 0;
    const page = (answer & VmFault.NOPAGE) !== 0 ? 0 : (getField(k, 'vm_fault', vmf, 'page') ?? 0);
    const pfn = page === 0 ? -1 : kernelPageAt(k, pageAddress(page));
    if (pfn >= 0 && showDriverPage(k, mm, vma, va, pfn, true) === 0) {
      // The reference that the driver took for the mapping is the page table's own from here on.
      const refs = int(getField(k, 'page', page, '_refcount') ?? 1);
      if (refs > 1) setField(k, 'page', page, '_refcount', refs - 1);
      return 0;
    }
    if ((answer & VmFault.NOPAGE) !== 0) return 0;
  }
  forceSignal(k, task, SIGBUS, BUS_ADRERR, va);
  return -Errno.EFAULT;
});

provideAreas({
  map,
  copied,
  changed: (k, vma) => setBounds(k, vma.area!, vma),
  dropped,
  fill,
  settle,
});

// ── What drivers call ──────────────────────────────────────────────────────────────────────────────────────────

/** The mapping that a driver's struct stands for, in the address space of who calls. */
function mappingOf(k: Kernel, task: Task, area: Vaddr): { mm: Mm; vma: Vma } | null {
  const start = pointerField(k, task, 'vm_area_struct', area, 'vm_start');
  const vma = start === null || !task.mm ? null : vmaAt(task.mm, start);
  return vma?.area === area && task.mm ? { mm: task.mm, vma } : null;
}

const addFlags = (k: Kernel, area: Vaddr, bits: number): void => {
  setField(
    k,
    'vm_area_struct',
    area,
    'vm_flags',
    (getField(k, 'vm_area_struct', area, 'vm_flags') ?? 0) | bits,
  );
};

/** Where a page frame number of ours lies in the kernel's addresses: the arithmetic of virt_to_phys, backwards. */
const frameAddress = (pfn: number): Vaddr => LINEAR_BASE + pfn * PAGE_SIZE;

/** Shows kernel pages from `from` on at `addr`; pages that are nowhere stay holes. */
function showRange(
  k: Kernel,
  task: Task,
  area: Vaddr,
  addr: Vaddr,
  from: Vaddr,
  size: number,
  prot: number | null,
): number {
  const found = mappingOf(k, task, area);
  const length = pageUp(unsigned(size));
  if (!found || pageOffset(addr) !== 0 || addr < found.vma.start || addr + length > found.vma.end)
    return -Errno.EINVAL;
  const { mm, vma } = found;
  const copies = !shared(vma.flags) && (vma.prot & Prot.WRITE) !== 0;
  if (prot !== null && copies && (addr !== vma.start || addr + length !== vma.end)) return -Errno.EINVAL;
  // No memory of this machine is that long: whatever lies there is not looked for.
  if (length / PAGE_SIZE > 4 * k.guest.maxPages) return -Errno.ENOMEM;
  const writable = prot === null || (prot & PTE.W) !== 0;
  for (let done = 0; done < length; done += PAGE_SIZE) {
    const pfn = kernelPageAt(k, from + done);
    if (pfn < 0) continue;
    if (showDriverPage(k, mm, vma, addr + done, pfn, writable) < 0) return -Errno.ENOMEM;
  }
  k.sched.kernelWork += length / PAGE_SIZE;
  return 0;
}

kapi('remap_pfn_range', (k, task, [area, addr, pfn, size, prot]) => {
  const failed = showRange(k, task, area, addr, frameAddress(pfn), size, prot);
  if (failed === 0) addFlags(k, area, Vm.IO | Vm.PFNMAP | Vm.DONTEXPAND | Vm.DONTDUMP);
  return failed;
});
kapi('vm_iomap_memory', (k, task, [area, phys, length]) => {
  const found = mappingOf(k, task, area);
  if (!found) return -Errno.EINVAL;
  const { start, end, offset } = found.vma;
  const bytes = pageUp(pageOffset(phys) + unsigned(length));
  if (offset > bytes || end - start > bytes - offset) return -Errno.EINVAL;
  addFlags(k, area, Vm.IO | Vm.PFNMAP | Vm.DONTEXPAND | Vm.DONTDUMP);
  return showRange(
    k,
    task,
    area,
    start,
    frameAddress(Math.floor(phys / PAGE_SIZE)) + offset,
    end - start,
    PTE.W,
  );
});
kapi('remap_vmalloc_range', (k, task, [area, addr, pgoff]) => {
  const found = mappingOf(k, task, area);
  const at = addr + pgoff * PAGE_SIZE;
  const known = k.kapi?.heap.areas.find(({ base, pages }) => at >= base && at < base + pages * PAGE_SIZE);
  if (!found || !known || pageOffset(addr) !== 0) return -Errno.EINVAL;
  const size = found.vma.end - found.vma.start;
  if (at + size > known.base + known.pages * PAGE_SIZE) return -Errno.EINVAL;
  addFlags(k, area, Vm.DONTEXPAND | Vm.DONTDUMP);
  return showRange(k, task, area, found.vma.start, at, size, null);
});

/** One page of the driver's; -EBUSY when one is shown there. */
function insert(k: Kernel, task: Task, area: Vaddr, addr: Vaddr, from: Vaddr): number {
  const found = mappingOf(k, task, area);
  if (!found || addr < found.vma.start || addr >= found.vma.end) return -Errno.EFAULT;
  const pfn = kernelPageAt(k, from);
  if (pfn < 0) return -Errno.EINVAL;
  if (isShown(k, found.mm, addr)) return -Errno.EBUSY;
  return showDriverPage(k, found.mm, found.vma, addr, pfn, true);
}
kapi('vm_insert_page', (k, task, [area, addr, page]) => {
  const failed = insert(k, task, area, addr, pageAddress(page));
  if (failed === 0) addFlags(k, area, Vm.MIXEDMAP);
  return failed;
});
const asFault = (failed: number): number =>
  failed === 0 || failed === -Errno.EBUSY
    ? VmFault.NOPAGE
    : failed === -Errno.ENOMEM
      ? VmFault.OOM
      : VmFault.SIGBUS;
kapi('vmf_insert_pfn', (k, task, [area, addr, pfn]) =>
  asFault(insert(k, task, area, addr, frameAddress(pfn))),
);
kapi('vmf_insert_page', (k, task, [area, addr, page]) =>
  asFault(insert(k, task, area, addr, pageAddress(page))),
);
/** Before 4.20 drivers had this one. */
kapi('vm_insert_pfn', (k, task, [area, addr, pfn]) => insert(k, task, area, addr, frameAddress(pfn)));
