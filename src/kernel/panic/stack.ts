/** Where a task is inside the kernel, for /proc/PID/stack and wchan (kernel/stacktrace.c). Always true: looking changes nothing. */
import { provideKernelTrace } from '../fs/proc/state.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { exportedPlace, isModern } from './frames.ts';
import { backtrace, registersOf } from './trace.ts';

/** What reads the file, when a task looks at itself. */
const READING = [
  'stack_trace_save_tsk+0x8c/0xce',
  'proc_pid_stack+0xa2/0x100',
  'proc_single_show+0x4e/0xa2',
  'seq_read_iter+0xe0/0x358',
  'seq_read+0xf8/0x126',
];

function kernelTrace(k: Kernel, task: Task): string[] {
  const lines = (from: boolean): string[] =>
    backtrace(k, task, registersOf(k, task), from).map(({ symbol, module }) =>
      module === null ? symbol : `${symbol} [${module}]`,
    );
  if (task.state === 'running') return isModern(k) && task.syscall ? [...READING, ...lines(false)] : [];
  if (task.state !== 'sleeping' || !task.kernelMode || task.kernelMode.depth === 0) return [];
  const called = task.kernelMode.call?.name;
  return [...(called ? [exportedPlace(k, called).place] : []), ...lines(true)];
}
provideKernelTrace(kernelTrace);
