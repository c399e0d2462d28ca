/**
 * The durable store of machines on LMDB; store-types.ts says what it promises. Always true: facts name disks and memories by
 * number and are changed in the transaction that makes them true; everything under a number is written before a fact names
 * it, except a disk's own increments, which come with their fact.
 *
 * Facts by key: `vm/ID` the record, `disk/ID` where its disk is, `sleep/ID` its memory while it sleeps, `snap/ID/NAME` a snapshot.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { hasChanges, noChanges } from '../kernel/fs/changes.ts';
import type { Disk } from '../kernel/fs/disk.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sourcesHash } from '../vm/template.ts';
import type { Vm } from '../vm/vm.ts';
import { type Env, openEnv } from './store-env.ts';
import { type DiskFact, type Lane, Lanes, type SleepFact } from './store-lane.ts';
import { loadMemory, memoryKey, memoryRows, type TakenMemory, takeMemory } from './store-memory.ts';
import { copyDisk, newNumber, removeDisk, removeMemory, sweep } from './store-numbers.ts';
import { type Delta, diskRange, loadRows, type Row, takeDelta } from './store-rows.ts';
import { type StoredVm, StoreError, type VmRecord, type VmStore, type Wakeup } from './store-types.ts';

export { type StoredVm, StoreError, type VmRecord, type VmStore, type Wakeup } from './store-types.ts';

interface SnapshotFact {
  disk: number;
  diskBytes: number;
  sleep: SleepFact | null;
  imageId: string;
  bytes: number;
  createdSec: number;
}

/** Changes on their way: rows, where the disk is with them, and where it was. */
interface Taken {
  delta: Delta;
  fact: DiskFact;
  before: DiskFact;
}

/** What a lane does for a machine, and what is to be done after it in any case. */
interface LaneWork<T> {
  work: (lane: Lane) => Promise<T>;
  after?: () => void;
}

const NO_DISK: DiskFact = { disk: 0, generation: 0, bytes: 0 };
const MAX_ID = 200;

const vmKey = (id: string): string => `vm/${id}`;
const diskKey = (id: string): string => `disk/${id}`;
const sleepKey = (id: string): string => `sleep/${id}`;
const snapKey = (id: string, name = ''): string => `snap/${id}/${name}`;
const nowSec = (): number => Math.floor(Date.now() / 1000);

class LmdbStore implements VmStore {
  readonly folder: string;
  readonly #env: Env;
  readonly #lanes = new Lanes();
  readonly #chores = new Set<Promise<unknown>>();
  readonly #counts = { commits: 0, rows: 0, bytes: 0, ms: 0, failures: 0, checkpoints: 0 };

  constructor(folder: string) {
    this.folder = folder;
    this.#env = openEnv(folder);
  }

  // ---- facts ----

  #fact<T>(key: string): T | undefined {
    return this.#env.facts.get(key) as T | undefined;
  }

  #factsBelow<T>(prefix: string): { key: string; value: T }[] {
    const range = { start: prefix, end: `${prefix}\uffff` };
    return [...this.#env.facts.getRange(range)].map(({ key, value }) => ({ key, value: value as T }));
  }

  #record(id: string): VmRecord {
    const record = this.#fact<VmRecord>(vmKey(id));
    if (!record) throw new StoreError('no-such-vm', `there is no VM ${id} in the store`);
    return record;
  }

  #snapshot(id: string, name: string): SnapshotFact {
    const fact = this.#fact<SnapshotFact>(snapKey(id, name));
    if (!fact) throw new StoreError('no-such-snapshot', `VM ${id} has no snapshot ${name}`);
    return fact;
  }

  /** Facts as they are now, whoever changed them. */
  #refresh(): void {
    this.#env.root.resetReadTxn();
  }

  /** What the machine has now, with what is under way. */
  #lane(id: string): Lane {
    const known = this.#lanes.find(id);
    if (known) return known;
    this.#refresh();
    this.#record(id);
    const disk = this.#fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    return this.#lanes.open(id, { ...disk }, this.#fact<SleepFact>(sleepKey(id)) ?? null);
  }

  #inTurn<T>(id: string, fatal: boolean, work: (lane: Lane) => Promise<T>): Promise<T> {
    let lane: Lane;
    try {
      lane = this.#lane(id);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#lanes.run(lane, fatal, () => work(lane));
  }

  /** Something to do in the background that the next start would do otherwise. */
  #chore(work: Promise<unknown>): void {
    const done: Promise<unknown> = work
      .catch(() => this.#counts.failures++)
      .then(() => this.#chores.delete(done));
    this.#chores.add(done);
  }

  async #guard<T>(write: Promise<T>): Promise<T> {
    try {
      return await write;
    } catch (error) {
      this.#counts.failures++;
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        'full',
        `the store in ${this.folder} could not be written (${(error as Error).message}); make room on its disk`,
      );
    }
  }

  // ---- records ----

  async create(record: VmRecord): Promise<void> {
    const { id } = record.spec;
    if (id === '' || id.length > MAX_ID || id.includes('/'))
      throw new StoreError('exists', `a VM cannot be called ${JSON.stringify(id.slice(0, 80))}`);
    const made = await this.#guard(
      this.#env.root.transaction(() => {
        if (this.#fact(vmKey(id))) return false;
        this.#env.facts.put(vmKey(id), record);
        return true;
      }),
    );
    if (!made) throw new StoreError('exists', `there is a VM ${id} already`);
  }

  async update(id: string, change: Partial<VmRecord>): Promise<void> {
    const found = await this.#guard(
      this.#env.root.transaction(() => {
        const record = this.#fact<VmRecord>(vmKey(id));
        if (record) this.#env.facts.put(vmKey(id), { ...record, ...change });
        return record !== undefined;
      }),
    );
    if (!found) throw new StoreError('no-such-vm', `there is no VM ${id} in the store`);
  }

  #stored(record: VmRecord): StoredVm {
    const { id } = record.spec;
    const { generation, bytes } = this.#fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    const asleep = this.#fact<SleepFact>(sleepKey(id))?.generation === generation;
    const prefix = snapKey(id);
    const snapshots = this.#factsBelow(prefix).map(({ key }) => key.slice(prefix.length));
    return { ...record, asleep, generation, diskBytes: bytes, snapshots };
  }

  get(id: string): StoredVm | null {
    this.#refresh();
    const record = this.#fact<VmRecord>(vmKey(id));
    return record ? this.#stored(record) : null;
  }

  list(): StoredVm[] {
    this.#refresh();
    return this.#factsBelow<VmRecord>('vm/').map(({ value }) => this.#stored(value));
  }

  imagesInUse(): Set<string> {
    const machines = this.list().map(({ imageId }) => imageId);
    const snapshots = this.#factsBelow<SnapshotFact>('snap/').map(({ value }) => value.imageId);
    return new Set([...machines, ...snapshots]);
  }

  remove(id: string): Promise<void> {
    return this.#inTurn(id, true, async (lane) => {
      const snapshots = this.#factsBelow<SnapshotFact>(snapKey(id));
      await this.#guard(
        this.#env.root.batch(() => {
          for (const key of [vmKey(id), diskKey(id), sleepKey(id)]) this.#env.facts.remove(key);
          for (const { key } of snapshots) this.#env.facts.remove(key);
          this.#env.consoles.remove(id);
        }),
      );
      this.#forget(lane.disk.disk, lane.sleep);
      for (const { value } of snapshots) this.#forget(value.disk, value.sleep);
    });
  }

  /** Rows that no fact names any more. */
  #forget(disk: number, sleep: SleepFact | null): void {
    if (disk !== 0) this.#chore(removeDisk(this.#env, disk));
    if (sleep && !sleep.shared) this.#chore(removeMemory(this.#env, sleep.memory));
  }

  // ---- disks ----

  isDirty(kernel: Kernel): boolean {
    return hasChanges(kernel);
  }

  /** Takes the changes out of the kernel, and decides where they will lie. */
  #take(lane: Lane, kernel: Kernel): Taken {
    const before = lane.disk;
    const whole = !kernel.changes || kernel.changes.whole || before.disk === 0;
    const disk = whole ? newNumber() : before.disk;
    const delta = takeDelta(kernel, disk, whole);
    lane.disk = { disk, generation: before.generation + 1, bytes: kernel.fs.rootMount.sb.usedBytes };
    return { delta, fact: lane.disk, before };
  }

  #putRows(rows: readonly Row[]): void {
    const { disks } = this.#env;
    for (const { key, value } of rows) value ? disks.put(key, value) : disks.remove(key);
  }

  /** Within a batch: the rows of a disk, and where they are. */
  #putDelta(id: string, delta: Delta, fact: DiskFact): void {
    this.#putRows(delta.rows);
    this.#env.facts.put(diskKey(id), fact);
  }

  commitDisk(id: string, kernel: Kernel): Promise<void> {
    const busy = this.#lanes.find(id);
    if (!hasChanges(kernel)) return busy ? this.#lanes.run(busy, false, async () => {}) : Promise.resolve();
    const write =
      ({ delta, fact, before }: Taken) =>
      async (lane: Lane) => {
        const { sleep } = lane;
        lane.sleep = null;
        const begin = performance.now();
        await this.#env.root.batch(() => {
          this.#putDelta(id, delta, fact);
          if (sleep) this.#env.facts.remove(sleepKey(id));
        });
        this.#count(delta, performance.now() - begin);
        this.#forget(before.disk === fact.disk ? 0 : before.disk, sleep);
      };
    return this.#inTurnWith(id, kernel, (taken) => ({ work: write(taken) }));
  }

  /** Takes the kernel's changes now, and writes them in turn; when that fails the kernel forgets that they were taken. */
  async #inTurnWith<T>(id: string, kernel: Kernel, prepare: (taken: Taken) => LaneWork<T>): Promise<T> {
    const lane = this.#lane(id);
    const { work, after } = prepare(this.#take(lane, kernel));
    try {
      return await this.#guard(this.#lanes.run(lane, true, () => work(lane)));
    } catch (error) {
      kernel.changes = noChanges(true);
      throw error;
    } finally {
      after?.();
    }
  }

  #count(delta: Delta, ms: number): void {
    this.#counts.commits++;
    this.#counts.rows += delta.rows.length;
    this.#counts.bytes += delta.bytes;
    this.#counts.ms += ms;
  }

  #checkImage(id: string, image: ImageFs): void {
    const { imageId } = this.#record(id);
    if (imageId !== image.id)
      throw new StoreError(
        'other-image',
        `VM ${id} lies over image ${imageId.slice(0, 16)}, not ${image.id.slice(0, 16)}: put that image back into the cache folder, or rebuild the VM (its disk is lost then)`,
      );
  }

  loadDisk(id: string, image: ImageFs): Disk | null {
    this.#refresh();
    this.#checkImage(id, image);
    const { disk } = this.#fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    if (disk === 0) return null;
    const rows = this.#env.disks.getRange(diskRange(disk));
    const loaded = loadRows(rows, image, `the disk of VM ${id}`);
    if (loaded.repairs.length > 0)
      this.#chore(
        this.#inTurn(id, false, async (lane) => {
          if (lane.disk.disk === disk) await this.#env.root.batch(() => this.#putRows(loaded.repairs));
        }),
      );
    return loaded.disk;
  }

  attach(id: string, kernel: Kernel): void {
    this.#refresh();
    this.#checkImage(id, kernel.image);
    kernel.changes = noChanges();
  }

  clearDisk(id: string, imageId: string): Promise<void> {
    return this.#inTurn(id, true, async (lane) => {
      const { disk, sleep } = lane;
      lane.disk = { ...NO_DISK, generation: disk.generation + 1 };
      lane.sleep = null;
      await this.#guard(
        this.#env.root.transaction(() => {
          this.#env.facts.put(vmKey(id), { ...this.#record(id), imageId });
          this.#env.facts.put(diskKey(id), lane.disk);
          this.#env.facts.remove(sleepKey(id));
        }),
      );
      this.#forget(disk.disk, sleep);
    });
  }

  // ---- sleep ----

  /** Writes a memory row by row, so that other machines have their turns in between. */
  async #putMemory(taken: TakenMemory, generation: number): Promise<SleepFact> {
    const memory = newNumber();
    let chunk = 0;
    for (const row of memoryRows(taken)) await this.#env.memory.put(memoryKey(memory, chunk++), row);
    return { memory, generation, build: sourcesHash(), bytes: taken.bytes, shared: false };
  }

  saveCheckpoint(id: string, vm: Vm): Promise<number> {
    return this.#inTurnWith(id, vm.kernel, ({ delta, fact, before }) => {
      const taken = takeMemory(vm);
      return this.#with(taken, async (lane) => {
        const old = lane.sleep;
        const sleep = await this.#putMemory(taken, fact.generation);
        lane.sleep = sleep;
        await this.#env.root.batch(() => {
          this.#putDelta(id, delta, fact);
          this.#env.facts.put(sleepKey(id), sleep);
        });
        this.#counts.checkpoints++;
        this.#forget(before.disk === fact.disk ? 0 : before.disk, old);
        return sleep.bytes;
      });
    });
  }

  /** The work of a lane, after which the memory taken for it is let go, whatever came of it. */
  #with<T>(taken: TakenMemory, work: (lane: Lane) => Promise<T>): LaneWork<T> {
    return { work, after: () => taken.guest.destroy() };
  }

  loadCheckpoint(id: string): Wakeup {
    this.#refresh();
    this.#record(id);
    const sleep = this.#fact<SleepFact>(sleepKey(id));
    if (!sleep) return { checkpoint: null, why: 'none' };
    const { generation } = this.#fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    if (sleep.generation !== generation) return { checkpoint: null, why: 'stale' };
    if (sleep.build !== sourcesHash()) return { checkpoint: null, why: 'other version' };
    const read = (chunk: number) => this.#env.memory.get(memoryKey(sleep.memory, chunk));
    return { checkpoint: loadMemory(read, `the sleeping VM ${id}`) };
  }

  dropCheckpoint(id: string): Promise<void> {
    return this.#inTurn(id, false, async (lane) => {
      const { sleep } = lane;
      if (!sleep) return;
      lane.sleep = null;
      await this.#guard(this.#env.facts.remove(sleepKey(id)));
      this.#forget(0, sleep);
    });
  }

  // ---- snapshots and copies ----

  #checkName(id: string, name: string): void {
    this.#refresh();
    if (this.#fact(snapKey(id, name)))
      throw new StoreError('exists', `VM ${id} has a snapshot ${name} already`);
  }

  async saveSnapshot(id: string, snapshotId: string, vm: Vm): Promise<number> {
    this.#checkName(id, snapshotId);
    return this.#inTurnWith(id, vm.kernel, ({ delta, fact, before }) => {
      const taken = takeMemory(vm);
      return this.#with(taken, async (lane) => {
        const old = lane.sleep;
        lane.sleep = null;
        await this.#env.root.batch(() => {
          this.#putDelta(id, delta, fact);
          this.#env.facts.remove(sleepKey(id));
        });
        this.#forget(before.disk === fact.disk ? 0 : before.disk, old);
        const sleep = await this.#putMemory(taken, fact.generation);
        return this.#putSnapshot(id, snapshotId, fact, sleep, false);
      });
    });
  }

  snapshotDisk(id: string, snapshotId: string): Promise<number> {
    return this.#inTurn(id, false, (lane) =>
      this.#putSnapshot(id, snapshotId, lane.disk, lane.sleep, lane.sleep !== null),
    );
  }

  /** Copies a disk and names it and a memory; `copyMemory`: the memory belongs to somebody else. */
  async #putSnapshot(
    id: string,
    name: string,
    from: DiskFact,
    sleep: SleepFact | null,
    copyMemory: boolean,
  ): Promise<number> {
    return this.#guard(
      (async () => {
        this.#checkName(id, name);
        const disk = await this.#copyOf(from.disk);
        const own = sleep && copyMemory ? await this.#copyOfSleep(sleep) : sleep;
        const fact: SnapshotFact = {
          disk,
          diskBytes: from.bytes,
          sleep: own,
          imageId: this.#record(id).imageId,
          bytes: from.bytes + (own?.bytes ?? 0),
          createdSec: nowSec(),
        };
        await this.#env.facts.put(snapKey(id, name), fact);
        return fact.bytes;
      })(),
    );
  }

  async #copyOf(disk: number): Promise<number> {
    if (disk === 0) return 0;
    const copy = newNumber();
    await copyDisk(this.#env, disk, copy);
    return copy;
  }

  async #copyOfSleep(sleep: SleepFact): Promise<SleepFact> {
    const memory = newNumber();
    for (let n = 0; ; n++) {
      const value = this.#env.memory.get(memoryKey(sleep.memory, n));
      if (!value) return { ...sleep, memory, shared: false };
      await this.#env.memory.put(memoryKey(memory, n), value);
    }
  }

  restoreSnapshot(id: string, snapshotId: string): Promise<void> {
    return this.#inTurn(id, true, (lane) =>
      this.#guard(
        (async () => {
          this.#refresh();
          const snapshot = this.#snapshot(id, snapshotId);
          const { disk: oldDisk, sleep: oldSleep } = lane;
          const generation = oldDisk.generation + 1;
          const disk = { disk: await this.#copyOf(snapshot.disk), generation, bytes: snapshot.diskBytes };
          const sleep = snapshot.sleep && { ...snapshot.sleep, generation, shared: true };
          await this.#env.root.transaction(() => {
            const { facts } = this.#env;
            facts.put(vmKey(id), { ...this.#record(id), imageId: snapshot.imageId });
            facts.put(diskKey(id), disk);
            if (sleep) facts.put(sleepKey(id), sleep);
            else facts.remove(sleepKey(id));
          });
          lane.disk = disk;
          lane.sleep = sleep;
          this.#forget(oldDisk.disk, oldSleep);
        })(),
      ),
    );
  }

  removeSnapshot(id: string, snapshotId: string): Promise<void> {
    return this.#inTurn(id, false, async (lane) => {
      this.#refresh();
      const { disk, sleep } = this.#snapshot(id, snapshotId);
      // A machine that sleeps in the snapshot's memory keeps it.
      const heir = sleep !== null && lane.sleep?.memory === sleep.memory;
      if (heir) lane.sleep = { ...lane.sleep, shared: false } as SleepFact;
      await this.#guard(
        this.#env.root.batch(() => {
          this.#env.facts.remove(snapKey(id, snapshotId));
          if (heir) this.#env.facts.put(sleepKey(id), lane.sleep);
        }),
      );
      this.#forget(disk, heir ? null : sleep);
    });
  }

  copyVm(from: string, record: VmRecord, asleep = false): Promise<void> {
    const { id } = record.spec;
    let source: Lane;
    try {
      source = this.#lane(from);
      if (this.#lanes.find(id) || this.#fact(vmKey(id)))
        throw new StoreError('exists', `there is a VM ${id} already`);
    } catch (error) {
      return Promise.reject(error);
    }
    // The copy's number is known at once, so that what the fork changes meanwhile finds its disk.
    const { disk: number, bytes } = source.disk;
    const disk = { disk: number === 0 ? 0 : newNumber(), generation: 1, bytes };
    const copied = this.#lanes.run(source, false, () =>
      this.#guard(
        (async () => {
          if (number !== 0) await copyDisk(this.#env, number, disk.disk);
          const sleep = asleep && source.sleep ? await this.#copyOfSleep(source.sleep) : null;
          await this.#env.root.batch(() => {
            const { facts } = this.#env;
            facts.put(vmKey(id), { ...record, imageId: this.#record(from).imageId });
            facts.put(diskKey(id), disk);
            if (sleep) facts.put(sleepKey(id), { ...sleep, generation: 1 });
          });
        })(),
      ),
    );
    const lane = this.#lanes.open(id, disk, null);
    return this.#lanes.run(lane, true, () => copied);
  }

  // ---- the rest ----

  async saveConsole(id: string, text: Uint8Array): Promise<void> {
    await this.#guard(this.#env.consoles.put(id, Buffer.from(text)));
  }

  loadConsole(id: string): Uint8Array {
    return this.#env.consoles.get(id) ?? new Uint8Array(0);
  }

  async recover(): Promise<{ freedDisks: number }> {
    this.#refresh();
    const disks = new Set<number>();
    const memories = new Set<number>();
    const use = (disk: number, sleep: SleepFact | null | undefined): void => {
      disks.add(disk);
      if (sleep) memories.add(sleep.memory);
    };
    for (const { value } of this.#factsBelow<DiskFact>('disk/')) use(value.disk, null);
    for (const { value } of this.#factsBelow<SleepFact>('sleep/')) use(0, value);
    for (const { value } of this.#factsBelow<SnapshotFact>('snap/')) use(value.disk, value.sleep);
    return { freedDisks: await this.#guard(sweep(this.#env, disks, memories)) };
  }

  stats(): Record<string, number> {
    const { commits, rows, bytes, ms, failures, checkpoints } = this.#counts;
    return {
      store_commits: commits,
      store_rows: rows,
      store_bytes: bytes,
      store_commit_ms: ms,
      store_failures: failures,
      store_checkpoints: checkpoints,
      store_file_bytes: statSync(join(this.folder, 'data.mdb')).size,
    };
  }

  async close(): Promise<void> {
    await this.#lanes.idle();
    while (this.#chores.size > 0) await Promise.allSettled([...this.#chores]);
    await this.#env.root.close();
  }
}

/** Opens the store in `folder` (made when it is missing), in as many worker threads as like. Throws a {@link StoreError}. */
export function openStore(folder: string): VmStore {
  return new LmdbStore(folder);
}
