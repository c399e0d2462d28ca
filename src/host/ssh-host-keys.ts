/**
 * Host keys of a new machine, as ssh-keygen -A leaves them in /etc/ssh: Ed25519 and ECDSA on P-256. Always true: made of nothing but
 * the seed, so that a deterministic machine has the same keys in every life; RSA is left to the student's own ssh-keygen, which
 * every client since OpenSSH 5.7 can do without.
 * Sources: openssh's PROTOCOL.key (private keys), RFC 8709 and RFC 5656 (public keys).
 */
import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync } from 'node:crypto';

/** One file to be written as root's. */
export interface HostKeyFile {
  path: string;
  mode: number;
  content: string;
}

const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const CURVE = 'prime256v1';
const LINE = 70;

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
/** A length and the bytes (RFC 4251, section 5). */
const string = (value: Uint8Array | string): Buffer =>
  Buffer.concat([number(value.length), Buffer.from(value)]);
/** A positive integer: no leading zeros, but one where the highest bit is set. */
function mpint(value: Buffer): Buffer {
  let at = 0;
  while (at < value.length && value[at] === 0) at++;
  const bare = value.subarray(at);
  return string(bare[0] & 0x80 ? Buffer.concat([Buffer.from([0]), bare]) : bare);
}

const derive = (seed: Uint8Array, what: string): Buffer =>
  Buffer.from(hkdfSync('sha256', seed, '', `oopsbox ssh host key ${what}`, 32));

interface KeyPair {
  type: string;
  public: Buffer;
  /** The type's private fields, type name included. */
  private: Buffer;
}

function ed25519(seed: Uint8Array): KeyPair {
  const secret = derive(seed, 'ed25519');
  const key = createPrivateKey({ key: Buffer.concat([ED25519_PKCS8, secret]), format: 'der', type: 'pkcs8' });
  const point = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([string('ssh-ed25519'), string(point)]);
  return {
    type: 'ssh-ed25519',
    public: blob,
    private: Buffer.concat([blob, string(Buffer.concat([secret, point]))]),
  };
}

function ecdsa(seed: Uint8Array): KeyPair {
  const curve = createECDH(CURVE);
  for (let tries = 0; ; tries++) {
    const secret = derive(seed, `ecdsa ${tries}`);
    try {
      curve.setPrivateKey(secret);
    } catch {
      continue;
    }
    const type = 'ecdsa-sha2-nistp256';
    const blob = Buffer.concat([string(type), string('nistp256'), string(curve.getPublicKey())]);
    return { type, public: blob, private: Buffer.concat([blob, mpint(secret)]) };
  }
}

/** `openssh-key-v1`, without a passphrase. */
function privateFile(pair: KeyPair, comment: string): string {
  const check = createHash('sha256').update(pair.private).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, pair.private, string(comment)]);
  const padding = Buffer.from(Array.from({ length: -secret.length & 7 }, (_, i) => i + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    string('none'),
    string('none'),
    string(''),
    number(1),
    string(pair.public),
    string(Buffer.concat([secret, padding])),
  ]).toString('base64');
  const lines = body.match(new RegExp(`.{1,${LINE}}`, 'g')) as string[];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}

/** The files of /etc/ssh that make a machine recognisable; `seed` is the machine's own, at least 32 random bytes. */
export function sshHostKeyFiles(seed: Uint8Array, hostname: string): HostKeyFile[] {
  const comment = `root@${hostname}`;
  const pairs: [string, KeyPair][] = [
    ['ed25519', ed25519(seed)],
    ['ecdsa', ecdsa(seed)],
  ];
  return pairs.flatMap(([name, pair]) => {
    const path = `/etc/ssh/ssh_host_${name}_key`;
    return [
      { path, mode: 0o600, content: privateFile(pair, comment) },
      {
        path: `${path}.pub`,
        mode: 0o644,
        content: `${pair.type} ${pair.public.toString('base64')} ${comment}\n`,
      },
    ];
  });
}
