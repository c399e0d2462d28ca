/**
 * kmemleak (mm/kmemleak.c) of a VM that was booted with `kmemleak=on`: a scan looks for pointers to what modules allocated, from the
 * modules' data, the kernel stacks and whatever the kernel itself keeps; what nobody points to is a suspected leak. Always true: the
 * scan changes nothing a guest sees but its own file and one line of the log.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { PAGE_SIZE } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { addDynamic, defineKernfsHandler } from '../fs/kernfs-dynamic.ts';
import type { Kernel } from '../kernel.ts';
import { readK } from '../module/kmem.ts';
import { STACK_BYTES } from '../module/memory.ts';
import { symbolic } from '../panic/trace.ts';
import { Level, printk } from '../printk/printk.ts';
import { since } from './access.ts';
import type { Allocation } from './memory.ts';
import { kapiRoom } from './room.ts';

/** Younger objects are not suspected yet (MSECS_MIN_AGE). */
const MIN_AGE_NS = 5e9;
/** Bytes shown of an object. */
const DUMP_BYTES = 32;
const HZ_NS = 4e6;
/** Jiffies begin five minutes before they wrap (INITIAL_JIFFIES). */
const INITIAL_JIFFIES = 2 ** 32 - 300 * 250;

export interface KmemleakRoom {
  /** Suspected leaks by address, with the time of their allocation: the address may be used again. */
  leaks: Map<Vaddr, number>;
  /** Those that `clear` has put aside. */
  ignored: Map<Vaddr, number>;
}

export const kmemleakOn = (k: Kernel): boolean => /(^| )kmemleak=on( |$)/.test(k.identity.cmdline);

function room(k: Kernel): KmemleakRoom {
  const all = kapiRoom(k);
  all.kmemleak ??= { leaks: new Map(), ignored: new Map() };
  return all.kmemleak;
}

/** Objects in ascending order, for finding the one that an address lies in. */
function finder(objects: readonly Allocation[]): (address: number) => Allocation | null {
  const sorted = objects.toSorted((a, b) => a.address - b.address);
  return (address) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    const found = sorted[low - 1];
    return found && address < found.address + Math.max(1, found.size) ? found : null;
  };
}

/** Numbers that plain data of the kernel's rooms holds: addresses it was given by modules are among them. */
function numbersIn(value: unknown, seen: Set<unknown>, visit: (number: number) => void): void {
  if (typeof value === 'number') visit(value);
  else if (typeof value === 'bigint') visit(Number(BigInt.asIntN(64, value)));
  else if (value && typeof value === 'object' && !ArrayBuffer.isView(value) && !seen.has(value)) {
    seen.add(value);
    if (value instanceof Map)
      for (const [key, inner] of value) {
        numbersIn(key, seen, visit);
        numbersIn(inner, seen, visit);
      }
    else
      for (const inner of value instanceof Set ? value : Object.values(value)) numbersIn(inner, seen, visit);
  }
}

/** Scans: what no root leads to is suspected. */
function scan(k: Kernel): void {
  const objects = [...kapiRoom(k).heap.objects.values()];
  const find = finder(objects);
  const reached = new Set<Allocation>();
  const open: Allocation[] = [];
  const visit = (address: number): void => {
    if (!(address < 0)) return;
    const object = find(address);
    if (!object || reached.has(object)) return;
    reached.add(object);
    open.push(object);
  };
  const scanMemory = (from: Vaddr, size: number): void => {
    for (let at = from; at < from + size; at += PAGE_SIZE) {
      const bytes = readK(k, at, Math.min(PAGE_SIZE, from + size - at));
      if (!bytes) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let i = 0; i + 8 <= bytes.length; i += 8)
        if (view.getInt32(i + 4, true) < 0) visit(Number(view.getBigInt64(i, true)));
    }
    k.sched.kernelWork += size >> 3;
  };
  for (const object of objects) if (object.module === null) visit(object.address);
  for (const module of k.module.modules)
    for (const { base, pages } of [...module.core, ...module.init]) scanMemory(base, pages * PAGE_SIZE);
  for (const base of k.module.stacks.values()) scanMemory(base, STACK_BYTES);
  for (const task of k.task.tasks.values()) {
    const { context, activations } = task;
    const view = new DataView(context.buffer, context.byteOffset, context.byteLength);
    for (let i = 0; i + 8 <= context.length; i += 8) visit(Number(view.getBigInt64(i, true)));
    numbersIn(activations, new Set(), visit);
  }
  // The heap's own books are no pointers; everything else that the rooms keep is.
  const { heap: _books, kasan: _watched, kmemleak: _mine, inodes, files, ...kept } = kapiRoom(k);
  const seen = new Set<unknown>([inodes, files]);
  numbersIn(kept, seen, visit);
  numbersIn(k.tasking, seen, visit);
  numbersIn(
    k.drivers.devices.map(({ data }) => data),
    seen,
    visit,
  );
  for (const filp of files.keys()) {
    visit(filp);
    scanMemory(filp, 256);
  }
  for (let object = open.pop(); object; object = open.pop()) scanMemory(object.address, object.size);

  const { leaks, ignored } = room(k);
  let fresh = 0;
  const present = new Map(objects.map((object) => [object.address, object]));
  for (const [address, timeNs] of leaks) if (present.get(address)?.timeNs !== timeNs) leaks.delete(address);
  for (const object of objects) {
    const { address, timeNs } = object;
    if (reached.has(object)) leaks.delete(address);
    else if (
      k.time.nowNs - timeNs >= MIN_AGE_NS &&
      ignored.get(address) !== timeNs &&
      leaks.get(address) !== timeNs
    ) {
      leaks.set(address, timeNs);
      fresh++;
    }
  }
  if (fresh > 0)
    printk(k, Level.INFO, `kmemleak: ${fresh} new suspected memory leaks (see /sys/kernel/debug/kmemleak)`);
}

const hex = (value: number): string => BigInt.asUintN(64, BigInt(value)).toString(16).padStart(16, '0');

function dump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const shown = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`    ${digits.padEnd(47)}  ${shown}\n`);
  }
  return lines.join('');
}

/** print_unreferenced. The trace is the place that asked: that is all the allocator keeps. */
function show(k: Kernel, { address, size, tid, comm, timeNs, caller, kind }: Allocation): string {
  const jiffies = (INITIAL_JIFFIES + Math.floor(timeNs / HZ_NS)) % 2 ** 32;
  const newer = since(k, 6, 8);
  const age = newer ? '' : ` (age ${((k.time.nowNs - timeNs) / 1e9).toFixed(3)}s)`;
  const bytes = readK(k, address, Math.min(size, DUMP_BYTES)) ?? new Uint8Array(0);
  const allocator = kind === 'vmalloc' ? 'vmalloc' : kind === 'cache' ? 'kmem_cache_alloc' : '__kmalloc';
  const at = symbolic(k, caller);
  const crc = (address >>> 0).toString(16);
  return (
    `unreferenced object 0x${hex(address)} (size ${size}):\n` +
    `  comm "${comm}", pid ${tid}, jiffies ${jiffies}${age}\n` +
    `  hex dump (first ${bytes.length} bytes):\n${dump(bytes)}` +
    `  backtrace${newer ? ` (crc ${crc})` : ''}:\n` +
    (newer ? `    ${allocator}+0x1c/0x40\n    ${at}\n` : `    [<${hex(caller)}>] ${at}\n`)
  );
}

defineKernfsHandler('kmemleak', {
  show(k) {
    const { objects } = kapiRoom(k).heap;
    return [...room(k).leaks.keys()]
      .flatMap((address) => objects.get(address) ?? [])
      .map((object) => show(k, object))
      .join('');
  },
  store(k, _task, _ctx, text) {
    const command = text.trim();
    const { leaks, ignored } = room(k);
    if (command === 'scan') scan(k);
    else if (command === 'clear') {
      for (const [address, timeNs] of leaks) ignored.set(address, timeNs);
      leaks.clear();
    } else if (!/^(on|off|stack=(on|off)|scan=(on|off|\d+)|dump=.*)$/.test(command)) return -Errno.EINVAL;
    return text.length;
  },
});

/** Makes the file of debugfs and says so, when the command line asks for it. */
export function initKmemleak(k: Kernel): void {
  if (!kmemleakOn(k)) return;
  addDynamic(k, 'debugfs', ['kmemleak'], { type: 'file', mode: 0o644, handler: 'kmemleak' });
  printk(k, Level.INFO, 'kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)');
}
