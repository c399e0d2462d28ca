/**
 * The power switch: start, stop, reboot, and what a kernel that has halted asks for. Always true: a machine's record in the store says what
 * should be, before it is.
 */
import { identityOf, realtimeLagNs, rebootVm, shiftRealtime, spawnProcess, type Vm } from '../../vm/index.ts';
import { HostError } from '../types.ts';
import { type WorkerContext, wake } from './context.ts';
import { applyQuotas, bootOptions } from './create.ts';
import { commit } from './loop.ts';
import {
  beginBoot,
  bootFromStore,
  changeRecord,
  letGo,
  load,
  ready,
  take,
  tellState,
  withLock,
} from './residency.ts';
import type { Resident } from './resident.ts';
import { dropSessions, saveSessions } from './sessions.ts';

/** How long `poweroff` may take before the plug is pulled. */
const SOFT_STOP_MS = 10_000;

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
