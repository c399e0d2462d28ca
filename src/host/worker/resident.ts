/**
 * A machine as its worker holds it: the VM while it is awake, and everything around it that outlives its sleep. Always true: `vm`
 * is null unless the machine is in this worker's memory; whoever looks at a terminal stays attached while it sleeps.
 */
import type { Vm } from '../../vm/index.ts';
import type { VmRecord } from '../store-types.ts';
import type { KernelHealth, VmEvent, VmState, VmStatus } from '../types.ts';
import type { Exec } from './exec.ts';
import type { ProcessBridge } from './process.ts';
import { ByteRing } from './ring.ts';
import { newSchedulable, type Schedulable } from './scheduler.ts';
import type { Terminal } from './terminal.ts';
import type { Watched } from './watch.ts';

export const CONSOLE = 'console';
/** Text of the console that is kept. */
const CONSOLE_LOG_BYTES = 1024 * 1024;

/** A stream in one direction or two that is neither process nor terminal: a tree, a connection. */
export interface Bridge {
  readonly handle: number;
  readonly done: boolean;
  pump(vm: Vm): boolean;
  /** The machine is gone. */
  lose(error: { code: 'closed' | 'worker-lost' | 'no-such-vm'; message: string }): void;
  data?(bytes: Uint8Array): void;
  end?(): void;
  credit?(bytes: number): void;
  close?(vm: Vm | null): void;
}

export interface Resident extends Schedulable {
  readonly id: string;
  record: VmRecord;
  vm: Vm | null;
  /** Memory is in the store. */
  asleep: boolean;
  /** Calls that change its power take turns. */
  lock: Promise<unknown>;
  /** Set while it boots: resolves when the boot scripts are through. */
  booting: { resolve: () => void; done: Promise<void>; sinceMs: number } | null;
  /** Its guest waits for the disk: it must not run. */
  held: boolean;
  /** Work on the disk that is under way. */
  commit: Promise<void> | null;
  dirtySinceMs: number;
  terminals: Map<string, Terminal>;
  processes: Map<number, ProcessBridge>;
  bridges: Map<number, Bridge>;
  execs: Set<Exec>;
  /** Handles of viewers, and which terminal they look at. */
  viewers: Map<number, string>;
  consoleLog: ByteRing;
  nextTerminal: number;
  /** Commands of a deterministic machine take turns. */
  execTurn: Promise<unknown>;
  /** Requests under way: it is not put to sleep meanwhile. */
  requests: number;
  /** Requests that let a deterministic machine run (commands aside, see `execs`). */
  driven: number;
  /** When somebody last wanted something of it, or it had something to do (host clock, ms). */
  activeMs: number;
  /** Output it may still print now, and when that was worked out. */
  allowance: { bytes: number; atMs: number };
  /** When it reboots by itself after a panic; Infinity: not. */
  rebootAtMs: number;
  /** A deterministic machine with somebody at a terminal: until when its idle time takes real time. */
  pacedUntilMs: number;
  /** Nanoseconds an instruction takes here, on average. */
  nsPerInstruction: number;
  watched: Watched | null;
  /** The last status, for while it sleeps. */
  lastStatus: VmStatus | null;
}

export function newResident(record: VmRecord, nowMs: number): Resident {
  const { quotas, id } = record.spec;
  return {
    ...newSchedulable(quotas.cpuShare),
    id,
    record,
    vm: null,
    asleep: false,
    lock: Promise.resolve(),
    booting: null,
    held: false,
    commit: null,
    dirtySinceMs: 0,
    terminals: new Map(),
    processes: new Map(),
    bridges: new Map(),
    execs: new Set(),
    viewers: new Map(),
    consoleLog: new ByteRing(CONSOLE_LOG_BYTES),
    nextTerminal: 1,
    execTurn: Promise.resolve(),
    requests: 0,
    driven: 0,
    activeMs: nowMs,
    allowance: { bytes: quotas.outputBytesPerSec, atMs: nowMs },
    rebootAtMs: Number.POSITIVE_INFINITY,
    pacedUntilMs: 0,
    nsPerInstruction: 15,
    watched: null,
    lastStatus: null,
  };
}

/** What a kernel says of itself. */
export function healthOf(vm: Vm): KernelHealth {
  const { halted, panic } = vm.kernel;
  if (halted?.reason === 'panic') return 'panicked';
  if (halted?.reason === 'simulator bug') return 'simulator bug';
  if (halted?.reason === 'restart' && panic.reports.at(-1)?.kind === 'panic') return 'panicked';
  if (halted) return 'halted';
  return panic.deaths > 0 ? 'oopsed' : 'running';
}

function stateOf(r: Resident): VmState {
  if (r.record.error !== '') return 'ERROR';
  if (r.record.power === 'off') return 'SHUTOFF';
  if (r.asleep) return 'SUSPENDED';
  return r.vm?.kernel.halted?.reason === 'simulator bug' ? 'ERROR' : 'ACTIVE';
}

const PAGE = 4096;

/** The status of a machine, awake or not. */
export function statusOf(r: Resident, diskBytes: number): VmStatus {
  const { spec } = r.record;
  const { quotas } = spec;
  const state = stateOf(r);
  const k = r.vm?.kernel;
  const last = r.lastStatus;
  const status: VmStatus = {
    id: r.id,
    state,
    kernel: k
      ? {
          release: k.identity.release,
          health: healthOf(r.vm as Vm),
          taint: k.taint,
          uptimeSec: k.time.nowNs / 1e9,
        }
      : {
          release: last?.kernel.release ?? spec.kernel ?? '',
          health: state === 'SHUTOFF' ? 'halted' : (last?.kernel.health ?? 'running'),
          taint: last?.kernel.taint ?? 0,
          uptimeSec: state === 'SHUTOFF' ? 0 : (last?.kernel.uptimeSec ?? 0),
        },
    memory: {
      quotaBytes: quotas.memoryMiB * 2 ** 20,
      usedBytes: k ? k.guest.usedPages * PAGE : 0,
    },
    disk: {
      quotaBytes: quotas.diskMiB * 2 ** 20,
      usedBytes: k ? k.fs.rootMount.sb.usedBytes : diskBytes,
    },
    instructions: k ? k.sched.retired : (last?.instructions ?? 0),
  };
  if (k) r.lastStatus = status;
  return status;
}

export type EventKind = VmEvent['kind'];
