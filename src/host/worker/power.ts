/**
 * Power: making, booting, stopping, putting to sleep and waking machines. Always true: whatever changes a machine's power holds its
 * lock, so that one thing happens at a time; a machine's record in the store says what should be, before it is.
 */
import type { Image } from '../../image/index.ts';
import type { KernelHost } from '../../kernel/kernel.ts';
import {
  bootVm,
  catchUp,
  DETERMINISTIC_NS,
  destroyVm,
  forkVm,
  identityOf,
  nextTimerNs,
  passTime,
  realtimeLagNs,
  rebootVm,
  restoreVm,
  shiftRealtime,
  spawnProcess,
  type Vm,
} from '../../vm/index.ts';
import { StoreError, type VmRecord } from '../store-types.ts';
import { HostError, type VmSpec } from '../types.ts';
import { tell, type WorkerContext, wake } from './context.ts';
import { applyQuotas, bootOptions, checkSpec, giveHostKeys, giveHostname, makeVm } from './create.ts';
import { commit } from './loop.ts';
import { newResident, type Resident, statusOf } from './resident.ts';
import {
  closeStrays,
  consoleTerminal,
  dropSessions,
  loadSessions,
  readSessions,
  type SavedSessions,
  saveSessions,
} from './sessions.ts';
import { watch } from './watch.ts';

/** How long `poweroff` may take before the plug is pulled. */
const SOFT_STOP_MS = 10_000;
/** A machine that was put to sleep unasked does not notice, unless it was for longer than this. */
const UNNOTICED_SLEEP_MS = 86_400_000;

/** What a kernel tells its host. */
const kernelHost = (w: WorkerContext, r: Resident): KernelHost => ({
  unsupported: (what) => {
    if (what.startsWith('simulator bug: ')) {
      w.counters.simulatorBugs++;
      w.log('error', `simulator bug in ${r.id}`, { vm: r.id, report: what.slice(15) });
      tell(w, r, 'simulator.bug', { report: what.slice(15) });
    } else {
      w.counters.unsupported++;
      tell(w, r, 'unsupported', { what });
    }
  },
});

/** Runs `work` when nothing else changes the machine's power. */
export function withLock<T>(r: Resident, work: () => Promise<T>): Promise<T> {
  const turn = r.lock.then(work, work);
  r.lock = turn.catch(() => {});
  return turn;
}

export const status = (w: WorkerContext, r: Resident): ReturnType<typeof statusOf> =>
  statusOf(r, w.store.get(r.id)?.diskBytes ?? 0);

const tellState = (w: WorkerContext, r: Resident): void => {
  const { state, kernel } = status(w, r);
  tell(w, r, 'state', { state, health: kernel.health });
};

/** The machine by id, from the store when it was not asked for before. */
export function residentOf(w: WorkerContext, id: string): Resident {
  const known = w.residents.get(id);
  if (known) return known;
  const stored = w.store.get(id);
  if (!stored) throw new HostError('no-such-vm', `there is no machine ${id}`);
  const { spec, imageId, power, error, createdSec } = stored;
  const r = newResident({ spec, imageId, power, error, createdSec }, performance.now());
  r.asleep = stored.asleep;
  const saved = readSessions(w.store.loadConsole(id));
  if (saved) loadSessions(w, r, saved, stored.asleep && saved.sleptAtMs > 0);
  consoleTerminal(w, r);
  w.residents.set(id, r);
  return r;
}

async function changeRecord(w: WorkerContext, r: Resident, change: Partial<VmRecord>): Promise<void> {
  r.record = { ...r.record, ...change };
  await w.store.update(r.id, change);
}

/** The VM is in memory from here on, and runs. */
function take(w: WorkerContext, r: Resident, vm: Vm): void {
  r.vm = vm;
  r.asleep = false;
  r.held = false;
  r.dirtySinceMs = 0;
  r.rebootAtMs = Number.POSITIVE_INFINITY;
  r.activeMs = performance.now();
  r.watched = watch(vm);
  vm.kernel.host = kernelHost(w, r);
  consoleTerminal(w, r);
  wake(w, r);
}

/** The VM leaves memory. */
function letGo(w: WorkerContext, r: Resident): void {
  w.scheduler.sleep(r);
  const { vm } = r;
  status(w, r);
  r.vm = null;
  r.watched = null;
  if (r.booting) {
    r.booting.resolve();
    r.booting = null;
  }
  if (vm) destroyVm(vm);
}

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

/** The image under the machine's disk; a snapshot may have brought another one. */
const imageOf = (w: WorkerContext, r: Resident): Image =>
  w.images.of(w.store.get(r.id)?.imageId ?? r.record.imageId);

/** Boots from the disk of the store, as after a power cut. */
function bootFromStore(w: WorkerContext, r: Resident): void {
  const image = imageOf(w, r);
  const disk = w.store.loadDisk(r.id, image) ?? undefined;
  const vm = bootVm(w.machine, image, { ...bootOptions(r.record.spec), disk }, kernelHost(w, r));
  if (disk) w.store.attach(r.id, vm.kernel);
  w.counters.boots++;
  beginBoot(r);
  take(w, r, vm);
}

function beginBoot(r: Resident): void {
  r.booting?.resolve();
  let resolve = (): void => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  r.booting = { resolve, done, sinceMs: performance.now() };
}

/** Takes the machine's memory out of the store, or boots it when there is none that can be used. */
function wakeNow(w: WorkerContext, r: Resident): void {
  const saved = readSessions(w.store.loadConsole(r.id));
  const wakeup = w.store.loadCheckpoint(r.id);
  if (!wakeup.checkpoint) {
    if (wakeup.why !== 'none') w.log('warn', `${r.id} boots: its sleep cannot be used (${wakeup.why})`);
    dropSessions(w, r, 'the machine was switched off');
    bootFromStore(w, r);
    return;
  }
  const vm = restoreVm(wakeup.checkpoint, w.machine, imageOf(w, r), kernelHost(w, r));
  w.store.attach(r.id, vm.kernel);
  applyQuotas(vm, r.record.spec);
  if (saved && !r.record.spec.deterministic) keepTime(vm, saved);
  w.counters.wakes++;
  take(w, r, vm);
  closeStrays(r);
}

/** Real time has passed while the machine slept. */
function keepTime(vm: Vm, saved: SavedSessions): void {
  const sleptMs = Math.max(0, Date.now() - saved.sleptAtMs);
  if (saved.sleptAtMs === 0) shiftRealtime(vm, realtimeLagNs(vm, Date.now()));
  else if (saved.unasked && sleptMs < UNNOTICED_SLEEP_MS) passTime(vm, sleptMs * 1e6);
  else shiftRealtime(vm, sleptMs * 1e6);
}

/** The machine, awake and with its boot scripts through; throws when it is switched off or broken. See {@link use}. */
export async function ready(w: WorkerContext, r: Resident, booted = true): Promise<Vm> {
  await withLock(r, async () => {
    if (r.vm) return;
    if (w.closing) throw new HostError('closed', 'the host is closing');
    if (w.residents.get(r.id) !== r) throw new HostError('no-such-vm', `there is no machine ${r.id}`);
    if (r.record.error !== '') throw new HostError('wrong-state', `${r.id} is broken: ${r.record.error}`);
    if (r.record.power === 'off')
      throw new HostError('wrong-state', `${r.id} is switched off; start it first`);
    await load(w, r);
  });
  if (booted && r.booting) await r.booting.done;
  if (!r.vm) throw new HostError('wrong-state', `${r.id} was switched off`);
  return r.vm;
}

/** Does something with the machine awake; it is not put to sleep meanwhile. */
export async function use<T>(
  w: WorkerContext,
  r: Resident,
  work: (vm: Vm) => T | Promise<T>,
  booted = true,
): Promise<T> {
  r.requests++;
  try {
    return await work(await ready(w, r, booted));
  } finally {
    r.requests--;
    r.activeMs = performance.now();
    if (r.vm) wake(w, r);
  }
}

async function load(w: WorkerContext, r: Resident): Promise<void> {
  try {
    wakeNow(w, r);
  } catch (error) {
    // A disk that cannot be read is the machine's end, and only its own.
    if (!(error instanceof StoreError)) throw error;
    await changeRecord(w, r, { error: error.message });
    tellState(w, r);
    throw new HostError('wrong-state', error.message);
  }
  tellState(w, r);
}

/** A sleeping machine's own alarm. */
export function wakeForTimer(w: WorkerContext, r: Resident): void {
  ready(w, r, false).catch((error: Error) => w.log('warn', `${r.id} does not wake: ${error.message}`));
}

/** Puts a machine to sleep in the store. `unasked`: it should not notice. */
export async function sleep(w: WorkerContext, r: Resident, unasked: boolean): Promise<void> {
  const { vm } = r;
  if (!vm) return;
  w.scheduler.sleep(r);
  r.held = true;
  try {
    catchUp(vm);
    const sleptAtMs = Date.now();
    const waitMs = nextTimerNs(vm) / 1e6;
    const dueAtMs = unasked && !r.record.spec.deterministic ? sleptAtMs + waitMs : Number.POSITIVE_INFINITY;
    await w.store.saveConsole(r.id, saveSessions(r, { sleptAtMs, unasked, dueAtMs }));
    await w.store.saveCheckpoint(r.id, vm);
    letGo(w, r);
    r.asleep = true;
    if (dueAtMs !== Number.POSITIVE_INFINITY) w.scheduler.sleep(r, performance.now() + waitMs);
    w.counters.hibernations++;
  } finally {
    r.held = false;
    if (r.vm || [...r.terminals.values()].some((terminal) => terminal.hasInput())) wake(w, r);
  }
  tellState(w, r);
}

/** SUSPENDED: until somebody wants it again. */
export const suspend = (w: WorkerContext, r: Resident): Promise<void> =>
  withLock(r, async () => {
    if (r.record.power === 'off') throw new HostError('wrong-state', `${r.id} is switched off`);
    if (r.requests > 0 || r.bridges.size > 0)
      throw new HostError('wrong-state', `${r.id} is carrying out a request; try again`);
    await sleep(w, r, false);
  });

/** What a halted kernel asks for: a reboot, or to be switched off. */
export function haltedNow(w: WorkerContext, r: Resident, vm: Vm, nowMs: number): void {
  const { halted } = vm.kernel;
  if (!halted) return;
  for (const exec of r.execs) exec.halted(vm);
  r.execs.clear();
  if (r.booting) {
    r.booting.resolve();
    r.booting = null;
  }
  if (halted.reason === 'restart') {
    const panicked = vm.kernel.panic.reports.at(-1)?.kind === 'panic';
    const seconds = panicked ? Math.max(0, Number(vm.kernel.sysctl['kernel.panic'] ?? '0')) : 0;
    if (r.rebootAtMs === Number.POSITIVE_INFINITY) r.rebootAtMs = nowMs + seconds * 1000;
    if (nowMs < r.rebootAtMs) {
      w.scheduler.sleep(r, r.rebootAtMs);
      return;
    }
    void withLock(r, async () => {
      if (r.vm === vm && vm.kernel.halted) restart(w, r);
    });
    return;
  }
  w.scheduler.sleep(r);
  tellState(w, r);
  if (halted.reason === 'poweroff')
    void withLock(r, () => (r.vm === vm ? powerOff(w, r) : Promise.resolve()));
}

/** Off and on again: a new kernel over the same disk. */
function restart(w: WorkerContext, r: Resident): void {
  const { vm } = r;
  if (!vm) return;
  dropSessions(w, r, 'the machine was rebooted');
  vm.kernel.identity = identityOf(bootOptions(r.record.spec));
  vm.kernel.quotas = { ...vm.kernel.quotas, memoryPages: r.record.spec.quotas.memoryMiB * 256 };
  w.scheduler.sleep(r);
  try {
    rebootVm(vm);
  } catch (error) {
    // After a bug of ours the old kernel may be past taking its disk out: the store has it.
    w.log('error', `${r.id} boots from the store: ${(error as Error).message}`);
    r.vm = null;
    bootFromStore(w, r);
    return;
  }
  applyQuotas(vm, r.record.spec);
  if (!r.record.spec.deterministic) shiftRealtime(vm, realtimeLagNs(vm, Date.now()));
  w.counters.boots++;
  beginBoot(r);
  take(w, r, vm);
  tellState(w, r);
}

/** Saves the disk and lets the machine go. */
async function powerOff(w: WorkerContext, r: Resident): Promise<void> {
  const { vm } = r;
  w.scheduler.sleep(r);
  if (vm) {
    r.held = true;
    await w.store.saveConsole(r.id, saveSessions(r, { sleptAtMs: 0, unasked: false, dueAtMs: 0 }));
    await commit(w, r, vm);
  }
  await changeRecord(w, r, { power: 'off' });
  dropSessions(w, r, 'the machine was switched off');
  letGo(w, r);
  r.held = false;
  tellState(w, r);
}

export const start = (w: WorkerContext, r: Resident): Promise<void> =>
  withLock(r, async () => {
    if (r.record.power === 'on' && r.record.error === '' && r.vm?.kernel.halted == null)
      throw new HostError('wrong-state', `${r.id} runs already`);
    if (r.vm) {
      restart(w, r);
      return;
    }
    await changeRecord(w, r, { power: 'on', error: '' });
    await load(w, r);
  });

/** Runs a command of the machine's own that should halt it, and waits. Answers whether it did. */
async function haltsBy(w: WorkerContext, r: Resident, vm: Vm, argv: string[]): Promise<boolean> {
  const { kernel } = vm;
  if (kernel.halted) return true;
  try {
    spawnProcess(vm, { argv });
  } catch {
    return false;
  }
  r.driven++;
  wake(w, r);
  try {
    const endMs = performance.now() + SOFT_STOP_MS;
    while (performance.now() < endMs && r.vm === vm && vm.kernel === kernel && !kernel.halted)
      await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    r.driven--;
  }
  return r.vm !== vm || vm.kernel !== kernel || kernel.halted !== null;
}

export async function stop(w: WorkerContext, r: Resident, how: 'soft' | 'hard'): Promise<void> {
  if (r.record.power === 'off') throw new HostError('wrong-state', `${r.id} is switched off already`);
  if (how === 'soft') {
    const vm = await ready(w, r);
    await haltsBy(w, r, vm, ['/sbin/poweroff']);
  }
  await withLock(r, async () => {
    if (r.record.power === 'on') {
      if (r.asleep) await w.store.dropCheckpoint(r.id);
      r.asleep = false;
      await powerOff(w, r);
    }
  });
}

export async function reboot(w: WorkerContext, r: Resident, how: 'soft' | 'hard'): Promise<void> {
  if (r.record.power === 'off') throw new HostError('wrong-state', `${r.id} is switched off; start it`);
  if (how === 'soft') {
    const vm = await ready(w, r);
    const kernel = vm.kernel;
    if (!kernel.halted) await haltsBy(w, r, vm, ['/sbin/reboot']);
    // The loop has booted it already when it went by itself.
    if (r.vm === vm && vm.kernel !== kernel) return;
  }
  await withLock(r, async () => {
    if (r.vm) restart(w, r);
    else {
      if (r.asleep) await w.store.dropCheckpoint(r.id);
      r.asleep = false;
      if (r.record.error !== '') await changeRecord(w, r, { error: '' });
      await load(w, r);
    }
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

/** Changes between the wall clock and a clock of instructions. */
function changePace(vm: Vm, deterministic: boolean): void {
  const { time } = vm.kernel;
  if (deterministic === time.nsPerInstruction > 0) return;
  time.nsPerInstruction = deterministic ? DETERMINISTIC_NS : 0;
  if (!deterministic) vm.bootHostNs = performance.now() * 1e6 - time.nowNs;
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

/** Where less of the worker's memory than this is left, machines go to sleep sooner. */
const SCARCE = 0.15;
const SCARCE_PATIENCE_MS = 5000;

/** Puts machines to sleep that nobody has wanted for a while. */
export function hibernateIdle(w: WorkerContext, nowMs: number): void {
  let afterMs = w.start.hibernateAfterSec * 1000;
  const { framesFree, framesMax } = w.machine.stats();
  if (framesFree < framesMax * SCARCE) {
    afterMs = Math.min(afterMs, SCARCE_PATIENCE_MS);
    w.machine.dropShared();
  }
  for (const r of w.residents.values()) {
    const { vm } = r;
    if (!vm || r.ready || r.held || r.requests > 0 || r.booting || nowMs - r.activeMs < afterMs) continue;
    if (r.execs.size > 0 || r.bridges.size > 0 || vm.kernel.halted) continue;
    // One that will wake by itself soon is left alone: to sleep and wake costs more than to wait.
    if (!r.record.spec.deterministic && nextTimerNs(vm) / 1e6 < Math.max(30_000, afterMs / 2)) continue;
    r.activeMs = nowMs;
    withLock(r, async () => {
      if (r.vm === vm && !r.ready && r.requests === 0) await sleep(w, r, true);
    }).catch((error: Error) => w.log('error', `${r.id} cannot be put to sleep: ${error.message}`));
  }
}
