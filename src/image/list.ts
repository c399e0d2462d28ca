/**
 * Prints what is inside an image the way `ls -lR` prints a disk.
 */
import { ImageError } from './cache.ts';
import { type Image, ROOT_INO } from './reader.ts';

const TYPE_LETTERS: Readonly<Record<number, string>> = {
  1: 'p',
  2: 'c',
  4: 'd',
  6: 'b',
  8: '-',
  10: 'l',
  12: 's',
};

/** `rwxr-sr-t` of permission bits, as ls(1) writes them. */
export function modeText(mode: number): string {
  const bits = [...'rwxrwxrwx'].map((letter, i) => (mode & (0o400 >> i) ? letter : '-'));
  const special = (at: number, set: number, on: string, off: string) => {
    if (mode & set) bits[at] = bits[at] === 'x' ? on : off;
  };
  special(2, 0o4000, 's', 'S');
  special(5, 0o2000, 's', 'S');
  special(8, 0o1000, 't', 'T');
  return (TYPE_LETTERS[mode >> 12] ?? '?') + bits.join('');
}

/** Lists `path` and everything below it; answers an exit status. */
export function listImage(image: Image, path: string, print: (line: string) => void): number {
  let ino = ROOT_INO;
  for (const name of path.split('/').filter(Boolean)) {
    ino = image.lookup(ino, name);
    if (ino === 0) throw new ImageError(`The image has no ${path} (links are not followed here).`);
  }
  const pending: [string, number][] = [[path.replace(/\/+$/, '') || '/', ino]];
  for (let first = true; ; first = false) {
    const next = pending.pop();
    if (!next) return 0;
    const [folder, number] = next;
    const entries = image.readdir(number);
    if (!first) print('');
    print(`${folder}:`);
    for (const entry of entries) {
      const { mode, nlink, uid, gid, size, mtime, link } = image.inode(entry.ino)!;
      const device = image.device(entry.ino);
      const length = entry.type === 2 || entry.type === 6 ? `${device.major}, ${device.minor}` : String(size);
      const date = new Date(mtime * 1000).toISOString().slice(0, 16).replace('T', ' ');
      print(
        [
          modeText(mode),
          String(nlink).padStart(3),
          String(uid).padStart(5),
          String(gid).padStart(5),
          length.padStart(10),
          date,
          entry.name + (link === null ? '' : ` -> ${link}`),
        ].join(' '),
      );
    }
    for (const entry of entries.toReversed()) {
      if (entry.type === 4) pending.push([`${folder === '/' ? '' : folder}/${entry.name}`, entry.ino]);
    }
  }
}
