/**
 * Signatures of `ssh-keygen -Y sign` (OpenSSH's PROTOCOL.sshsig). Always true: a signature counts only in our namespace, made by
 * exactly the key that was named, with a hash of SHA-2 and, for RSA, a SHA-2 signature.
 */
import { createHash, verify } from 'node:crypto';
import { CURVES, type SshPublicKey, WireReader, wireString } from './ssh-key.ts';

/** `-n` of `ssh-keygen -Y sign`. */
export const NAMESPACE = 'oopsbox';

const MAGIC = 'SSHSIG';
const ARMOR = /^\s*-----BEGIN SSH SIGNATURE-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END SSH SIGNATURE-----\s*$/;

/** A signature that was read but not yet verified. */
export interface SshSignature {
  publicKey: Buffer;
  namespace: string;
  reserved: Buffer;
  hash: 'sha256' | 'sha512';
  algorithm: string;
  signature: Buffer;
}

/** Takes the armor off and reads the fields; null when it is not such a signature. */
export function parseSignature(armored: string): SshSignature | null {
  if (armored.length > 20_000) return null;
  const body = ARMOR.exec(armored)?.[1];
  if (body === undefined) return null;
  try {
    const reader = new WireReader(Buffer.from(body.replace(/\s/g, ''), 'base64'));
    if (reader.take(MAGIC.length).toString('latin1') !== MAGIC || reader.uint32() !== 1) return null;
    const publicKey = reader.string();
    const namespace = reader.string().toString('utf8');
    const reserved = reader.string();
    const hash = reader.string().toString('latin1');
    const inner = new WireReader(reader.string());
    const algorithm = inner.string().toString('latin1');
    const signature = inner.string();
    if (reader.rest !== 0 || inner.rest !== 0) return null;
    if (hash !== 'sha256' && hash !== 'sha512') return null;
    return { publicKey, namespace, reserved, hash, algorithm, signature };
  } catch {
    return null;
  }
}

/** Whether the signature over `message` is by this key and for us. */
export function verifySignature(key: SshPublicKey, signature: SshSignature, message: Uint8Array): boolean {
  if (signature.namespace !== NAMESPACE || !signature.publicKey.equals(key.blob)) return false;
  const data = Buffer.concat([
    Buffer.from(MAGIC),
    wireString(NAMESPACE),
    wireString(signature.reserved),
    wireString(signature.hash),
    wireString(createHash(signature.hash).update(message).digest()),
  ]);
  try {
    return verifyRaw(key, signature, data);
  } catch {
    return false;
  }
}

function verifyRaw(key: SshPublicKey, { algorithm, signature }: SshSignature, data: Buffer): boolean {
  if (key.type === 'ssh-ed25519') return algorithm === key.type && verify(null, data, key.key, signature);
  if (key.type === 'ssh-rsa') {
    const hash = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }[algorithm];
    return hash !== undefined && verify(hash, data, key.key, signature);
  }
  if (algorithm !== key.type) return false;
  const { hash, bits } = CURVES[key.type.slice('ecdsa-sha2-'.length)];
  const size = Math.ceil(bits / 8);
  const reader = new WireReader(signature);
  const [r, s] = [reader.mpint(), reader.mpint()];
  if (reader.rest !== 0 || r.length > size || s.length > size) return false;
  const pair = Buffer.alloc(2 * size);
  r.copy(pair, size - r.length);
  s.copy(pair, 2 * size - s.length);
  return verify(hash, data, { key: key.key, dsaEncoding: 'ieee-p1363' }, pair);
}
