/** The suite of C programs in test/kernel/programs, compiled and run inside a VM: tasks, signals, threads, clocks, tracing. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { student } from '../vm/student.ts';

const folder = new URL('programs/', import.meta.url);
const PARTS = [
  'suite.c',
  'check.h',
  'signals.c',
  'processes.c',
  'threads.c',
  'clocks.c',
  'tracing.c',
  'more.c',
  'waiting.c',
];

/** One shell script that writes the sources: here-documents need no archive format. */
const sources = (): string =>
  readdirSync(folder)
    .filter((name) => PARTS.includes(name))
    .map(
      (name) =>
        `cat > ${name} <<'END-OF-FILE'\n${readFileSync(new URL(name, folder), 'latin1')}\nEND-OF-FILE\n`,
    )
    .join('');

test('the suite finds nothing that differs from Linux', async () => {
  const vm = await student();
  vm.out('mkdir -p /tmp/suite && cd /tmp/suite && bash -s && gcc -O0 -o suite suite.c -pthread', {
    input: sources(),
  });
  const { stdout, status } = vm.sh('/tmp/suite/suite');
  expect(stdout.split('\n').filter((line) => line.startsWith('FAIL'))).toEqual([]);
  expect(stdout).toMatch(/^\d{3} checks, 0 failed$/m);
  expect(status).toBe(0);
}, 180_000);
