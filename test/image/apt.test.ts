/** Where packages come from: sources of the host, and sentences for what can go wrong. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainApt, parseUris, prepareApt, updateLists } from '../../src/image/apt.ts';
import { hostMirror, parseDeb822, parseOneLine, pickDebian } from '../../src/image/mirror.ts';
import { inFolder } from './fixture.ts';

const DEB822 = `# a comment
Types: deb deb-src
URIs: http://security.example.org/debian-security
Suites: bookworm-security
Components: main

Types: deb
# another
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/x.gpg
`;

describe('sources of the host', () => {
  it('are read in both styles, security and disabled ones passed over', () => {
    expect(pickDebian(parseDeb822(DEB822))).toEqual({
      uri: 'http://mirror.example.org/debian',
      signedBy: '/usr/share/keyrings/x.gpg',
    });
    expect(
      pickDebian(parseDeb822(`Enabled: no\n${DEB822.slice(DEB822.indexOf('Types: deb\n'))}`)),
    ).toBeUndefined();
    const lines = `# deb http://commented.example.org/debian trixie main
deb [arch=amd64 signed-by=/k.gpg] https://m.example.org/debian trixie main contrib`;
    expect(pickDebian(parseOneLine(lines))).toEqual({
      uri: 'https://m.example.org/debian',
      signedBy: '/k.gpg',
    });
    expect(pickDebian(parseOneLine('deb http://ubuntu.example.org/ubuntu noble main'))).toBeUndefined();
    expect(pickDebian(parseOneLine('deb cdrom:[Debian]/ trixie main'))).toBeUndefined();
  });

  it('of another distribution need a mirror to be named', () =>
    inFolder((folder) => {
      mkdirSync(join(folder, 'sources.list.d'));
      writeFileSync(join(folder, 'sources.list'), 'deb http://ubuntu.example.org/ubuntu noble main\n');
      expect(() => hostMirror(folder, {})).toThrow(/OOPSBOX_DEBIAN_MIRROR/);
      expect(hostMirror(folder, { OOPSBOX_DEBIAN_MIRROR: 'http://own.example.org/debian' }).uri).toBe(
        'http://own.example.org/debian',
      );
      writeFileSync(join(folder, 'sources.list.d', 'debian.sources'), DEB822);
      expect(hostMirror(folder, {}).uri).toBe('http://mirror.example.org/debian');
    }));
});

describe('apt-get', () => {
  it('prints what has to be fetched', () => {
    const sha = 'a'.repeat(64);
    const text = `Reading package lists...\n'http://m/debian/pool/m/mount_2.41.deb' mount_1%3a2.41-5%2b1_riscv64.deb 169368 SHA256:${sha}\nInst x`;
    expect(parseUris(text)).toEqual([
      {
        name: 'mount',
        version: '1:2.41-5+1',
        file: 'mount_1%3a2.41-5%2b1_riscv64.deb',
        sizeBytes: 169368,
        sha256: sha,
      },
    ]);
  });

  it('is explained in one sentence that names the mirror and what to do', () => {
    const mirror = { uri: 'http://mirror.example.org/debian', signedBy: '' };
    const say = (text: string) => explainApt(text, mirror, '/cache/apt').message;
    expect(
      say("E: Failed to fetch http://mirror.example.org/x  Could not resolve 'mirror.example.org'\n"),
    ).toMatch(/mirror\.example\.org cannot be reached.*Could not resolve.*npm run image/);
    expect(say("W: GPG error: NO_PUBKEY 6ED0\nE: The repository 'x' is not signed.")).toMatch(
      /debian-archive-keyring/,
    );
    expect(say("E: You don't have enough free space in /cache/apt/archives/.")).toMatch(
      /disk is full.*OOPSBOX_CACHE/,
    );
    expect(say('')).toMatch(/no reason given/);
  });

  it.runIf(spawnSync('apt-get', ['--version']).status === 0)('says so when the mirror does not answer', () =>
    inFolder(async (folder) => {
      const apt = prepareApt(folder, { uri: 'http://127.0.0.1:9/debian', signedBy: '' });
      await expect(updateLists(apt)).rejects.toThrow(
        /mirror 127\.0\.0\.1:9 cannot be reached .*npm run image/,
      );
    }),
  );
});
