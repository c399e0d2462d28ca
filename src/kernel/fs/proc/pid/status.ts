/** /proc/PID/status (proc_pid_status of 4.15). */
import type { Kernel } from '../../../kernel.ts';
import { threadsOf } from '../../../task/create.ts';
import { Rlim } from '../../../task/rlimit.ts';
import type { Task } from '../../../task/types.ts';
import { kbLine, mangle, mask16, pagesToKb, ulong } from '../format.ts';
import { stateName } from '../state.ts';
import { actionMasks, memorySizes } from './stat.ts';

/** Slots of the descriptor table: it grows by powers of two from 64, but is never shown below 256 (fdtable). */
function fdTableSize(task: Task): number {
  let size = 256;
  while (size < task.files.fds.length) size *= 2;
  return size;
}

function memoryLines(task: Task): string {
  const { mm } = task;
  if (!mm) return '';
  const sizes = memorySizes(mm);
  const rss = mm.rssAnon + mm.rssFile;
  return [
    kbLine('VmPeak', pagesToKb(mm.totalVmPages)),
    kbLine('VmSize', pagesToKb(mm.totalVmPages)),
    kbLine('VmLck', pagesToKb(mm.lockedPages)),
    kbLine('VmPin', 0),
    kbLine('VmHWM', pagesToKb(Math.max(rss, mm.hiwaterRss))),
    kbLine('VmRSS', pagesToKb(rss)),
    kbLine('RssAnon', pagesToKb(mm.rssAnon)),
    kbLine('RssFile', pagesToKb(mm.rssFile)),
    kbLine('RssShmem', 0),
    kbLine('VmData', pagesToKb(sizes.data)),
    kbLine('VmStk', pagesToKb(sizes.stack)),
    kbLine('VmExe', pagesToKb(sizes.text)),
    kbLine('VmLib', pagesToKb(sizes.lib)),
    kbLine('VmPTE', pagesToKb(mm.tablePages + 1)),
    kbLine('VmSwap', 0),
    kbLine('HugetlbPages', 0),
    'CoreDumping:\t0\n',
  ].join('');
}

/** Signals queued for the user of the task, out of the limit. */
function queuedSignals(k: Kernel, task: Task): number {
  let queued = 0;
  const seen = new Set<unknown>();
  for (const other of k.task.tasks.values()) {
    if (other.cred.uid !== task.cred.uid) continue;
    queued += other.pending.queue.length;
    if (!seen.has(other.group)) {
      seen.add(other.group);
      queued += other.group.pending.queue.length;
    }
  }
  return queued;
}

export function showStatus(k: Kernel, task: Task): string {
  const { cred, group } = task;
  const { ignored, caught } = actionMasks(task);
  const threads = task.state === 'zombie' ? 1 : [...threadsOf(k, group)].length;
  return [
    `Name:\t${mangle(task.comm, '\n\\')}\n`,
    task.fs ? `Umask:\t${task.fs.umask.toString(8).padStart(4, '0')}\n` : '',
    `State:\t${stateName(task)}\n`,
    `Tgid:\t${group.pid}\nNgid:\t0\nPid:\t${task.tid}\nPPid:\t${group.parentPid}\n`,
    `TracerPid:\t${task.ptrace?.tracer ?? 0}\n`,
    `Uid:\t${cred.uid}\t${cred.euid}\t${cred.suid}\t${cred.fsuid}\n`,
    `Gid:\t${cred.gid}\t${cred.egid}\t${cred.sgid}\t${cred.fsgid}\n`,
    `FDSize:\t${task.files ? fdTableSize(task) : 0}\n`,
    `Groups:\t${cred.groups.join(' ')} \n`,
    `NStgid:\t${group.pid}\nNSpid:\t${task.tid}\nNSpgid:\t${group.pgid}\nNSsid:\t${group.sid}\n`,
    memoryLines(task),
    `Threads:\t${threads}\n`,
    `SigQ:\t${queuedSignals(k, task)}/${ulong(group.rlimits[Rlim.SIGPENDING].cur)}\n`,
    `SigPnd:\t${mask16(task.pending.set)}\nShdPnd:\t${mask16(group.pending.set)}\n`,
    `SigBlk:\t${mask16(task.blocked)}\nSigIgn:\t${mask16(ignored)}\nSigCgt:\t${mask16(caught)}\n`,
    `CapInh:\t${mask16(cred.capInheritable)}\nCapPrm:\t${mask16(cred.capPermitted)}\n`,
    `CapEff:\t${mask16(cred.capEffective)}\nCapBnd:\t${mask16(cred.capBounding)}\n`,
    `CapAmb:\t${mask16(cred.capAmbient)}\n`,
    `NoNewPrivs:\t${cred.noNewPrivs ? 1 : 0}\nSeccomp:\t0\nSpeculation_Store_Bypass:\tunknown\n`,
    `Cpus_allowed:\t${(task.cpuMask & 1).toString(16)}\nCpus_allowed_list:\t0\n`,
    'Mems_allowed:\t1\nMems_allowed_list:\t0\n',
    `voluntary_ctxt_switches:\t${task.voluntarySwitches}\n`,
    `nonvoluntary_ctxt_switches:\t${task.involuntarySwitches}\n`,
  ].join('');
}
