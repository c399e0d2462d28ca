/**
 * Compiles the hart: generates the interpreters and the decoder from the declarations, joins them with the hand-written
 * AssemblyScript of src/cpu/hart, and keeps the WebAssembly in the cache.
 *
 * Always true: the file's name is a hash of everything that made it, and it appears under that name only when whole;
 * so a fresh checkout compiles once, and processes that start together do not disturb each other.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { FRAMES_BASE, STATICS } from '../hart/layout.ts';
import { decoderSource, opsSource } from './decoder.ts';
import { hotSource, stepSource } from './interpreter.ts';
import { buildOps } from './ops.ts';

const HART = new URL('../hart/', import.meta.url);
export const INITIAL_PAGES = FRAMES_BASE / 65536;
export const MAXIMUM_PAGES = 65536;

const OPTIONS = [
  'index.ts',
  '--outFile',
  'hart.wasm',
  '-O2',
  '--noAssert',
  '--runtime',
  'stub',
  '--importMemory',
  '--sharedMemory',
  '--initialMemory',
  String(INITIAL_PAGES),
  '--maximumMemory',
  String(MAXIMUM_PAGES),
  '--memoryBase',
  String(STATICS),
  '--enable',
  'threads',
  '--enable',
  'bulk-memory',
];

/** Where compiled and downloaded things are kept: OOPSBOX_CACHE, or the user's cache folder. */
export function cacheFolder(): string {
  return process.env.OOPSBOX_CACHE ?? join(homedir(), '.cache', 'oopsbox');
}

/** Every source of the module: its file name and text, generated ones included. */
export function hartSources(): Map<string, string> {
  const table = buildOps();
  const sources = new Map<string, string>();
  for (const name of readdirSync(HART).sort()) {
    if (name.endsWith('.ts')) sources.set(name, readFileSync(new URL(name, HART), 'utf8'));
  }
  sources.set('ops.ts', opsSource());
  sources.set('hot.ts', hotSource(table));
  sources.set('step.ts', stepSource(table));
  sources.set('decode.ts', decoderSource(table));
  return sources;
}

/** The compiled module's bytes, from the cache or made now (some ten seconds). */
export async function compileHart(): Promise<Uint8Array<ArrayBuffer>> {
  const sources = hartSources();
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json') as { version: string };
  const hash = createHash('sha256')
    .update(JSON.stringify([version, OPTIONS, [...sources]]))
    .digest('hex');
  const path = join(cacheFolder(), `hart-${hash.slice(0, 24)}.wasm`);
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    const wasm = await assemble(sources);
    mkdirSync(cacheFolder(), { recursive: true });
    const partial = `${path}.${process.pid}`;
    writeFileSync(partial, wasm);
    renameSync(partial, path);
    return wasm;
  }
}

async function assemble(sources: Map<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const { main } = await import('assemblyscript/asc');
  let wasm: Uint8Array | undefined;
  let messages = '';
  const note = { write: (text: string) => (messages += text) };
  const { error } = await main(OPTIONS, {
    readFile: (name: string) => sources.get(name) ?? null,
    writeFile: (name: string, contents: Uint8Array | string) => {
      if (name === 'hart.wasm') wasm = contents as Uint8Array;
    },
    listFiles: () => [],
    stdout: note as never,
    stderr: note as never,
  });
  if (error || !wasm) throw new Error(`the hart does not compile:\n${messages}${error ?? ''}`);
  return new Uint8Array(wasm);
}
