/**
 * The Prisma client, generated at first use. Always true: what lies in `src/lab/build/client` was made from the schema and
 * the Prisma version that its stamp names, and it appears as a whole or not at all. Nothing is downloaded: generating is
 * WebAssembly, and the engine that Prisma would fetch is never run, so any program may stand in for it.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const schemaFile = fileURLToPath(new URL('../../../prisma/schema.prisma', import.meta.url));
const buildFolder = fileURLToPath(new URL('../build', import.meta.url));
const clientFolder = join(buildFolder, 'client');
const require = createRequire(import.meta.url);

/** Generates the client unless the one that is there fits the schema. Answers whether it had to. */
export function ensureClient(): boolean {
  const schema = readFileSync(schemaFile, 'utf8');
  const { version } = require('prisma/package.json') as { version: string };
  const stamp = createHash('sha256').update(`${version}\n${schema}`).digest('hex');
  if (currentStamp() === stamp) return false;
  mkdirSync(buildFolder, { recursive: true });
  const scratch = mkdtempSync(join(buildFolder, 'new-'));
  try {
    const made = join(scratch, 'client');
    const scratchSchema = join(scratch, 'schema.prisma');
    writeFileSync(
      scratchSchema,
      schema.replace(/^(\s*output\s*=\s*)"[^"]*"/m, (_, key) => `${key}${JSON.stringify(made)}`),
    );
    const run = spawnSync(
      process.execPath,
      [require.resolve('prisma/build/index.js'), 'generate', '--schema', scratchSchema],
      {
        cwd: scratch,
        encoding: 'utf8',
        env: {
          ...process.env,
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
        },
      },
    );
    if (run.status !== 0) throw new Error(`prisma generate failed:\n${run.stdout}${run.stderr}`);
    writeFileSync(join(made, '.stamp'), stamp);
    // Two processes may get here at once: each has made the same thing, and the first to arrive is as good as the second.
    if (existsSync(clientFolder)) renameSync(clientFolder, join(scratch, 'old'));
    try {
      renameSync(made, clientFolder);
    } catch (error) {
      if (currentStamp() !== stamp) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return true;
}

function currentStamp(): string | null {
  try {
    return readFileSync(join(clientFolder, '.stamp'), 'utf8');
  } catch {
    return null;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (ensureClient()) process.stdout.write('Generated the Prisma client.\n');
}
