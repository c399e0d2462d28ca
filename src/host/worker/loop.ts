/**
 * The worker's loop: one turn of one machine at a time, a few milliseconds each, with the port's messages in between. Always true: a
 * turn begins and ends with moving bytes, so that a key pressed is echoed in the turn after it; a machine that neither runs nor
 * moves bytes sleeps until input or its next timer.
 */
import { forgetProcess, runVm, type SliceResult, type Vm } from '../../vm/index.ts';
import { tell, type WorkerContext } from './context.ts';
import { haltedNow } from './power.ts';
import { wakeForTimer } from './residency.ts';
import { CONSOLE, type Resident } from './resident.ts';
import { forgetHandle, wireOf } from './sessions.ts';
import { lookForEvents } from './watch.ts';

/** How long a turn should take. */
const TURN_MS = 3;
const MIN_SLICE = 20_000;
const MAX_SLICE = 2_000_000;
/** Slices of a deterministic machine are all alike, so that it stops at the same instruction under any load. */
const DETERMINISTIC_SLICE = 300_000;
/** Boot scripts are through when the machine waits for longer than this. */
const BOOT_PATIENCE_MS = 1000;
const BOOT_LIMIT_MS = 30_000;
/** How long the terminal of an ended process stays, so that who comes back sees how it ended. */
const EXITED_TERMINAL_MS = 60_000;

/** Whether the machine's clock is derived from instructions and nobody waits for it: then it stands still. */
function frozen(r: Resident): boolean {
  if (!r.record.spec.deterministic) return false;
  if (r.execs.size > 0 || r.driven > 0 || r.booting || r.processes.size > 0 || r.bridges.size > 0)
    return false;
  for (const terminal of r.terminals.values())
    if (!terminal.exit && (terminal.start.id !== CONSOLE || terminal.viewers.size > 0)) return false;
  return true;
}

/** Bytes that its terminals may print now. */
function refill(r: Resident, nowMs: number): number {
  if (r.record.spec.deterministic) return Number.POSITIVE_INFINITY;
  const rate = r.record.spec.quotas.outputBytesPerSec;
  const { allowance } = r;
  allowance.bytes = Math.min(rate, allowance.bytes + ((nowMs - allowance.atMs) / 1000) * rate);
  allowance.atMs = nowMs;
  return Math.floor(allowance.bytes);
}

/** Moves bytes between the machine and everybody outside. Answers whether any moved. */
export function pump(w: WorkerContext, r: Resident, vm: Vm, nowMs: number): boolean {
  let moved = false;
  let allowed = refill(r, nowMs);
  for (const terminal of r.terminals.values()) {
    if (terminal.exit && terminal.start.id !== CONSOLE) {
      if (terminal.viewers.size > 0) terminal.pump(ended, 0);
      else if (nowMs - terminal.exitMs > EXITED_TERMINAL_MS) r.terminals.delete(terminal.start.id);
      continue;
    }
    const wire = wireOf(r, terminal);
    if (!wire) continue;
    const exit = wire.exit();
    const { printed, moved: any } = terminal.pump(wire, allowed);
    allowed -= printed;
    r.allowance.bytes -= printed;
    w.counters.terminalBytes += printed;
    moved ||= any;
    if (exit && allowed > 0 && terminal.room() > 0) {
      terminal.finish(exit, nowMs);
      forgetProcess(vm, terminal.start.pid);
      tell(w, r, 'terminal.closed', { terminal: terminal.start.id, pid: terminal.start.pid, ...exit });
      moved = true;
    }
  }
  for (const process of r.processes.values()) {
    const before = process.exit;
    moved = process.pump(vm) || moved;
    if (process.exit && !before) tell(w, r, 'process.exit', { pid: process.pid, ...process.exit });
    if (process.done) {
      r.processes.delete(process.handle);
      forgetHandle(w, r, process.handle);
    }
  }
  for (const bridge of r.bridges.values()) {
    moved = bridge.pump(vm) || moved;
    if (bridge.done) {
      r.bridges.delete(bridge.handle);
      forgetHandle(w, r, bridge.handle);
    }
  }
  for (const exec of r.execs) {
    moved = exec.pump(vm) || moved;
    if (exec.done) r.execs.delete(exec);
  }
  if (moved) r.activeMs = nowMs;
  return moved;
}

/** The wire of a terminal whose process is gone. */
const ended = {
  read: () => new Uint8Array(0),
  write: () => -1,
  resize: () => {},
  exit: () => null,
  begun: () => true,
};

/** How far the clock of a deterministic machine may jump over idle time now. */
function skipOf(r: Resident, vm: Vm): number {
  if (!r.record.spec.deterministic) return 0;
  if (r.booting) return BOOT_PATIENCE_MS * 1e6;
  if (r.execs.size > 0) return Math.max(0, execLeft(r, vm).ns);
  if (r.driven > 0) return Number.POSITIVE_INFINITY;
  // With a terminal open, idle time takes as long as it says.
  return performance.now() >= r.pacedUntilMs ? Number.POSITIVE_INFINITY : 0;
}

function execLeft(r: Resident, vm: Vm): { instructions: number; ns: number } {
  let instructions = Number.POSITIVE_INFINITY;
  let ns = Number.POSITIVE_INFINITY;
  for (const exec of r.execs) {
    instructions = Math.min(instructions, exec.leftInstructions(vm));
    ns = Math.min(ns, exec.leftNs(vm));
  }
  return { instructions, ns };
}

function sliceBudget(r: Resident, vm: Vm): number {
  const wanted = r.record.spec.deterministic
    ? DETERMINISTIC_SLICE
    : Math.min(MAX_SLICE, Math.max(MIN_SLICE, (TURN_MS * 1e6) / r.nsPerInstruction));
  return Math.max(1, Math.floor(Math.min(wanted, execLeft(r, vm).instructions)));
}

/** One turn of a machine. */
export function turn(w: WorkerContext, r: Resident): void {
  const beginMs = performance.now();
  const { vm } = r;
  if (!vm || r.held || frozen(r)) {
    w.scheduler.sleep(r);
    if (!vm && r.asleep) wakeForTimer(w, r);
    else if (vm && !r.held) pump(w, r, vm, beginMs);
    return;
  }
  const halted = vm.kernel.halted !== null;
  let moved = pump(w, r, vm, beginMs);
  if (halted) {
    w.scheduler.sleep(r, r.rebootAtMs);
    haltedNow(w, r, vm, beginMs);
    if (moved) w.scheduler.wake(r);
    return;
  }
  const slice = runVm(vm, sliceBudget(r, vm), skipOf(r, vm), 1);
  const nowMs = performance.now();
  if (slice.retired > 10_000) {
    const ns = ((nowMs - beginMs) * 1e6) / slice.retired;
    r.nsPerInstruction += (Math.min(1000, Math.max(2, ns)) - r.nsPerInstruction) / 4;
  }
  w.counters.instructions += slice.retired;
  w.counters.slices++;
  moved = pump(w, r, vm, nowMs) || moved;
  if (r.watched)
    lookForEvents(vm, r.watched, nowMs, (kind, detail) => {
      tell(w, r, kind, detail);
    });
  noteDirty(w, r, vm, nowMs);
  if (slice.state === 'sync') holdForDisk(w, r, vm);
  else if (slice.state === 'idle' && !moved) idle(w, r, vm, slice, nowMs);
  else if (slice.state === 'halted') haltedNow(w, r, vm, nowMs);
  w.scheduler.charge(r, performance.now() - beginMs);
}

/** Whether the boot scripts are through: the console waits for a login, or nothing more seems to come. */
function isUp(vm: Vm, slice: SliceResult, sinceMs: number): boolean {
  if (slice.idleMs > BOOT_PATIENCE_MS || sinceMs > BOOT_LIMIT_MS) return true;
  for (const group of vm.kernel.task.groups.values())
    if (group.tty && vm.kernel.task.tasks.get(group.pid)?.comm === 'agetty') return true;
  return false;
}

/** Nothing to run and nothing to move: until when? */
function idle(w: WorkerContext, r: Resident, vm: Vm, slice: SliceResult, nowMs: number): void {
  if (r.booting && isUp(vm, slice, nowMs - r.booting.sinceMs)) {
    r.booting.resolve();
    r.booting = null;
  }
  for (const terminal of r.terminals.values())
    if (terminal.awaitsSession && terminal.hasInput()) {
      // A login that waits before there is a session is asking something.
      terminal.awaitsSession = false;
      return;
    }
  let waitMs = slice.idleMs;
  if (r.execs.size > 0) {
    const { ns } = execLeft(r, vm);
    if (r.record.spec.deterministic) {
      // Whatever it waits for comes after its time is up, or never.
      vm.kernel.time.nowNs += Math.max(0, ns);
      return;
    }
    waitMs = Math.min(waitMs, ns / 1e6);
  }
  if (r.record.spec.deterministic) r.pacedUntilMs = nowMs + waitMs;
  const rate = r.record.spec.quotas.outputBytesPerSec;
  if (r.allowance.bytes < 1) waitMs = Math.min(waitMs, Math.max(10, (1000 * Math.min(rate, 4096)) / rate));
  w.scheduler.sleep(r, nowMs + waitMs);
}

/** A machine whose disk has changed is saved within the second. */
function noteDirty(w: WorkerContext, r: Resident, vm: Vm, nowMs: number): void {
  if (r.dirtySinceMs === 0 && w.store.isDirty(vm.kernel)) r.dirtySinceMs = nowMs;
}

/** A program waits for its data to be durable. */
function holdForDisk(w: WorkerContext, r: Resident, vm: Vm): void {
  r.held = true;
  w.scheduler.sleep(r);
  w.counters.syncs++;
  commit(w, r, vm).then(() => {
    r.held = false;
    w.scheduler.wake(r);
    w.kick();
  });
}

/** Makes the machine's disk durable as it is now; tries again for as long as the store refuses: its programs wait. */
export async function commit(w: WorkerContext, r: Resident, vm: Vm): Promise<void> {
  r.dirtySinceMs = 0;
  for (let tries = 0; r.vm === vm; tries++) {
    try {
      const work = w.store.commitDisk(r.id, vm.kernel);
      r.commit = work;
      await work;
      w.counters.commits++;
      return;
    } catch (error) {
      if (tries === 0 || tries % 30 === 0)
        w.log('error', `the disk of ${r.id} cannot be written: ${(error as Error).message}`);
      if (w.closing || (error as { code?: string }).code === 'no-such-vm') return;
      await new Promise((resolve) => setTimeout(resolve, 1000));
    } finally {
      r.commit = null;
    }
  }
}

/** Saves the disks that have waited for half a second. */
export function commitDirty(w: WorkerContext, nowMs: number): void {
  for (const r of w.residents.values())
    if (r.vm && r.dirtySinceMs > 0 && nowMs - r.dirtySinceMs > 400 && !r.commit) void commit(w, r, r.vm);
}
