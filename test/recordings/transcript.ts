/**
 * Recordings of a real Linux (6.12, riscv64): parsed into steps, and compared with what a VM prints for the same commands. The same
 * recorder (rec.c) runs in both, so both texts have one format. Volatile parts (times, pids, addresses…) are masked alike.
 */

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

/** Steps of each section of a transcript, by section name. */
export function parseTranscript(text: string): Map<string, Step[]> {
  const sections = new Map<string, Step[]>();
  let steps: Step[] = [];
  let step: Step | undefined;
  for (const line of text.split('\n')) {
    const section = /^######## section (.*)$/.exec(line);
    const command = /^(root|student)[#$] (.*)$/.exec(line);
    if (section) {
      steps = [];
      sections.set(section[1], steps);
      step = undefined;
    } else if (command) {
      step = { user: command[1] as Step['user'], command: command[2], lines: [], exit: '', dmesg: [] };
      steps.push(step);
    } else if (!step) continue;
    else if (line.startsWith('> ') && step.lines.length === 0) step.command += `\n${line.slice(2)}`;
    else if (/^[OE][|\\] ?/.test(line)) step.lines.push(line);
    else if (line.startsWith('D| ')) step.dmesg.push(line);
    else if (line.startsWith('[exit ') || line.startsWith('[still running')) step.exit = line;
  }
  return sections;
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\[\s*\d+\.\d{6}\]/g, '[TIME]'],
  [/\b(?:0x)?[0-9a-f]{16}\b/g, 'ADDRESS'],
  [/\bpid[ =:]+\d+/gi, 'pid N'],
  [/\[\d+\](?=[ +-])/g, '[JOB]'],
  [/time=[\d.]+ ms/g, 'time=T ms'],
  [/= [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms/g, '= RTT ms'],
  [/time \d+ms/g, 'time Tms'],
  [/\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b[^|]*/g, 'DATE'],
  [/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +\d+ +(?:\d\d:\d\d|\d{4})/g, 'DATE'],
  [/\d+(?:\.\d+)?(?:e-\d+)? s, [\d.]+ [kMG]B\/s/g, 'T s, SPEED'],
  [/CPU: \d+/g, 'CPU: N'],
  [/SHA256:[\w+/]{43}/g, 'FINGERPRINT'],
  [/AAAA[\w+/=]{30,}/g, 'KEY'],
  [/\bport \d+/g, 'port N'],
  [/^O\| \|.{17}\|$/, 'O| ART'],
  [/^O\| \d+ sshd:/, 'O| PID sshd:'],
];

/** A line without its volatile parts. */
export const mask = (line: string): string =>
  MASKS.reduce((text, [pattern, name]) => text.replace(pattern, name), line).trimEnd();

/** How a step in a VM differs from the recording; empty when it does not. */
export function difference(recorded: Step, here: Step | undefined): string {
  if (!here) return 'the command was not run';
  const text = (step: Step, kind: 'O' | 'E'): string =>
    step.lines
      .filter((line) => line.startsWith(kind))
      .map(mask)
      .join('\n');
  const parts: [name: string, recorded: string, here: string][] = [
    ['stdout', text(recorded, 'O'), text(here, 'O')],
    ['stderr', text(recorded, 'E'), text(here, 'E')],
    ['exit', recorded.exit, here.exit],
    ['log', recorded.dmesg.map(mask).join('\n'), here.dmesg.map(mask).join('\n')],
  ];
  return parts
    .filter(([, a, b]) => a !== b)
    .map(([name, a, b]) => `--- ${name} recorded\n${a}\n+++ ${name} here\n${b}`)
    .join('\n');
}
