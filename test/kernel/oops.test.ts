/** Faults of module code: what the log, the shell and the machine say, in the words of the recordings. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Student, student } from '../vm/student.ts';
import { buildModule, newLines } from './module-fixture.ts';

const RELEASE = '6.12.107+deb13-riscv64';
const FRAMES = { cflags: '' };
void FRAMES;

const init = (body: string, before = ''): string =>
  `int _printk(const char *fmt, ...); ${before} int init_module(void) { ${body} return 0; } void cleanup_module(void) {}`;

describe('6.12', () => {
  let vm: Student;
  beforeEach(async () => {
    vm = await student({ release: RELEASE });
  }, 120_000);

  test('a write through NULL', () => {
    buildModule(vm, 'nullw', init('*(volatile int *)0 = 1;'));
    newLines(vm);
    const result = vm.sh('insmod /tmp/nullw.ko');
    console.log(result, newLines(vm).join('\n'));
    expect(result.status).toBe(139);
  });
});
