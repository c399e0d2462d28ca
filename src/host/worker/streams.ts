/**
 * The worker's ends of streams to the host. Always true: an outlet sends no more than it was granted; an inlet holds no more than a
 * window, and says what it has handed on, so that the host may send more.
 */
import { type Channel, type FromWorker, ownBytes } from '../wire.ts';

export type Send = (message: FromWorker) => void;

/** Bytes towards the host. */
export class Outlet {
  credit: number;
  /** Nobody reads any more. */
  closed = false;
  ended = false;
  readonly #send: Send;
  readonly #handle: number;
  readonly #channel: Channel;

  constructor(send: Send, handle: number, channel: Channel, credit: number) {
    this.#send = send;
    this.#handle = handle;
    this.#channel = channel;
    this.credit = credit;
  }

  data(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.closed) return;
    this.credit -= bytes.length;
    this.#send(['data', this.#handle, this.#channel, ownBytes(bytes)]);
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    if (!this.closed) this.#send(['end', this.#handle, this.#channel]);
  }
}

/** Bytes from the host, on their way into a machine. */
export class Inlet {
  ended = false;
  #chunks: Uint8Array[] = [];
  readonly #taken: (bytes: number) => void;

  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
  }

  get empty(): boolean {
    return this.#chunks.length === 0;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(bytes);
  }

  /** Hands on what `write` takes; a negative answer throws the rest away (nobody will read it). Answers whether any moved. */
  drain(write: (bytes: Uint8Array) => number): boolean {
    let moved = 0;
    while (this.#chunks.length > 0) {
      const chunk = this.#chunks[0];
      const answer = write(chunk);
      const taken = answer < 0 ? chunk.length : answer;
      moved += taken;
      if (taken < chunk.length) {
        if (taken > 0) this.#chunks[0] = chunk.subarray(taken);
        break;
      }
      this.#chunks.shift();
    }
    if (moved > 0) this.#taken(moved);
    return moved > 0;
  }
}
