/**
 * Unpacks Debian packages into a tree, without root: owners, modes, times and links are metadata only.
 *
 * Always true: packages are applied in the order given, whatever order their decompression ends in, so equal inputs
 * give an equal tree.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import tar from 'tar-stream';
import { ImageError } from './cache.ts';
import { whyExcluded } from './packages.ts';
import { type Item, link, put, type TreeNode } from './tree.ts';
import type { ImageWriter } from './writer.ts';

/** What one archive holds, in its order. */
export interface TarEntry {
  readonly header: tar.Header;
  readonly bytes: Uint8Array;
}

/** Reads a tar stream; entries that `skip` names have no bytes kept and are left out. */
export async function readTar(source: Readable, skip: (path: string) => boolean): Promise<TarEntry[]> {
  const extract = tar.extract();
  const entries: TarEntry[] = [];
  source.on('error', (error) => extract.destroy(error));
  source.pipe(extract);
  for await (const entry of extract) {
    const chunks: Uint8Array[] = [];
    const skipped = skip(absolute(entry.header.name));
    for await (const chunk of entry) if (!skipped) chunks.push(chunk as Uint8Array);
    if (!skipped) entries.push({ header: entry.header, bytes: Buffer.concat(chunks) });
  }
  return entries;
}

/** Reads the file tree of a .deb by `dpkg-deb --fsys-tarfile`. */
export async function readDeb(path: string): Promise<TarEntry[]> {
  const child = spawn('dpkg-deb', ['--fsys-tarfile', path], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'ENOENT'
          ? new ImageError(
              'This machine has no dpkg-deb, which unpacks the packages of the image. Install the package dpkg.',
            )
          : error,
      );
    });
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(damaged(path, errors.trim().split('\n').at(-1) ?? ''));
    });
  });
  ended.catch(() => {});
  let entries: TarEntry[] = [];
  try {
    entries = await readTar(child.stdout, (name) => whyExcluded(name) !== undefined);
  } catch (error) {
    await ended;
    throw damaged(path, (error as Error).message);
  }
  await ended;
  return entries;
}

function damaged(path: string, why: string): ImageError {
  return new ImageError(
    `The package ${basename(path)} is damaged (${why}). Delete ${path} and run npm run image again.`,
  );
}

/** Checks a downloaded file against the hash the signed package list gives for it. */
export async function checkDeb(path: string, sha256: string): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  if (hash.digest('hex') !== sha256) throw damaged(path, 'its checksum is wrong');
}

/** Puts the entries of one archive into the tree. */
export function applyTar(
  root: TreeNode,
  writer: Pick<ImageWriter, 'add'>,
  entries: readonly TarEntry[],
): void {
  for (const { header, bytes } of entries) {
    const path = absolute(header.name);
    if (header.type === 'link') {
      link(root, path, absolute(header.linkname ?? ''));
      continue;
    }
    const item = itemOf(header, bytes, writer);
    if (item) put(root, path, item, true);
  }
}

function itemOf(header: tar.Header, bytes: Uint8Array, writer: Pick<ImageWriter, 'add'>): Item | undefined {
  const meta = {
    perm: header.mode ?? 0o644,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtimeSec: Math.floor((header.mtime?.getTime() ?? 0) / 1000),
  };
  switch (header.type) {
    case 'directory':
      return { ...meta, kind: 'dir' };
    case 'file':
    case 'contiguous-file':
      return { ...meta, kind: 'file', content: writer.add(bytes) };
    case 'symlink':
      return { ...meta, kind: 'symlink', target: byteString(header.linkname ?? '') };
    case 'character-device':
    case 'block-device':
      return {
        ...meta,
        kind: 'device',
        type: header.type === 'block-device' ? 'block' : 'char',
        major: header.devmajor ?? 0,
        minor: header.devminor ?? 0,
      };
    case 'fifo':
      return { ...meta, kind: 'fifo' };
    default:
      return undefined;
  }
}

/** A tar name as an absolute path of bytes: "./usr/bin/" becomes "/usr/bin". */
function absolute(name: string): string {
  return `/${byteString(name)
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}

function byteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
