/**
 * The sealed image file: one header page, then page-aligned file data, then the index.
 *
 * ```
 *   0  16  magic "oopsbox image\n\0\0"      40   8  index offset, bytes
 *  16   4  format version                    48   8  index length, bytes
 *  20   4  page size, 4096                   56  32  SHA-256 of the index
 *  24   8  data offset, bytes                88  32  SHA-256 of the data area
 *  32   8  data length, pages               120  32  SHA-256 of bytes 0..119: the image's id
 * ```
 * The index is little-endian: eight u32 (inodes, directory entries, strings, string bytes, xattrs, xattr bytes, meta
 * bytes, 0), the columns of {@link INDEX_COLUMNS} one after another, then the bytes of strings, xattr values and meta
 * (JSON). Strings are byte strings. Inode numbers start at 1: row i of an inode column is inode i + 1.
 *
 * Always true: the id covers every byte but the unused rest of the header page, so the file is named after its content;
 * a reader checks header and index when it opens, and the data area on request.
 */
import { createHash } from 'node:crypto';
import { ImageError } from './cache.ts';

export const MAGIC = 'oopsbox image\n\0\0';
export const FORMAT_VERSION = 1;
export const HEADER_BYTES = 4096;
export const PAGE_BYTES = 4096;
export const ID_OFFSET = 120;
/** The value of `dataPage` for an inode without content. */
export const NO_PAGE = 0xffffffff;

/** Columns of the index in file order: what it holds a row for, and the element type. Eight-byte columns come first. */
export const INDEX_COLUMNS = [
  ['sizeBytes', 'inodes', 'f64'],
  ['mtimeSec', 'inodes', 'f64'],
  ['mode', 'inodes', 'u32'],
  ['uid', 'inodes', 'u32'],
  ['gid', 'inodes', 'u32'],
  ['nlink', 'inodes', 'u32'],
  ['major', 'inodes', 'u32'],
  ['minor', 'inodes', 'u32'],
  /** First page of the content, counted in the data area. */
  ['dataPage', 'inodes', 'u32'],
  /** String number of a symbolic link's target; inode number of a directory's parent. */
  ['aux', 'inodes', 'u32'],
  /** A directory's entries: first row and count in the entry columns. */
  ['entryFirst', 'inodes', 'u32'],
  ['entryCount', 'inodes', 'u32'],
  ['entryName', 'entries', 'u32'],
  ['entryIno', 'entries', 'u32'],
  /** End of each string in the string bytes; it starts where the one before ends. */
  ['stringEnd', 'strings', 'u32'],
  ['xattrIno', 'xattrs', 'u32'],
  ['xattrName', 'xattrs', 'u32'],
  ['xattrEnd', 'xattrs', 'u32'],
] as const;

type ColumnName = (typeof INDEX_COLUMNS)[number][0];
type Row = (typeof INDEX_COLUMNS)[number][1];
export type Columns = Record<Exclude<ColumnName, 'sizeBytes' | 'mtimeSec'>, Uint32Array> & {
  sizeBytes: Float64Array;
  mtimeSec: Float64Array;
};

export interface Index {
  readonly columns: Columns;
  readonly inodeCount: number;
  readonly strings: Uint8Array;
  readonly xattrBytes: Uint8Array;
  /** What the builder wrote down: packages, recipe, sizes. */
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Writes an index as the bytes described above. */
export function encodeIndex(index: Index): Uint8Array {
  const meta = Buffer.from(JSON.stringify(index.meta));
  const counts: Record<Row, number> = {
    inodes: index.inodeCount,
    entries: index.columns.entryIno.length,
    strings: index.columns.stringEnd.length,
    xattrs: index.columns.xattrIno.length,
  };
  const head = Uint32Array.of(
    counts.inodes,
    counts.entries,
    counts.strings,
    index.strings.length,
    counts.xattrs,
    index.xattrBytes.length,
    meta.length,
    0,
  );
  const parts: Uint8Array[] = [bytesOf(head)];
  for (const [name] of INDEX_COLUMNS) parts.push(bytesOf(index.columns[name]));
  parts.push(index.strings, index.xattrBytes, meta);
  return Buffer.concat(parts);
}

function bytesOf(view: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Reads what {@link encodeIndex} wrote. Throws a RangeError when lengths do not add up; the caller has checked the
 * hash, so this only happens for a file that was made wrong.
 */
export function decodeIndex(bytes: Uint8Array): Index {
  const whole = new Uint8Array(bytes);
  const head = new Uint32Array(whole.buffer, whole.byteOffset, 8);
  const [inodes, entries, strings, stringBytes, xattrs, xattrBytes, metaBytes] = head;
  const counts: Record<Row, number> = { inodes, entries, strings, xattrs };
  let at = whole.byteOffset + 32;
  const columns: Record<string, Uint32Array | Float64Array> = {};
  for (const [name, row, type] of INDEX_COLUMNS) {
    const View = type === 'f64' ? Float64Array : Uint32Array;
    columns[name] = new View(whole.buffer, at, counts[row]);
    at += columns[name].byteLength;
  }
  const take = (length: number) => {
    const part = new Uint8Array(whole.buffer, at, length);
    at += length;
    return part;
  };
  const stringPart = take(stringBytes);
  const xattrPart = take(xattrBytes);
  const metaPart = take(metaBytes);
  if (at !== whole.byteOffset + whole.byteLength) throw new RangeError('index length');
  return {
    columns: columns as unknown as Columns,
    inodeCount: inodes,
    strings: stringPart,
    xattrBytes: xattrPart,
    meta: JSON.parse(Buffer.from(metaPart).toString('utf8')),
  };
}

/** The fields of the header that are not constant. */
export interface Header {
  readonly dataPages: number;
  readonly indexOffset: number;
  readonly indexBytes: number;
  readonly indexHash: Uint8Array;
  readonly dataHash: Uint8Array;
}

/** The header page, and the id it gives the image. */
export function encodeHeader(header: Header): { page: Uint8Array; id: string } {
  const page = Buffer.alloc(HEADER_BYTES);
  page.write(MAGIC, 0, 'latin1');
  page.writeUInt32LE(FORMAT_VERSION, 16);
  page.writeUInt32LE(PAGE_BYTES, 20);
  page.writeBigUInt64LE(BigInt(HEADER_BYTES), 24);
  page.writeBigUInt64LE(BigInt(header.dataPages), 32);
  page.writeBigUInt64LE(BigInt(header.indexOffset), 40);
  page.writeBigUInt64LE(BigInt(header.indexBytes), 48);
  page.set(header.indexHash, 56);
  page.set(header.dataHash, 88);
  const id = sha256(page.subarray(0, ID_OFFSET));
  page.set(id, ID_OFFSET);
  return { page, id: id.toString('hex') };
}

/** Reads and checks a header page; `path` is for the sentence an {@link ImageError} says. */
export function decodeHeader(page: Buffer, path: string): Header & { id: string } {
  if (page.length < HEADER_BYTES || page.toString('latin1', 0, 16) !== MAGIC) {
    throw new ImageError(`${path} is not an Oopsbox image. ${REPAIR}`);
  }
  const version = page.readUInt32LE(16);
  if (version !== FORMAT_VERSION) {
    throw new ImageError(
      `${path} has image format ${version}, this version reads ${FORMAT_VERSION}. ${REPAIR}`,
    );
  }
  const id = sha256(page.subarray(0, ID_OFFSET));
  if (!id.equals(page.subarray(ID_OFFSET, ID_OFFSET + 32))) {
    throw new ImageError(`${path} is damaged: its header does not match its checksum. ${REPAIR}`);
  }
  return {
    id: id.toString('hex'),
    dataPages: Number(page.readBigUInt64LE(32)),
    indexOffset: Number(page.readBigUInt64LE(40)),
    indexBytes: Number(page.readBigUInt64LE(48)),
    indexHash: page.subarray(56, 88),
    dataHash: page.subarray(88, 120),
  };
}

/** What to do about an image file that cannot be used. */
export const REPAIR = 'Delete that file and run npm run image to make it again.';

export function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
