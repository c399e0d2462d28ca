/**
 * How the tests run: `npm test` takes every *.test.ts below test/, `npm run test:slow` the *.slow.ts, `npm run test:all`
 * both. Two processes; the hart is compiled and the base image built once beforehand (setup.ts).
 */
import { defineConfig } from 'vitest/config';

const which = process.env.OOPSBOX_TESTS ?? 'fast';
const fast = 'test/**/*.test.ts';
const slow = 'test/**/*.slow.ts';

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: which === 'all' ? [fast, slow] : which === 'slow' ? [slow] : [fast],
    globalSetup: ['test/setup.ts'],
    passWithNoTests: which === 'slow',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
});
