/** Runs once before all tests: compiles the hart into the cache, so that no test pays for it. */
import { compileHart } from '../src/cpu/generate/compile.ts';

export default async function setup(): Promise<void> {
  await compileHart();
}
