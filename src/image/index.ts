/**
 * The door of the image room: Debian packages and `src/guest` become one read-only image file that all workers share.
 *
 * Always true: `ensureImage` answers the path of a whole, checked image of the present recipe; `openImage` gives it to
 * a kernel. Errors that a person can do something about are {@link ImageError}s whose message is the sentence to show.
 */
import { type BuildOptions, ensureBaseImage } from './build.ts';
import { type Image, openImage } from './reader.ts';

export { type BuildOptions, builtImage, ensureBaseImage, type OnProgress, type Stage } from './build.ts';
export { cacheFolder, ImageError } from './cache.ts';
export { showProgress } from './progress.ts';
export { ensureImage, type GuestChange, provision, type RunInVm, setProvisioner } from './provision.ts';
export { type Image, openImage, verifyImage } from './reader.ts';

/** The base image of the present recipe, open; built when it is not there. */
export async function openBaseImage(options: BuildOptions = {}): Promise<Image> {
  return openImage(await ensureBaseImage(options));
}
