/**
 * Runs the script of a recorded section in a VM and answers what came of it in the recording's own form. Always true: time is the
 * VM's own, derived from instructions; a command that never ends makes the clock run faster, so that its time-out comes soon.
 */
import { readFileSync } from 'node:fs';
import {
  consoleRead,
  DETERMINISTIC_NS,
  exitStatusOf,
  readOutput,
  runVm,
  spawnProcess,
} from '../../src/vm/index.ts';
import type { Student } from '../vm/student.ts';
import { RECORDINGS } from './lab.ts';
import { parseTranscript, type Section } from './transcript.ts';

const SLICE = 2_000_000;
/** Instructions of a whole section. */
const BUDGET = 20e9;

/** How a section is hurried: instructions without a word before the clock goes faster, and how much faster it goes then. */
interface Pace {
  patience: number;
  hurry: number;
  /** Virtual seconds after which the recorded machine had stopped answering. */
  seconds?: number;
}
const PACE: Pace = { patience: 600e6, hurry: 20 };
const PACES: Readonly<Record<string, Pace>> = {
  'ones.10': { patience: 60e6, hurry: 40 },
  'oops.43-infloop': { patience: 150e6, hurry: 200, seconds: 85 },
  'oops.70-infloop-1cpu': { patience: 150e6, hurry: 200, seconds: 85 },
  // The keys of a server take their time.
  'system.20-ssh': { patience: 10e9, hurry: 20 },
};

/** The commands of a section: its script as recorded. A module without debug information is cut off earlier. */
export const scriptOf = (section: string): string =>
  readFileSync(`${RECORDINGS}scn/${section}.sh`, 'utf8').replace('head -c 20000 ', 'head -c 2000 ');

/** What was recorded: by section. */
export const recordingOf = (group: string): Map<string, Section> =>
  parseTranscript(readFileSync(`${RECORDINGS}transcripts/${group}.txt`, 'utf8'));

/** Runs a section's script as root in the VM until it ends or the machine stops. */
export function replay({ vm }: Student, name: string, script = scriptOf(name)): Section & { text: string } {
  const { patience, hurry, seconds = Number.POSITIVE_INFINITY } = PACES[name] ?? PACE;
  const decoder = new TextDecoder();
  const wire = new TextDecoder();
  while (consoleRead(vm).length > 0);
  const pid = spawnProcess(vm, { argv: ['/bin/bash', '-c', script] });
  let text = '';
  let console = '';
  const pump = (): boolean => {
    const out = readOutput(vm, pid, 'stdout');
    text += decoder.decode(out, { stream: true });
    readOutput(vm, pid, 'stderr');
    const seen = consoleRead(vm);
    console += wire.decode(seen, { stream: true });
    return out.length > 0;
  };
  const { time } = vm.kernel;
  const until = time.nowNs + seconds * 1e9;
  for (let spent = 0, quiet = 0, idle = 0; spent < BUDGET && idle < 4 && time.nowNs < until; ) {
    const { retired, state } = runVm(vm, SLICE, Number.POSITIVE_INFINITY, 1);
    spent += retired + 1000;
    quiet = pump() ? 0 : quiet + retired;
    time.nsPerInstruction = DETERMINISTIC_NS * (quiet > patience ? hurry : 1);
    if (state === 'halted' || exitStatusOf(vm, pid) !== null) break;
    idle = state === 'idle' ? idle + 1 : 0;
  }
  while (pump());
  const section = parseTranscript(`######## section here\n${text}`).get('here')!;
  const lines = console.replaceAll('\r', '').split('\n');
  return { steps: section.steps, console: lines.map((line) => `C| ${line}`), text };
}
