/**
 * What every part of the store stands on: facts, turns, and taking what a kernel has. Always true: facts name disks and memories by
 * number and are changed in the transaction that makes them true; everything under a number is written before a fact names
 * it, except a disk's own increments, which come with their fact.
 *
 * Facts by key: `vm/ID` the record, `disk/ID` where its disk is, `sleep/ID` its memory while it sleeps, `snap/ID/NAME` a snapshot.
 */
import { noChanges } from '../kernel/fs/changes.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sourcesHash } from '../vm/template.ts';
import { type Env, openEnv } from './store-env.ts';
import { type DiskFact, type Lane, Lanes, type SleepFact } from './store-lane.ts';
import { memoryKey, memoryRows, type TakenMemory } from './store-memory.ts';
import { newNumber, removeDisk, removeMemory } from './store-numbers.ts';
import { type Delta, type Row, takeDelta } from './store-rows.ts';
import { StoreError, type VmRecord } from './store-types.ts';

export interface SnapshotFact {
  disk: number;
  diskBytes: number;
  sleep: SleepFact | null;
  imageId: string;
  bytes: number;
  createdSec: number;
}

/** Changes on their way: rows, where the disk is with them, and where it was. */
export interface Taken {
  delta: Delta;
  fact: DiskFact;
  before: DiskFact;
}

/** What a lane does for a machine, and what is to be done after it in any case. */
export interface LaneWork<T> {
  work: (lane: Lane) => Promise<T>;
  after?: () => void;
}

export const NO_DISK: DiskFact = { disk: 0, generation: 0, bytes: 0 };

export const vmKey = (id: string): string => `vm/${id}`;
export const diskKey = (id: string): string => `disk/${id}`;
export const sleepKey = (id: string): string => `sleep/${id}`;
export const snapKey = (id: string, name = ''): string => `snap/${id}/${name}`;

export class StoreBase {
  readonly folder: string;
  protected readonly env: Env;
  protected readonly lanes = new Lanes();
  protected readonly chores = new Set<Promise<unknown>>();
  protected readonly counts = { commits: 0, rows: 0, bytes: 0, ms: 0, failures: 0, checkpoints: 0 };

  constructor(folder: string) {
    this.folder = folder;
    this.env = openEnv(folder);
  }

  protected fact<T>(key: string): T | undefined {
    return this.env.facts.get(key) as T | undefined;
  }

  protected factsBelow<T>(prefix: string): { key: string; value: T }[] {
    const range = { start: prefix, end: `${prefix}\uffff` };
    return [...this.env.facts.getRange(range)].map(({ key, value }) => ({ key, value: value as T }));
  }

  protected record(id: string): VmRecord {
    const record = this.fact<VmRecord>(vmKey(id));
    if (!record) throw new StoreError('no-such-vm', `there is no VM ${id} in the store`);
    return record;
  }

  /** Facts as they are now, whoever changed them. */
  protected refresh(): void {
    this.env.root.resetReadTxn();
  }

  /** What the machine has now, with what is under way. */
  protected lane(id: string): Lane {
    const known = this.lanes.find(id);
    if (known) return known;
    this.refresh();
    this.record(id);
    const disk = this.fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    return this.lanes.open(id, { ...disk }, this.fact<SleepFact>(sleepKey(id)) ?? null);
  }

  protected inTurn<T>(id: string, fatal: boolean, work: (lane: Lane) => Promise<T>): Promise<T> {
    let lane: Lane;
    try {
      lane = this.lane(id);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.lanes.run(lane, fatal, () => work(lane));
  }

  /** Something to do in the background that the next start would do otherwise. */
  protected chore(work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch(() => this.counts.failures++)
      .then(() => this.chores.delete(done));
    this.chores.add(done);
  }

  protected async guard<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      this.counts.failures++;
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        'full',
        `the store in ${this.folder} could not be written (${(error as Error).message}); make room on its disk`,
      );
    }
  }

  /** Rows that no fact names any more. */
  protected forget(disk: number, sleep: SleepFact | null): void {
    if (disk !== 0) this.chore(removeDisk(this.env, disk));
    if (sleep && !sleep.shared) this.chore(removeMemory(this.env, sleep.memory));
  }

  /** Takes the changes out of the kernel, and decides where they will lie. */
  protected take(lane: Lane, kernel: Kernel): Taken {
    const before = lane.disk;
    const whole = !kernel.changes || kernel.changes.whole || before.disk === 0;
    const disk = whole ? newNumber() : before.disk;
    const delta = takeDelta(kernel, disk, whole);
    lane.disk = { disk, generation: before.generation + 1, bytes: kernel.fs.rootMount.sb.usedBytes };
    return { delta, fact: lane.disk, before };
  }

  protected putRows(rows: readonly Row[]): void {
    const { disks } = this.env;
    for (const { key, value } of rows) value ? disks.put(key, value) : disks.remove(key);
  }

  /** Within a batch: the rows of a disk, and where they are. */
  protected putDelta(id: string, delta: Delta, fact: DiskFact): void {
    this.putRows(delta.rows);
    this.env.facts.put(diskKey(id), fact);
  }

  /** Takes the kernel's changes now, and writes them in turn; when that fails the kernel forgets that they were taken. */
  protected async inTurnWith<T>(
    id: string,
    kernel: Kernel,
    prepare: (taken: Taken) => LaneWork<T>,
  ): Promise<T> {
    const lane = this.lane(id);
    const { work, after } = prepare(this.take(lane, kernel));
    try {
      return await this.guard(this.lanes.run(lane, true, () => work(lane)));
    } catch (error) {
      kernel.changes = noChanges(true);
      throw error;
    } finally {
      after?.();
    }
  }

  /** Writes a memory row by row, so that other machines have their turns in between. */
  protected async putMemory(taken: TakenMemory, generation: number): Promise<SleepFact> {
    const memory = newNumber();
    let chunk = 0;
    for (const row of memoryRows(taken)) await this.env.memory.put(memoryKey(memory, chunk++), row);
    return { memory, generation, build: sourcesHash(), bytes: taken.bytes, shared: false };
  }

  /** The work of a lane, after which the memory taken for it is let go, whatever came of it. */
  protected with<T>(taken: TakenMemory, work: (lane: Lane) => Promise<T>): LaneWork<T> {
    return { work, after: () => taken.guest.destroy() };
  }
}
