/**
 * Recordings of a real Linux (6.12, riscv64): parsed into steps, and compared line by line with what a VM prints for the same
 * commands. The same recorder (rec.c) runs in both, so both texts have one format.
 */
import { mask } from './masks.ts';

/** One command and all that came of it. */
export interface Step {
  user: 'root' | 'student';
  command: string;
  /** Lines as recorded: `O| text`, `E| text`, `O\ text`, `E\ text`. */
  lines: string[];
  exit: string;
  /** Kernel log records that it added: `D| <4>[time] text`. */
  dmesg: string[];
}

/** What was recorded from one state of the machine: the commands, and what the serial console showed meanwhile. */
export interface Section {
  steps: Step[];
  /** Lines `C| text`. */
  console: string[];
}

/** The sections of a transcript, by name. */
export function parseTranscript(text: string): Map<string, Section> {
  const sections = new Map<string, Section>();
  let section: Section = { steps: [], console: [] };
  let step: Step | undefined;
  for (const line of text.split('\n')) {
    const name = /^#####(?:###)? section:? (?:.*: )?(.*)$/.exec(line)?.[1];
    const command = /^(root|student)[#$] (.*)$/.exec(line);
    if (name) {
      section = { steps: [], console: [] };
      sections.set(name, section);
      step = undefined;
    } else if (command) {
      step = { user: command[1] as Step['user'], command: command[2], lines: [], exit: '', dmesg: [] };
      section.steps.push(step);
    } else if (line.startsWith('C| ')) section.console.push(line);
    else if (!step) continue;
    else if (line.startsWith('> ') && step.lines.length === 0) step.command += `\n${line.slice(2)}`;
    else if (/^[OE][|\\] ?/.test(line)) step.lines.push(line);
    else if (line.startsWith('D| ')) step.dmesg.push(line);
    else if (line.startsWith('[exit ') || line.startsWith('[still running')) step.exit = line;
    // Further lines of a record.
    else if (step.dmesg.length > 0 && line !== '' && !/^\[rec|^console/.test(line))
      step.dmesg.push(`D|      (same record) ${line}`);
  }
  return sections;
}

/** The lines of one stream of a step; a record's further lines belong to it. */
const stream = (step: Step, kind: 'O' | 'E'): string[] => step.lines.filter((line) => line.startsWith(kind));

/** Lines that only one of two texts has, in order: `-` the recording's, `+` the VM's. Longest common subsequence. */
export function diffLines(recorded: readonly string[], here: readonly string[]): string[] {
  const a = recorded.flatMap((line) => mask(line));
  const b = here.flatMap((line) => mask(line));
  let head = 0;
  while (head < a.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const [x, y] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const common = Array.from({ length: x.length + 1 }, () => new Uint16Array(y.length + 1));
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      common[i][j] = x[i] === y[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
  const out: string[] = [];
  for (let i = 0, j = 0; i < x.length || j < y.length; )
    if (i < x.length && x[i] === y[j]) {
      i++;
      j++;
    } else if (j >= y.length || (i < x.length && common[i + 1][j] >= common[i][j + 1]))
      out.push(`- ${x[i++]}`);
    else out.push(`+ ${y[j++]}`);
  return out;
}

/** How a step in a VM differs from the recording, line by line; empty when it does not. */
export function difference(recorded: Step, here: Step | undefined): string[] {
  if (!here) return ['+ the command was not run'];
  return [
    ...diffLines(stream(recorded, 'O'), stream(here, 'O')),
    ...diffLines(stream(recorded, 'E'), stream(here, 'E')),
    ...diffLines([recorded.exit], [here.exit]),
    ...diffLines(recorded.dmesg, here.dmesg),
  ];
}
