/** Debian's gdb on the kernel's ptrace. */
import { expect, test } from 'vitest';
import { student } from '../vm/student.ts';

test('gdb breaks, shows variables and the crash', async () => {
  const vm = await student();
  const source =
    'int twice(int n) { return 2 * n; }\\nint main() { int x = twice(21); *(int *)0 = x; return 0; }\\n';
  const text = vm.sh(`cd /tmp && printf '${source}' > crash.c && gcc -g -o crash crash.c &&
    gdb -batch -ex 'break twice' -ex run -ex 'print n' -ex bt -ex finish -ex continue -ex bt ./crash`).stdout;
  expect(text).toMatch(/^Breakpoint 1, twice \(n=21\) at crash\.c:1$/m);
  expect(text).toContain('$1 = 21');
  expect(text).toMatch(/Value returned is \$2 = 42/);
  expect(text).toContain('Program received signal SIGSEGV, Segmentation fault.');
  expect(text).toMatch(/main \(\) at crash\.c:2/);
}, 120_000);
