/** Builds the page with Vite into the cache, once for each state of its sources. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const lock = join(here, '../../package-lock.json');

function sourceHash(): string {
  const hash = createHash('sha256').update(readFileSync(lock));
  for (const folder of [here, join(here, '../shared')])
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).sort((a, b) =>
      `${a.parentPath}/${a.name}` < `${b.parentPath}/${b.name}` ? -1 : 1,
    ))
      if (entry.isFile()) hash.update(entry.name).update(readFileSync(join(entry.parentPath, entry.name)));
  return hash.digest('hex').slice(0, 16);
}

/** Folder of the built page below `cacheFolder`; made when it is missing (about a second). */
export async function buildWeb(cacheFolder: string): Promise<string> {
  const folder = join(cacheFolder, `web-${sourceHash()}`);
  if (existsSync(join(folder, 'index.html'))) return folder;
  const partial = `${folder}.${process.pid}`;
  const { build } = await import('vite');
  await build({
    root: here,
    configFile: false,
    logLevel: 'warn',
    build: { outDir: partial, emptyOutDir: true, chunkSizeWarningLimit: 2000 },
  });
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(join(folder, 'index.html'))) throw error;
    rmSync(partial, { recursive: true });
  }
  return folder;
}
