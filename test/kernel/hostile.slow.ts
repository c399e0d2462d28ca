/** Random system calls with hostile arguments, as root and as a student: the kernel answers errors and goes on. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { student } from '../vm/student.ts';

const program = readFileSync(new URL('programs/hostile.c', import.meta.url), 'utf8');

test('a hundred thousand hostile calls neither stop the VM nor confuse its kernel', async () => {
  const vm = await student();
  vm.out('cd /tmp && mkdir -m 777 hostile && cat > hostile.c && gcc -w -O1 -o hostile/run hostile.c', {
    input: program,
  });
  for (const [first, last, user] of [
    // As root nothing that kills or kills everything: 93, 94, 129.. stay with the student.
    [5, 57, 'root'],
    [58, 93, 'root'],
    [143, 219, 'root'],
    [5, 460, 'student'],
    [90, 300, 'student'],
  ] as const)
    for (let seed = 1; seed <= 3; seed++)
      vm.sh(`timeout 100 /tmp/hostile/run ${first} ${last} 300 60 ${seed} > /dev/null 2>&1`, { user });
  expect(
    vm.sh('sleep 1; echo $((6 * 7)); ps aux > /dev/null; cat /etc/hostname; ls / | wc -l').stdout,
  ).toMatch(/^42\n.*\n\d+\n$/);
  expect(vm.vm.kernel.halted).toBe(null);
}, 600_000);
