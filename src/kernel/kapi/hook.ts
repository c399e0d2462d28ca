/**
 * sys_call_table, for modules that put functions of their own into it (the guides' hooked system call). Always true: the table is in
 * guest memory from the moment a module asks where it is; a call whose entry is still the kernel's own takes the usual way.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf, sizeOf } from '../abi/structs/index.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { KernelPage, readK64, readKString, writeK, writeK64, writeKBig } from '../module/kmem.ts';
import { mapFresh, protectPages } from '../module/memory.ts';
import { call } from '../module/runtime.ts';
import { lookupName } from '../module/symbols.ts';
import type { Outcome } from '../outcome.ts';
import { allSyscalls, findSyscall } from '../syscalls/table.ts';
import type { Task } from '../task/types.ts';
import { since, unsigned } from './access.ts';
import { arenaAlloc, bad, load } from './guest.ts';
import { KERNEL_TEXT, provideCalls, SLOT_BYTES } from './image.ts';
import { kapi, kapiState } from './registry.ts';
import { symbolText } from './symbols.ts';

/** Entries of the table: a number beyond them is no system call. */
const ENTRIES = 512;
/** The kernel's own functions of the table: a slot for each number. */
const TEXT = KERNEL_TEXT + 0x200000;
const TABLE = KERNEL_TEXT + 0x300000;
const TEXT_PAGES = (ENTRIES * SLOT_BYTES) / PAGE_SIZE;
const ECALL = 0x73;
const RET = 0x8067;

/** Since 6.6 the functions of the table take the caller's registers. */
const takesRegisters = (k: Kernel): boolean => since(k, 6, 6);

/** Calls that change the registers they return to: they cannot be made from kernel code here. */
const UNCALLABLE = new Set([
  'clone',
  'clone3',
  'execve',
  'execveat',
  'rt_sigreturn',
  'exit',
  'exit_group',
  'vfork',
]);

/** The table, made at the first question; 0: no memory. */
function table(k: Kernel): Vaddr {
  if (k.tasking.syscallTable !== 0) return TABLE;
  if (!mapFresh(k, TEXT, TEXT_PAGES, KernelPage.DATA)) return 0;
  // The table has a page and what follows it is the table of no other: 4096 bytes hold it whole.
  if (!mapFresh(k, TABLE, 1, KernelPage.DATA)) return 0;
  const slot = new Uint8Array(8);
  const view = new DataView(slot.buffer);
  view.setUint32(0, ECALL, true);
  view.setUint32(4, RET, true);
  for (let nr = 0; nr < ENTRIES; nr++) {
    writeK(k, TEXT + nr * SLOT_BYTES, slot);
    writeK64(k, TABLE + 8 * nr, TEXT + nr * SLOT_BYTES);
  }
  protectPages(k, TEXT, TEXT_PAGES, KernelPage.TEXT);
  // Read-only data of the kernel became so on riscv with 5.8.
  if (since(k, 5, 8)) protectPages(k, TABLE, 1, KernelPage.RODATA);
  k.tasking.syscallTable = TABLE;
  return TABLE;
}

/** The kernel's name of the function of a number. */
function nameOf(k: Kernel, nr: number): string {
  const name = findSyscall(nr)?.name;
  if (name === undefined) return takesRegisters(k) ? '__riscv_sys_ni_syscall' : 'sys_ni_syscall';
  return `${takesRegisters(k) ? '__riscv_' : ''}sys_${name}`;
}

provideCalls({
  nameAt(k, pc) {
    if (k.tasking.syscallTable === 0 || pc < TEXT || pc >= TEXT + ENTRIES * SLOT_BYTES) return null;
    return { name: nameOf(k, Math.floor((pc - TEXT) / SLOT_BYTES)), offset: (pc - TEXT) % SLOT_BYTES };
  },
  addressOf(k, name) {
    if (name === 'sys_call_table') return table(k);
    const plain = /^(?:__riscv_)?sys_(\w+)$/.exec(name)?.[1];
    if (plain === undefined || name.startsWith('__riscv_') !== takesRegisters(k)) return 0;
    const entry = allSyscalls().find((each) => each.name === plain);
    return entry && table(k) !== 0 ? TEXT + entry.nr * SLOT_BYTES : 0;
  },
});

/** What runs a system call's handler with `task.syscall` as it is; the engine registers it. */
type Dispatch = (k: Kernel, task: Task) => Outcome;
let dispatch: Dispatch = () => -Errno.ENOSYS;
export function provideDispatch(run: Dispatch): void {
  dispatch = run;
}

/** struct pt_regs of the caller, at the top of its kernel stack's worth of arena: one for each depth is not needed, hooks do not nest. */
function registersOf(k: Kernel, task: Task): Vaddr {
  const { objects } = k.tasking;
  const regs = objects.get('syscall:regs') ?? arenaAlloc(k, sizeOf('pt_regs'));
  if (regs === 0) return 0;
  objects.set('syscall:regs', regs);
  writeKBig(k, regs, BigInt(k.hart.pc));
  for (let i = 1; i < 32; i++) writeKBig(k, regs + 8 * i, k.hart.xBig(i));
  writeKBig(k, regs + fieldOf('pt_regs', 'orig_a0').offset, BigInt(task.syscall?.args[0] ?? 0));
  return regs;
}

/** A system call whose entry is a module's function: the call of that. Null: it is the kernel's. */
export function hookedCall(k: Kernel, task: Task): Outcome | null {
  const { nr, args } = task.syscall!;
  if (nr < 0 || nr >= ENTRIES) return null;
  const entry = readK64(k, TABLE + 8 * nr) ?? 0;
  if (entry === TEXT + nr * SLOT_BYTES) return null;
  if (!takesRegisters(k)) return call(entry, args);
  const regs = registersOf(k, task);
  return regs === 0 ? -Errno.ENOMEM : call(entry, [regs]);
}

/** The kernel's own function of a system call, called by module code. */
kapi('sys_call', (k, task, args) => {
  const state = kapiState(task);
  if (state.entered === 'start') {
    const nr = Math.floor((k.hart.pc - TEXT) / SLOT_BYTES);
    const entry = findSyscall(nr);
    if (entry && UNCALLABLE.has(entry.name)) {
      unsupported(k, `system call ${entry.name} from module code`);
      return -Errno.ENOSYS;
    }
    const values = args.slice(0, 6);
    if (takesRegisters(k)) {
      const base = args[0] + fieldOf('pt_regs', 'a0').offset;
      for (let i = 0; i < 6; i++) values[i] = load(k, task, base + 8 * i);
      if (task.state !== 'running' || !task.kernelMode) return 0;
    }
    task.syscall = { nr, args: values, deadlineNs: null, scratch: null };
  }
  return dispatch(k, task);
});

for (const [name, flags] of [
  ['set_memory_rw', KernelPage.DATA],
  ['set_memory_ro', KernelPage.RODATA],
] as const)
  kapi(name, (k, _task, [address, pages]) => {
    // Of all the kernel has, only the table is worth writing to: other places keep what they are.
    if (address === TABLE && pages >= 1) protectPages(k, TABLE, 1, flags);
    return 0;
  });

kapi('kallsyms_lookup_name', (k, task, [at]) => {
  const name = readKString(k, at, 512);
  return name === null ? bad(k, task, at, false) : lookupName(k, name);
});
kapi('sprint_symbol', (k, task, [buffer, address]) => {
  const text = symbolText(k, address, true);
  const bytes = Uint8Array.from(`${text}\0`, (c) => c.charCodeAt(0));
  return writeK(k, buffer, bytes) ? text.length : bad(k, task, buffer, true);
});

/** set_fs of old kernels: KERNEL_DS lets user copies reach kernel memory. */
kapi('set_addr_limit', (k, task, [limit]) => {
  if (unsigned(limit) > 2 ** 63) k.tasking.kernelDs.add(task.tid);
  else k.tasking.kernelDs.delete(task.tid);
  return 0;
});
kapi('get_addr_limit', (k, task) => (k.tasking.kernelDs.has(task.tid) ? -1 : 2 ** 38));
