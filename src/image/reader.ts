/**
 * Opens a sealed image for reading: the implementation of the kernel's `ImageFs` over one file descriptor.
 *
 * Always true: nothing read through it can be wrong without notice at open, but for the data area, whose checksum is
 * verified by {@link verifyImage} alone (reading it all takes seconds). Nothing is cached but directory maps: pages
 * are cached by the machine, once for all VMs.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ImageFs, ImageInode } from '../kernel/fs/image.ts';
import { ImageError } from './cache.ts';
import {
  decodeHeader,
  decodeIndex,
  HEADER_BYTES,
  type Header,
  type Index,
  NO_PAGE,
  PAGE_BYTES,
  REPAIR,
  sha256,
} from './format.ts';
import { S_IF } from './tree.ts';

/** The root directory's inode number. */
export const ROOT_INO = 1;

/** An open image: the kernel's view, and what the image room itself wants to know. */
export interface Image extends ImageFs {
  /** Bytes of file data. */
  readonly dataBytes: number;
  /** The directory that holds directory `dirIno` (the root holds itself); 0 for what is no directory. */
  parent(dirIno: number): number;
  /** As in the kernel's view; answers how many bytes of the page lie inside the file. */
  readPage(ino: number, pageIndex: number, into: Uint8Array): number;
  readonly path: string;
  /** What the builder wrote down: packages, recipe, sizes. */
  readonly meta: Readonly<Record<string, unknown>>;
  /** Device number of a character or block device in its two parts. */
  device(ino: number): { major: number; minor: number };
  /** First page of the file in the data area and its length in bytes; undefined for what has no content. */
  contentOf(ino: number): { page: number; sizeBytes: number } | undefined;
  close(): void;
}

/** Opens the image at `path`, or throws an {@link ImageError} that says what is wrong with the file. */
export function openImage(path: string): Image {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ImageError(
      code === 'ENOENT'
        ? `There is no image at ${path}. Run npm run image to make it.`
        : `The image ${path} cannot be opened (${code}).`,
    );
  }
  try {
    const { header, index } = readChecked(fd, path);
    return new SealedImage(path, fd, header, index);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function readChecked(fd: number, path: string): { header: Header & { id: string }; index: Index } {
  const header = decodeHeader(readExactly(fd, HEADER_BYTES, 0, path), path);
  const size = fstatSync(fd).size;
  if (size !== header.indexOffset + header.indexBytes) {
    throw new ImageError(
      `${path} is ${size < header.indexOffset + header.indexBytes ? 'cut short' : 'longer than it was sealed'}. ${REPAIR}`,
    );
  }
  const bytes = readExactly(fd, header.indexBytes, header.indexOffset, path);
  if (!sha256(bytes).equals(header.indexHash)) {
    throw new ImageError(`${path} is damaged: its index does not match its checksum. ${REPAIR}`);
  }
  try {
    return { header, index: decodeIndex(bytes) };
  } catch {
    throw new ImageError(`${path} was sealed wrong: its index cannot be read. ${REPAIR}`);
  }
}

function readExactly(fd: number, length: number, position: number, path: string): Buffer {
  // Not from Buffer's pool: the columns need their own alignment.
  const bytes = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) throw new ImageError(`${path} is cut short. ${REPAIR}`);
    done += count;
  }
  return bytes;
}

/** Checks the whole file, data and all. Throws an {@link ImageError} when a byte is wrong. */
export function verifyImage(
  path: string,
  onProgress: (doneBytes: number, ofBytes: number) => void = () => {},
): void {
  openImage(path).close();
  const fd = openSync(path, 'r');
  try {
    const { header } = readChecked(fd, path);
    const total = header.dataPages * PAGE_BYTES;
    const hash = createHash('sha256');
    for (let done = 0; done < total; ) {
      const length = Math.min(1 << 22, total - done);
      hash.update(readExactly(fd, length, HEADER_BYTES + done, path));
      done += length;
      onProgress(done, total);
    }
    if (!hash.digest().equals(header.dataHash)) {
      throw new ImageError(`${path} is damaged: its data does not match its checksum. ${REPAIR}`);
    }
  } finally {
    closeSync(fd);
  }
}

/** Device number as makedev(3) of glibc encodes it. */
function makedev(major: number, minor: number): number {
  return ((major & 0xfff) << 8) + (minor & 0xff) + (minor & ~0xff) * 2 ** 12 + (major & ~0xfff) * 2 ** 32;
}

class SealedImage implements Image {
  readonly path: string;
  readonly id: string;
  readonly inodeCount: number;
  readonly newestSec: number;
  readonly dataBytes: number;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly #fd: number;
  readonly #index: Index;
  /** All strings as one, cut where wanted: cheaper than decoding each. */
  readonly #text: string;
  readonly #directories = new Map<number, Map<string, number>>();
  readonly #xattrs = new Map<number, Map<string, Uint8Array>>();
  readonly #keyPrefix: string;

  constructor(path: string, fd: number, header: Header & { id: string }, index: Index) {
    this.path = path;
    this.#fd = fd;
    this.id = header.id;
    this.#index = index;
    this.inodeCount = index.inodeCount;
    this.newestSec = index.columns.mtimeSec.reduce((newest, time) => Math.max(newest, time), 0);
    this.dataBytes = header.dataPages * PAGE_BYTES;
    this.meta = index.meta;
    this.#text = Buffer.from(index.strings).toString('latin1');
    this.#keyPrefix = `${header.id.slice(0, 16)}:`;
    const { xattrIno, xattrName, xattrEnd } = index.columns;
    for (let i = 0; i < xattrIno.length; i++) {
      const value = index.xattrBytes.subarray(i === 0 ? 0 : xattrEnd[i - 1], xattrEnd[i]);
      const all = this.#xattrs.get(xattrIno[i]) ?? new Map<string, Uint8Array>();
      this.#xattrs.set(xattrIno[i], all.set(this.#string(xattrName[i]), value));
    }
  }

  #string(number: number): string {
    const ends = this.#index.columns.stringEnd;
    return this.#text.slice(number === 0 ? 0 : ends[number - 1], ends[number]);
  }

  /** The column row of an inode number, or -1. */
  #row(ino: number): number {
    return Number.isInteger(ino) && ino >= ROOT_INO && ino <= this.inodeCount ? ino - 1 : -1;
  }

  #isType(row: number, type: number): boolean {
    return row >= 0 && (this.#index.columns.mode[row] & S_IF.MT) === type;
  }

  inode(ino: number): ImageInode | null {
    const row = this.#row(ino);
    if (row < 0) return null;
    const c = this.#index.columns;
    return {
      ino,
      mode: c.mode[row],
      uid: c.uid[row],
      gid: c.gid[row],
      nlink: c.nlink[row],
      size: c.sizeBytes[row],
      mtime: c.mtimeSec[row],
      rdev: makedev(c.major[row], c.minor[row]),
      link: this.#isType(row, S_IF.LNK) ? this.#string(c.aux[row]) : null,
      xattrs: this.#xattrs.get(ino) ?? null,
    };
  }

  lookup(dirIno: number, name: string): number {
    let names = this.#directories.get(dirIno);
    if (!names) {
      const row = this.#row(dirIno);
      if (!this.#isType(row, S_IF.DIR)) return 0;
      const { entryFirst, entryCount, entryName, entryIno } = this.#index.columns;
      names = new Map();
      for (let i = entryFirst[row]; i < entryFirst[row] + entryCount[row]; i++) {
        names.set(this.#string(entryName[i]), entryIno[i]);
      }
      this.#directories.set(dirIno, names);
    }
    return names.get(name) ?? 0;
  }

  readdir(dirIno: number): { name: string; ino: number; type: number }[] {
    const row = this.#row(dirIno);
    if (!this.#isType(row, S_IF.DIR)) return [];
    const { entryFirst, entryCount, entryName, entryIno, mode } = this.#index.columns;
    const entries: { name: string; ino: number; type: number }[] = [];
    for (let i = entryFirst[row]; i < entryFirst[row] + entryCount[row]; i++) {
      const ino = entryIno[i];
      entries.push({ name: this.#string(entryName[i]), ino, type: mode[ino - 1] >> 12 });
    }
    return entries;
  }

  parent(dirIno: number): number {
    const row = this.#row(dirIno);
    return this.#isType(row, S_IF.DIR) ? this.#index.columns.aux[row] : 0;
  }

  readPage(ino: number, pageIndex: number, into: Uint8Array): number {
    const row = this.#row(ino);
    const size = this.#isType(row, S_IF.REG) ? this.#index.columns.sizeBytes[row] : 0;
    const inFile = Math.min(PAGE_BYTES, size - pageIndex * PAGE_BYTES);
    if (!(inFile > 0) || pageIndex < 0) {
      into.fill(0, 0, PAGE_BYTES);
      return 0;
    }
    this.#readDataPage(this.#index.columns.dataPage[row] + pageIndex, into);
    return inFile;
  }

  readPageByKey(key: string, into: Uint8Array): void {
    const page = key.startsWith(this.#keyPrefix) ? Number(key.slice(this.#keyPrefix.length)) : Number.NaN;
    if (!Number.isInteger(page) || page < 0 || page * PAGE_BYTES >= this.dataBytes) {
      throw new ImageError(`The image ${this.path} has no page ${key}: it belongs to another image.`);
    }
    this.#readDataPage(page, into);
  }

  #readDataPage(page: number, into: Uint8Array): void {
    const position = HEADER_BYTES + page * PAGE_BYTES;
    for (let done = 0; done < PAGE_BYTES; ) {
      const count = readSync(this.#fd, into, done, PAGE_BYTES - done, position + done);
      if (count === 0) throw new ImageError(`${this.path} was cut short while in use. ${REPAIR}`);
      done += count;
    }
  }

  pageKey(ino: number, pageIndex: number): string {
    const row = this.#row(ino);
    if (!this.#isType(row, S_IF.REG)) return '';
    if (!(pageIndex >= 0 && pageIndex * PAGE_BYTES < this.#index.columns.sizeBytes[row])) return '';
    return this.#keyPrefix + (this.#index.columns.dataPage[row] + pageIndex);
  }

  device(ino: number): { major: number; minor: number } {
    const { major, minor } = this.#index.columns;
    return { major: major[ino - 1], minor: minor[ino - 1] };
  }

  contentOf(ino: number): { page: number; sizeBytes: number } | undefined {
    const row = this.#row(ino);
    if (!this.#isType(row, S_IF.REG)) return undefined;
    const page = this.#index.columns.dataPage[row];
    return { page: page === NO_PAGE ? 0 : page, sizeBytes: this.#index.columns.sizeBytes[row] };
  }

  close(): void {
    closeSync(this.#fd);
  }
}
