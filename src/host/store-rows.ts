/**
 * A disk as rows of a key-value store: one for the disk, one for each inode that differs from the image, one for each name in
 * a directory that does, one for each page of a file's own. Always true: a row's key says what it is, its value begins with the
 * CRC-32 of the rest, and equal disks have equal rows whatever the order of the commits that wrote them.
 *
 * Keys are bytes: disk (u48), inode (u48), kind (u8), then the page's index (u48) or the name. Numbers are big-endian, so that
 * rows of a disk, and of an inode, lie side by side.
 */
import { crc32 } from 'node:zlib';
import { filesMappedForWriting, heldPages, noChanges } from '../kernel/fs/changes.ts';
import {
  allChanges,
  assembleDisk,
  type Disk,
  type KeptAttributes,
  type KeptInode,
  ownPage,
} from '../kernel/fs/disk.ts';
import type { ImageFs } from '../kernel/fs/image.ts';
import { entriesOf } from '../kernel/fs/treefs.ts';
import type { Inode, Superblock } from '../kernel/fs/types.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { StoreError } from './store-types.ts';

const PAGE = 4096;
const Kind = { DISK: 0, INODE: 1, NAME: 2, PAGE: 3 } as const;
const HEAD = 13;
const KIND_AT = 12;
/** A disk's number is below this. */
export const MAX_DISK = 2 ** 48 - 1;

/** A row to write, or to remove where there is no value. */
export interface Row {
  key: Buffer;
  value: Buffer | null;
}

function key(disk: number, ino: number, kind: number, rest = 0): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD + rest);
  bytes.writeUIntBE(disk, 0, 6);
  bytes.writeUIntBE(ino, 6, 6);
  bytes[KIND_AT] = kind;
  return bytes;
}

const diskKey = (disk: number): Buffer => key(disk, 0, Kind.DISK);
const inodeKey = (disk: number, ino: number): Buffer => key(disk, ino, Kind.INODE);

function pageKey(disk: number, ino: number, index: number): Buffer {
  const bytes = key(disk, ino, Kind.PAGE, 6);
  bytes.writeUIntBE(index, HEAD, 6);
  return bytes;
}

function nameKey(disk: number, ino: number, name: string): Buffer {
  const bytes = key(disk, ino, Kind.NAME, name.length);
  bytes.write(name, HEAD, 'latin1');
  return bytes;
}

/** All rows of a disk lie between these two keys. */
export const diskRange = (disk: number): { start: Buffer; end: Buffer } => ({
  start: diskKey(disk),
  end: diskKey(disk + 1),
});

/** Which disk a row belongs to. */
export const diskOf = (rowKey: Buffer): number => rowKey.readUIntBE(0, 6);

/** The same row on another disk. */
export function moveKey(from: Buffer, disk: number): Buffer {
  const to = Buffer.from(from);
  to.writeUIntBE(disk, 0, 6);
  return to;
}

/** A value with its checksum before it. */
export function seal(payload: Uint8Array): Buffer {
  const value = Buffer.allocUnsafe(4 + payload.length);
  value.set(payload, 4);
  value.writeUInt32LE(crc32(payload), 0);
  return value;
}

/** What {@link seal} wrapped. Throws a {@link StoreError} where it is damaged. */
export function unseal(value: Buffer, what: string): Buffer {
  const payload = value.subarray(4);
  if (value.length < 4 || value.readUInt32LE(0) !== crc32(payload))
    throw new StoreError('corrupt', `${what} is damaged in the store; restore a snapshot or rebuild the VM`);
  return payload;
}

const TIMES = ['atime', 'mtime', 'ctime', 'btime'] as const;
const WORDS = ['mode', 'uid', 'gid', 'nlink', 'rdev'] as const;
const WIDE = ['size', 'lowerSize'] as const;
const FIXED = WORDS.length * 4 + WIDE.length * 8 + TIMES.length * 12;

function encodeInode(inode: KeptAttributes): Buffer {
  const xattrs = [...(inode.xattrs ?? [])];
  const link = inode.link === null ? null : Buffer.from(inode.link, 'latin1');
  let length = FIXED + 2 + 2 + (link?.length ?? 0);
  for (const [name, value] of xattrs) length += 4 + name.length + value.length;
  const out = Buffer.alloc(length);
  let at = 0;
  for (const field of WORDS) at = out.writeUInt32LE(inode[field], at);
  for (const field of WIDE) at = out.writeDoubleLE(inode[field], at);
  for (const field of TIMES) {
    at = out.writeDoubleLE(inode[field].sec, at);
    at = out.writeUInt32LE(inode[field].nsec, at);
  }
  at = out.writeUInt16LE(link === null ? 0xffff : link.length, at);
  if (link) at += link.copy(out, at);
  at = out.writeUInt16LE(xattrs.length, at);
  for (const [name, value] of xattrs) {
    at = out.writeUInt16LE(name.length, at);
    at = out.writeUInt16LE(value.length, at);
    at += out.write(name, at, 'latin1');
    out.set(value, at);
    at += value.length;
  }
  return out;
}

function decodeInode(bytes: Buffer): KeptAttributes {
  let at = 0;
  const attributes: Record<string, unknown> = {};
  for (const field of WORDS) {
    attributes[field] = bytes.readUInt32LE(at);
    at += 4;
  }
  for (const field of WIDE) {
    attributes[field] = bytes.readDoubleLE(at);
    at += 8;
  }
  for (const field of TIMES) {
    attributes[field] = { sec: bytes.readDoubleLE(at), nsec: bytes.readUInt32LE(at + 8) };
    at += 12;
  }
  const linkLength = bytes.readUInt16LE(at);
  at += 2;
  attributes.link = linkLength === 0xffff ? null : bytes.toString('latin1', at, at + linkLength);
  if (linkLength !== 0xffff) at += linkLength;
  const count = bytes.readUInt16LE(at);
  at += 2;
  attributes.xattrs = count === 0 ? null : new Map<string, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const value = at + 4 + bytes.readUInt16LE(at);
    const end = value + bytes.readUInt16LE(at + 2);
    const name = bytes.toString('latin1', at + 4, value);
    (attributes.xattrs as Map<string, Uint8Array>).set(name, new Uint8Array(bytes.subarray(value, end)));
    at = end;
  }
  return attributes as unknown as KeptAttributes;
}

/** A page without the zeros at its end: most files are shorter than their last page. */
function trim(page: Uint8Array): Uint8Array {
  let end = page.length;
  while (end > 0 && page[end - 1] === 0) end--;
  return page.subarray(0, end);
}

/** What pages that programs have mapped held when they were last written, by inode and index: their checksums. */
type Seen = Map<number, number>;
const seenPages = new WeakMap<Inode, Seen>();

/** Whether a mapped page differs from what was last taken of it. */
function hasMoved(inode: Inode, index: number, page: Uint8Array): boolean {
  let seen = seenPages.get(inode);
  if (!seen) {
    seen = new Map();
    seenPages.set(inode, seen);
  }
  const now = crc32(page);
  if (seen.get(index) === now) return false;
  seen.set(index, now);
  return true;
}

/** The row of a disk itself: what of its superblock cannot be counted from the other rows. */
function countsRow(disk: number, sb: Superblock): Row {
  const counts = Buffer.alloc(16);
  counts.writeDoubleLE(sb.nextIno, 0);
  counts.writeDoubleLE(sb.usedInodes, 8);
  return { key: diskKey(disk), value: seal(counts) };
}

/** Rows that bring a disk in the store to what the kernel's is now. */
export interface Delta {
  rows: Row[];
  bytes: number;
}

/**
 * Takes what changed since the last call out of the kernel; with `whole` everything the disk has. The kernel's changes are empty
 * afterwards, so the rows must reach the store, or `kernel.changes` be set to null.
 */
export function takeDelta(k: Kernel, disk: number, whole: boolean): Delta {
  const changes = whole || !k.changes ? allChanges(k) : k.changes;
  const rows: Row[] = [];
  let bytes = 0;
  const put = (rowKey: Buffer, payload: Uint8Array): void => {
    const value = seal(payload);
    rows.push({ key: rowKey, value });
    bytes += value.length;
  };
  for (const ino of changes.gone) rows.push({ key: inodeKey(disk, ino), value: null });
  for (const inode of changes.inodes) put(inodeKey(disk, inode.ino), encodeInode(inode));
  for (const [dir, names] of changes.names) {
    const entries = entriesOf(dir);
    for (const name of names) {
      const child = entries?.get(name);
      if (child === undefined) rows.push({ key: nameKey(disk, dir.ino, name), value: null });
      else {
        const ino = Buffer.alloc(8);
        ino.writeDoubleLE(child === null ? 0 : child.ino);
        put(nameKey(disk, dir.ino, name), ino);
      }
    }
  }
  const next = noChanges();
  const mappedFiles = filesMappedForWriting(k);
  for (const inode of new Set([...changes.pages.keys(), ...changes.mapped.keys()])) {
    const sure = changes.pages.get(inode);
    const held = mappedFiles.has(inode)
      ? heldPages(k, inode, new Set([...(sure ?? []), ...(changes.mapped.get(inode) ?? [])]))
      : null;
    for (const index of new Set([...(sure ?? []), ...(changes.mapped.get(inode) ?? [])])) {
      const page = ownPage(k, inode, index);
      if (!page) {
        if (!whole) rows.push({ key: pageKey(disk, inode.ino, index), value: null });
      } else if (!held?.has(index) || hasMoved(inode, index, page) || sure?.has(index))
        put(pageKey(disk, inode.ino, index), trim(page));
    }
    if (held && held.size > 0) next.mapped.set(inode, held);
    else seenPages.delete(inode);
  }
  next.mappedAt = k.sched.retired;
  const { sb } = k.fs.rootMount;
  if (rows.length > 0) {
    rows.push(countsRow(disk, sb));
  }
  k.changes = next;
  return { rows, bytes };
}

/** A disk, and what brings its rows to that: what was unlinked but still open when the machine lost power goes. */
export interface LoadedDisk {
  disk: Disk;
  repairs: Row[];
}

/** The disk that rows make over an image. Throws a {@link StoreError} where they are damaged or do not fit together. */
export function loadRows(
  rows: Iterable<{ key: Buffer; value: Buffer }>,
  image: ImageFs,
  what: string,
): LoadedDisk {
  let counts = { nextIno: 0, usedInodes: 0 };
  const kept: KeptInode[] = [];
  const repairs: Row[] = [];
  let number = 0;
  let inode: KeptInode | null = null;
  for (const { key: rowKey, value } of rows) {
    const ino = rowKey.readUIntBE(6, 6);
    const payload = unseal(value, what);
    const kind = rowKey[KIND_AT];
    if (kind === Kind.DISK) {
      number = diskOf(rowKey);
      counts = { nextIno: payload.readDoubleLE(0), usedInodes: payload.readDoubleLE(8) };
    } else if (kind === Kind.INODE) {
      const attributes = decodeInode(payload);
      inode = null;
      if (attributes.nlink > 0) {
        inode = { ino, attributes, names: null, pages: null };
        kept.push(inode);
      } else {
        counts.usedInodes--;
        repairs.push({ key: Buffer.from(rowKey), value: null });
      }
    } else if (inode?.ino !== ino) repairs.push({ key: Buffer.from(rowKey), value: null });
    else if (kind === Kind.NAME) {
      inode.names ??= new Map();
      inode.names.set(rowKey.toString('latin1', HEAD), payload.readDoubleLE(0));
    } else {
      inode.pages ??= new Map();
      const page = new Uint8Array(PAGE);
      page.set(payload);
      inode.pages.set(rowKey.readUIntBE(HEAD, 6), page);
    }
  }
  if (counts.nextIno === 0)
    throw new StoreError(
      'corrupt',
      `${what} is not whole in the store; restore a snapshot or rebuild the VM`,
    );
  try {
    const disk = assembleDisk(image, kept, counts);
    if (repairs.length > 0) repairs.push(countsRow(number, disk.sb));
    return { disk, repairs };
  } catch (error) {
    throw new StoreError('corrupt', `${what} does not fit its image: ${(error as Error).message}`);
  }
}
