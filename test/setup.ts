/**
 * Runs once before all tests: compiles the hart, generates the database client, builds the image and boots its template into the cache, so that no test
 * pays for it (minutes on a fresh machine).
 */
import { compileHart, createMachine } from '../src/cpu/index.ts';
import { ensureClient } from '../src/lab/database/generate.ts';
import { bootedTemplate, openProvisionedImage } from '../src/vm/index.ts';

export default async function setup(): Promise<void> {
  ensureClient();
  await compileHart();
  const image = await openProvisionedImage();
  bootedTemplate(await createMachine(), image);
  image.close();
}
