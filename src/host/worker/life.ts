/**
 * Machines come and go: made, rebuilt, forked, kept in snapshots, changed and removed. Always true: a machine that could not be made whole
 * leaves nothing behind, in memory or in the store.
 */
import { catchUp, DETERMINISTIC_NS, forkVm, type Vm } from '../../vm/index.ts';
import { StoreError, type VmRecord } from '../store-types.ts';
import { HostError, type VmSpec } from '../types.ts';
import { type WorkerContext, wake } from './context.ts';
import { applyQuotas, checkSpec, giveHostKeys, giveHostname, makeVm } from './create.ts';
import { changeRecord, kernelHost, letGo, load, ready, take, tellState, withLock } from './residency.ts';
import { newResident, type Resident } from './resident.ts';
import {
  closeStrays,
  consoleTerminal,
  dropSessions,
  loadSessions,
  readSessions,
  saveSessions,
} from './sessions.ts';

/** Makes a machine; durable when it answers. */
export async function create(w: WorkerContext, spec: VmSpec): Promise<Resident> {
  checkSpec(spec);
  if (w.residents.has(spec.id) || w.store.get(spec.id))
    throw new HostError('exists', `there is a machine ${spec.id} already`);
  const record: VmRecord = {
    spec,
    imageId: w.image.id,
    power: 'on',
    error: '',
    createdSec: Math.floor(Date.now() / 1000),
  };
  const r = newResident(record, performance.now());
  w.residents.set(spec.id, r);
  return withLock(r, async () => {
    try {
      await w.store.create(record);
      const vm = makeVm(w, r, kernelHost(w, r));
      const durable = w.store.commitDisk(spec.id, vm.kernel);
      take(w, r, vm);
      await durable;
    } catch (error) {
      w.residents.delete(spec.id);
      letGo(w, r);
      if (!(error instanceof StoreError && error.code === 'exists'))
        await w.store.remove(spec.id).catch(() => {});
      throw error;
    }
    w.counters.created++;
    tellState(w, r);
    return r;
  });
}

/** A new disk from the image, and a boot. */
export const rebuild = (w: WorkerContext, r: Resident, change: { kernel?: string }): Promise<void> =>
  withLock(r, async () => {
    const spec: VmSpec = { ...r.record.spec, ...(change.kernel ? { kernel: change.kernel } : {}) };
    checkSpec(spec);
    dropSessions(w, r, 'the machine was rebuilt');
    letGo(w, r);
    await r.commit?.catch(() => {});
    r.asleep = false;
    await w.store.clearDisk(r.id, w.image.id);
    await changeRecord(w, r, { spec, imageId: w.image.id, power: 'on', error: '' });
    const vm = makeVm(w, r, kernelHost(w, r));
    const durable = w.store.commitDisk(r.id, vm.kernel);
    take(w, r, vm);
    await durable;
    tellState(w, r);
  });

/** Changes between the wall clock and a clock of instructions. */
function changePace(vm: Vm, deterministic: boolean): void {
  const { time } = vm.kernel;
  if (deterministic === time.nsPerInstruction > 0) return;
  time.nsPerInstruction = deterministic ? DETERMINISTIC_NS : 0;
  if (!deterministic) vm.bootHostNs = performance.now() * 1e6 - time.nowNs;
}

/** A second machine in this worker that goes on from where the first stands. */
export async function fork(
  w: WorkerContext,
  from: Resident,
  wanted: { id: string; hostname?: string; deterministic?: boolean },
): Promise<Resident> {
  const { hostname = from.record.spec.hostname, deterministic = from.record.spec.deterministic, id } = wanted;
  const spec: VmSpec = { ...from.record.spec, id, hostname, deterministic };
  checkSpec(spec);
  if (w.residents.has(id) || w.store.get(id))
    throw new HostError('exists', `there is a machine ${id} already`);
  const record: VmRecord = { ...from.record, spec, createdSec: Math.floor(Date.now() / 1000) };
  const r = newResident(record, performance.now());
  w.residents.set(id, r);
  try {
    if (from.record.power === 'off') {
      await withLock(from, () => w.store.copyVm(from.id, record));
      consoleTerminal(w, r);
      tellState(w, r);
      return r;
    }
    const vm = await ready(w, from, false);
    await withLock(r, async () => {
      const sessions = saveSessions(from, { sleptAtMs: Date.now(), unasked: true, dueAtMs: 0 });
      catchUp(vm);
      const copied = w.store.copyVm(from.id, record);
      const child = forkVm(vm);
      await copied;
      const saved = readSessions(sessions);
      if (saved) loadSessions(w, r, saved, true);
      changePace(child, deterministic);
      if (hostname !== from.record.spec.hostname) {
        giveHostname(child, hostname, true);
        // Two machines on one network with one key would be one to every client.
        giveHostKeys(child, spec);
      }
      take(w, r, child);
      closeStrays(r);
      await w.store.commitDisk(id, child.kernel);
    });
  } catch (error) {
    w.residents.delete(id);
    letGo(w, r);
    throw error;
  }
  w.counters.forks++;
  tellState(w, r);
  return r;
}

export async function remove(w: WorkerContext, r: Resident): Promise<void> {
  await withLock(r, async () => {
    const gone = { code: 'no-such-vm', message: `${r.id} was removed` } as const;
    for (const terminal of r.terminals.values()) terminal.lose(gone);
    dropSessions(w, r, gone.message);
    for (const [handle, owner] of w.handles) if (owner === r) w.handles.delete(handle);
    letGo(w, r);
    await r.commit?.catch(() => {});
    await w.store.remove(r.id);
    w.residents.delete(r.id);
  });
}

export const snapshot = (w: WorkerContext, r: Resident, snapshotId: string): Promise<{ bytes: number }> =>
  withLock(r, async () => {
    if (!r.vm && r.record.power === 'on') await load(w, r);
    if (r.vm) catchUp(r.vm);
    const bytes = r.vm
      ? await w.store.saveSnapshot(r.id, snapshotId, r.vm)
      : await w.store.snapshotDisk(r.id, snapshotId);
    return { bytes };
  });

/** Back to a snapshot: memory as well when it has any; real time has passed for it. */
export const restore = (w: WorkerContext, r: Resident, snapshotId: string): Promise<void> =>
  withLock(r, async () => {
    if (!w.store.get(r.id)?.snapshots.includes(snapshotId))
      throw new HostError('no-such-snapshot', `${r.id} has no snapshot ${snapshotId}`);
    dropSessions(w, r, 'the machine went back to a snapshot');
    letGo(w, r);
    await r.commit?.catch(() => {});
    await w.store.restoreSnapshot(r.id, snapshotId);
    await w.store.saveConsole(r.id, saveSessions(r, { sleptAtMs: 0, unasked: false, dueAtMs: 0 }));
    await changeRecord(w, r, { power: 'on', error: '' });
    r.asleep = true;
    await load(w, r);
  });

/** New quotas at once where they can be; a name and a kernel at the next boot. */
export const update = (
  w: WorkerContext,
  r: Resident,
  change: Partial<Pick<VmSpec, 'quotas' | 'hostname' | 'kernel'>>,
): Promise<void> =>
  withLock(r, async () => {
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
    const spec: VmSpec = { ...r.record.spec, ...given };
    checkSpec(spec);
    const renamed = spec.hostname !== r.record.spec.hostname;
    await changeRecord(w, r, { spec });
    r.share = spec.quotas.cpuShare;
    if (!r.vm) return;
    applyQuotas(r.vm, spec);
    if (renamed) giveHostname(r.vm, spec.hostname, false);
    wake(w, r);
  });
