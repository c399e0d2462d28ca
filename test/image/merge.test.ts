/** A VM's changes become a new image; the base stays as it is. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type GuestChange, openImage } from '../../src/image/index.ts';
import { mergeChanges } from '../../src/image/provision.ts';
import { inFolder, sealSmall } from './fixture.ts';

const META = { mode: 0o644, uid: 0, gid: 0, mtimeSec: 1_700_000_000 };
const CHANGES: readonly GuestChange[] = [
  { ...META, path: '/etc', kind: 'dir', mode: 0o40755 },
  { ...META, path: '/etc/ld.so.cache', kind: 'file', content: Buffer.from('cache') },
  { ...META, path: '/etc/link', kind: 'symlink', target: 'ld.so.cache', mode: 0o120777 },
  { ...META, path: '/etc/again', kind: 'link', target: '/etc/ld.so.cache' },
  { path: '/empty', kind: 'removed' },
  { ...META, path: '/usr/bin/sudo', kind: 'file', content: Buffer.from('new'), mode: 0o104755 },
  { ...META, path: '/tmp/rubbish', kind: 'file', content: Buffer.from('x') },
  { ...META, path: '/run/utmp', kind: 'file', content: Buffer.from('x') },
];

it('merges files, links and removals, leaves run-time state out, and keeps the base', () =>
  inFolder(async (folder) => {
    const { path } = await sealSmall(folder);
    const before = readFileSync(path);
    const base = openImage(path);
    const merged = mergeChanges(base, CHANGES, { stage: 'provisioned' }, folder);
    base.close();
    expect(readFileSync(path).equals(before)).toBe(true);

    const image = openImage(merged.path);
    const names = (ino: number) => image.readdir(ino).map((entry) => entry.name);
    expect(names(1)).toEqual(['bin', 'dev', 'etc', 'tmp', 'usr']);
    const etc = image.lookup(1, 'etc');
    expect(names(etc)).toEqual(['again', 'ld.so.cache', 'link']);
    expect(image.lookup(etc, 'again')).toBe(image.lookup(etc, 'ld.so.cache'));
    expect(image.inode(image.lookup(etc, 'link'))?.link).toBe('ld.so.cache');
    expect(names(image.lookup(1, 'tmp'))).toEqual([]);
    expect(image.lookup(1, 'run')).toBe(0);
    const bin = image.lookup(image.lookup(1, 'usr'), 'bin');
    expect(image.inode(image.lookup(bin, 'sudo'))).toMatchObject({ mode: 0o104755, size: 3, nlink: 1 });
    expect(image.inode(image.lookup(bin, 'hard'))).toMatchObject({ size: 9, nlink: 1 });
    const dev = image.lookup(image.lookup(1, 'dev'), 'null');
    expect(image.inode(dev)).toMatchObject({ mode: 0o020666, rdev: 0x103 });
    expect(image.meta.stage).toBe('provisioned');
    image.close();
  }));
