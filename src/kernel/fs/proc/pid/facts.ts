/** The small files of /proc/PID: limits, comm, oom_*, wchan, syscall, personality, id maps, timers (fs/proc/base.c). */
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import { CAP, capable } from '../../../task/capability.ts';
import { getPc, getReg } from '../../../task/regs.ts';
import type { Task } from '../../../task/types.ts';
import type { NodeContext } from '../../kernfs.ts';
import { hexAddress, limitText, parseIntegers } from '../format.ts';
import { kernelFrames, waitChannel } from '../state.ts';
import { maySee, targetOf } from '../target.ts';

/** Names and units in the order of RLIMIT_* (lnames of fs/proc/base.c). */
const limitNames: [string, string | null][] = [
  ['Max cpu time', 'seconds'],
  ['Max file size', 'bytes'],
  ['Max data size', 'bytes'],
  ['Max stack size', 'bytes'],
  ['Max core file size', 'bytes'],
  ['Max resident set', 'bytes'],
  ['Max processes', 'processes'],
  ['Max open files', 'files'],
  ['Max locked memory', 'bytes'],
  ['Max address space', 'bytes'],
  ['Max file locks', 'locks'],
  ['Max pending signals', 'signals'],
  ['Max msgqueue size', 'bytes'],
  ['Max nice priority', null],
  ['Max realtime priority', null],
  ['Max realtime timeout', 'us'],
];

export function showLimits(_k: Kernel, task: Task): string {
  const head = `${'Limit'.padEnd(25)} ${'Soft Limit'.padEnd(20)} ${'Hard Limit'.padEnd(20)} ${'Units'.padEnd(10)}\n`;
  const lines = limitNames.map(([name, unit], i) => {
    const { cur, max } = task.group.rlimits[i];
    const values = `${name.padEnd(25)} ${limitText(cur).padEnd(20)} ${limitText(max).padEnd(20)} `;
    return `${values}${unit === null ? '' : unit.padEnd(10)}\n`;
  });
  return head + lines.join('');
}

const TASK_COMM_LEN = 16;

export function storeComm(k: Kernel, task: Task, ctx: NodeContext, text: string): number {
  const target = targetOf(k, ctx);
  if (!target) return -Errno.ESRCH;
  if (target.group !== task.group) return -Errno.EINVAL;
  const name = text.slice(0, TASK_COMM_LEN - 1);
  const end = name.indexOf('\0');
  target.comm = end < 0 ? name : name.slice(0, end);
  return text.length;
}

/** Badness in thousandths of memory (oom_badness), as /proc shows it. */
export function showOomScore(k: Kernel, task: Task): string {
  const { mm, group } = task;
  if (!mm || group.oomScoreAdj === -1000) return '0\n';
  const pages = mm.rssAnon + mm.rssFile + mm.tablePages;
  const points = Math.floor((pages * 1000) / k.quotas.memoryPages) + group.oomScoreAdj;
  return `${Math.max(0, points)}\n`;
}

function setOomAdj(k: Kernel, task: Task, ctx: NodeContext, value: number): number {
  const target = targetOf(k, ctx);
  if (!target) return -Errno.ESRCH;
  if (value < target.group.oomScoreAdj && !capable(task.cred, CAP.SYS_RESOURCE)) return -Errno.EACCES;
  target.group.oomScoreAdj = value;
  return 0;
}

export function storeOomScoreAdj(k: Kernel, task: Task, ctx: NodeContext, text: string): number {
  const values = parseIntegers(text.trim());
  if (values?.length !== 1 || values[0] < -1000 || values[0] > 1000) return -Errno.EINVAL;
  return setOomAdj(k, task, ctx, values[0]) || text.length;
}

/** oom_adj: the old scale of -17..15. */
export function showOomAdj(_k: Kernel, task: Task): string {
  const adj = task.group.oomScoreAdj;
  return `${adj === 1000 ? 15 : Math.trunc((adj * 17) / 1000)}\n`;
}

export function storeOomAdj(k: Kernel, task: Task, ctx: NodeContext, text: string): number {
  const values = parseIntegers(text.trim());
  if (values?.length !== 1 || values[0] < -17 || values[0] > 15) return -Errno.EINVAL;
  const value = values[0] === 15 ? 1000 : Math.trunc((values[0] * 1000) / 17);
  return setOomAdj(k, task, ctx, value) || text.length;
}

export const showWchan = (k: Kernel, task: Task, ctx: NodeContext): string =>
  (maySee(ctx, task) && waitChannel(k, task)) || '0';

/** /proc/PID/stack: the functions below the sleep; only root may read it. */
export function showStack(k: Kernel, task: Task): string {
  const frames = kernelFrames(k, task);
  if (frames.length > 0) return frames.map((frame) => `[<0>] ${frame}\n`).join('');
  const where = waitChannel(k, task);
  return where ? `[<0>] ${where}\n[<0>] ret_from_syscall\n` : '';
}

/** /proc/PID/syscall: the call a task sleeps in, its arguments, stack pointer and program counter. */
export function showSyscall(k: Kernel, task: Task): string {
  if (task.state === 'running') return 'running\n';
  const sp = hexAddress(getReg(k, task, 2));
  const pc = hexAddress(getPc(k, task));
  if (!task.syscall) return `-1 0x${sp} 0x${pc}\n`;
  const { nr, args } = task.syscall;
  return `${nr} ${args.map((arg) => `0x${hexAddress(arg)}`).join(' ')} 0x${sp} 0x${pc}\n`;
}

export const showPersonality = (_k: Kernel, task: Task): string =>
  `${(task.group.personality >>> 0).toString(16).padStart(8, '0')}\n`;

export const showIdMap = (): string => '         0          0 4294967295\n';

/** /proc/PID/timers: POSIX timers of the process (show_timer). */
export function showTimers(_k: Kernel, task: Task): string {
  const notify: Record<number, string> = { 0: 'signal', 1: 'none', 2: 'thread' };
  let text = '';
  for (const timer of task.group.timers?.posix.values() ?? []) {
    const kind = `${notify[timer.notify & 3]}/${timer.notify & 4 ? 'tid' : 'pid'}.${timer.tid || task.group.pid}`;
    const value = BigInt.asUintN(64, timer.value).toString(16).padStart(16, '0');
    text += `ID: ${timer.id}\nsignal: ${timer.signo}/${value}\nnotify: ${kind}\nClockID: ${timer.clock}\n`;
  }
  return text;
}

export function storeTimerSlack(k: Kernel, task: Task, ctx: NodeContext, text: string): number {
  const target = targetOf(k, ctx);
  const values = parseIntegers(text);
  if (!target) return -Errno.ESRCH;
  if (values?.length !== 1 || values[0] < 0) return -Errno.EINVAL;
  if (target !== task && !capable(task.cred, CAP.SYS_NICE)) return -Errno.EPERM;
  target.timerSlackNs = values[0] === 0 ? 50_000 : values[0];
  return text.length;
}
