/** Some of the stories, in the kernel that a VM says it is: the rest is in modules.slow.ts. */
import { beforeAll, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';
import { buildStories, check } from './build.ts';
import { STORIES } from './stories.ts';

const quick = STORIES.filter((story) => story.quick);
let vm: Student;
beforeAll(async () => {
  vm = await student();
  expect(
    buildStories(
      vm,
      quick.map(({ module }) => module),
    ),
  ).toBe('');
}, 240_000);

test.each(quick.map((story) => [story.module, story] as const))('%s', (_name, story) => check(vm, story));
