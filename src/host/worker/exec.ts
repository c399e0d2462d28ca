/**
 * A command carried out whole: run, bounded, collected. Always true: what it answers depends on the machine alone, never on how its
 * slices were cut: budgets and bounds are looked at where slices end, and slices of a deterministic machine are all alike.
 */
import { SIGKILL } from '../../kernel/signal/bits.ts';
import {
  closeInput,
  exitStatusOf,
  forgetProcess,
  inspectPart,
  kernelSummary,
  readOutput,
  signalTree,
  spawnProcess,
  type Vm,
  writeInput,
} from '../../vm/index.ts';
import type { ExecRequest, ExecResult, KernelChange } from '../types.ts';
import { processExit } from './process.ts';

/** Log lines that an answer holds. */
const MAX_LOG_LINES = 1000;
/** What a killed command may still take to die, before it is left behind. */
const GRACE_INSTRUCTIONS = 50e6;
const GRACE_NS = 2e9;

/** What is kept of an output stream. */
class Collector {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  truncated = false;
  readonly #max: number;
  constructor(max: number) {
    this.#max = max;
  }
  push(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, Math.max(0, this.#max - this.length));
    if (kept.length < bytes.length) this.truncated = true;
    if (kept.length > 0) this.chunks.push(kept);
    this.length += kept.length;
  }
  take(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.chunks));
  }
}

interface Before {
  summary: ReturnType<typeof kernelSummary>;
  devices: string[];
  retired: number;
  nowNs: number;
}

const deviceNames = (vm: Vm): string[] => vm.kernel.drivers.devices.flatMap(({ node }) => node ?? []);

function look(vm: Vm): Before {
  const { sched, time } = vm.kernel;
  return {
    summary: kernelSummary(vm),
    devices: deviceNames(vm),
    retired: sched.retired,
    nowNs: time.nowNs,
  };
}

const added = (before: readonly string[], after: readonly string[]): string[] =>
  after.filter((name) => !before.includes(name));

export class Exec {
  readonly #request: ExecRequest;
  readonly #before: Before;
  readonly #pid: number;
  readonly #stdout: Collector;
  readonly #stderr: Collector;
  readonly #resolve: (result: ExecResult) => void;
  #input: Uint8Array;
  #inputOpen = true;
  /** Set when the budget is spent: what the machine had done by then. */
  #killed: { retired: number; nowNs: number } | null = null;
  done = false;

  constructor(vm: Vm, request: ExecRequest, resolve: (result: ExecResult) => void) {
    const { budget, stdin, ...command } = request;
    this.#request = request;
    this.#before = look(vm);
    this.#resolve = resolve;
    this.#stdout = new Collector(budget.outputBytes);
    this.#stderr = new Collector(budget.outputBytes);
    this.#input = stdin ?? new Uint8Array(0);
    this.#pid = spawnProcess(vm, command);
  }

  /** Instructions it may still use. */
  leftInstructions(vm: Vm): number {
    if (this.#killed) return GRACE_INSTRUCTIONS - (vm.kernel.sched.retired - this.#killed.retired);
    return this.#request.budget.instructions - (vm.kernel.sched.retired - this.#before.retired);
  }

  /** Nanoseconds of the machine's time it may still use. */
  leftNs(vm: Vm): number {
    if (this.#killed) return GRACE_NS - (vm.kernel.time.nowNs - this.#killed.nowNs);
    return this.#request.budget.virtualSeconds * 1e9 - (vm.kernel.time.nowNs - this.#before.nowNs);
  }

  /** Moves bytes, and ends it when it has ended. Answers whether anything moved. */
  pump(vm: Vm): boolean {
    if (this.done) return false;
    let moved = this.#feed(vm);
    const status = exitStatusOf(vm, this.#pid);
    moved = this.#collect(vm) || moved;
    if (status) {
      forgetProcess(vm, this.#pid);
      this.#finish(vm, { ...processExit(status), outcome: this.#killed ? 'budget' : 'exited' });
      return true;
    }
    if (this.leftInstructions(vm) > 0 && this.leftNs(vm) > 0) return moved;
    if (this.#killed) {
      // It sleeps where no signal reaches it, or spins in the kernel: it stays, as on Linux.
      forgetProcess(vm, this.#pid);
      this.#finish(vm, { exitCode: null, signal: null, outcome: 'budget' });
      return true;
    }
    this.#killed = { retired: vm.kernel.sched.retired, nowNs: vm.kernel.time.nowNs };
    signalTree(vm, this.#pid, SIGKILL);
    return true;
  }

  /** The machine has halted under it. */
  halted(vm: Vm): void {
    if (this.done) return;
    this.#collect(vm);
    this.#finish(vm, { exitCode: null, signal: null, outcome: 'halted' });
  }

  #feed(vm: Vm): boolean {
    if (!this.#inputOpen) return false;
    const taken = this.#input.length > 0 ? writeInput(vm, this.#pid, this.#input) : 0;
    this.#input = taken < 0 ? new Uint8Array(0) : this.#input.subarray(taken);
    if (this.#input.length > 0) return taken > 0;
    this.#inputOpen = false;
    closeInput(vm, this.#pid);
    return true;
  }

  #collect(vm: Vm): boolean {
    let moved = false;
    for (const [name, into] of [
      ['stdout', this.#stdout],
      ['stderr', this.#stderr],
    ] as const)
      for (;;) {
        const bytes = readOutput(vm, this.#pid, name);
        if (bytes.length === 0) break;
        into.push(bytes);
        moved = true;
      }
    return moved;
  }

  #finish(vm: Vm, end: Pick<ExecResult, 'exitCode' | 'signal' | 'outcome'>): void {
    this.done = true;
    const { summary, retired, nowNs } = this.#before;
    const { sched, time, printk } = vm.kernel;
    const lines = printk.records.filter(({ seq }) => seq >= summary.nextLogSequence);
    const printed = printk.nextSeq - summary.nextLogSequence;
    const kept = lines.slice(-MAX_LOG_LINES);
    this.#resolve({
      ...end,
      stdout: this.#stdout.take(),
      stderr: this.#stderr.take(),
      truncated: {
        stdout: this.#stdout.truncated,
        stderr: this.#stderr.truncated,
        kernelLog: kept.length < printed,
      },
      instructions: sched.retired - retired,
      virtualSeconds: (time.nowNs - nowNs) / 1e9,
      kernelLog: kept.map(({ level, timeNs, text }) => ({ level, timeNs, text })),
      kernel: this.#change(vm),
    });
  }

  #change(vm: Vm): KernelChange {
    const { summary, devices } = this.#before;
    const after = kernelSummary(vm);
    const nodes = deviceNames(vm);
    const { halted } = inspectPart(vm, 'identity');
    return {
      modulesAdded: added(summary.modules, after.modules),
      modulesRemoved: added(after.modules, summary.modules),
      devicesAdded: added(devices, nodes),
      devicesRemoved: added(nodes, devices),
      taintBefore: summary.taint,
      taintAfter: after.taint,
      oopses: after.oopses - summary.oopses,
      health: halted
        ? halted.reason === 'panic'
          ? 'panicked'
          : halted.reason === 'simulator bug'
            ? 'simulator bug'
            : 'halted'
        : after.oopses > 0
          ? 'oopsed'
          : 'running',
    };
  }
}
