/**
 * The recorded builds as a script. The recording does not say in which folder a command was typed: the output does. Sources that were
 * written for one command only are in the recording, printed by that command (`cat -n`).
 */
import { writeHostFile } from '../../src/kernel/fs/host.ts';
import type { Student } from '../vm/student.ts';
import { layBuildFolders } from './lab.ts';
import { recordingOf } from './replay.ts';
import type { Section, Step } from './transcript.ts';

const HOME = '/home/student/comp3000';
const MAKEFILE = `obj-m := NAME.o

all:
\tmake -C /lib/modules/$(shell uname -r)/build M=$(PWD) modules
`;

/** The module that a command is about, as far as it shows. */
function folderOf({ command, lines }: Step): string | undefined {
  const told = lines.map((line) => /^O\| make -C \S+ M=\/home\/student\/comp3000\/(\w+) /.exec(line)?.[1]);
  return told.find((name) => name) ?? /(?:cat -n|gcc.*) (\w+)\.c/.exec(command)?.[1];
}

/** The sections of build.txt that were recorded on the host. */
export const buildSections = (): [name: string, Section][] =>
  [...recordingOf('build')].filter(([name]) => !name.startsWith('build.'));

/** The section's script. */
export function buildScript({ steps }: Section): string {
  let folder = 'simple';
  return steps
    .map((step) => {
      folder = folderOf(step) ?? folder;
      const command = step.command.replaceAll("'", `'\\''`);
      return `rec -u ${step.user} -t 400 -d ${HOME}/${folder} '${command}'`;
    })
    .join('\n');
}

/** Lays out every folder that the builds need. */
export function prepareBuilds(lab: Student): void {
  layBuildFolders(lab);
  const owned = { uid: 1000, gid: 1000 };
  for (const [, { steps }] of buildSections())
    for (const step of steps) {
      const name = /^cat -n (\w+)\.c;/.exec(step.command)?.[1];
      if (
        !name ||
        !step.lines.some((line) => line.startsWith('E| make: *** [Makefile:4') || /O\| +1\t/.test(line))
      )
        continue;
      const source = step.lines.flatMap((line) => /^O[|\\] +\d+\t(.*)$/.exec(line)?.[1] ?? []);
      const path = `${HOME}/${name}`;
      if (lab.sh(`test -e ${path}`).status === 0) continue;
      writeHostFile(lab.vm.kernel, `${path}/${name}.c`, Buffer.from(`${source.join('\n')}\n`), owned);
      writeHostFile(lab.vm.kernel, `${path}/Makefile`, Buffer.from(MAKEFILE.replace('NAME', name)), owned);
    }
  lab.out(`chown -R student: ${HOME}`);
}
