/** All stories in each kernel that the image carries: the same sources, the same behaviour, but for what differs between the kernels. */
import { beforeAll, describe, expect, test } from 'vitest';
import { KERNELS } from '../../src/guest/manifest.ts';
import { runVm, spawnProcess } from '../../src/vm/index.ts';
import { type Student, student } from '../vm/student.ts';
import { buildStories, check } from './build.ts';
import { ONLY_COMPILED, STORIES } from './stories.ts';

describe.each(KERNELS.map(({ version }) => version))('under %s', (release) => {
  let vm: Student;
  beforeAll(async () => {
    vm = await student({ release });
  }, 240_000);

  test('all compile without a warning', () => {
    expect(buildStories(vm, [...STORIES.map(({ module }) => module), ...ONLY_COMPILED])).toBe('');
  }, 400_000);

  test.each(STORIES.map((story) => [story.module, story] as const))('%s', (_name, story) => check(vm, story));

  test('a reboot is told to who asked', () => {
    vm.out('cd /root/t; insmod probes.ko');
    const { kernel } = vm.vm;
    spawnProcess(vm.vm, { argv: ['/sbin/reboot', '-f'] });
    for (let spent = 0; kernel.halted === null && spent < 4e9; spent += 1e6)
      runVm(vm.vm, 1e6, Number.POSITIVE_INFINITY, 1);
    expect(kernel.halted?.reason).toBe('restart');
    const told = kernel.printk.records.map(({ text }) => text);
    expect(told.at(-2)).toBe('probes: reboot notifier restart');
  });
});
