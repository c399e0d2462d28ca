/** A connection from outside to a port of a machine's loopback, as a bridge. See kernel/net/host.ts. */
import { hostConnect, hostDisconnect, hostReceive, hostSend, hostShutdown } from '../../kernel/net/host.ts';
import { errnoName, type Vm } from '../../vm/index.ts';
import { HostError } from '../types.ts';
import { type PlainError, STREAM_WINDOW } from '../wire.ts';
import type { Bridge } from './resident.ts';
import { Inlet, Outlet, type Send } from './streams.ts';

export class Connection implements Bridge {
  readonly handle: number;
  done = false;
  readonly #send: Send;
  readonly #connection: number;
  readonly #inlet: Inlet;
  readonly #outlet: Outlet;
  #shut = false;

  /** Throws a HostError where the machine refuses (ECONNREFUSED). */
  constructor(send: Send, handle: number, vm: Vm, port: number) {
    const connection = hostConnect(vm.kernel, port);
    if (connection < 0) {
      const errno = errnoName(-connection);
      throw new HostError('guest', `connection to port ${port}: ${errno}`, errno);
    }
    this.#connection = connection;
    this.handle = handle;
    this.#send = send;
    this.#inlet = new Inlet((bytes) => send(['taken', handle, bytes]));
    this.#outlet = new Outlet(send, handle, 0, STREAM_WINDOW);
  }

  pump({ kernel: k }: Vm): boolean {
    let moved = this.#inlet.drain((bytes) => hostSend(k, this.#connection, bytes));
    if (this.#inlet.ended && this.#inlet.empty && !this.#shut) {
      this.#shut = true;
      hostShutdown(k, this.#connection);
      moved = true;
    }
    while (this.#outlet.credit > 0 && !this.#outlet.ended) {
      const bytes = hostReceive(k, this.#connection, Math.min(65536, this.#outlet.credit));
      if (bytes === null) {
        this.#outlet.end();
        moved = true;
      } else if (bytes.length === 0) break;
      else {
        this.#outlet.data(bytes);
        moved = true;
      }
    }
    if (this.#outlet.ended && (this.#shut || this.#outlet.closed)) this.close({ kernel: k } as Vm);
    return moved;
  }

  data(bytes: Uint8Array): void {
    this.#inlet.push(bytes);
  }

  end(): void {
    this.#inlet.ended = true;
  }

  credit(bytes: number): void {
    this.#outlet.credit += bytes;
  }

  close(vm: Vm | null): void {
    if (this.done) return;
    this.done = true;
    this.#outlet.closed = true;
    if (vm) hostDisconnect(vm.kernel, this.#connection);
  }

  lose(error: PlainError): void {
    this.done = true;
    this.#send(['lost', this.handle, error]);
  }
}
