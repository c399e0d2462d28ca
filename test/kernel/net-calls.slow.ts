/** The C program of programs/net-calls.c against what Linux answered. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { student } from '../vm/student.ts';

test('socket calls answer what Linux answers', async () => {
  const here = (name: string): string => readFileSync(new URL(`programs/${name}`, import.meta.url), 'utf8');
  const vm = await student();
  const { stdout } = vm.sh('cd /tmp && cat > calls.c && gcc -w -o calls calls.c -pthread && ./calls', {
    input: here('net-calls.c'),
  });
  expect(stdout).toBe(here('net-calls.linux.txt'));
}, 180_000);
