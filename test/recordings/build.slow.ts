/** The recorded builds: good ones, what gcc and modpost say, trouble with Makefiles. */
import { beforeAll, expect, test } from 'vitest';
import { forkVm } from '../../src/vm/index.ts';
import { Student } from '../vm/student.ts';
import { buildScript, buildSections, prepareBuilds } from './build.ts';
import { BUILDS } from './differences.ts';
import { recordedLab } from './lab.ts';
import { replay } from './replay.ts';
import { compare } from './suite.ts';

let lab: Student;

beforeAll(async () => {
  lab = await recordedLab(['simple']);
  prepareBuilds(lab);
}, 400_000);

test.each(buildSections())(
  '%s: prints what was recorded, but for what is listed',
  (name, recorded) => {
    const here = replay(new Student(forkVm(lab.vm)), name, buildScript(recorded));
    expect(compare(name, recorded, here, BUILDS)).toBe('');
  },
  300_000,
);
