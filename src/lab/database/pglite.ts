/**
 * The embedded PostgreSQL. Always true: its folder appears whole (made beside and renamed), a commit has been written to the
 * folder's files when it is answered, so that killing the process at any moment loses nothing that was answered; and it costs the
 * process about 170 MB (measured), because the making of a database, which takes much more, happens in a process of its own.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PGlite } from '@electric-sql/pglite';
import { cacheFolder } from '../../image/cache.ts';

const require = createRequire(import.meta.url);

/** `SHOW shared_buffers`: our tables fit in it, and the default would take 128 MB. */
const SETTINGS = ['-c', 'shared_buffers=16MB'];

/** Opens the database in `<dataFolder>/db`, making it when it is missing. */
export async function openPglite(dataFolder: string): Promise<PGlite> {
  const folder = join(dataFolder, 'db');
  if (!existsSync(folder)) await makePglite(dataFolder, folder);
  const { PGlite } = await import('@electric-sql/pglite');
  const { defaultStartParams } = PGlite as unknown as { defaultStartParams: string[] };
  const pglite = await PGlite.create(folder, {
    relaxedDurability: false,
    startParams: [...defaultStartParams, ...SETTINGS],
  });
  await pglite.exec("SET TIME ZONE 'UTC'");
  return pglite;
}

/** A database without anything in it, kept in the cache: making one takes seconds, copying it does not. */
async function makePglite(dataFolder: string, folder: string): Promise<void> {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const manifest = join(dirname(require.resolve('@electric-sql/pglite')), '..', 'package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const empty = join(cacheFolder(), `pglite-${version}`);
  if (!existsSync(empty)) await placed(empty, initialize);
  await placed(folder, (made) => cp(empty, made, { recursive: true }));
}

/** Makes a folder beside its place and puts it there when it is whole; another process may have been faster. */
async function placed(folder: string, make: (folder: string) => Promise<void>): Promise<void> {
  const scratch = mkdtempSync(`${folder}.new-`);
  try {
    await make(join(scratch, 'db'));
    if (!existsSync(folder)) renameSync(join(scratch, 'db'), folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** `initdb`, in a process of its own. */
async function initialize(folder: string): Promise<void> {
  const entry = pathToFileURL(require.resolve('@electric-sql/pglite')).href;
  const code = `import { PGlite } from ${JSON.stringify(entry)}; await (await PGlite.create(${JSON.stringify(folder)})).close();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`making it failed:\n${said}`);
}
