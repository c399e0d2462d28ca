/** The same program asks Linux and a VM what their terminals do; the answers are equal line by line. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { student } from '../vm/student.ts';

const program = (name: string): string => readFileSync(new URL(`programs/${name}`, import.meta.url), 'utf8');

it('pseudo terminals answer as those of Linux', async () => {
  const machine = await student();
  machine.sh('cat > /tmp/terminal.c', { input: program('terminal.c') });
  machine.out('gcc -w -O1 -o /tmp/terminal /tmp/terminal.c');
  expect(machine.out('/tmp/terminal')).toBe(program('terminal.expected'));
});
