/**
 * Runs once before all tests: compiles the hart, builds the image and boots its template into the cache, so that no test
 * pays for it (minutes on a fresh machine).
 */
import { compileHart, createMachine } from '../src/cpu/index.ts';
import { bootedTemplate, openProvisionedImage } from '../src/vm/index.ts';

export default async function setup(): Promise<void> {
  await compileHart();
  const image = await openProvisionedImage();
  bootedTemplate(await createMachine(), image);
  image.close();
}
