/** SSH keys and signatures, against OpenSSH's own ssh-keygen. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parsePublicKey, WireReader, wireString } from '../../src/lab/ssh-key.ts';
import { parseSignature, verifySignature } from '../../src/lab/sshsig.ts';
import { cleanUp, makeKey, scratchFolder } from './lab-fixture.ts';

afterAll(cleanUp);

const KINDS: [string, number | undefined][] = [
  ['ed25519', undefined],
  ['ecdsa', 256],
  ['ecdsa', 384],
  ['ecdsa', 521],
  ['rsa', 2048],
];
const MESSAGE = 'oopsbox-challenge-abc';

const verifies = (publicKey: string, armored: string, message: string) => {
  const signature = parseSignature(armored);
  return signature !== null && verifySignature(parsePublicKey(publicKey), signature, Buffer.from(message));
};

describe.each(KINDS)('%s %s', (type, bits) => {
  const key = makeKey(type, bits);

  test('is read as ssh-keygen -l reads it', () => {
    const file = join(scratchFolder(), 'key.pub');
    writeFileSync(file, key.publicKey);
    const [size, fingerprint] = execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(
      ' ',
    );
    const parsed = parsePublicKey(key.publicKey);
    expect([String(parsed.bits), parsed.fingerprint]).toEqual([size, fingerprint]);
    expect(parsed.line).toBe(key.publicKey.trim());
  });

  test.each(['sha256', 'sha512'])('its signature with %s holds, and for nothing else', (hash) => {
    const armored = key.sign(MESSAGE, { hash });
    expect(verifies(key.publicKey, armored, MESSAGE)).toBe(true);
    expect(verifies(key.publicKey, armored, `${MESSAGE} `)).toBe(false);
    expect(verifies(makeKey(type, bits).publicKey, armored, MESSAGE)).toBe(false);
    expect(verifies(key.publicKey, key.sign(MESSAGE, { namespace: 'file' }), MESSAGE)).toBe(false);
  });

  test('no byte of a signature can be changed', () => {
    const armored = key.sign(MESSAGE);
    const body = Buffer.from(armored.replace(/-----[^-]+-----|\s/g, ''), 'base64');
    const seen = new Set<boolean>();
    for (let i = 0; i < body.length; i += 3) {
      const changed = Buffer.from(body);
      changed[i] ^= 1 << (i % 8);
      const text = `-----BEGIN SSH SIGNATURE-----\n${changed.toString('base64')}\n-----END SSH SIGNATURE-----`;
      seen.add(verifies(key.publicKey, text, MESSAGE));
    }
    expect([...seen]).toEqual([false]);
  });
});

describe('what is no key', () => {
  const good = makeKey('ed25519').publicKey.trim();
  const [, base64] = good.split(' ');
  const blob = Buffer.from(base64, 'base64');
  const line = (bytes: Uint8Array, type = 'ssh-ed25519') =>
    `${type} ${Buffer.from(bytes).toString('base64')}`;

  test.each([
    ['nothing', ''],
    ['words', 'this is no key'],
    ['two lines', `${good}\n${good}`],
    ['cut short', line(blob.subarray(0, -1))],
    ['too long', line(Buffer.concat([blob, Buffer.of(0)]))],
    ['another type', `ssh-rsa ${base64}`],
    ['a length beyond the end', line(Buffer.concat([Buffer.of(255, 255, 255, 255), blob.subarray(4)]))],
    [
      'a point off the curve',
      line(
        Buffer.concat([
          wireString('ecdsa-sha2-nistp256'),
          wireString('nistp256'),
          wireString(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)])),
        ]),
        'ecdsa-sha2-nistp256',
      ),
    ],
    [
      'a weak modulus',
      line(
        Buffer.concat([
          wireString('ssh-rsa'),
          wireString(Buffer.of(1, 0, 1)),
          wireString(Buffer.alloc(128, 0x7f)),
        ]),
        'ssh-rsa',
      ),
    ],
    ['DSA', line(Buffer.concat([wireString('ssh-dss'), wireString(Buffer.alloc(128, 1))]), 'ssh-dss')],
    ['options before it', `no-pty ${good}`],
    ['megabytes', `${good}${' '.repeat(1 << 20)}`],
  ])('%s', (_, text) => {
    expect(() => parsePublicKey(text)).toThrow(expect.objectContaining({ code: 'invalid', kind: 'bad-key' }));
  });

  test('a private key is refused with a warning', () => {
    expect(() => parsePublicKey('-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA')).toThrow(
      /never leave your machine/,
    );
  });

  test('control characters of a comment are not kept', () => {
    expect(parsePublicKey(`${good}\u001b[31m`).comment.includes('\u001b')).toBe(false);
  });

  test('garbage is no signature', () => {
    for (const text of [
      '',
      'x',
      '-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----',
      'A'.repeat(1e6),
    ])
      expect(parseSignature(text)).toBeNull();
  });

  test('a reader never reads beyond its bytes', () => {
    expect(() => new WireReader(Buffer.of(0, 0, 0, 5, 1)).string()).toThrow(RangeError);
  });
});
