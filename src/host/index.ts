/**
 * The door of the host room: many machines in worker threads over one durable store. It knows VMs and bytes; it knows nothing of
 * people, courses or HTTP.
 */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compileHart } from '../cpu/index.ts';
import { DEFAULT_RELEASE, openProvisionedImage } from '../vm/index.ts';
import { WorkerHost } from './host.ts';
import { openStore } from './store.ts';
import { keepImage } from './store-images.ts';
import type { HostOptions } from './types.ts';

export type { WorkerHost } from './host.ts';
export * from './types.ts';

/** Machines nobody has wanted for so long sleep in the store. */
const HIBERNATE_AFTER_SEC = 600;
/** Frames of 4 KiB a worker may use: a WebAssembly memory holds 4 GiB. */
const MAX_FRAMES = 2 ** 20;

/** Opens the host over its data folder; builds the image where it is missing. Close it: what runs is put to sleep then. */
export async function openHost(options: HostOptions): Promise<WorkerHost> {
  await compileHart();
  const image = await openProvisionedImage();
  const { path: imagePath } = image;
  image.close();
  const folder = join(options.dataFolder, 'vms');
  mkdirSync(folder, { recursive: true });
  const store = await openStore(folder);
  const { freedDisks } = await store.recover();
  keepImage(folder, imagePath, store.imagesInUse());
  const log = options.log ?? (() => {});
  if (freedDisks > 0) log('info', `the store has swept up ${freedDisks} half-made disks`);
  const host = new WorkerHost({
    store,
    imagePath,
    defaultKernel: DEFAULT_RELEASE,
    workers: Math.max(1, options.workers ?? availableParallelism()),
    maxFrames: MAX_FRAMES,
    hibernateAfterSec: options.hibernateAfterSec ?? HIBERNATE_AFTER_SEC,
    log,
  });
  await Promise.all(host.pool.links.map(({ ready }) => ready));
  return host;
}
