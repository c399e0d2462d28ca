/** Checkpoints lose nothing, forks do not meet, and equal inputs make equal machines. */
import { describe, expect, test } from 'vitest';
import { createVm, forkVm, hashVm, runVm, spawnProcess } from '../../src/vm/index.ts';
import { Student, student, workbench } from './student.ts';
import { story, type Work } from './torture.ts';

const bash = (command: string): Work => ({ process: { argv: ['/bin/bash', '-c', command] } });

const WORKS: Record<string, [work: Work, every: number]> = {
  'a pipeline': [
    bash('seq 1 3000 | sort -r | awk "{s+=\\$1} END {print s, NR}" | tee /tmp/sum; cat /tmp/sum'),
    300_000,
  ],
  sleepers: [
    bash('for i in 3 1 2; do (sleep $i; echo slept $i) & done; sleep 0.5; echo first; wait; date +%s; jobs'),
    100_000,
  ],
  'signals and traps': [
    bash('trap "echo got usr1" USR1; (sleep 1; kill -USR1 $$) & wait; echo after; kill -9 $BASHPID'),
    100_000,
  ],
  'an editor on a terminal': [
    {
      process: { argv: ['/usr/bin/vim.tiny', '/tmp/note'], terminal: { rows: 10, cols: 40 } },
      keys: ['ihello\rworld', '\x1b', 'kdd', ':wq\r'],
    },
    400_000,
  ],
  'a shell on a terminal': [
    {
      process: { argv: ['/bin/bash', '--norc'], user: 'student', terminal: { rows: 24, cols: 80 } },
      keys: ['cat\n', 'echoed\n', '\x03', 'sleep 100\n', '\x1a', 'bg\n', 'kill %1\n', 'exit 5\n'],
    },
    200_000,
  ],
  'strace of a pipeline': [
    bash('strace -f -e trace=execve,pipe2,dup3 sh -c "echo a | cat" 2>&1 | grep -c execve'),
    400_000,
  ],
};

describe('checkpoint torture', () => {
  for (const [name, [work, every]] of Object.entries(WORKS))
    test(name, async () => {
      const calm = await story(work, 0);
      const tortured = await story(work, every);
      expect(tortured.output).toBe(calm.output);
      expect(tortured.status).toBe(calm.status);
      expect(tortured.checkpoints).toBeGreaterThan(5);
    });
});

describe('determinism', () => {
  test('two machines with the same inputs have equal state hashes', async () => {
    const work = bash(
      'ls -lR /etc | md5sum; date; echo $RANDOM; cat /proc/uptime; head -c 8 /dev/urandom | od -x',
    );
    const first = await story(work, 0);
    const second = await story(work, 0);
    expect(second.output).toBe(first.output);
    expect(second.hash).toBe(first.hash);
  });

  test('where the budget is cut makes no difference', async () => {
    const { machine, image } = await workbench();
    const hashes = [1_000_000, 77_777].map((slice) => {
      const vm = createVm(machine, image);
      const work =
        'for i in 1 2 3 4 5 6 7 8; do (for j in {1..300}; do echo $j >> /tmp/n; done) & done; wait';
      spawnProcess(vm, { argv: ['/bin/bash', '-c', work] });
      while (runVm(vm, slice).state === 'busy');
      return hashVm(vm);
    });
    expect(hashes[1]).toBe(hashes[0]);
  });

  test('another seed makes another machine', async () => {
    const draw = async (seed: string): Promise<string> =>
      (await student({ seed: Buffer.from(seed) })).out('head -c 16 /dev/urandom | od -x');
    expect(await draw('a')).not.toBe(await draw('b'));
  });
});

describe('fork', () => {
  test('a fork goes on from the same state and shares nothing that is written', async () => {
    const original = await student();
    original.out('echo before > /tmp/file; mkdir /tmp/dir');
    const copy = new Student(forkVm(original.vm));
    copy.out('echo copy > /tmp/file; rmdir /tmp/dir; echo 1 > /root/only-copy');
    original.out('echo original >> /tmp/file');
    expect(original.out('cat /tmp/file; ls -d /tmp/dir')).toBe('before\noriginal\n/tmp/dir\n');
    expect(copy.out('cat /tmp/file; ls /root')).toBe('copy\nonly-copy\n');
    expect(original.sh('ls /root/only-copy').status).toBe(2);
  });
});
