/** Small trees, tar archives and packages for the tests of the image room. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import { applyTar, readTar } from '../../src/image/deb.ts';
import { newTree, type TreeNode } from '../../src/image/tree.ts';
import { ImageWriter } from '../../src/image/writer.ts';

/** A folder that is removed when `use` is over. */
export async function inFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'oopsbox-image-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Row = Partial<tar.Header> & { name: string; text?: string | Uint8Array };

/** A tar archive of the rows, as a stream. */
export function tarOf(rows: readonly Row[]): Readable {
  const pack = tar.pack();
  for (const { text = '', ...header } of rows) {
    const body = Buffer.from(text as string);
    const whole = { uid: 0, gid: 0, mtime: new Date(1_600_000_000_000), ...header };
    pack.entry(
      { ...whole, size: header.type && header.type !== 'file' ? 0 : body.length } as tar.Header,
      body,
    );
  }
  pack.finalize();
  return Readable.from(pack);
}

/** Unpacks rows into a new tree. */
export async function unpack(writer: ImageWriter, ...archives: (readonly Row[])[]): Promise<TreeNode> {
  const root = newTree();
  for (const rows of archives) applyTar(root, writer, await readTar(tarOf(rows), () => false));
  return root;
}

/** What the tests' image holds: every kind of inode, hard links, an empty file and one of several pages. */
export const BIG = Buffer.alloc(3 * 4096 + 100, 'oopsbox');
export const ROWS: readonly Row[] = [
  { name: './', type: 'directory', mode: 0o755 },
  { name: './usr/', type: 'directory', mode: 0o755 },
  { name: './usr/bin/', type: 'directory', mode: 0o755 },
  { name: './usr/bin/sudo', mode: 0o4755, text: 'root only' },
  { name: './usr/bin/big', mode: 0o755, text: BIG },
  { name: './usr/bin/same', mode: 0o644, uid: 1000, gid: 27, text: BIG },
  { name: './usr/bin/hard', type: 'link', linkname: './usr/bin/sudo', mode: 0o4755 },
  { name: './bin', type: 'symlink', linkname: 'usr/bin', mode: 0o777 },
  { name: './empty', mode: 0o600 },
  { name: './tmp/', type: 'directory', mode: 0o1777 },
  { name: './dev/', type: 'directory', mode: 0o755 },
  { name: './dev/null', type: 'character-device', devmajor: 1, devminor: 3, mode: 0o666 },
];

/** Seals the tests' image below `folder`. */
export async function sealSmall(folder: string): Promise<{ path: string; id: string }> {
  const writer = new ImageWriter(folder);
  return writer.seal(await unpack(writer, ROWS), { made: 'for a test' });
}

/** Builds a real .deb with the host's dpkg-deb. */
export function makeDeb(folder: string, name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  const control = `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: A Test <test@example.org>\nDescription: a test\n`;
  writeFileSync(join(root, 'DEBIAN', 'control'), control);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const deb = join(folder, `${name}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '--build', root, deb], { stdio: 'ignore' });
  return deb;
}
