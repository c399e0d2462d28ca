/** What the benches of the VM share: medians, running a command to its end, and the table of figures. */
import { exitStatusOf, forgetProcess, readOutput, runVm, spawnProcess, type Vm } from '../../src/vm/index.ts';

export interface Row {
  figure: string;
  value: number;
  unit: string;
  /** The same work under qemu-riscv64, in the same unit. */
  qemu: number | null;
  mustHold: string;
}

/** Instructions between two looks at the VM. */
export const SLICE = 2_000_000;

export const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

export function times(count: number, measure: () => number): number {
  return median(Array.from({ length: count }, measure));
}

/** Milliseconds that `work` takes. */
export function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Runs a command to its end; answers its output. Throws when it fails. */
export function run(vm: Vm, command: string): string {
  const pid = spawnProcess(vm, { argv: ['/bin/bash', '-c', command] });
  const chunks: Uint8Array[] = [];
  const drain = (): void => {
    for (const stream of ['stdout', 'stderr'] as const) {
      const bytes = readOutput(vm, pid, stream);
      if (bytes.length > 0) chunks.push(bytes);
    }
  };
  while (exitStatusOf(vm, pid) === null) {
    runVm(vm, SLICE, Number.POSITIVE_INFINITY);
    drain();
  }
  drain();
  const output = Buffer.concat(chunks).toString();
  if (exitStatusOf(vm, pid)?.exitCode !== 0) throw new Error(`${command}: ${output}`);
  forgetProcess(vm, pid);
  return output;
}

type Report = (
  figure: string,
  value: number,
  unit: string,
  mustHold?: string,
  beside?: number | null,
) => void;

/** Collects figures and, unless JSON is wanted, prints each as it comes. */
export function reporter(json: boolean): { rows: Row[]; report: Report } {
  const rows: Row[] = [];
  const report: Report = (
    figure: string,
    value: number,
    unit: string,
    mustHold = '',
    beside: number | null = null,
  ): void => {
    const row = {
      figure,
      value: Number(value.toPrecision(4)),
      unit,
      qemu: beside && Number(beside.toPrecision(4)),
      mustHold,
    };
    rows.push(row);
    if (!json)
      console.log(
        `${figure.padEnd(52)}${String(row.value).padStart(10)} ${unit.padEnd(8)}${row.qemu === null ? ''.padEnd(24) : `qemu ${row.qemu} (${(value / row.qemu!).toFixed(2)} x)`.padEnd(24)}${mustHold}`,
      );
  };
  return { rows, report };
}
