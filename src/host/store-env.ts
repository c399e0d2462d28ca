/**
 * The LMDB environment under the store: four tables and how they are opened. Always true: a write that was awaited has been
 * fsynced; a file that is cut short or is no store is refused with a sentence before LMDB maps it (a page beyond the end of a
 * mapped file would kill the whole process).
 */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { StoreError } from './store-types.ts';

export interface Env {
  root: RootDatabase;
  /** What is known of machines, by readable keys; see store.ts. */
  facts: Database<unknown, string>;
  /** Rows of disks; see store-rows.ts. */
  disks: Database<Buffer, Buffer>;
  /** Memory of sleeping machines and snapshots; see store-memory.ts. */
  memory: Database<Buffer, Buffer>;
  /** Text of consoles, by machine. */
  consoles: Database<Buffer, string>;
}

const FILE = 'data.mdb';
const MAGIC = 0xbeefc0de;
/** Address space set aside for the file; it may not grow beyond. */
const MAP_BYTES = 256 * 2 ** 30;

/** Places in an LMDB meta page (mdb.c: MDB_meta behind a 24-byte page header). */
const META = { magic: 24, pageSize: 48, lastPage: 144, transaction: 152, bytes: 160 } as const;

/** Bytes that the pages of the newest whole transaction take; -1 when it is no LMDB file. */
function expectedBytes(fd: number): number {
  const first = Buffer.alloc(META.bytes);
  if (readSync(fd, first, 0, META.bytes, 0) < META.bytes || first.readUInt32LE(META.magic) !== MAGIC)
    return -1;
  const pageSize = first.readUInt32LE(META.pageSize);
  const second = Buffer.alloc(META.bytes);
  if (readSync(fd, second, 0, META.bytes, pageSize) < META.bytes) return 2 * pageSize;
  const newer =
    second.readBigUInt64LE(META.transaction) > first.readBigUInt64LE(META.transaction) ? second : first;
  return (Number(newer.readBigUInt64LE(META.lastPage)) + 1) * pageSize;
}

/** Reads every row in a process of its own, which is what a page beyond the end of the file kills. */
const READ_ALL = `
const { open } = require(process.argv[1]);
const root = open({ path: process.argv[2], noSubdir: false, readOnly: true, maxDbs: 8 });
for (const name of ['facts', 'disks', 'memory', 'consoles']) {
  const table = root.openDB(name, { encoding: 'binary', keyEncoding: 'binary' });
  for (const { value } of table.getRange({})) value.length;
}`;

function isReadable(folder: string): boolean {
  const lmdb = createRequire(import.meta.url).resolve('lmdb');
  const read = spawnSync(process.execPath, ['-e', READ_ALL, lmdb, folder], { stdio: 'ignore' });
  return read.status === 0;
}

/** Throws a {@link StoreError} for a file that LMDB must not be given. */
function checkFile(folder: string): void {
  const path = join(folder, FILE);
  const refuse = (why: string): never => {
    throw new StoreError(
      'corrupt',
      `${path} ${why}; put back a copy of the data folder, or move the file away to start with no VMs`,
    );
  };
  const fd = openSync(path, 'r');
  try {
    const { size } = fstatSync(fd);
    if (size === 0) return;
    const expected = expectedBytes(fd);
    if (expected < 0) refuse('is not a store of VMs');
    // It may be shorter by pages at its end that a transaction gave back before it wrote them.
    if (size < expected && !isReadable(folder)) refuse(`is cut short (${size} of ${expected} bytes)`);
  } finally {
    closeSync(fd);
  }
}

/** Opens the store's environment, in as many threads of one process as like. Throws a {@link StoreError}. */
export function openEnv(folder: string): Env {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (existsSync(join(folder, FILE))) checkFile(folder);
  try {
    const root = open({
      path: folder,
      noSubdir: false,
      maxDbs: 8,
      mapSize: MAP_BYTES,
      // A commit is over when it is on the disk; there is no second promise to forget.
      overlappingSync: false,
      strictAsyncOrder: true,
    });
    const binary = { keyEncoding: 'binary', encoding: 'binary' } as const;
    return {
      root,
      facts: root.openDB('facts', { encoding: 'json' }),
      disks: root.openDB('disks', { ...binary, compression: { threshold: 400 } }),
      memory: root.openDB('memory', { ...binary, compression: { threshold: 400 } }),
      consoles: root.openDB('consoles', { encoding: 'binary', compression: true }),
    };
  } catch (error) {
    throw new StoreError(
      'corrupt',
      `the store in ${folder} cannot be opened (${(error as Error).message}); put back a copy of the data folder, or move it away to start with no VMs`,
    );
  }
}
