/** The image's /usr as a folder of this machine, for running the same programs under qemu-riscv64 -L. */
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Image } from '../../src/image/index.ts';

const TYPE = { directory: 4, file: 8, link: 10 };

/** Copies one directory of the image, without owners and devices. */
function extract(image: Image, dir: number, to: string): void {
  mkdirSync(to, { recursive: true });
  const page = new Uint8Array(4096);
  for (const { name, ino, type } of image.readdir(dir)) {
    const path = join(to, Buffer.from(name, 'latin1').toString());
    const inode = image.inode(ino)!;
    if (type === TYPE.directory) extract(image, ino, path);
    else if (type === TYPE.link) symlinkSync(inode.link!, path);
    else if (type === TYPE.file) {
      const bytes = Buffer.alloc(Math.ceil(inode.size / 4096) * 4096);
      for (let at = 0; at < inode.size; at += 4096) {
        image.readPage(ino, at / 4096, page);
        bytes.set(page, at);
      }
      writeFileSync(path, bytes.subarray(0, inode.size), { mode: inode.mode & 0o777 });
    }
  }
}

/** The folder; made on first use and kept in the cache. */
export function extractRoot(image: Image): string {
  const root = join(cacheFolder('bench'), `root-${image.id.slice(0, 16)}`);
  if (existsSync(root)) return root;
  const temporary = `${root}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  extract(image, image.lookup(1, 'usr'), join(temporary, 'usr'));
  for (const name of ['lib', 'bin', 'sbin']) symlinkSync(`usr/${name}`, join(temporary, name));
  renameSync(temporary, root);
  return root;
}
