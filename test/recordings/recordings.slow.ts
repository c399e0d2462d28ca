/** Every recorded section, replayed. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RECORDINGS } from './lab.ts';
import { replayed, unneeded } from './suite.ts';

const sections = readdirSync(`${RECORDINGS}scn`)
  .map((file) => file.replace(/\.sh$/, ''))
  .filter((name) => !name.startsWith('build.'));

replayed(sections);

test('nothing is listed that does not differ', () => {
  expect(unneeded()).toEqual([]);
});
