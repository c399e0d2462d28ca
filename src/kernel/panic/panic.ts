/**
 * Panic and stack dumps (kernel/panic.c). Always true: a panic stops the VM and only the VM; the console shows all of it, whatever its
 * level was, and keeps it; with kernel.panic set the machine restarts that many seconds later.
 */
import type { Kernel } from '../kernel.ts';
import { consoleVerbose, Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { inWords, isModern } from './frames.ts';
import { printTask, printTrace, record } from './report.ts';
import { backtrace, kernelPlace, registersOf } from './trace.ts';
import type { CodePlace } from './types.ts';

const TAINT_DIE = 1 << 7;

/** What dump_stack shows of itself. */
const DUMP = [
  'dump_backtrace+0x28/0x30',
  'show_stack+0x38/0x44',
  'dump_stack_lvl+0x5a/0x7c',
  'dump_stack+0x18/0x20',
];

/** dump_stack(): who runs, and a trace that begins with dump_stack itself and then `places`. */
export function dumpStackBelow(
  k: Kernel,
  task: Task,
  places: readonly string[],
  rest: readonly CodePlace[],
): CodePlace[] {
  const trace = [...inWords(k, [...DUMP, ...places]).map(kernelPlace), ...rest];
  printTask(k, task);
  printTrace(k, trace, true);
  return trace;
}

/** The task a report is about when nobody says: the running one, or the idle task. */
const runningTask = (k: Kernel): Task | null => k.task.tasks.get(k.sched.current) ?? k.module.swapper;

/**
 * Says why, in Linux's words, and halts the VM. `places`: kernel functions between panic and the module code that the task runs;
 * `rest`: the trace from there on when it is not the task's own.
 */
export function panic(
  k: Kernel,
  text: string,
  task: Task | null = null,
  places: readonly string[] = [],
  rest?: readonly CodePlace[],
): void {
  if (k.halted) return;
  consoleVerbose(k);
  const who = task ?? runningTask(k);
  printk(k, Level.EMERG, `Kernel panic - not syncing: ${text}`);
  let trace: readonly CodePlace[] = [];
  if (who && (k.taint & TAINT_DIE) === 0) {
    const below = rest ?? backtrace(k, who, registersOf(k, who), true);
    trace = dumpStackBelow(k, who, ['panic+0x11a/0x35a', ...places], below);
  }
  record(k, who, 'panic', `Kernel panic - not syncing: ${text}`, { trace });
  if (isModern(k)) printk(k, Level.CRIT, 'SMP: stopping secondary CPUs');
  const seconds = Number(k.sysctl['kernel.panic'] ?? '0');
  if (seconds !== 0) {
    if (seconds > 0) {
      printk(k, Level.EMERG, `Rebooting in ${seconds} seconds..`);
      k.time.nowNs += seconds * 1e9;
    }
    k.halted = { reason: 'restart', text };
    return;
  }
  printk(k, Level.EMERG, `---[ end Kernel panic - not syncing: ${text}${isModern(k) ? ' ]---' : ''}`);
  k.halted = { reason: 'panic', text };
}
