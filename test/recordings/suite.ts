/**
 * What a real Linux printed, command by command, beside what a VM prints: the same scripts, typed by the same recorder in a VM
 * with the 6.12 kernel. A line that differs and is not listed in differences.ts fails the test.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { destroyVm, forkVm } from '../../src/vm/index.ts';
import { Student } from '../vm/student.ts';
import { DIFFERENCES, type Difference } from './differences.ts';
import { recordedLab } from './lab.ts';
import { recordingOf, replay } from './replay.ts';
import { difference, diffLines, type Section } from './transcript.ts';

const used = new Set<Difference>();

/** The lines of a command's differences that no entry of the list explains. */
function unexplained(
  section: string,
  command: string,
  lines: readonly string[],
  list: readonly Difference[],
): string[] {
  const listed = list.filter(
    (entry) => section.startsWith(entry.section) && command.startsWith(entry.command ?? ''),
  );
  return lines.filter((line) => {
    const reason = listed.find((entry) => entry.lines.test(line));
    if (reason) used.add(reason);
    return !reason;
  });
}

/** What of a section is neither as recorded nor listed. */
export function compare(name: string, recorded: Section, here: Section, list = DIFFERENCES): string {
  const out = recorded.steps.map((step, i) => {
    const lines = unexplained(name, step.command, difference(step, here.steps[i]), list);
    return lines.length === 0 ? '' : `${step.user} ${step.command}\n${lines.join('\n')}\n`;
  });
  const wire = recorded.console.length === 0 ? [] : diffLines(recorded.console, here.console);
  out.push(...unexplained(name, 'console', wire, list));
  return out.filter((text) => text !== '').join('\n');
}

/** A test for each of the sections, run in forks of one prepared VM. `modules`: those that must be compiled; default all. */
export function replayed(sections: readonly string[], modules?: readonly string[]): void {
  let lab: Student;
  beforeAll(async () => {
    lab = await recordedLab(modules);
  }, 400_000);
  describe('prints what was recorded, but for what is listed', () => {
    test.each(sections)('%s', (name) => {
      const recorded = recordingOf(name.split('.')[0]).get(name)!;
      expect(recorded.steps.length).toBeGreaterThan(0);
      const vm = forkVm(lab.vm);
      const here = replay(new Student(vm), name);
      const bug = vm.kernel.halted?.reason === 'simulator bug' ? vm.kernel.halted.text : '';
      destroyVm(vm);
      expect(bug).toBe('');
      expect(compare(name, recorded, here)).toBe('');
    }, 300_000);
  });
}

/** Entries of the list that no section needed; asked after all sections ran. */
export const unneeded = (): Difference[] => DIFFERENCES.filter((entry) => !used.has(entry));
