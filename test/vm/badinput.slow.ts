/** The damaged programs of badinput.test.ts, many thousand of them. Always expected: the VM stays usable. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { student } from './student.ts';

const ROUNDS = 1000;

test('thousands of damaged programs', async () => {
  const vm = await student();
  const cwd = '/home/student';
  vm.out('gcc -O1 -o spoil -x c -', { cwd, input: readFileSync(new URL('spoil.c', import.meta.url)) });
  for (const program of ['/bin/true', '/bin/kill', './spoil'])
    for (const mode of ['cut', 'head', 'any']) {
      const told = vm.sh(`./spoil ${program} 4242 ${ROUNDS} ${mode}`, { cwd, user: 'student' });
      expect(told.stderr).toBe('');
      expect(told.status).toBe(0);
      expect(told.stdout).toMatch(/^refused [1-9]\d* killed \d+ ran \d+\n$/);
      expect(vm.out('echo still usable')).toBe('still usable\n');
    }
}, 900_000);
