/**
 * What the exported functions keep of a VM, besides guest memory. Always true: plain data, made at the first need; keys that are
 * numbers are kernel addresses of the structs that modules hold.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { randomBytes } from '../drivers/random.ts';
import type { File, Inode } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { AreaCall } from './area.ts';
import type { KasanRoom } from './guarded.ts';
import type { KmemleakRoom } from './kmemleak.ts';
import type { HeapRoom } from './memory.ts';
import type { Polls } from './poll.ts';

/** A character device of a module (struct cdev), or one that register_chrdev made. */
export interface ModuleCdev {
  major: number;
  baseMinor: number;
  count: number;
  /** The file operations' address, or where struct cdev holds it. */
  fops: Vaddr;
  /** struct cdev in guest memory; 0 for register_chrdev. */
  cdev: Vaddr;
  /** Owner of the cdev: address of a struct module, or 0. */
  owner: Vaddr;
  /** Whose code added it. */
  module: string | null;
}

/** An entry of /proc that a module made. */
export interface ProcEntry {
  names: string[];
  kind: 'dir' | 'ops' | 'seq' | 'single' | 'link';
  ops: Vaddr;
  data: Vaddr;
  stateSize: number;
  /** Whose code made it. */
  module: string | null;
}

/** A directory of sysfs, debugfs that a module made or uses: the names that lead to it. */
export interface TreeDir {
  tree: 'sysfs' | 'debugfs';
  names: string[];
  /** Files the module made in it, by name. */
  files: string[];
  /** Whose code made it; absent: the kernel. */
  module?: string | null;
}

/** A driver of a bus, and what is bound to it: addresses of struct device_driver and struct device. */
export interface BusDriver {
  address: Vaddr;
  name: string;
  devices: Vaddr[];
  module: string | null;
}

/** A bus that a module registered, or the platform bus once something is on it. */
export interface Bus {
  address: Vaddr;
  name: string;
  devices: Vaddr[];
  drivers: BusDriver[];
}

export interface KapiRoom {
  heap: HeapRoom;
  /** Key of the hash that %p prints. */
  pointerKey: number;
  cdevs: ModuleCdev[];
  /** struct inode instances of inodes that a module's file shows. */
  inodes: Map<Inode, { address: Vaddr; users: number }>;
  /** Open files by their struct file. */
  files: Map<Vaddr, File>;
  procs: Map<Vaddr, ProcEntry>;
  dirs: Map<Vaddr, TreeDir>;
  /** seq_file instances: how they walk. */
  seqs: Map<Vaddr, { single: boolean; show: Vaddr }>;
  /** Names and devices of struct class instances. */
  classes: Map<Vaddr, string>;
  /** What the poll operations of files answered in the look that goes on, by tid. */
  polls: Map<number, Polls>;
  buses: Bus[];
  /** What of /proc/sys modules made, by the handle they hold. */
  sysctls: Map<Vaddr, string[][]>;
  /** What devm_kmalloc gave, by the struct device it goes with. */
  managed: Map<Vaddr, Vaddr[]>;
  /** Wake-ups of the wait queues that polls named. */
  wakes?: Map<Vaddr, number>;
  /** Warnings that are said once, by their place. */
  warned: Set<string>;
  /** Objects of modules that are watched, when the VM was booted with `kasan`. */
  kasan?: KasanRoom;
  /** Suspected leaks, when the VM was booted with `kmemleak=on`. */
  kmemleak?: KmemleakRoom;
  /** Calls of vm_ops that are due. */
  areaCalls: AreaCall[];
  /** Trees that modules keep with kernel help, by the address of the root: idr, radix tree. */
  maps: Map<Vaddr, Map<number, bigint>>;
}

/** The room; made at first use. */
export function kapiRoom(k: Kernel): KapiRoom {
  if (!k.kapi) {
    const b = randomBytes(k, 4);
    k.kapi = {
      heap: {
        caches: [],
        slabs: new Map(),
        large: new Map(),
        objects: new Map(),
        areas: [],
        cacheOf: new Map(),
        freed: new Map(),
        errors: [],
      },
      pointerKey: (b[0] | (b[1] << 8) | (b[2] << 16) | (b[3] << 24)) >>> 0,
      cdevs: [],
      inodes: new Map(),
      files: new Map(),
      procs: new Map(),
      dirs: new Map(),
      seqs: new Map(),
      classes: new Map(),
      polls: new Map(),
      buses: [],
      sysctls: new Map(),
      managed: new Map(),
      warned: new Set(),
      areaCalls: [],
      maps: new Map(),
    };
  }
  return k.kapi;
}
