/** /proc/PID/stat, statm, and the numbers they share with status (fs/proc/array.c of 4.15). */
import type { Kernel } from '../../../kernel.ts';
import type { Mm, Vma } from '../../../mm/types.ts';
import { threadsOf } from '../../../task/create.ts';
import { Rlim } from '../../../task/rlimit.ts';
import type { Task } from '../../../task/types.ts';
import type { NodeContext } from '../../kernfs.ts';
import { mangle, ticks, ulong } from '../format.ts';
import { stateLetter, waitChannel } from '../state.ts';
import { isWhole, maySee } from '../target.ts';

const SIG_IGN = 1;

/** Ignored and caught signals of a process as masks. */
export function actionMasks(task: Task): { ignored: bigint; caught: bigint } {
  let ignored = 0n;
  let caught = 0n;
  for (let signo = 1; signo <= 64; signo++) {
    const handler = task.group.actions[signo]?.handler ?? 0;
    if (handler === SIG_IGN) ignored |= 1n << BigInt(signo - 1);
    else if (handler !== 0) caught |= 1n << BigInt(signo - 1);
  }
  return { ignored, caught };
}

/** PF_* flags (linux/sched.h), as far as they mean something here. */
function processFlags(task: Task): number {
  if (task.kthread) return task.tid === 2 ? 0x208040 : 0x208040 | 0x40;
  let flags = 0x400000;
  if (!task.group.execed) flags |= 0x40;
  if (task.state === 'zombie') flags |= 0xc;
  return flags;
}

/** What ps and top call PRI: 20 + nice, below zero for real-time policies. */
export const priorityOf = (task: Task): number =>
  task.policy === 1 || task.policy === 2 ? -1 - task.rtPriority : 20 + task.nice;

const pid31 = (mask: bigint): string => (mask & 0x7fffffffn).toString();

export function showStat(k: Kernel, task: Task, ctx: NodeContext): string {
  const { group, mm } = task;
  const whole = isWhole(ctx);
  const permitted = maySee(ctx, task);
  const { ignored, caught } = actionMasks(task);
  const tty = group.tty;
  const alive = task.state !== 'zombie';
  const flags = processFlags(task);
  const times = whole ? group : { ...task, minFaults: 0, majFaults: 0, cutimeNs: 0, cstimeNs: 0 };
  const seen = (value: number, hidden = 0): string => ulong(mm && permitted ? value : mm ? hidden : 0);
  const pending = whole ? group.pending.set | task.pending.set : task.pending.set;
  const fields = [
    task.tid,
    `(${mangle(task.comm, '\n\\')})`,
    stateLetter(task),
    group.parentPid,
    group.pgid,
    group.sid,
    tty ? tty.rdev : 0,
    tty ? tty.pgrp || -1 : -1,
    flags,
    times.minFaults,
    whole ? group.cminFaults : 0,
    times.majFaults,
    whole ? group.cmajFaults : 0,
    ticks(times.utimeNs),
    ticks(times.stimeNs),
    ticks(times.cutimeNs),
    ticks(times.cstimeNs),
    priorityOf(task),
    task.nice,
    alive ? group.threads.length : 0,
    0,
    ticks(task.startNs),
    mm ? mm.totalVmPages * 4096 : 0,
    mm ? mm.rssAnon + mm.rssFile : 0,
    ulong(group.rlimits[Rlim.RSS].cur),
    seen(mm?.startCode ?? 0, 1),
    seen(mm?.endCode ?? 0, 1),
    seen(mm?.startStack ?? 0),
    0,
    0,
    pid31(pending),
    pid31(task.blocked),
    pid31(ignored),
    pid31(caught),
    permitted && waitChannel(k, task) ? 1 : 0,
    0,
    0,
    task.tid === group.pid ? group.exitSignal : -1,
    0,
    task.rtPriority,
    task.policy,
    0,
    0,
    0,
    seen(mm?.startData ?? 0),
    seen(mm?.endData ?? 0),
    seen(mm?.brkStart ?? 0),
    seen(mm?.argStart ?? 0),
    seen(mm?.argEnd ?? 0),
    seen(mm?.envStart ?? 0),
    seen(mm?.envEnd ?? 0),
    permitted ? task.exitCode : 0,
  ];
  return `${fields.join(' ')}\n`;
}

const isStack = (vma: Vma): boolean => vma.name === '[stack]';

/** Sizes of an address space in pages, as task_mem() and task_statm() count them. */
export function memorySizes(mm: Mm): { text: number; lib: number; data: number; stack: number } {
  const text = Math.ceil(mm.endCode / 4096) - Math.floor(mm.startCode / 4096);
  let executable = 0;
  let data = 0;
  let stack = 0;
  for (const vma of mm.vmas) {
    const pages = (vma.end - vma.start) / 4096;
    const writable = (vma.prot & 2) !== 0;
    if (isStack(vma)) stack += pages;
    else if ((vma.prot & 4) !== 0 && !writable) executable += pages;
    else if (writable && (vma.flags & 1) === 0) data += pages;
  }
  return { text, lib: Math.max(0, executable - text), data, stack };
}

export function showStatm(_k: Kernel, task: Task): string {
  const { mm } = task;
  if (!mm) return '0 0 0 0 0 0 0\n';
  const { text, data, stack } = memorySizes(mm);
  return `${mm.totalVmPages} ${mm.rssAnon + mm.rssFile} ${mm.rssFile} ${text} 0 ${data + stack} 0\n`;
}

/** /proc/PID/schedstat: time on the cpu, time waited, slices. */
export const showSchedstat = (_k: Kernel, task: Task): string =>
  `${task.utimeNs + task.stimeNs} 0 ${task.voluntarySwitches + task.involuntarySwitches}\n`;

const milli = (ns: number): string =>
  `${Math.floor(ns / 1e6)}.${String(Math.floor(ns % 1e6)).padStart(6, '0')}`;

/** /proc/PID/sched (proc_sched_show_task), the lines that have a meaning on this scheduler. */
export function showSched(k: Kernel, task: Task): string {
  const head = `${task.comm} (${task.tid}, #threads: ${[...threadsOf(k, task.group)].length})`;
  const line = (name: string, value: string | number): string =>
    `${name.padEnd(45)}:${String(value).padStart(21)}\n`;
  return [
    `${head}\n`,
    '-------------------------------------------------------------------\n',
    line('se.exec_start', milli(k.time.nowNs)),
    line('se.vruntime', milli(task.utimeNs + task.stimeNs)),
    line('se.sum_exec_runtime', milli(task.utimeNs + task.stimeNs)),
    line('nr_switches', task.voluntarySwitches + task.involuntarySwitches),
    line('nr_voluntary_switches', task.voluntarySwitches),
    line('nr_involuntary_switches', task.involuntarySwitches),
    line('policy', task.policy),
    line('prio', 100 + priorityOf(task)),
  ].join('');
}
