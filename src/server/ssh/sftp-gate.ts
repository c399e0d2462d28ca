/**
 * Stands between a client and the machine's own sftp-server, so that what a client is told is durable. Always true: bytes pass
 * unchanged and in order; the answer to a request that ends or changes something on disk (close of a file that was written, fsync,
 * rename…) is held until the machine's disk is synced, and with it everything behind it.
 * Source: draft-ietf-secsh-filexfer-02 (version 3), OpenSSH's PROTOCOL for the extensions.
 */

const Type = {
  OPEN: 3,
  CLOSE: 4,
  WRITE: 6,
  SETSTAT: 9,
  FSETSTAT: 10,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  RENAME: 18,
  SYMLINK: 20,
  EXTENDED: 200,
} as const;

/** Requests whose effect is on the disk when they are answered. */
const LASTING = new Set<number>([
  ...[
    Type.CLOSE,
    Type.SETSTAT,
    Type.FSETSTAT,
    Type.REMOVE,
    Type.MKDIR,
    Type.RMDIR,
    Type.RENAME,
    Type.SYMLINK,
  ],
]);
const LASTING_EXTENSIONS =
  /^(fsync|posix-rename|hardlink|lsetstat|copy-data)@openssh\.com$|^copy-data$|^lsetstat@/;
/** Length, type, request id, and of an extended request the length of its name and the name. */
const HEADER = 9;
const LONGEST_NAME = 64;
const EXTENDED_HEADER = HEADER + 4 + LONGEST_NAME;

/** Finds where packets begin in a stream that arrives in pieces of any size. */
class Packets {
  #head: Buffer = Buffer.alloc(0);
  #skip = 0;

  /**
   * Tells `packet` the first bytes of each packet as soon as enough of them are there, and the offset in `bytes` at which what
   * belongs to it (and was not passed before) begins.
   */
  scan(bytes: Buffer, packet: (head: Buffer, offset: number) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, bytes.length - at);
        this.#skip -= step;
        at += step;
        continue;
      }
      const from = at;
      const had = this.#head.length;
      const need = this.#wanted();
      const more = bytes.subarray(at, at + need - had);
      this.#head = had === 0 ? more : Buffer.concat([this.#head, more]);
      at += more.length;
      if (this.#head.length < this.#wanted()) continue;
      const head = this.#head;
      const length = 4 + head.readUInt32BE(0);
      this.#head = Buffer.alloc(0);
      this.#skip = Math.max(0, length - head.length);
      packet(head, had === 0 ? from : 0);
    }
  }

  /** How many bytes of the head tell what the packet is. */
  #wanted(): number {
    const head = this.#head;
    if (head.length < 5) return 5;
    const whole = 4 + head.readUInt32BE(0);
    const extended = head[4] === Type.EXTENDED;
    return Math.max(5, Math.min(whole, extended ? EXTENDED_HEADER : HEADER));
  }
}

export class SftpGate {
  readonly #requests = new Packets();
  readonly #answers = new Packets();
  /** Ids of requests whose answer waits for the disk. */
  readonly #lasting = new Set<number>();
  /** A file was opened: what is closed from now on may be more than a directory. */
  #opened = false;
  readonly #sync: () => Promise<void>;

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** Looks at what the client sends. */
  request(bytes: Buffer): void {
    this.#requests.scan(bytes, (head) => {
      const type = head[4];
      if (head.length < HEADER) return;
      if (type === Type.OPEN || type === Type.WRITE) this.#opened = true;
      else if (
        LASTING.has(type) ||
        (type === Type.EXTENDED && LASTING_EXTENSIONS.test(extensionName(head)))
      ) {
        if (type === Type.CLOSE && !this.#opened) return;
        this.#lasting.add(head.readUInt32BE(5));
      }
    });
  }

  /** Passes on what the machine answers, in order; resolves when `write` has taken all of it. */
  async answer(bytes: Buffer, write: (bytes: Buffer) => Promise<void>): Promise<void> {
    let hold = -1;
    this.#answers.scan(bytes, (head, offset) => {
      if (head.length < HEADER || !this.#lasting.delete(head.readUInt32BE(5))) return;
      if (hold < 0) hold = offset;
    });
    if (hold < 0) return write(bytes);
    if (hold > 0) await write(bytes.subarray(0, hold));
    await this.#sync();
    return write(bytes.subarray(hold));
  }
}

function extensionName(head: Buffer): string {
  if (head.length < HEADER + 4) return '';
  const length = Math.min(head.readUInt32BE(HEADER), LONGEST_NAME);
  return head.subarray(HEADER + 4, HEADER + 4 + length).toString('latin1');
}
