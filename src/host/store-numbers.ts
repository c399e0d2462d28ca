/**
 * Disks and memories by number: ranges of rows that are copied, removed and swept as wholes. Always true: a number is never used
 * twice; rows under a number that no fact names are garbage; long copies and removals go in steps, so that nobody waits for
 * them.
 */
import { randomInt } from 'node:crypto';
import type { Database } from 'lmdb';
import type { Env } from './store-env.ts';
import { memoryKey, memoryOf } from './store-memory.ts';
import { diskOf, diskRange, MAX_DISK, moveKey } from './store-rows.ts';

type Table = Database<Buffer, Buffer>;
interface Range {
  start: Buffer;
  end: Buffer;
}

const STEP_ROWS = 1000;

/** A number that was never used: by chance, of 2^48. */
export const newNumber = (): number => randomInt(1, MAX_DISK);

export const memoryRange = (memory: number): Range => ({
  start: memoryKey(memory, 0),
  end: memoryKey(memory + 1, 0),
});

/** The key right after this one. */
const after = (key: Buffer): Buffer => Buffer.concat([key, Buffer.from([0])]);

/** Copies all rows of a disk to a new number. */
export async function copyDisk(env: Env, from: number, to: number): Promise<void> {
  const { start, end } = diskRange(from);
  for (let at = start; ; ) {
    const rows = [...env.disks.getRange({ start: at, end, limit: STEP_ROWS })];
    if (rows.length === 0) return;
    await env.disks.batch(() => {
      for (const { key, value } of rows) env.disks.put(moveKey(key, to), value);
    });
    at = after(rows[rows.length - 1].key);
  }
}

async function removeRange(table: Table, range: Range): Promise<void> {
  for (;;) {
    const keys = [...table.getKeys({ ...range, limit: STEP_ROWS })];
    if (keys.length === 0) return;
    await table.batch(() => {
      for (const key of keys) table.remove(key);
    });
  }
}

export const removeDisk = (env: Env, disk: number): Promise<void> => removeRange(env.disks, diskRange(disk));
export const removeMemory = (env: Env, memory: number): Promise<void> =>
  removeRange(env.memory, memoryRange(memory));

/** The numbers that have rows in a table. */
function numbersIn(table: Table, numberOf: (key: Buffer) => number, end: (n: number) => Buffer): number[] {
  const found: number[] = [];
  for (let start: Buffer | undefined; ; ) {
    const [key] = table.getKeys({ start, limit: 1 });
    if (!key) return found;
    const number = numberOf(key);
    found.push(number);
    start = end(number);
  }
}

/** Removes rows of numbers that are not in use; answers how many numbers that were. */
export async function sweep(
  env: Env,
  usedDisks: ReadonlySet<number>,
  usedMemories: ReadonlySet<number>,
): Promise<number> {
  let freed = 0;
  for (const disk of numbersIn(env.disks, diskOf, (n) => diskRange(n).end)) {
    if (usedDisks.has(disk)) continue;
    await removeDisk(env, disk);
    freed++;
  }
  for (const memory of numbersIn(env.memory, memoryOf, (n) => memoryRange(n).end)) {
    if (usedMemories.has(memory)) continue;
    await removeMemory(env, memory);
    freed++;
  }
  return freed;
}
