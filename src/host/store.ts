/**
 * The durable store of machines on LMDB; store-types.ts says what it promises, store-base.ts how it is laid out. Always true: one
 * machine's calls take effect in the order they were made, and a promise that has resolved is on the disk.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { hasChanges, noChanges } from '../kernel/fs/changes.ts';
import type { Disk } from '../kernel/fs/disk.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sourcesHash } from '../vm/template.ts';
import type { Vm } from '../vm/vm.ts';
import { diskKey, NO_DISK, type SnapshotFact, sleepKey, snapKey, type Taken, vmKey } from './store-base.ts';
import type { DiskFact, Lane, SleepFact } from './store-lane.ts';
import { loadMemory, memoryKey, takeMemory } from './store-memory.ts';
import { sweep } from './store-numbers.ts';
import { type Delta, diskRange, loadRows } from './store-rows.ts';
import { StoreSnapshots } from './store-snapshots.ts';
import { type StoredVm, StoreError, type VmRecord, type VmStore, type Wakeup } from './store-types.ts';

export { type StoredVm, StoreError, type VmRecord, type VmStore, type Wakeup } from './store-types.ts';

const MAX_ID = 200;

class LmdbStore extends StoreSnapshots implements VmStore {
  // ---- records ----

  async create(record: VmRecord): Promise<void> {
    const { id } = record.spec;
    if (id === '' || id.length > MAX_ID || id.includes('/'))
      throw new StoreError('exists', `a VM cannot be called ${JSON.stringify(id.slice(0, 80))}`);
    const made = await this.guard(
      this.env.root.transaction(() => {
        if (this.fact(vmKey(id))) return false;
        this.env.facts.put(vmKey(id), record);
        return true;
      }),
    );
    if (!made) throw new StoreError('exists', `there is a VM ${id} already`);
  }

  async update(id: string, change: Partial<VmRecord>): Promise<void> {
    const found = await this.guard(
      this.env.root.transaction(() => {
        const record = this.fact<VmRecord>(vmKey(id));
        if (record) this.env.facts.put(vmKey(id), { ...record, ...change });
        return record !== undefined;
      }),
    );
    if (!found) throw new StoreError('no-such-vm', `there is no VM ${id} in the store`);
  }

  #stored(record: VmRecord): StoredVm {
    const { id } = record.spec;
    const { generation, bytes } = this.fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    const asleep = this.fact<SleepFact>(sleepKey(id))?.generation === generation;
    const prefix = snapKey(id);
    const snapshots = this.factsBelow(prefix).map(({ key }) => key.slice(prefix.length));
    return { ...record, asleep, generation, diskBytes: bytes, snapshots };
  }

  get(id: string): StoredVm | null {
    this.refresh();
    const record = this.fact<VmRecord>(vmKey(id));
    return record ? this.#stored(record) : null;
  }

  list(): StoredVm[] {
    this.refresh();
    return this.factsBelow<VmRecord>('vm/').map(({ value }) => this.#stored(value));
  }

  imagesInUse(): Set<string> {
    const machines = this.list().map(({ imageId }) => imageId);
    const snapshots = this.factsBelow<SnapshotFact>('snap/').map(({ value }) => value.imageId);
    return new Set([...machines, ...snapshots]);
  }

  remove(id: string): Promise<void> {
    return this.inTurn(id, true, async (lane) => {
      const snapshots = this.factsBelow<SnapshotFact>(snapKey(id));
      await this.guard(
        this.env.root.batch(() => {
          for (const key of [vmKey(id), diskKey(id), sleepKey(id)]) this.env.facts.remove(key);
          for (const { key } of snapshots) this.env.facts.remove(key);
          this.env.consoles.remove(id);
        }),
      );
      this.forget(lane.disk.disk, lane.sleep);
      for (const { value } of snapshots) this.forget(value.disk, value.sleep);
    });
  }

  // ---- disks ----

  isDirty(kernel: Kernel): boolean {
    return hasChanges(kernel);
  }

  commitDisk(id: string, kernel: Kernel): Promise<void> {
    const busy = this.lanes.find(id);
    if (!hasChanges(kernel)) return busy ? this.lanes.run(busy, false, async () => {}) : Promise.resolve();
    const write =
      ({ delta, fact, before }: Taken) =>
      async (lane: Lane) => {
        const { sleep } = lane;
        lane.sleep = null;
        const begin = performance.now();
        await this.env.root.batch(() => {
          this.putDelta(id, delta, fact);
          if (sleep) this.env.facts.remove(sleepKey(id));
        });
        this.#count(delta, performance.now() - begin);
        this.forget(before.disk === fact.disk ? 0 : before.disk, sleep);
      };
    return this.inTurnWith(id, kernel, (taken) => ({ work: write(taken) }));
  }

  #count(delta: Delta, ms: number): void {
    this.counts.commits++;
    this.counts.rows += delta.rows.length;
    this.counts.bytes += delta.bytes;
    this.counts.ms += ms;
  }

  #checkImage(id: string, image: ImageFs): void {
    const { imageId } = this.record(id);
    if (imageId !== image.id)
      throw new StoreError(
        'other-image',
        `VM ${id} lies over image ${imageId.slice(0, 16)}, not ${image.id.slice(0, 16)}: put that image back into the cache folder, or rebuild the VM (its disk is lost then)`,
      );
  }

  loadDisk(id: string, image: ImageFs): Disk | null {
    this.refresh();
    this.#checkImage(id, image);
    const { disk } = this.fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    if (disk === 0) return null;
    const rows = this.env.disks.getRange(diskRange(disk));
    const loaded = loadRows(rows, image, `the disk of VM ${id}`);
    if (loaded.repairs.length > 0)
      this.chore(
        this.inTurn(id, false, async (lane) => {
          if (lane.disk.disk === disk) await this.env.root.batch(() => this.putRows(loaded.repairs));
        }),
      );
    return loaded.disk;
  }

  attach(id: string, kernel: Kernel): void {
    this.refresh();
    this.#checkImage(id, kernel.image);
    kernel.changes = noChanges();
  }

  clearDisk(id: string, imageId: string): Promise<void> {
    return this.inTurn(id, true, async (lane) => {
      const { disk, sleep } = lane;
      lane.disk = { ...NO_DISK, generation: disk.generation + 1 };
      lane.sleep = null;
      await this.guard(
        this.env.root.transaction(() => {
          this.env.facts.put(vmKey(id), { ...this.record(id), imageId });
          this.env.facts.put(diskKey(id), lane.disk);
          this.env.facts.remove(sleepKey(id));
        }),
      );
      this.forget(disk.disk, sleep);
    });
  }

  // ---- sleep ----

  saveCheckpoint(id: string, vm: Vm): Promise<number> {
    return this.inTurnWith(id, vm.kernel, ({ delta, fact, before }) => {
      const taken = takeMemory(vm);
      return this.with(taken, async (lane) => {
        const old = lane.sleep;
        const sleep = await this.putMemory(taken, fact.generation);
        lane.sleep = sleep;
        await this.env.root.batch(() => {
          this.putDelta(id, delta, fact);
          this.env.facts.put(sleepKey(id), sleep);
        });
        this.counts.checkpoints++;
        this.forget(before.disk === fact.disk ? 0 : before.disk, old);
        return sleep.bytes;
      });
    });
  }

  loadCheckpoint(id: string): Wakeup {
    this.refresh();
    this.record(id);
    const sleep = this.fact<SleepFact>(sleepKey(id));
    if (!sleep) return { checkpoint: null, why: 'none' };
    const { generation } = this.fact<DiskFact>(diskKey(id)) ?? NO_DISK;
    if (sleep.generation !== generation) return { checkpoint: null, why: 'stale' };
    if (sleep.build !== sourcesHash()) return { checkpoint: null, why: 'other version' };
    const read = (chunk: number) => this.env.memory.get(memoryKey(sleep.memory, chunk));
    return { checkpoint: loadMemory(read, `the sleeping VM ${id}`) };
  }

  dropCheckpoint(id: string): Promise<void> {
    return this.inTurn(id, false, async (lane) => {
      const { sleep } = lane;
      if (!sleep) return;
      lane.sleep = null;
      await this.guard(this.env.facts.remove(sleepKey(id)));
      this.forget(0, sleep);
    });
  }

  // ---- the rest ----

  async saveConsole(id: string, text: Uint8Array): Promise<void> {
    await this.guard(this.env.consoles.put(id, Buffer.from(text)));
  }

  loadConsole(id: string): Uint8Array {
    return this.env.consoles.get(id) ?? new Uint8Array(0);
  }

  async recover(): Promise<{ freedDisks: number }> {
    this.refresh();
    const disks = new Set<number>();
    const memories = new Set<number>();
    const use = (disk: number, sleep: SleepFact | null | undefined): void => {
      disks.add(disk);
      if (sleep) memories.add(sleep.memory);
    };
    for (const { value } of this.factsBelow<DiskFact>('disk/')) use(value.disk, null);
    for (const { value } of this.factsBelow<SleepFact>('sleep/')) use(0, value);
    for (const { value } of this.factsBelow<SnapshotFact>('snap/')) use(value.disk, value.sleep);
    return { freedDisks: await this.guard(sweep(this.env, disks, memories)) };
  }

  stats(): Record<string, number> {
    const { commits, rows, bytes, ms, failures, checkpoints } = this.counts;
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
    await this.lanes.idle();
    while (this.chores.size > 0) await Promise.allSettled([...this.chores]);
    await this.env.root.close();
  }
}

/** Opens the store in `folder` (made when it is missing), in as many worker threads as like. Throws a {@link StoreError}. */
export function openStore(folder: string): VmStore {
  return new LmdbStore(folder);
}
