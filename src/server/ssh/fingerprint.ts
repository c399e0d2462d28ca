/** How sshd names keys in its log. Always true: works on a key's wire form alone (RFC 4253, section 6.6). */
import { createHash } from 'node:crypto';

const NAMES: Readonly<Record<string, string>> = {
  'ssh-ed25519': 'ED25519',
  'ssh-rsa': 'RSA',
  'ssh-dss': 'DSA',
  'sk-ssh-ed25519@openssh.com': 'ED25519-SK',
  'sk-ecdsa-sha2-nistp256@openssh.com': 'ECDSA-SK',
};

/** `ED25519 SHA256:…`. */
export function describeKey(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  const type = blob.subarray(4, 4 + Math.min(length, 64)).toString('latin1');
  const name = NAMES[type] ?? (type.startsWith('ecdsa-sha2-') ? 'ECDSA' : 'unknown');
  return `${name} SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
