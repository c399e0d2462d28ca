/**
 * `npm run bench cpu`: guest speed beside qemu-riscv64 user mode, interleaved, medians of at least three runs.
 * Needs `riscv64-linux-gnu-gcc` (package gcc-riscv64-linux-gnu); without `qemu-riscv64` only our side is measured.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheFolder, createMachine } from '../../src/cpu/index.ts';
import { runProgram } from './guest.ts';

const PROGRAMS = new URL('./programs/', import.meta.url).pathname;
const FLAGS =
  '-O2 -static -nostdlib -Wl,--no-relax -ffreestanding -fno-tree-loop-distribute-patterns -march=rv64gc -mabi=lp64d'.split(
    ' ',
  );
/** What the first, interpreting version must hold: at most so many times slower than qemu. */
const MOST_TIMES_SLOWER: Record<string, number> = {
  tight: 6,
  calls: 3,
  sha256: 20,
};

interface Row {
  program: string;
  instructions: number;
  milliseconds: number;
  mips: number;
  qemuMilliseconds: number | null;
  timesSlower: number | null;
  mustHold: number | null;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

function compileProgram(source: string, folder: string): string {
  const out = join(folder, basename(source, '.c'));
  const done = spawnSync('riscv64-linux-gnu-gcc', [...FLAGS, '-o', out, join(PROGRAMS, source)], {
    encoding: 'utf8',
  });
  if (done.error) throw new Error('riscv64-linux-gnu-gcc is not here; apt-get install gcc-riscv64-linux-gnu');
  if (done.status !== 0) throw new Error(done.stderr);
  return out;
}

/** Milliseconds that qemu takes, and what the program wrote; null when qemu is not here. */
function runQemu(path: string): { milliseconds: number; output: string } | null {
  const started = performance.now();
  const done = spawnSync('qemu-riscv64', [path], { encoding: 'utf8' });
  if (done.status !== 0 && !done.error)
    throw new Error(`${path} fails on qemu too: ${done.stderr}${done.signal}`);
  return done.error ? null : { milliseconds: performance.now() - started, output: done.stdout };
}

/** Measures; `only` names some of the programs. */
export async function benchCpu(options: { json: boolean; only: string[]; runs?: number }): Promise<void> {
  const folder = join(cacheFolder(), 'bench');
  mkdirSync(folder, { recursive: true });
  const before = process.memoryUsage().rss;
  const machine = await createMachine();
  const coreMiB = Math.round((process.memoryUsage().rss - before) / 2 ** 20);
  const rows: Row[] = [];
  const sources = readdirSync(PROGRAMS).filter((name) => name.endsWith('.c'));
  for (const source of sources) {
    const program = basename(source, '.c');
    if (options.only.length > 0 && !options.only.includes(program)) continue;
    const path = compileProgram(source, folder);
    const ours: number[] = [];
    const theirs: number[] = [];
    let instructions = 0;
    for (let i = 0; i < (options.runs ?? 3); i++) {
      const qemu = runQemu(path);
      const here = runProgram(machine, path);
      if (qemu && qemu.output !== here.output)
        throw new Error(`${program}: ${here.output} here, ${qemu.output} on qemu`);
      if (qemu) theirs.push(qemu.milliseconds);
      ours.push(here.milliseconds);
      instructions = here.instructions;
    }
    const milliseconds = median(ours);
    const qemuMilliseconds = theirs.length > 0 ? median(theirs) : null;
    rows.push({
      program,
      instructions,
      milliseconds: Math.round(milliseconds),
      mips: Math.round(instructions / milliseconds / 1000),
      qemuMilliseconds: qemuMilliseconds && Math.round(qemuMilliseconds),
      timesSlower: qemuMilliseconds && Math.round((100 * milliseconds) / qemuMilliseconds) / 100,
      mustHold: MOST_TIMES_SLOWER[program] ?? null,
    });
    if (!options.json) printRow(rows[rows.length - 1], rows.length === 1);
  }
  if (options.json)
    console.log(JSON.stringify({ bench: 'cpu', rows, coreMiB, machine: machine.stats() }, null, 2));
  else console.log(`the core before guests: ${coreMiB} MiB (must hold: under 64)`);
}

function printRow(row: Row, first: boolean): void {
  const line = (cells: (string | number)[]) =>
    console.log(cells.map((cell) => String(cell).padStart(14)).join(''));
  if (first) line(['program', 'instructions', 'ms', 'MIPS', 'qemu ms', 'times slower', 'must hold']);
  const held =
    row.mustHold === null || row.timesSlower === null
      ? ''
      : `${row.timesSlower <= row.mustHold ? 'yes' : 'NO'} (${row.mustHold})`;
  line([
    row.program,
    row.instructions,
    row.milliseconds,
    row.mips,
    row.qemuMilliseconds ?? '-',
    row.timesSlower ?? '-',
    held,
  ]);
}
