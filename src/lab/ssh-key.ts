/**
 * SSH public keys (RFC 4253 section 6.6, RFC 5656, RFC 8709; the line format of sshd(8) AUTHORIZED_KEYS). Always true: a key that
 * was parsed here is of a kind and size that we verify, its point or modulus was accepted by the crypto library, and its wire
 * form has nothing left over.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { LabError } from './types.ts';

export interface SshPublicKey {
  type: string;
  bits: number;
  /** Wire form. */
  blob: Uint8Array;
  comment: string;
  key: KeyObject;
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /** `type base64 comment`. */
  line: string;
}

/** Reads SSH's binary format (RFC 4251 section 5). Throws on a length that does not fit. */
export class WireReader {
  readonly bytes: Buffer;
  offset = 0;
  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  take(length: number): Buffer {
    if (length < 0 || length > this.bytes.length - this.offset) throw new RangeError('cut short');
    const part = this.bytes.subarray(this.offset, this.offset + length);
    this.offset += length;
    return part;
  }
  uint32(): number {
    return this.take(4).readUInt32BE();
  }
  string(): Buffer {
    return this.take(this.uint32());
  }
  /** A positive multiple precision integer without its leading zeros. */
  mpint(): Buffer {
    const value = this.string();
    if (value.length > 0 && value[0] >= 0x80) throw new RangeError('negative number');
    let start = 0;
    while (start < value.length && value[start] === 0) start++;
    return value.subarray(start);
  }
  get rest(): number {
    return this.bytes.length - this.offset;
  }
}

/** `string` of RFC 4251: length and bytes. */
export function wireString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export const CURVES: Record<string, { curve: string; bits: number; hash: string }> = {
  nistp256: { curve: 'P-256', bits: 256, hash: 'sha256' },
  nistp384: { curve: 'P-384', bits: 384, hash: 'sha384' },
  nistp521: { curve: 'P-521', bits: 521, hash: 'sha512' },
};

const bad = (message: string) =>
  new LabError('invalid', message, [{ where: '/publicKey', message }], 'bad-key');

/** `SHA256:` and unpadded base64, as OpenSSH writes fingerprints. */
export const fingerprintOf = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;

/** Parses a line of a .pub file. */
export function parsePublicKey(text: string): SshPublicKey {
  if (text.length > 20_000) throw bad('The key is too long.');
  if (/PRIVATE KEY/.test(text))
    throw bad('This is a private key: it must never leave your machine. Send the one in the .pub file.');
  const match = /^\s*([a-z0-9@.-]{1,64})[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t]+([^\r\n]*?))?\s*$/.exec(text);
  if (!match)
    throw bad(
      'This is not one line of an OpenSSH public key (`ssh-ed25519 AAAA… comment`), as in ~/.ssh/id_ed25519.pub.',
    );
  const [, type, base64, comment = ''] = match;
  const blob = Buffer.from(base64, 'base64');
  const parsed = parseBlob(blob);
  if (parsed.type !== type) throw bad(`The key says ${type} but holds ${parsed.type}.`);
  const plain = comment.replace(/[^\x20-\x7e]/g, '').slice(0, 200);
  return { ...parsed, comment: plain, line: `${type} ${base64}${plain ? ` ${plain}` : ''}` };
}

/** Parses a key's wire form. */
export function parseBlob(blob: Uint8Array): Omit<SshPublicKey, 'comment' | 'line'> {
  let type = '';
  try {
    const reader = new WireReader(blob);
    type = reader.string().toString('latin1');
    const { key, bits } = readKey(type, reader);
    if (reader.rest !== 0) throw bad('The key has bytes after its end.');
    return { type, bits, blob, key, fingerprint: fingerprintOf(blob) };
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw bad(`This is not a whole ${/^[a-z0-9@.-]{1,64}$/.test(type) ? type : 'SSH'} key.`);
  }
}

function readKey(type: string, reader: WireReader): { key: KeyObject; bits: number } {
  const jwk = (key: Record<string, string>) => createPublicKey({ key, format: 'jwk' });
  if (type === 'ssh-ed25519') {
    const x = reader.string();
    if (x.length !== 32) throw new RangeError('length');
    return { key: jwk({ kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }), bits: 256 };
  }
  if (type.startsWith('ecdsa-sha2-')) {
    const name = reader.string().toString('latin1');
    if (type !== `ecdsa-sha2-${name}` || !Object.hasOwn(CURVES, name)) throw new RangeError('curve');
    const { curve, bits } = CURVES[name];
    const point = reader.string();
    const size = Math.ceil(bits / 8);
    if (point.length !== 1 + 2 * size || point[0] !== 4) throw new RangeError('point');
    const x = point.subarray(1, 1 + size).toString('base64url');
    const y = point.subarray(1 + size).toString('base64url');
    return { key: jwk({ kty: 'EC', crv: curve, x, y }), bits };
  }
  if (type === 'ssh-rsa') {
    const e = reader.mpint();
    const n = reader.mpint();
    const bits = n.length === 0 ? 0 : n.length * 8 - Math.clz32(n[0]) + 24;
    if (bits < 2048)
      throw bad(`An RSA key of ${bits} bits is too weak: make one of 3072, or an ed25519 key.`);
    if (bits > 16384) throw bad('An RSA key of more than 16384 bits is not taken.');
    if (e.length > 8 || (e.at(-1) ?? 0) % 2 === 0 || (e.length === 1 && e[0] < 3))
      throw new RangeError('exponent');
    return { key: jwk({ kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') }), bits };
  }
  if (type === 'ssh-dss')
    throw bad('DSA keys are too weak: make an ed25519 key with `ssh-keygen -t ed25519`.');
  if (type.includes('-cert-')) throw bad('This is a certificate: send the plain public key.');
  if (type.startsWith('sk-'))
    throw bad(
      'Keys on security tokens are not taken here: make an ed25519 key with `ssh-keygen -t ed25519`.',
    );
  throw bad('Only ed25519, ecdsa (nistp256, nistp384, nistp521) and rsa keys are taken.');
}
