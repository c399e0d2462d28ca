/**
 * The cache folder: everything the project can make again. Always true: a file under its final name is whole (written
 * beside it and renamed), so a killed build leaves only temporary files behind.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** An error whose message is a sentence for the person at the keyboard: what is wrong and what to do. */
export class ImageError extends Error {
  override name = 'ImageError';
}

/** `OOPSBOX_CACHE`, else `~/.cache/oopsbox`; created. */
export function cacheFolder(...below: string[]): string {
  const folder = join(process.env.OOPSBOX_CACHE || join(homedir(), '.cache', 'oopsbox'), ...below);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new ImageError(
      `The cache folder ${folder} cannot be made (${(error as Error).message}). Set OOPSBOX_CACHE to a folder that can be written.`,
    );
  }
  return folder;
}

/** Writes a small file so that it is either the old one or the whole new one. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.tmp-${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/** Reads JSON that {@link writeWhole} wrote; undefined when it is missing or not JSON. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes temporary images whose writer is gone: what a killed build left behind. */
export function sweepTemporaries(): void {
  const folder = cacheFolder();
  for (const name of readdirSync(folder)) {
    const pid = /^image\.tmp-(\d+)$/.exec(name)?.[1];
    if (pid && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Runs `work` while holding the lock `name` of the cache folder, so that two processes never build the same thing at
 * once. The lock is a folder with the holder's pid inside; a lock whose holder is gone is taken over.
 */
export async function withLock<T>(name: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const lock = join(cacheFolder(), `${name}.lock`);
  const owner = join(lock, 'pid');
  let told = false;
  for (let strays = 0; ; ) {
    try {
      mkdirSync(lock);
      writeFileSync(owner, String(process.pid));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explainDisk(error);
    }
    const pid = Number(readJson<number>(owner) ?? 0);
    // A lock without a pid is one just being taken; after a second it is one whose taker died in between.
    strays = pid === 0 ? strays + 1 : 0;
    if ((pid !== 0 && !isAlive(pid)) || strays > 4) {
      rmSync(lock, { recursive: true, force: true });
      continue;
    }
    if (!told) onWait();
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Turns "the disk is full" and its kin into a sentence; anything else passes unchanged. */
export function explainDisk(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'ENOSPC' && code !== 'EDQUOT' && code !== 'EROFS' && code !== 'EACCES') return error;
  const where = path ?? cacheFolder();
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ImageError(
      `The disk is full (writing ${where}). The image needs about 1 GB in the cache folder: make room, or set OOPSBOX_CACHE to a folder on another disk, and run npm run image again.`,
    );
  }
  return new ImageError(
    `${where} cannot be written (${code}). Set OOPSBOX_CACHE to a folder that can be written.`,
  );
}
