/**
 * The LMDB environment under the store: four tables and how they are opened. Always true: a write that was awaited has been
 * fsynced; a file that is cut short or is no store is refused with a sentence before LMDB maps it (a page beyond the end of a
 * mapped file would kill the whole process).
 */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
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

/** Places in an LMDB meta page (mdb.c, MDB_meta behind a 16-byte page header). */
const META = { magic: 16, pageSize: 40, lastPage: 136, transaction: 144, bytes: 160 } as const;

/** Bytes that the newest whole transaction of the file needs; -1 when it is no LMDB file. */
function neededBytes(fd: number): number {
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

/** Throws a {@link StoreError} for a file that LMDB must not be given. */
function checkFile(path: string): void {
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
    const needed = neededBytes(fd);
    if (needed < 0) refuse('is not a store of VMs');
    if (size < needed) refuse(`is cut short (${size} of ${needed} bytes)`);
  } finally {
    closeSync(fd);
  }
}

/** Opens the store's environment, in as many threads of one process as like. Throws a {@link StoreError}. */
export function openEnv(folder: string): Env {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  if (existsSync(path)) checkFile(path);
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
