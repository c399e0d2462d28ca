/** What a task is doing, as one letter and as the name of the kernel function it waits in (get_task_state, get_wchan). */
import type { Kernel } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';

const names: Record<string, string> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  D: 'D (disk sleep)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  X: 'X (dead)',
  Z: 'Z (zombie)',
  I: 'I (idle)',
};

export function stateLetter(task: Task): string {
  switch (task.state) {
    case 'running':
      return 'R';
    case 'sleeping':
      return task.wait?.interruptible === 'yes' ? 'S' : task.kthread ? 'I' : 'D';
    case 'stopped':
      return 'T';
    case 'traced':
      return 't';
    case 'zombie':
      return 'Z';
    default:
      return 'X';
  }
}

export const stateName = (task: Task): string => names[stateLetter(task)];

/** The 4.15 function that a task blocked in a system call sleeps in, by the call's number. */
const sleepers: Record<number, string> = {
  22: 'ep_poll',
  25: 'fcntl_setlk',
  32: 'flock_lock_inode_wait',
  72: 'poll_schedule_timeout',
  73: 'poll_schedule_timeout',
  95: 'do_wait',
  98: 'futex_wait_queue_me',
  101: 'hrtimer_nanosleep',
  115: 'hrtimer_nanosleep',
  116: 'do_syslog',
  133: 'sigsuspend',
  137: 'do_sigtimedwait',
  202: 'inet_csk_accept',
  203: 'unix_stream_connect',
  207: 'skb_wait_for_more_packets',
  212: 'skb_wait_for_more_packets',
  220: '_do_fork',
  242: 'inet_csk_accept',
  260: 'do_wait',
  435: '_do_fork',
};

const readers: Record<string, string> = { pipe: 'pipe_wait', fifo: 'pipe_wait', tty: 'wait_woken' };

type KernelTrace = (k: Kernel, task: Task) => string[];
let kernelTrace: KernelTrace = () => [];
/** The room that makes traces says where tasks are in kernel code: `function+offset/size [module]`, innermost first. */
export function provideKernelTrace(trace: KernelTrace): void {
  kernelTrace = trace;
}
/** Frames of a task that is in kernel code; none when nothing is known. */
export const kernelFrames: KernelTrace = (k, task) => kernelTrace(k, task);

/** Where a sleeping task waits; null when it runs or nothing is known. */
export function waitChannel(k: Kernel, task: Task): string | null {
  if (task.state === 'sleeping' && (task.kernelMode?.depth ?? 0) > 0)
    return kernelTrace(k, task)[0]?.split('+')[0] ?? null;
  if (task.state === 'stopped') return 'do_signal_stop';
  if (task.state === 'traced') return 'ptrace_stop';
  if (task.state !== 'sleeping' || !task.syscall) return null;
  const { nr, args } = task.syscall;
  if (nr >= 63 && nr <= 70) {
    const kind = task.files.fds[args[0]]?.file.kind ?? '';
    return readers[kind] ?? 'wait_woken';
  }
  return sleepers[nr] ?? null;
}
