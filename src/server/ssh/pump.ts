/**
 * Bytes between a channel and a machine. Always true: at most one write waits on a channel at a time, whichever stream it comes
 * from, so that a client that stops reading stops the machine's program and nothing piles up here.
 */
import type { Readable, Writable } from 'node:stream';
import type { ServerChannel } from 'ssh2';

/** Writes of both of a channel's streams, one after the other. */
export class ChannelWriter {
  readonly #channel: ServerChannel;
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(channel: ServerChannel) {
    this.#channel = channel;
    channel.once('close', () => {
      this.#closed = true;
    });
  }

  /** Resolves when the client has room for more; never after the channel is closed. */
  write(bytes: Uint8Array, to: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const stream: Writable = to === 'stdout' ? this.#channel : this.#channel.stderr;
    const next = this.#last.then(() =>
      this.#closed ? undefined : new Promise<void>((resolve) => stream.write(bytes, () => resolve())),
    );
    this.#last = next;
    return next;
  }
}

/** Copies a stream until it ends; `write` says when the next piece may come. */
export async function copy(from: Readable, write: (bytes: Buffer) => Promise<void>): Promise<void> {
  for await (const bytes of from) await write(bytes as Buffer);
}

/** Feeds a stream's bytes to another that may be slow, and ends it with it; errors of the far side are its own to tell. */
export function feed(from: Readable, to: Writable): void {
  to.on('error', () => from.resume());
  from.pipe(to);
}
