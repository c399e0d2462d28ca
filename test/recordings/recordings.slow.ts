/**
 * What a real Linux printed, command by command, beside what a VM prints: the same scripts, typed by the same recorder (rec.c)
 * in a VM with the 6.12 kernel. Every difference that is left is listed with its reason in differences.ts.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeHostFile } from '../../src/kernel/fs/host.ts';
import { forkVm } from '../../src/vm/index.ts';
import { Student, student } from '../vm/student.ts';
import { DIFFERENCES } from './differences.ts';
import { difference, parseTranscript } from './transcript.ts';

const RECORDINGS = new URL('./', import.meta.url).pathname;
const HOSTS = `127.0.0.1\tlocalhost
127.0.1.1\tcomp3000
::1\tlocalhost ip6-localhost ip6-loopback
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

let base: Student;

beforeAll(async () => {
  base = await student({ release: '6.12.107+deb13-riscv64' });
  const { kernel } = base.vm;
  writeHostFile(kernel, '/root/rec.c', readFileSync(`${RECORDINGS}rec.c`));
  writeHostFile(kernel, '/etc/hosts', Buffer.from(HOSTS));
  base.out('gcc -O1 -w -o /usr/local/bin/rec /root/rec.c; hostname comp3000; echo comp3000 > /etc/hostname');
  base.out('install -d -o student -g student /home/student/m');
}, 120_000);

const known = (section: string, command: string): string | undefined =>
  Object.entries(DIFFERENCES[section] ?? {}).find(([start]) => command.startsWith(start))?.[1];

describe.each(Object.keys(DIFFERENCES))('%s', (section) => {
  test('prints what was recorded, but for what is listed', () => {
    const file = section.split('.')[0];
    const recorded = parseTranscript(readFileSync(`${RECORDINGS}transcripts/${file}.txt`, 'utf8')).get(
      section,
    )!;
    const vm = new Student(forkVm(base.vm));
    const script = readFileSync(`${RECORDINGS}scn/${section}.sh`, 'utf8');
    const text = vm.sh(script, { budget: 60e9 }).stdout;
    const here = parseTranscript(`######## section here\n${text}`).get('here') ?? [];
    expect(recorded.length).toBeGreaterThan(0);
    const unexpected = recorded.flatMap((step) => {
      const same = here.find(({ command, user }) => command === step.command && user === step.user);
      const differs = difference(step, same);
      const reason = known(section, step.command);
      if (differs && !reason) return [`${step.user} ${step.command}\n${differs}`];
      if (!differs && reason)
        return [`${step.user} ${step.command}\nno longer differs: take it off the list`];
      return [];
    });
    expect(unexpected.join('\n\n')).toBe('');
  }, 300_000);
});
