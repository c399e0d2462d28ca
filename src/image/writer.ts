/**
 * Writes a sealed image. Data pages go to a temporary file as they come, so a build needs little memory; `seal` adds
 * the index and the header and renames the file to `image-<id>.obx`.
 *
 * Always true: equal contents are stored once; the same tree and the same order of contents give the same file.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { explainDisk } from './cache.ts';
import {
  type Columns,
  encodeHeader,
  encodeIndex,
  HEADER_BYTES,
  INDEX_COLUMNS,
  NO_PAGE,
  PAGE_BYTES,
  sha256,
} from './format.ts';
import { type Content, sortedChildren, type TreeNode } from './tree.ts';

const EMPTY: Content = { page: NO_PAGE, sizeBytes: 0 };

/** An image file being written. Call {@link ImageWriter.seal} or {@link ImageWriter.discard} at the end. */
export class ImageWriter {
  readonly #folder: string;
  readonly #path: string;
  readonly #fd: number;
  readonly #hash = createHash('sha256');
  readonly #known = new Map<string, Content>();
  #pages = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, `image.tmp-${process.pid}`);
    try {
      this.#fd = openSync(this.#path, 'w+');
      writeAll(this.#fd, new Uint8Array(HEADER_BYTES), 0);
    } catch (error) {
      throw explainDisk(error);
    }
  }

  get dataBytes(): number {
    return this.#pages * PAGE_BYTES;
  }

  /** Stores a file's bytes and answers where they lie. Equal bytes are stored once. */
  add(bytes: Uint8Array): Content {
    if (bytes.length === 0) return EMPTY;
    const key = sha256(bytes).toString('base64');
    const known = this.#known.get(key);
    if (known) return known;
    const content = { page: this.#pages, sizeBytes: bytes.length };
    const rest = -bytes.length & (PAGE_BYTES - 1);
    this.#append(bytes);
    if (rest) this.#append(new Uint8Array(rest));
    this.#pages += (bytes.length + rest) / PAGE_BYTES;
    this.#known.set(key, content);
    return content;
  }

  /** Bytes stored before, for files that are made from a package's. */
  read(content: Content): Uint8Array {
    const bytes = new Uint8Array(content.sizeBytes);
    for (let done = 0; done < bytes.length; ) {
      const position = HEADER_BYTES + content.page * PAGE_BYTES + done;
      done += readSync(this.#fd, bytes, done, bytes.length - done, position);
    }
    return bytes;
  }

  #append(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    try {
      this.#written += writeAll(this.#fd, bytes, HEADER_BYTES + this.#written);
    } catch (error) {
      throw explainDisk(error);
    }
  }
  #written = 0;

  /** Adds index and header, and gives the file its name; answers its path and id. */
  seal(root: TreeNode, meta: Record<string, unknown>): { path: string; id: string } {
    const index = encodeIndex({ ...indexOf(root), meta });
    const { page, id } = encodeHeader({
      dataPages: this.#pages,
      indexOffset: HEADER_BYTES + this.dataBytes,
      indexBytes: index.length,
      indexHash: sha256(index),
      dataHash: this.#hash.digest(),
    });
    const path = join(this.#folder, `image-${id.slice(0, 16)}.obx`);
    try {
      writeAll(this.#fd, index, HEADER_BYTES + this.dataBytes);
      writeAll(this.#fd, page, 0);
      fsyncSync(this.#fd);
      closeSync(this.#fd);
      renameSync(this.#path, path);
    } catch (error) {
      throw explainDisk(error);
    }
    return { path, id };
  }

  /** Throws the temporary file away. */
  discard(): void {
    try {
      closeSync(this.#fd);
    } catch {
      // Closed already by a seal that failed half-way.
    }
    rmSync(this.#path, { force: true });
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  return bytes.length;
}

/** Numbers the inodes of a tree (directories before their entries, names in byte order) and fills the columns. */
function indexOf(root: TreeNode) {
  const numbers = new Map<TreeNode, number>();
  const order: TreeNode[] = [];
  const parents = new Map<TreeNode, number>();
  const nlink = new Map<TreeNode, number>();
  const queue: TreeNode[] = [root];
  numbers.set(root, 1);
  order.push(root);
  parents.set(root, 1);
  nlink.set(root, 2);
  for (let head = 0; head < queue.length; head++) {
    const dir = queue[head];
    for (const [, node] of sortedChildren(dir)) {
      nlink.set(node, (nlink.get(node) ?? (node.children ? 1 : 0)) + 1);
      if (numbers.has(node)) continue;
      order.push(node);
      numbers.set(node, order.length);
      if (node.children) {
        parents.set(node, numbers.get(dir)!);
        nlink.set(dir, nlink.get(dir)! + 1);
        queue.push(node);
      }
    }
  }

  const strings = new StringTable();
  const rows: Record<string, number[]> = Object.fromEntries(INDEX_COLUMNS.map(([name]) => [name, []]));
  const xattrValues: Uint8Array[] = [];
  let xattrBytes = 0;
  for (const [i, node] of order.entries()) {
    rows.mode.push(node.mode);
    rows.uid.push(node.uid);
    rows.gid.push(node.gid);
    rows.mtimeSec.push(node.mtimeSec);
    rows.nlink.push(nlink.get(node)!);
    rows.major.push(node.major ?? 0);
    rows.minor.push(node.minor ?? 0);
    rows.dataPage.push(node.content?.page ?? NO_PAGE);
    const entries = sortedChildren(node);
    rows.sizeBytes.push(
      node.content?.sizeBytes ?? node.target?.length ?? (node.children ? directoryBytes(entries) : 0),
    );
    rows.aux.push(
      node.target !== undefined ? strings.number(node.target) : node.children ? parents.get(node)! : 0,
    );
    rows.entryFirst.push(rows.entryIno.length);
    rows.entryCount.push(entries.length);
    for (const [name, child] of entries) {
      rows.entryName.push(strings.number(name));
      rows.entryIno.push(numbers.get(child)!);
    }
    for (const [name, value] of node.xattrs ?? []) {
      rows.xattrIno.push(i + 1);
      rows.xattrName.push(strings.number(name));
      xattrValues.push(value);
      xattrBytes += value.length;
      rows.xattrEnd.push(xattrBytes);
    }
  }
  rows.stringEnd = strings.ends;
  const columns = Object.fromEntries(
    INDEX_COLUMNS.map(([name, , type]) => [
      name,
      type === 'f64' ? Float64Array.from(rows[name]) : Uint32Array.from(rows[name]),
    ]),
  ) as unknown as Columns;
  return {
    columns,
    inodeCount: order.length,
    strings: strings.bytes(),
    xattrBytes: Buffer.concat(xattrValues),
  };
}

/** What ext4 says of a directory's size: whole blocks of 4 KiB for entries of 8 bytes and a padded name. */
function directoryBytes(entries: readonly [string, TreeNode][]): number {
  const bytes = entries.reduce((sum, [name]) => sum + 8 + ((name.length + 3) & ~3), 24);
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

class StringTable {
  readonly ends: number[] = [];
  readonly #numbers = new Map<string, number>();
  #length = 0;

  number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(text, number);
      this.#length += text.length;
      this.ends.push(this.#length);
    }
    return number;
  }

  bytes(): Uint8Array {
    return Buffer.from([...this.#numbers.keys()].join(''), 'latin1');
  }
}
