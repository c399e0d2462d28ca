/** Hostile programs: random system calls with wild arguments, as root and as a user, end in errors and signals, never in a stopped VM. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { student } from '../vm/student.ts';

const source = readFileSync(new URL('programs/fuzz.c', import.meta.url), 'utf8');

describe('random system calls', () => {
  for (const user of ['root', 'student'])
    it(`leave a VM that works, made by ${user}`, { timeout: 300_000 }, async () => {
      const vm = await student();
      expect(vm.sh('cat > /tmp/fuzz.c; gcc -w -o /tmp/fuzz /tmp/fuzz.c', { input: source }).status).toBe(0);
      for (const seed of [1, 5000, 30000])
        expect(vm.sh(`/tmp/fuzz 400 ${seed}`, { user, budget: 1e12 }).stdout).toBe('survived\n');
      expect(vm.out('echo works | cat; ls / | wc -l')).toMatch(/^works\n\d+\n$/);
    });
});
