/**
 * The base images that machines lie over. Always true: an image that any machine or snapshot of the store lies over is in the data
 * folder (a hard link beside the cache's file, or a copy), so a newer image, or an emptied cache, takes no machine its disk.
 */
import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Image, openImage } from '../image/index.ts';
import { StoreError } from './store-types.ts';

const SUFFIX = '.obx';

const folderOf = (storeFolder: string): string => join(storeFolder, 'images');
const fileOf = (storeFolder: string, imageId: string): string =>
  join(folderOf(storeFolder), `${imageId}${SUFFIX}`);

/** Keeps the present image, and lets go of those that nothing in the store lies over any more. */
export function keepImage(storeFolder: string, path: string, inUse: ReadonlySet<string>): void {
  const image = openImage(path);
  image.close();
  mkdirSync(folderOf(storeFolder), { recursive: true, mode: 0o700 });
  const kept = fileOf(storeFolder, image.id);
  if (!existsSync(kept)) {
    const made = `${kept}.new-${process.pid}`;
    try {
      linkSync(path, made);
    } catch {
      copyFileSync(path, made);
    }
    renameSync(made, kept);
  }
  for (const name of readdirSync(folderOf(storeFolder))) {
    const id = basename(name, SUFFIX);
    if (id !== image.id && !inUse.has(id)) rmSync(join(folderOf(storeFolder), name), { force: true });
  }
}

/** The images of one worker's machines, opened when the first of them needs one. */
export class Images {
  readonly #storeFolder: string;
  readonly #open = new Map<string, Image>();

  constructor(storeFolder: string, present: Image) {
    this.#storeFolder = storeFolder;
    this.#open.set(present.id, present);
  }

  /** The image of that content address. Throws a {@link StoreError} where it is gone. */
  of(imageId: string): Image {
    const known = this.#open.get(imageId);
    if (known) return known;
    const path = fileOf(this.#storeFolder, imageId);
    if (!existsSync(path))
      throw new StoreError(
        'other-image',
        `its image ${imageId.slice(0, 16)} is not in ${folderOf(this.#storeFolder)}: put it back, or rebuild the VM (its disk is lost then)`,
      );
    const image = openImage(path);
    this.#open.set(imageId, image);
    return image;
  }
}
