/** Packages become a tree: merged /usr, owners, links, exclusions, damage. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkDeb, readDeb } from '../../src/image/deb.ts';
import {
  DROPPED_PACKAGES,
  EXCLUSIONS,
  PACKAGES,
  packageNames,
  whyExcluded,
} from '../../src/image/packages.ts';
import { find, put, remove, visit } from '../../src/image/tree.ts';
import { ImageWriter } from '../../src/image/writer.ts';
import { inFolder, makeDeb, unpack } from './fixture.ts';

const MERGED = [
  { name: './', type: 'directory', mode: 0o755 },
  { name: './usr/bin/', type: 'directory', mode: 0o755 },
  { name: './bin', type: 'symlink', linkname: 'usr/bin', mode: 0o777 },
] as const;

async function tree(...archives: Parameters<typeof unpack>[1][]) {
  return inFolder(async (folder) => {
    const writer = new ImageWriter(folder);
    const root = await unpack(writer, ...archives);
    writer.discard();
    return root;
  });
}

describe('unpacking', () => {
  it('puts /bin/x into /usr/bin when /bin is a link, and keeps the link under a folder entry', async () => {
    const root = await tree(MERGED, [
      { name: './bin/', type: 'directory', mode: 0o700 },
      { name: './bin/ls', mode: 0o755, text: 'ls' },
      { name: './bin/dir', type: 'link', linkname: './bin/ls' },
    ]);
    expect(find(root, '/bin')?.target).toBe('usr/bin');
    expect(find(root, '/usr/bin/ls')?.content?.sizeBytes).toBe(2);
    expect(find(root, '/usr/bin')?.mode).toBe(0o040755);
    expect(find(root, '/usr/bin/dir')).toBe(find(root, '/usr/bin/ls'));
  });

  it('keeps the first package owner of a folder and the last content of a file', async () => {
    const root = await tree(
      [...MERGED, { name: './etc/', type: 'directory', mode: 0o755 }, { name: './etc/a', text: 'one' }],
      [
        { name: './etc/', type: 'directory', mode: 0o700, uid: 5 },
        { name: './etc/a', text: 'second' },
      ],
    );
    expect(find(root, '/etc')).toMatchObject({ mode: 0o040755, uid: 0 });
    expect(find(root, '/etc/a')?.content?.sizeBytes).toBe(6);
  });

  it('refuses names and links that lead out of the tree', async () => {
    await expect(tree([{ name: './../../etc/passwd', text: 'x' }])).rejects.toThrow(
      /cannot be put into an image/,
    );
    await expect(tree([{ name: './x', type: 'link', linkname: './nowhere' }])).rejects.toThrow(
      /no file of the image/,
    );
    const root = await tree([{ name: './loop', type: 'symlink', linkname: 'loop' }]);
    expect(find(root, '/loop/x')).toBeUndefined();
    const up = await tree([
      { name: './up', type: 'symlink', linkname: '../../..' },
      { name: './a', text: '1' },
    ]);
    expect(find(up, '/up/a')).toBe(find(up, '/a'));
  });

  it('removes and replaces', async () => {
    const root = await tree([
      { name: './d/', type: 'directory', mode: 0o755 },
      { name: './d/f', text: 'x' },
    ]);
    expect(remove(root, '/d/nope')).toBe(false);
    expect(remove(root, '/d')).toBe(true);
    put(root, '/d', { kind: 'symlink', target: '/tmp', perm: 0o777, uid: 0, gid: 0, mtimeSec: 0 });
    const seen: string[] = [];
    visit(root, (path) => seen.push(path));
    expect(seen).toEqual(['/', '/d']);
  });
});

describe('a package file', () => {
  const has = spawnSync('dpkg-deb', ['--version']).status === 0;
  it.runIf(has)('is read through dpkg-deb, without what is left out', () =>
    inFolder(async (folder) => {
      const deb = makeDeb(folder, 'little', {
        'usr/bin/x': '#!/bin/sh\n',
        'usr/share/doc/little/README': 'no',
      });
      const names = (await readDeb(deb)).map((entry) => entry.header.name);
      expect(names).toContain('./usr/bin/x');
      expect(names.some((name) => name.includes('README'))).toBe(false);
      await checkDeb(deb, createHash('sha256').update(readFileSync(deb)).digest('hex'));
    }),
  );
  it.runIf(has)('that is damaged or cut short is named', () =>
    inFolder(async (folder) => {
      const deb = makeDeb(folder, 'little', { 'usr/bin/x': 'x'.repeat(9000) });
      const whole = readFileSync(deb);
      const hash = createHash('sha256').update(whole).digest('hex');
      writeFileSync(deb, whole.subarray(0, whole.length - 60));
      await expect(readDeb(deb)).rejects.toThrow(/little\.deb is damaged/);
      await expect(checkDeb(deb, hash)).rejects.toThrow(/checksum is wrong.*Delete/);
      writeFileSync(deb, 'no package');
      await expect(readDeb(deb)).rejects.toThrow(/little\.deb is damaged/);
    }),
  );
});

describe('the declared packages', () => {
  it('are named once, and what is left out has a reason', () => {
    const names = packageNames();
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name in DROPPED_PACKAGES)).toEqual(PACKAGES.choice);
    for (const rule of EXCLUSIONS) expect(rule.why.length).toBeGreaterThan(5);
  });
  it('leave out documentation and sanitizers, and nothing a student needs', () => {
    expect(whyExcluded('/usr/share/doc/bash/README')).toBeDefined();
    expect(whyExcluded('/usr/lib/gcc/riscv64-linux-gnu/14/libasan.a')).toBeDefined();
    expect(whyExcluded('/usr/share/zoneinfo/Europe/Berlin')).toBeDefined();
    for (const kept of [
      '/usr/libexec/gcc/riscv64-linux-gnu/14/cc1',
      '/usr/share/zoneinfo/Etc/UTC',
      '/usr/lib/linux/uapi/riscv/asm/unistd.h',
      '/usr/include/riscv64-linux-gnu/bits/types.h',
      '/usr/include/linux/ioctl.h',
      '/etc/pam.d/login',
    ]) {
      expect(whyExcluded(kept), kept).toBeUndefined();
    }
  });
});
