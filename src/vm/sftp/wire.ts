/**
 * Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02). Always true: strings are byte strings, as names on the disk are; a packet
 * that is shorter than its fields makes the reader throw, once, and the request is answered as a bad message.
 */

export const Type = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const;

/** SSH_FX_*. */
export const Status = {
  OK: 0,
  EOF: 1,
  NO_SUCH_FILE: 2,
  PERMISSION_DENIED: 3,
  FAILURE: 4,
  BAD_MESSAGE: 5,
  OP_UNSUPPORTED: 8,
} as const;

export const STATUS_TEXT: Readonly<Record<number, string>> = {
  0: 'Success',
  1: 'End of file',
  2: 'No such file',
  3: 'Permission denied',
  4: 'Failure',
  5: 'Bad message',
  8: 'Operation unsupported',
};

/** SSH_FXF_*. */
export const Open = { READ: 1, WRITE: 2, APPEND: 4, CREAT: 8, TRUNC: 16, EXCL: 32 } as const;

const Has = { SIZE: 1, UIDGID: 2, PERMISSIONS: 4, TIMES: 8, EXTENDED: 0x80000000 } as const;

/** Attributes of a file; what is missing is not said. */
export interface Attributes {
  size?: number;
  owner?: { uid: number; gid: number };
  /** Type and permission bits. */
  mode?: number;
  times?: { atime: number; mtime: number };
}

export class BadMessage extends Error {
  override name = 'BadMessage';
}

/** Reads the fields of one packet. */
export class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw new BadMessage();
    this.#at = at + count;
    return at;
  }

  byte(): number {
    return this.#bytes[this.#take(1)];
  }
  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }
  /** Offsets above 2^53 are beyond every file. */
  u64(): number {
    return Number(this.#bytes.readBigUInt64BE(this.#take(8)));
  }
  bytes(): Buffer {
    const length = this.u32();
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }
  /** A byte string. */
  string(): string {
    return this.bytes().toString('latin1');
  }
  /** A name for the kernel: without NUL. */
  path(): string {
    const path = this.string();
    if (path.includes('\0')) throw new BadMessage();
    return path;
  }
  attributes(): Attributes {
    const has = this.u32();
    const out: Attributes = {};
    if (has & Has.SIZE) out.size = this.u64();
    if (has & Has.UIDGID) out.owner = { uid: this.u32(), gid: this.u32() };
    if (has & Has.PERMISSIONS) out.mode = this.u32();
    if (has & Has.TIMES) out.times = { atime: this.u32(), mtime: this.u32() };
    if (has & Has.EXTENDED)
      for (let count = Math.min(this.u32(), 1000); count > 0; count--) {
        this.string();
        this.string();
      }
    return out;
  }
}

/** Builds one packet. */
export class Writer {
  #bytes = Buffer.allocUnsafe(256);
  #length = 4;

  constructor(type: number, id?: number) {
    this.byte(type);
    if (id !== undefined) this.u32(id);
  }

  /** Makes room; answers where. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }

  byte(value: number): this {
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }
  u32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeUInt32BE(value >>> 0, at);
    return this;
  }
  u64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64BE(BigInt(Math.max(0, value)), at);
    return this;
  }
  string(text: string): this {
    this.u32(text.length);
    const at = this.#room(text.length);
    this.#bytes.write(text, at, 'latin1');
    return this;
  }
  bytes(bytes: Uint8Array): this {
    this.u32(bytes.length);
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }
  attributes({ size, owner, mode, times }: Attributes): this {
    this.u32(
      (size === undefined ? 0 : Has.SIZE) |
        (owner ? Has.UIDGID : 0) |
        (mode === undefined ? 0 : Has.PERMISSIONS) |
        (times ? Has.TIMES : 0),
    );
    if (size !== undefined) this.u64(size);
    if (owner) this.u32(owner.uid).u32(owner.gid);
    if (mode !== undefined) this.u32(mode);
    return times ? this.u32(times.atime).u32(times.mtime) : this;
  }

  /** The packet with its length in front. */
  finish(): Buffer {
    this.#bytes.writeUInt32BE(this.#length - 4, 0);
    return this.#bytes.subarray(0, this.#length);
  }
}
