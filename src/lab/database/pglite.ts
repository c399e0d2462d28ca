/**
 * The embedded PostgreSQL. Always true: its folder appears whole (made beside and renamed), a commit has been written to the
 * folder's files when it is answered, so that killing the process at any moment loses nothing that was answered; and it costs the
 * process about 170 MB (measured), because the making of a database, which takes much more, happens in a process of its own.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PGlite } from '@electric-sql/pglite';

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

async function makePglite(dataFolder: string, folder: string): Promise<void> {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const scratch = mkdtempSync(join(dataFolder, 'db.new-'));
  try {
    const made = join(scratch, 'db');
    const entry = pathToFileURL(require.resolve('@electric-sql/pglite')).href;
    const code = `const { PGlite } = (await import(${JSON.stringify(entry)})); const db = await PGlite.create(${JSON.stringify(made)}); await db.close();`;
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
    renameSync(made, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
