/** Every program of coreutils at least once, with what it prints on a real Linux. */
import { expect, test } from 'vitest';
import { readStories } from './stories.ts';
import { suiteOfStories } from './story-suite.ts';
import { student } from './student.ts';

suiteOfStories('coreutils');

test('no program of coreutils is missing from the stories', async () => {
  const vm = await student();
  const programs = vm
    .out("grep -l 'GNU coreutils' /usr/bin/* /usr/sbin/*")
    .split('\n')
    .filter((path) => path !== '' && !/\/[lx]z(cmp|diff)$/.test(path))
    .map((path) => path.slice(path.lastIndexOf('/') + 1));
  expect(programs.length).toBeGreaterThan(100);
  const words = new Set(
    readStories('coreutils').flatMap(({ title, script }) => `${title} ${script}`.split(/[^[\w]+/)),
  );
  expect(programs.filter((program) => !words.has(program))).toEqual([]);
});
