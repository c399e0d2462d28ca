/**
 * The last bytes of a stream, by position. Always true: positions count from the stream's beginning and never go back; what is
 * older than the ring's size is gone; memory is taken as it fills.
 */
export class ByteRing {
  readonly maxBytes: number;
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;

  constructor(maxBytes: number, at = 0) {
    this.maxBytes = maxBytes;
    this.#start = at;
    this.#end = at;
  }

  /** Position of the oldest byte kept, and after the newest. */
  get start(): number {
    return this.#start;
  }
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const tail = bytes.length > this.maxBytes ? bytes.subarray(bytes.length - this.maxBytes) : bytes;
    this.#end += bytes.length - tail.length;
    if (tail.length < bytes.length) this.#start = this.#end;
    this.#grow(Math.min(this.maxBytes, this.#end - this.#start + tail.length));
    const size = this.#bytes.length;
    let at = this.#end % size;
    for (let done = 0; done < tail.length; ) {
      const n = Math.min(tail.length - done, size - at);
      this.#bytes.set(tail.subarray(done, done + n), at);
      done += n;
      at = 0;
    }
    this.#end += tail.length;
    this.#start = Math.max(this.#start, this.#end - this.maxBytes);
  }

  /** A copy of at most `max` bytes from position `from` on, which must be kept. */
  slice(from: number, max = Number.POSITIVE_INFINITY): Uint8Array {
    const count = Math.max(0, Math.min(max, this.#end - from));
    const out = new Uint8Array(count);
    this.#copy(from, out);
    return out;
  }

  #copy(from: number, out: Uint8Array): void {
    const size = this.#bytes.length;
    for (let done = 0; done < out.length; ) {
      const at = (from + done) % size;
      const n = Math.min(out.length - done, size - at);
      out.set(this.#bytes.subarray(at, at + n), done);
      done += n;
    }
  }

  #grow(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const kept = this.slice(this.#start);
    let size = Math.max(1024, this.#bytes.length);
    while (size < needed) size *= 2;
    this.#bytes = new Uint8Array(Math.min(size, this.maxBytes));
    for (let i = 0; i < kept.length; ) {
      const at = (this.#start + i) % this.#bytes.length;
      const n = Math.min(kept.length - i, this.#bytes.length - at);
      this.#bytes.set(kept.subarray(i, i + n), at);
      i += n;
    }
  }
}
