/**
 * What the durable store of machines promises. Always true: a promise of the store that has resolved is on the disk of the host
 * (fsync included); each call is one transaction, all of it or nothing; a machine's disk and its checkpoint belong together,
 * and a checkpoint older than the disk beside it is never handed out. One worker at a time owns a machine: calls for one
 * machine take effect in the order they were made, from whichever thread holds it.
 */
import type { Disk } from '../kernel/fs/disk.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Checkpoint, Vm } from '../vm/index.ts';
import type { VmSpec } from './types.ts';

/** A machine as the store knows it. */
export interface VmRecord {
  spec: VmSpec;
  /** Content address of the image under its disk ({@link ImageFs.id}). */
  imageId: string;
  /** Whether it should run: what the host does with it after a crash. */
  power: 'on' | 'off';
  /** Why it is in ERROR; empty else. */
  error: string;
  createdSec: number;
}

/** A record with what else the store has of the machine. */
export interface StoredVm extends VmRecord {
  /** It sleeps: memory and all are in the store. */
  asleep: boolean;
  /** Commits of its disk so far; 0: it has never run. */
  generation: number;
  /** Bytes of content on its disk over the image, as its kernel counts them. */
  diskBytes: number;
  snapshots: string[];
}

/** Something the store cannot do. `code` is stable; the message says what to do. */
export class StoreError extends Error {
  override name = 'StoreError';
  readonly code: 'exists' | 'no-such-vm' | 'no-such-snapshot' | 'other-image' | 'corrupt' | 'full' | 'closed';
  constructor(code: StoreError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** What wakes a machine: its checkpoint, or why there is none that can be used (then boot from the disk). */
export type Wakeup =
  | { checkpoint: Checkpoint }
  | { checkpoint: null; why: 'none' | 'stale' | 'other version' };

/** The machines under `<data>/vms`. Every promise rejects with a {@link StoreError}. */
export interface VmStore {
  readonly folder: string;

  /** A new machine with an empty disk. Rejects with `exists`. */
  create(record: VmRecord): Promise<void>;
  /** Changes what is given; spec whole. */
  update(id: string, change: Partial<VmRecord>): Promise<void>;
  get(id: string): StoredVm | null;
  list(): StoredVm[];
  /** Images that machines and snapshots lie over. */
  imagesInUse(): Set<string>;
  /** Forgets machine, disk, checkpoint, snapshots and console. */
  remove(id: string): Promise<void>;

  /** Whether the machine's disk differs from what the store has. Cheap; for a kernel that was never committed it is true. */
  isDirty(kernel: Kernel): boolean;
  /**
   * Makes the disk durable as it is at the moment of the call: the kernel may run on at once, the promise resolves when it is
   * done. Resolves at once when nothing differs. The first commit drops the machine's checkpoint in the same transaction.
   */
  commitDisk(id: string, kernel: Kernel): Promise<void>;
  /** The disk for `bootVm({ disk })`, as after a power cut; null when it was never committed. Throws `other-image`, `corrupt`. */
  loadDisk(id: string, image: ImageFs): Disk | null;
  /**
   * Says that `kernel`, booted over {@link loadDisk} or restored from {@link loadCheckpoint}, has the disk of the store and has
   * not run yet: commits are incremental from here. Without it the first commit writes the whole disk (right, but slower).
   */
  attach(id: string, kernel: Kernel): void;
  /** Empties the disk (rebuild): the machine boots from the image as it is. The checkpoint goes too. */
  clearDisk(id: string, imageId: string): Promise<void>;

  /** Puts a machine to sleep: disk and memory in one transaction. It must not run again from here. Answers the bytes it took. */
  saveCheckpoint(id: string, vm: Vm): Promise<number>;
  loadCheckpoint(id: string): Wakeup;
  dropCheckpoint(id: string): Promise<void>;

  /** Keeps memory and disk of a running machine under a name; the machine goes on at once. */
  saveSnapshot(id: string, snapshotId: string, vm: Vm): Promise<number>;
  /** Keeps the disk alone, of a machine that is off. */
  snapshotDisk(id: string, snapshotId: string): Promise<number>;
  /** Makes disk and checkpoint of the machine those of the snapshot; wake or boot it afterwards. */
  restoreSnapshot(id: string, snapshotId: string): Promise<void>;
  removeSnapshot(id: string, snapshotId: string): Promise<void>;

  /**
   * A second machine over a copy of the disk. Call it in the same turn as `forkVm(vm)`: the fork's kernel knows what its
   * parent had not committed yet. `asleep`: the machine sleeps (or is off), its checkpoint is copied too.
   */
  copyVm(from: string, record: VmRecord, asleep?: boolean): Promise<void>;

  /** The tail of the console's text, replaced whole. */
  saveConsole(id: string, text: Uint8Array): Promise<void>;
  loadConsole(id: string): Uint8Array;

  /** Removes what a crash left half-made. Once, before the workers start. */
  recover(): Promise<{ freedDisks: number }>;
  stats(): Record<string, number>;
  close(): Promise<void>;
}
