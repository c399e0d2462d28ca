/**
 * The host's ends of streams, as node streams. Always true: a worker is granted more only for what its reader has taken, and a writer
 * is called back only when the machine has room: nothing piles up here beyond a window each way.
 */
import { Readable, Writable } from 'node:stream';
import { ownBytes, PIECE_BYTES, type ToWorker } from './wire.ts';

export type SendToWorker = (message: ToWorker) => void;

type Item = Uint8Array | 'end' | { screen: Uint8Array; offset: number };

/** Output of a machine. */
export class GuestOutput extends Readable {
  /** Called with the screen that takes the place of what a lagging viewer missed; without it the screen is output like any other. */
  onScreen: ((screen: Uint8Array, offset: number) => void) | null = null;
  readonly #grant: (bytes: number) => void;
  readonly #gone: () => void;
  #items: Item[] = [];
  #wanted = false;
  #finished = false;

  constructor(grant: (bytes: number) => void, gone: () => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#grant = grant;
    this.#gone = gone;
  }

  /** Something came from the worker. */
  accept(item: Item): void {
    if (this.destroyed) return;
    this.#items.push(item);
    this.#flow();
  }

  override _read(): void {
    this.#wanted = true;
    this.#flow();
  }

  #flow(): void {
    while (this.#wanted && this.#items.length > 0) {
      const item = this.#items[0];
      if (item === 'end') {
        this.#items.shift();
        this.#finished = true;
        this.push(null);
        return;
      }
      if (!(item instanceof Uint8Array)) {
        // What came before it must have been read, or the screen would be drawn too early.
        if (this.readableLength > 0) {
          setImmediate(() => this.#flow());
          return;
        }
        this.#items.shift();
        this.#grant(item.screen.length);
        if (this.onScreen) this.onScreen(item.screen, item.offset);
        else this.#wanted = this.push(item.screen);
        continue;
      }
      this.#items.shift();
      this.#grant(item.length);
      this.#wanted = this.push(item);
    }
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#items = [];
    if (!this.#finished) this.#gone();
    callback(error);
  }
}

/** Input of a machine. */
export class GuestInput extends Writable {
  readonly #window: number;
  readonly #post: (bytes: Uint8Array) => void;
  readonly #finish: () => void;
  #onTheWay = 0;
  #waiting: { rest: Uint8Array; callback: (error?: Error | null) => void } | null = null;

  constructor(window: number, post: (bytes: Uint8Array) => void, finish: () => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#window = window;
    this.#post = post;
    this.#finish = finish;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#waiting = { rest: chunk, callback };
    this.#flow();
  }

  /** The machine has taken so much. */
  taken(bytes: number): void {
    this.#onTheWay -= bytes;
    this.#flow();
  }

  #flow(): void {
    while (this.#waiting && this.#onTheWay < this.#window) {
      const { rest, callback } = this.#waiting;
      const piece = rest.subarray(0, PIECE_BYTES);
      if (piece.length > 0) {
        this.#onTheWay += piece.length;
        this.#post(ownBytes(piece));
      }
      this.#waiting = piece.length < rest.length ? { rest: rest.subarray(PIECE_BYTES), callback } : null;
      if (!this.#waiting) callback();
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#finish();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.writableFinished) this.#finish();
    this.#waiting = null;
    callback(error);
  }
}
