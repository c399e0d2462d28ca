/**
 * From the declared recipe to a sealed base image in the cache folder.
 *
 * Always true: the recipe (package list, exclusions, `src/guest`, {@link RECIPE_VERSION}) is hashed; an image built for
 * a recipe is remembered under that hash, so a second start reads one small file. Package versions are resolved once
 * and kept until `refresh`, so the same cache gives the same image. Nothing half-built is ever under a final name.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { KERNELS } from '../guest/manifest.ts';
import { type Apt, download, prepareApt, type ResolvedPackage, resolve, updateLists } from './apt.ts';
import {
  cacheFolder,
  explainDisk,
  ImageError,
  readJson,
  sweepTemporaries,
  withLock,
  writeWhole,
} from './cache.ts';
import { copyTree } from './copy.ts';
import { applyTar, checkDeb, readDeb } from './deb.ts';
import { install } from './install.ts';
import { kernelTree } from './kernel-tree.ts';
import { layOver, overlayFiles } from './overlay.ts';
import { DROPPED_PACKAGES, EXCLUSIONS, packageNames, SUITE } from './packages.ts';
import { openImage } from './reader.ts';
import { newTree, type TreeNode } from './tree.ts';
import { ImageWriter } from './writer.ts';

/** To be raised when the steps in install.ts, boot.ts or the format change what comes out. */
export const RECIPE_VERSION = 1;

/** What a build does, in order; `share` goes from 0 to 1 within each. */
export type Stage = 'resolve' | 'download' | 'unpack' | 'seal' | 'provision';
export type OnProgress = (stage: Stage, share: number, note?: string) => void;

export interface BuildOptions {
  readonly onProgress?: OnProgress;
  /** Ask the mirror for newer packages. */
  readonly refresh?: boolean;
}

/** Unpacked first, whatever apt's order: the links of the merged /usr and the folders with their modes. */
const FIRST = ['base-files', 'base-passwd'];
/** How many packages are decompressed at a time. */
const PARALLEL = 2;

/** Hash of everything the base image is made from but the packages' versions. */
export function recipeHash(): string {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([RECIPE_VERSION, SUITE, packageNames(), DROPPED_PACKAGES]));
  hash.update(EXCLUSIONS.map((rule) => String(rule.path)).join('\n'));
  const guest = new URL('../guest/manifest.ts', import.meta.url);
  hash.update(readFileSync(guest));
  for (const { source, path } of overlayFiles()) hash.update(`\0${path}\0`).update(readFileSync(source));
  for (const { version } of KERNELS) {
    for (const { path, text, target } of kernelTree(version)) hash.update(`\0${path}\0${text ?? target}`);
  }
  return hash.digest('hex');
}

/** Finished images by recipe: the content of `current.json`. */
type Current = Record<string, string>;

/** The path of the base image of the present recipe when it has been built, else undefined. Takes no time. */
export function builtImage(recipe: string = recipeHash()): string | undefined {
  const folder = cacheFolder();
  const name = readJson<Current>(join(folder, 'current.json'))?.[recipe];
  const path = name && join(folder, name);
  return path && existsSync(path) ? path : undefined;
}

/** Notes that `path` is the image of `recipe`. */
export function rememberImage(recipe: string, path: string): void {
  const file = join(cacheFolder(), 'current.json');
  const current = readJson<Current>(file) ?? {};
  writeWhole(file, `${JSON.stringify({ ...current, [recipe]: path.split('/').at(-1) }, undefined, 2)}\n`);
}

/**
 * Removes image files that no recipe in `keep` names, but for the newest unpacked packages; answers their names. A VM
 * that was made from an image needs that image, so this is for a person to ask for.
 */
export function pruneImages(keep: readonly string[]): string[] {
  const folder = cacheFolder();
  const current = Object.entries(readJson<Current>(join(folder, 'current.json')) ?? {});
  const unpacked = current.findLast(([recipe]) => recipe.startsWith('unpacked-'));
  const kept = current.filter(([recipe]) => keep.includes(recipe) || recipe === unpacked?.[0]);
  const names = new Set(kept.map(([, name]) => name));
  writeWhole(join(folder, 'current.json'), `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
  const gone = readdirSync(folder).filter((name) => /^image-.*\.obx$/.test(name) && !names.has(name));
  for (const name of gone) rmSync(join(folder, name));
  return gone;
}

/** The path of the base image of the present recipe; builds it when it is not there. One process builds at a time. */
export async function ensureBaseImage(options: BuildOptions = {}): Promise<string> {
  const recipe = recipeHash();
  const there = options.refresh ? undefined : builtImage(recipe);
  if (there) return there;
  const wait = () => options.onProgress?.('resolve', 0, 'another process is building the image');
  return withLock('image', wait, async () => {
    const meanwhile = options.refresh ? undefined : builtImage(recipe);
    if (meanwhile) return meanwhile;
    try {
      sweepTemporaries();
      const path = await buildBase(recipe, options);
      openImage(path).close();
      rememberImage(recipe, path);
      return path;
    } catch (error) {
      throw explainDisk(error);
    }
  });
}

async function buildBase(recipe: string, options: BuildOptions): Promise<string> {
  const progress = options.onProgress ?? (() => {});
  const { apt, packages } = await fetchPackages(progress, options.refresh ?? false);
  const unpacked = openImage(await ensureUnpacked(apt, packages, progress));
  const writer = new ImageWriter(cacheFolder());
  try {
    progress('seal', 0);
    const root = copyTree(unpacked, writer);
    const stampSec = newest(root);
    // Twice: some of what packages' scripts make stands on our files, and our files win over theirs.
    layOver(root, writer, stampSec);
    install(root, writer, stampSec);
    layOver(root, writer, stampSec);
    dateFolders(root, stampSec);
    progress('seal', 0.5);
    const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
    const { path } = writer.seal(root, { stage: 'base', recipe, suite: SUITE, packages: versions });
    progress('seal', 1);
    return path;
  } catch (error) {
    writer.discard();
    throw error;
  } finally {
    unpacked.close();
  }
}

/**
 * The packages alone, unpacked and sealed: kept so that a change of `src/guest` costs seconds. Depends on the resolved
 * packages and on what is left out.
 */
async function ensureUnpacked(
  apt: Apt,
  packages: readonly ResolvedPackage[],
  progress: OnProgress,
): Promise<string> {
  const parts = [RECIPE_VERSION, packages, DROPPED_PACKAGES, EXCLUSIONS.map((rule) => String(rule.path))];
  const recipe = `unpacked-${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
  const there = builtImage(recipe);
  if (there) return there;
  const writer = new ImageWriter(cacheFolder());
  try {
    const root = newTree();
    await unpack(apt, packages, root, writer, progress);
    const { path } = writer.seal(root, { stage: 'unpacked' });
    rememberImage(recipe, path);
    return path;
  } catch (error) {
    writer.discard();
    throw error;
  }
}

/** Resolves and downloads. Without the network when the same list was resolved before and every archive is there. */
async function fetchPackages(
  progress: OnProgress,
  refresh: boolean,
): Promise<{ apt: Apt; packages: ResolvedPackage[] }> {
  const names = packageNames();
  const key = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 16);
  const remembered = join(cacheFolder('apt'), `resolved-${key}.json`);
  let packages = refresh ? undefined : readJson<ResolvedPackage[]>(remembered);
  progress('resolve', 0);
  const apt = prepareApt();
  if (!packages) {
    await updateLists(apt, (share) => progress('resolve', share));
    packages = await resolve(apt, names);
    if (packages.length < names.length) {
      throw new ImageError('apt-get resolved fewer packages than were asked for. Run npm run image again.');
    }
    writeWhole(remembered, JSON.stringify(packages));
  }
  progress('resolve', 1);
  if (!packages.every((one) => hasArchive(apt, one))) {
    const bytes = packages.reduce((sum, one) => sum + one.sizeBytes, 0);
    const note = `${packages.length} packages, ${(bytes / 1e6).toFixed(0)} MB`;
    await download(apt, names, (share) => progress('download', share, note)).catch(async (error) => {
      // The mirror has moved on from what was resolved some time ago: resolve anew, once.
      if (!/404|has changed/.test(String(error))) throw error;
      await updateLists(apt);
      packages = await resolve(apt, names);
      writeWhole(remembered, JSON.stringify(packages));
      await download(apt, names, (share) => progress('download', share, note));
    });
  }
  progress('download', 1);
  return { apt, packages };
}

function hasArchive(apt: Apt, one: ResolvedPackage): boolean {
  const path = join(apt.archives, one.file);
  return existsSync(path) && statSync(path).size === one.sizeBytes;
}

async function unpack(
  apt: Apt,
  packages: readonly ResolvedPackage[],
  root: TreeNode,
  writer: ImageWriter,
  progress: OnProgress,
): Promise<void> {
  const wanted = packages.filter(({ name }) => !(name in DROPPED_PACKAGES));
  const rank = (name: string) => FIRST.indexOf(name) >>> 0;
  wanted.sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
  const total = wanted.reduce((sum, one) => sum + one.sizeBytes, 0);
  const read = async ({ file, sha256 }: ResolvedPackage) => {
    const path = join(apt.archives, file);
    await checkDeb(path, sha256);
    return readDeb(path);
  };
  const running = wanted.slice(0, PARALLEL).map(read);
  for (const one of running) one.catch(() => {});
  let done = 0;
  for (const [i, one] of wanted.entries()) {
    progress('unpack', done / total, one.name);
    const entries = await running[i];
    const next = wanted[i + PARALLEL];
    if (next) running.push(read(next));
    running.at(-1)!.catch(() => {});
    applyTar(root, writer, entries);
    delete running[i];
    done += one.sizeBytes;
  }
  progress('unpack', 1);
}

function newest(node: TreeNode): number {
  let time = node.mtimeSec;
  for (const child of node.children?.values() ?? []) time = Math.max(time, newest(child));
  return time;
}

/** Gives folders that no package dates a time. */
function dateFolders(node: TreeNode, stampSec: number): void {
  if (node.mtimeSec === 0) node.mtimeSec = stampSec;
  for (const child of node.children?.values() ?? []) dateFolders(child, stampSec);
}
