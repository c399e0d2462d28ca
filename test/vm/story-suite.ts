/** Makes a vitest suite of a stories file: one VM tells them one after the other. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readStories, tidy } from './stories.ts';
import { type Student, student } from './student.ts';

/** Declares a test for each story of stories/NAME.txt, run as root. */
export function suiteOfStories(name: string): void {
  describe(name, () => {
    let vm: Student;
    beforeAll(async () => {
      vm = await student();
    });
    beforeEach(() => {
      vm.sh('rm -rf /tmp/story; mkdir /tmp/story', { cwd: '/' });
    });
    test.each(readStories(name))('$title', ({ script, status, output }) => {
      const told = vm.sh(`exec 2>&1\n${script}`, { cwd: '/tmp/story' });
      expect(tidy(told.stdout)).toBe(output);
      expect(told.status).toBe(status);
    });
  });
}
