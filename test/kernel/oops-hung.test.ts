/** A task that waits in module code without end. */
import { expect, test } from 'vitest';
import { runVm, spawnProcess } from '../../src/vm/index.ts';
import { student } from '../vm/student.ts';
import { buildModule, newLines } from './module-fixture.ts';

test('a task that waits in a module for ever is told of', async () => {
  const vm = await student({ release: '6.12.107+deb13-riscv64' });
  buildModule(
    vm,
    'hang',
    `
#pragma GCC optimize ("no-omit-frame-pointer", "O1")
void __mutex_init(void *m, const char *name, void *key); void mutex_lock(void *m);
static char lock[256] __attribute__((aligned(8)));
static int __attribute__((section(".init.text"))) m_init(void) { __mutex_init(lock, "l", 0); mutex_lock(lock); mutex_lock(lock); return 0; }
int init_module(void) __attribute__((alias("m_init")));
void cleanup_module(void) {}`,
  );
  newLines(vm);
  spawnProcess(vm.vm, { argv: ['/bin/bash', '-c', 'insmod /tmp/hang.ko'], user: 'root' });
  for (let i = 0; i < 3000 && vm.vm.kernel.panic.reports.length < 1; i++)
    runVm(vm.vm, 1_000_000, Number.POSITIVE_INFINITY, 1);
  const lines = newLines(vm);
  expect(
    lines.some((line) => /^<3>INFO: task insmod:\d+ blocked for more than 120 seconds\.$/.test(line)),
  ).toBe(true);
});
