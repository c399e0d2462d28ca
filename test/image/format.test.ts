/** The sealed file: what is written is read, and what is damaged is refused with a sentence. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Image, openImage, verifyImage } from '../../src/image/index.ts';
import { BIG, inFolder, sealSmall } from './fixture.ts';

async function withSmall<T>(use: (image: Image, path: string, folder: string) => T): Promise<T> {
  return inFolder(async (folder) => {
    const { path } = await sealSmall(folder);
    const image = openImage(path);
    try {
      return use(image, path, folder);
    } finally {
      image.close();
    }
  });
}

function at(image: Image, path: string): number {
  return path
    .split('/')
    .filter(Boolean)
    .reduce((ino, name) => image.lookup(ino, name), 1);
}

function content(image: Image, path: string): Buffer {
  const ino = at(image, path);
  const { size } = image.inode(ino)!;
  const bytes = Buffer.alloc(Math.ceil(size / 4096) * 4096);
  for (let page = 0; page * 4096 < size; page++)
    image.readPage(ino, page, bytes.subarray(page * 4096, (page + 1) * 4096));
  return bytes.subarray(0, size);
}

describe('an open image', () => {
  it('gives back what was sealed', () =>
    withSmall((image) => {
      expect(image.readdir(1).map((entry) => entry.name)).toEqual(['bin', 'dev', 'empty', 'tmp', 'usr']);
      expect(image.inode(1)).toMatchObject({ mode: 0o040755, nlink: 5, uid: 0 });
      expect(image.inode(at(image, '/usr/bin/sudo'))).toMatchObject({ mode: 0o104755, nlink: 2, size: 9 });
      expect(image.inode(at(image, '/usr/bin/same'))).toMatchObject({
        uid: 1000,
        gid: 27,
        mtime: 1_600_000_000,
      });
      expect(image.inode(at(image, '/bin'))).toMatchObject({ link: 'usr/bin', size: 7 });
      expect(image.inode(at(image, '/tmp'))).toMatchObject({ mode: 0o041777, nlink: 2 });
      expect(image.inode(at(image, '/dev/null'))).toMatchObject({ mode: 0o020666, rdev: 0x103 });
      expect(at(image, '/usr/bin/hard')).toBe(at(image, '/usr/bin/sudo'));
      expect(content(image, '/usr/bin/big')).toEqual(BIG);
      expect(content(image, '/usr/bin/sudo').toString()).toBe('root only');
      expect(image.meta.made).toBe('for a test');
    }));

  it('stores equal files once and names their pages alike', () =>
    withSmall((image) => {
      const big = at(image, '/usr/bin/big');
      const same = at(image, '/usr/bin/same');
      expect(big).not.toBe(same);
      expect(image.pageKey(same, 2)).toBe(image.pageKey(big, 2));
      expect(image.pageKey(big, 1)).not.toBe(image.pageKey(big, 2));
      expect(image.dataBytes).toBe(5 * 4096);
      const page = new Uint8Array(4096);
      image.readPageByKey(image.pageKey(big, 3), page);
      expect(Buffer.from(page.subarray(0, 100))).toEqual(BIG.subarray(3 * 4096));
    }));

  it('fills with zeros what lies beyond a file, and never throws on numbers a kernel may ask for', () =>
    withSmall((image) => {
      const big = at(image, '/usr/bin/big');
      const page = new Uint8Array(4096).fill(7);
      expect(image.readPage(big, 3, page)).toBe(100);
      expect(page.subarray(100).every((byte) => byte === 0)).toBe(true);
      for (const [ino, index] of [
        [big, 4],
        [big, -1],
        [1, 0],
        [at(image, '/empty'), 0],
        [0, 0],
        [1e9, 0],
        [1.5, 0],
      ]) {
        page.fill(7);
        expect(image.readPage(ino, index, page)).toBe(0);
        expect(page.every((byte) => byte === 0)).toBe(true);
        expect(image.pageKey(ino, index)).toBe('');
      }
      expect(image.inode(0)).toBeNull();
      expect(image.inode(image.inodeCount + 1)).toBeNull();
      expect(image.lookup(big, 'x')).toBe(0);
      expect(image.lookup(1, '__proto__')).toBe(0);
      expect(image.readdir(big)).toEqual([]);
      expect(image.parent(at(image, '/usr/bin'))).toBe(at(image, '/usr'));
    }));

  it('reads into shared memory, as a machine has', () =>
    withSmall((image) => {
      const shared = new Uint8Array(new SharedArrayBuffer(8192)).subarray(4096);
      expect(image.readPage(at(image, '/usr/bin/big'), 0, shared)).toBe(4096);
      expect(Buffer.from(shared.slice())).toEqual(BIG.subarray(0, 4096));
    }));

  it('has the same name for the same content', () =>
    inFolder(async (folder) => {
      const first = await sealSmall(folder);
      const second = await sealSmall(folder);
      expect(second).toEqual(first);
      expect(first.path).toContain(first.id.slice(0, 16));
    }));
});

describe('a damaged image', () => {
  it('is refused wherever a bit is flipped in header or index, by name and with what to do', () =>
    withSmall((image, path, folder) => {
      const whole = readFileSync(path);
      const indexAt = 4096 + image.dataBytes;
      const bad = join(folder, 'bad.obx');
      for (let position = 0; position < whole.length; position += position < 152 ? 1 : 37) {
        if (position >= 152 && position < indexAt) {
          position = indexAt;
        }
        const copy = Buffer.from(whole);
        copy[position] ^= 1 << (position % 8);
        writeFileSync(bad, copy);
        expect(() => openImage(bad).close(), `byte ${position}`).toThrow(/bad\.obx .*npm run image/);
      }
    }));

  it('is found by verify when the data is wrong', () =>
    withSmall((_, path, folder) => {
      const whole = readFileSync(path);
      verifyImage(path);
      whole[4096 + 5000] ^= 4;
      const bad = join(folder, 'bad.obx');
      writeFileSync(bad, whole);
      openImage(bad).close();
      expect(() => verifyImage(bad)).toThrow(/bad\.obx is damaged: its data/);
    }));

  it('is refused at any length but its own', () =>
    withSmall((_, path, folder) => {
      const whole = readFileSync(path);
      const bad = join(folder, 'bad.obx');
      for (const length of [0, 1, 100, 4095, 4096, 9000, whole.length - 1]) {
        writeFileSync(bad, whole);
        truncateSync(bad, length);
        expect(() => openImage(bad).close(), `${length} bytes`).toThrow(/npm run image/);
      }
      writeFileSync(bad, Buffer.concat([whole, Buffer.alloc(1)]));
      expect(() => openImage(bad).close()).toThrow(/longer/);
    }));

  it('says what to do when there is none', () => {
    expect(() => openImage('/nonexistent/image.obx')).toThrow(/There is no image at .*npm run image/);
  });
});
