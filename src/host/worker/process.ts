/**
 * A process on three pipes for somebody outside. Always true: what the guest has written stays in its pipe until the reader has
 * granted room for it; the exit is told after the output that was there by then.
 */
import { signalNameOf } from '../../kernel/signal/names.ts';
import {
  closeInput,
  closeOutput,
  type ExitStatus,
  exitStatusOf,
  forgetProcess,
  outputEnded,
  readOutput,
  type Vm,
  writeInput,
} from '../../vm/index.ts';
import type { ProcessExit } from '../types.ts';
import { type Channel, STREAM_WINDOW } from '../wire.ts';
import { Inlet, Outlet, type Send } from './streams.ts';

const STREAMS = ['stdout', 'stderr'] as const;

export const processExit = ({ exitCode, signal }: ExitStatus): ProcessExit => ({
  exitCode,
  signal: signal === null ? null : signalNameOf(signal),
});

export class ProcessBridge {
  readonly handle: number;
  readonly pid: number;
  readonly inlet: Inlet;
  readonly outlets: readonly [Outlet, Outlet];
  exit: ProcessExit | null = null;
  /** Nothing is left to do for it. */
  done = false;
  readonly #send: Send;
  #inputOpen = true;

  constructor(send: Send, handle: number, pid: number) {
    this.#send = send;
    this.handle = handle;
    this.pid = pid;
    this.inlet = new Inlet((bytes) => send(['taken', handle, bytes]));
    this.outlets = [new Outlet(send, handle, 0, STREAM_WINDOW), new Outlet(send, handle, 1, STREAM_WINDOW)];
  }

  /** Moves bytes both ways. */
  pump(vm: Vm): boolean {
    let moved = false;
    if (this.#inputOpen) {
      moved = this.inlet.drain((bytes) => writeInput(vm, this.pid, bytes));
      if (this.inlet.ended && this.inlet.empty) {
        this.#inputOpen = false;
        closeInput(vm, this.pid);
        moved = true;
      }
    } else this.inlet.drain(() => -1);
    // The status first: what a process wrote before it ended is in the pipe when the status is.
    const status = this.exit ? null : exitStatusOf(vm, this.pid);
    let drained = true;
    for (const channel of [0, 1] as const) {
      moved = this.#pumpOut(vm, channel) || moved;
      const outlet = this.outlets[channel];
      if (!outlet.closed && !outlet.ended && outlet.credit <= 0) drained = false;
    }
    if (status && drained) {
      this.exit = processExit(status);
      this.#send(['exit', this.handle, this.exit]);
      moved = true;
    }
    if (this.exit && this.outlets.every(({ ended }) => ended)) {
      forgetProcess(vm, this.pid);
      this.done = true;
    }
    return moved;
  }

  #pumpOut(vm: Vm, channel: Channel): boolean {
    const outlet = this.outlets[channel];
    if (outlet.ended) return false;
    if (outlet.closed) {
      outlet.end();
      closeOutput(vm, this.pid, STREAMS[channel]);
      return true;
    }
    let moved = false;
    while (outlet.credit > 0) {
      const bytes = readOutput(vm, this.pid, STREAMS[channel], Math.min(65536, outlet.credit));
      if (bytes.length === 0) break;
      outlet.data(bytes);
      moved = true;
    }
    if (outputEnded(vm, this.pid, STREAMS[channel])) outlet.end();
    return moved;
  }

  /** The reader of one stream has gone, or the whole holder: the guest is told when it next runs. */
  close(channel: Channel | null): void {
    for (const each of channel === null ? ([0, 1] as const) : [channel]) this.outlets[each].closed = true;
    if (channel === null) this.inlet.ended = true;
  }
}
