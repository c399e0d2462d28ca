/** An SFTP session of a user, as a bridge: requests come in, answers go out. Always true: no request is looked at before there is room for its answer. */

import type { Vm } from '../../vm/index.ts';
import { SftpServer } from '../../vm/sftp/server.ts';
import { findUser } from '../../vm/users.ts';
import { HostError } from '../types.ts';
import { type PlainError, STREAM_WINDOW } from '../wire.ts';
import type { Bridge } from './resident.ts';
import { Inlet, Outlet, type Send } from './streams.ts';

/** Requests looked at in one turn, so that a flood of them does not keep the guest and others waiting. */
const BYTES_A_TURN = 512 * 1024;

export class SftpSession implements Bridge {
  readonly handle: number;
  done = false;
  readonly #send: Send;
  readonly #server: SftpServer;
  readonly #inlet: Inlet;
  readonly #outlet: Outlet;

  /** Throws a HostError where the machine has no such user. */
  constructor(send: Send, handle: number, vm: Vm, name: string) {
    const user = findUser(vm.kernel, name);
    if (!user) throw new HostError('no-such-user', `the machine has no user ${name}`);
    this.handle = handle;
    this.#send = send;
    this.#server = new SftpServer(vm.kernel, user);
    this.#inlet = new Inlet((bytes) => send(['taken', handle, bytes]));
    this.#outlet = new Outlet(send, handle, 0, STREAM_WINDOW);
  }

  pump(vm: Vm): boolean {
    let budget = BYTES_A_TURN;
    const answers: Buffer[] = [];
    let waiting = 0;
    const moved = this.#inlet.drain((bytes) => {
      if (this.#outlet.credit - waiting <= 0 || budget <= 0) return 0;
      budget -= bytes.length;
      this.#server.receive(bytes, (packet) => {
        answers.push(packet);
        waiting += packet.length;
      });
      return this.#server.broken ? -1 : bytes.length;
    });
    if (waiting > 0) this.#outlet.data(Buffer.concat(answers));
    if (this.#server.broken || (this.#inlet.ended && this.#inlet.empty)) {
      this.#outlet.end();
      this.close(vm);
    }
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
    if (vm?.kernel === this.#server.k) this.#server.close();
  }

  lose(error: PlainError): void {
    this.done = true;
    this.#send(['lost', this.handle, error]);
  }
}
