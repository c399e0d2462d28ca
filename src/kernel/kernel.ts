/**
 * The kernel of one VM. {@link KernelState} is plain data: all there is to a VM besides its guest memory; a checkpoint is a
 * structured clone of it plus `guest.save()`. {@link Kernel} adds the handles it runs with, which are never saved.
 *
 * Every function of the kernel takes the kernel first: there is no module-level state but tables of behaviour.
 */
import type { GuestMemory, Hart, Machine } from '../cpu/machine.ts';
import type { RandomState } from './drivers/random.ts';
import type { DriversRoom } from './drivers/types.ts';
import type { DiskChanges } from './fs/changes.ts';
import type { ImageFs } from './fs/image.ts';
import type { FsRoom } from './fs/types.ts';
import type { KapiRoom } from './kapi/room.ts';
import type { TaskingRoom } from './kapi/tasking.ts';
import type { MmRoom } from './mm/types.ts';
import type { ModuleRoom } from './module/types.ts';
import type { NetRoom } from './net/types.ts';
import type { PanicRoom } from './panic/types.ts';
import type { PrintkRoom } from './printk/types.ts';
import type { SchedRoom, TaskRoom } from './task/types.ts';
import type { TimeRoom } from './time/types.ts';
import type { TtyRoom } from './tty/types.ts';

/** What the kernel says it is: uname(2), /proc/version. */
export interface KernelIdentity {
  /** `4.15.0-33-generic`. */
  release: string;
  /** `#36-Ubuntu SMP Wed Aug 15 16:00:05 UTC 2018`. */
  version: string;
  machine: string;
  cmdline: string;
}

/** What a VM may use. Bytes unless the name says otherwise. */
export interface Quotas {
  memoryPages: number;
  maxTasks: number;
  maxOpenFiles: number;
  diskBytes: number;
}

export interface KernelState {
  identity: KernelIdentity;
  quotas: Quotas;
  hostname: string;
  domainname: string;
  /** Plain sysctl values that no room owns, by dotted name. */
  sysctl: Record<string, string>;
  /** State of the entropy generator; seeded from an input. */
  random: RandomState;
  taint: number;
  /** Set when the VM has stopped: why, and what the console said last. */
  halted: null | { reason: 'panic' | 'poweroff' | 'restart' | 'halt' | 'simulator bug'; text: string };
  /** Unsupported things that were asked for, by name, with how often. */
  unsupported: Map<string, number>;
  sched: SchedRoom;
  task: TaskRoom;
  mm: MmRoom;
  fs: FsRoom;
  drivers: DriversRoom;
  tty: TtyRoom;
  printk: PrintkRoom;
  time: TimeRoom;
  net: NetRoom;
  module: ModuleRoom;
  panic: PanicRoom;
  tasking: TaskingRoom;
  /** What exported functions keep; made when a module first needs it. */
  kapi?: KapiRoom;
}

/** What the host gives a kernel to run with. */
export interface KernelHost {
  /** Something the guest wanted that is not supported; said once a name. */
  unsupported(what: string): void;
  /** For debugging from outside: each system call with what it answered (null: it waits). Never part of what the guest sees. */
  traceSyscall?(
    tid: number,
    comm: string,
    name: string,
    args: readonly number[],
    result: number | null,
  ): void;
}

export interface Kernel extends KernelState {
  machine: Machine;
  guest: GuestMemory;
  hart: Hart;
  image: ImageFs;
  host: KernelHost;
  /** What the durable store has to take next; null: no store is attached, or it has to take everything. See fs/changes.ts. */
  changes: DiskChanges | null;
}

/** Counts and reports (once) a thing that the kernel lacks; see DESIGN.md, law 6. */
export function unsupported(k: Kernel, what: string): void {
  const count = k.unsupported.get(what) ?? 0;
  if (count === 0 && k.unsupported.size >= 1000) return;
  k.unsupported.set(what, count + 1);
  if (count === 0) k.host.unsupported(what);
}
