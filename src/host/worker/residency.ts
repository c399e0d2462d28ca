/**
 * In memory or in the store: booting, waking and putting machines to sleep. Always true: whatever moves a machine holds its lock, so that
 * one thing happens at a time; who needs a machine says so with {@link use}, and it does not sleep meanwhile.
 */
import type { Image } from '../../image/index.ts';
import type { KernelHost } from '../../kernel/kernel.ts';
import {
  bootVm,
  catchUp,
  destroyVm,
  nextTimerNs,
  passTime,
  realtimeLagNs,
  restoreVm,
  shiftRealtime,
  type Vm,
} from '../../vm/index.ts';
import { StoreError, type VmRecord } from '../store-types.ts';
import { HostError } from '../types.ts';
import { tell, type WorkerContext, wake } from './context.ts';
import { applyQuotas, bootOptions } from './create.ts';
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

/** A machine that was put to sleep unasked does not notice, unless it was for longer than this. */
const UNNOTICED_SLEEP_MS = 86_400_000;

/** What a kernel tells its host. */
export const kernelHost = (w: WorkerContext, r: Resident): KernelHost => ({
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

export const tellState = (w: WorkerContext, r: Resident): void => {
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

export async function changeRecord(w: WorkerContext, r: Resident, change: Partial<VmRecord>): Promise<void> {
  r.record = { ...r.record, ...change };
  await w.store.update(r.id, change);
}

/** The VM is in memory from here on, and runs. */
export function take(w: WorkerContext, r: Resident, vm: Vm): void {
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
export function letGo(w: WorkerContext, r: Resident): void {
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

/** The image under the machine's disk; a snapshot may have brought another one. */
const imageOf = (w: WorkerContext, r: Resident): Image =>
  w.images.of(w.store.get(r.id)?.imageId ?? r.record.imageId);

export function beginBoot(r: Resident): void {
  r.booting?.resolve();
  let resolve = (): void => {};
  const done = new Promise<void>((settle) => {
    resolve = settle;
  });
  r.booting = { resolve, done, sinceMs: performance.now() };
}

/** Boots from the disk of the store, as after a power cut. */
export function bootFromStore(w: WorkerContext, r: Resident): void {
  const image = imageOf(w, r);
  const disk = w.store.loadDisk(r.id, image) ?? undefined;
  const vm = bootVm(w.machine, image, { ...bootOptions(r.record.spec), disk }, kernelHost(w, r));
  if (disk) w.store.attach(r.id, vm.kernel);
  w.counters.boots++;
  beginBoot(r);
  take(w, r, vm);
}

/** Real time has passed while the machine slept. */
function keepTime(vm: Vm, saved: SavedSessions): void {
  const sleptMs = Math.max(0, Date.now() - saved.sleptAtMs);
  if (saved.sleptAtMs === 0) shiftRealtime(vm, realtimeLagNs(vm, Date.now()));
  else if (saved.unasked && sleptMs < UNNOTICED_SLEEP_MS) passTime(vm, sleptMs * 1e6);
  else shiftRealtime(vm, sleptMs * 1e6);
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

export async function load(w: WorkerContext, r: Resident): Promise<void> {
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
