/**
 * Snapshots and copies of machines. Always true: a snapshot has rows of its own; the one thing it may share is its memory, with the
 * machine that was put back to it and has not gone on since.
 */
import type { Vm } from '../vm/vm.ts';
import { diskKey, type SnapshotFact, StoreBase, sleepKey, snapKey, vmKey } from './store-base.ts';
import type { DiskFact, Lane, SleepFact } from './store-lane.ts';
import { memoryKey, takeMemory } from './store-memory.ts';
import { copyDisk, newNumber } from './store-numbers.ts';
import { StoreError, type VmRecord } from './store-types.ts';

const nowSec = (): number => Math.floor(Date.now() / 1000);

export class StoreSnapshots extends StoreBase {
  #snapshot(id: string, name: string): SnapshotFact {
    const fact = this.fact<SnapshotFact>(snapKey(id, name));
    if (!fact) throw new StoreError('no-such-snapshot', `VM ${id} has no snapshot ${name}`);
    return fact;
  }

  #checkName(id: string, name: string): void {
    this.refresh();
    if (this.fact(snapKey(id, name)))
      throw new StoreError('exists', `VM ${id} has a snapshot ${name} already`);
  }

  async saveSnapshot(id: string, snapshotId: string, vm: Vm): Promise<number> {
    this.#checkName(id, snapshotId);
    return this.inTurnWith(id, vm.kernel, ({ delta, fact, before }) => {
      const taken = takeMemory(vm);
      return this.with(taken, async (lane) => {
        const old = lane.sleep;
        lane.sleep = null;
        await this.env.root.batch(() => {
          this.putDelta(id, delta, fact);
          this.env.facts.remove(sleepKey(id));
        });
        this.forget(before.disk === fact.disk ? 0 : before.disk, old);
        const sleep = await this.putMemory(taken, fact.generation);
        return this.#putSnapshot(id, snapshotId, fact, sleep, false);
      });
    });
  }

  snapshotDisk(id: string, snapshotId: string): Promise<number> {
    return this.inTurn(id, false, (lane) =>
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
    return this.guard(
      (async () => {
        this.#checkName(id, name);
        const disk = await this.#copyOf(from.disk);
        const own = sleep && copyMemory ? await this.#copyOfSleep(sleep) : sleep;
        const fact: SnapshotFact = {
          disk,
          diskBytes: from.bytes,
          sleep: own,
          imageId: this.record(id).imageId,
          bytes: from.bytes + (own?.bytes ?? 0),
          createdSec: nowSec(),
        };
        await this.env.facts.put(snapKey(id, name), fact);
        return fact.bytes;
      })(),
    );
  }

  async #copyOf(disk: number): Promise<number> {
    if (disk === 0) return 0;
    const copy = newNumber();
    await copyDisk(this.env, disk, copy);
    return copy;
  }

  async #copyOfSleep(sleep: SleepFact): Promise<SleepFact> {
    const memory = newNumber();
    for (let n = 0; ; n++) {
      const value = this.env.memory.get(memoryKey(sleep.memory, n));
      if (!value) return { ...sleep, memory, shared: false };
      await this.env.memory.put(memoryKey(memory, n), value);
    }
  }

  restoreSnapshot(id: string, snapshotId: string): Promise<void> {
    return this.inTurn(id, true, (lane) =>
      this.guard(
        (async () => {
          this.refresh();
          const snapshot = this.#snapshot(id, snapshotId);
          const { disk: oldDisk, sleep: oldSleep } = lane;
          const generation = oldDisk.generation + 1;
          const disk = { disk: await this.#copyOf(snapshot.disk), generation, bytes: snapshot.diskBytes };
          const sleep = snapshot.sleep && { ...snapshot.sleep, generation, shared: true };
          await this.env.root.transaction(() => {
            const { facts } = this.env;
            facts.put(vmKey(id), { ...this.record(id), imageId: snapshot.imageId });
            facts.put(diskKey(id), disk);
            if (sleep) facts.put(sleepKey(id), sleep);
            else facts.remove(sleepKey(id));
          });
          lane.disk = disk;
          lane.sleep = sleep;
          this.forget(oldDisk.disk, oldSleep);
        })(),
      ),
    );
  }

  removeSnapshot(id: string, snapshotId: string): Promise<void> {
    return this.inTurn(id, false, async (lane) => {
      this.refresh();
      const { disk, sleep } = this.#snapshot(id, snapshotId);
      // A machine that sleeps in the snapshot's memory keeps it.
      const heir = sleep !== null && lane.sleep?.memory === sleep.memory;
      if (heir) lane.sleep = { ...lane.sleep, shared: false } as SleepFact;
      await this.guard(
        this.env.root.batch(() => {
          this.env.facts.remove(snapKey(id, snapshotId));
          if (heir) this.env.facts.put(sleepKey(id), lane.sleep);
        }),
      );
      this.forget(disk, heir ? null : sleep);
    });
  }

  copyVm(from: string, record: VmRecord, asleep = false): Promise<void> {
    const { id } = record.spec;
    let source: Lane;
    try {
      source = this.lane(from);
      if (this.lanes.find(id) || this.fact(vmKey(id)))
        throw new StoreError('exists', `there is a VM ${id} already`);
    } catch (error) {
      return Promise.reject(error);
    }
    // The copy's number is known at once, so that what the fork changes meanwhile finds its disk.
    const { disk: number, bytes } = source.disk;
    const disk = { disk: number === 0 ? 0 : newNumber(), generation: 1, bytes };
    const copied = this.lanes.run(source, false, () =>
      this.guard(
        (async () => {
          if (number !== 0) await copyDisk(this.env, number, disk.disk);
          const sleep = asleep && source.sleep ? await this.#copyOfSleep(source.sleep) : null;
          await this.env.root.batch(() => {
            const { facts } = this.env;
            facts.put(vmKey(id), { ...record, imageId: this.record(from).imageId });
            facts.put(diskKey(id), disk);
            if (sleep) facts.put(sleepKey(id), { ...sleep, generation: 1 });
          });
        })(),
      ),
    );
    const lane = this.lanes.open(id, disk, null);
    return this.lanes.run(lane, true, () => copied);
  }
}
