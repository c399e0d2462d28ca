/** Processes as inspect shows them. Always true: looking changes nothing; a process that was reaped is not there. */
import { dPath, fileName } from '../kernel/fs/dpath.ts';
import { showCmdline } from '../kernel/fs/proc/pid/memory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { hex64 } from '../kernel/panic/trace.ts';
import type { Task, ThreadGroup } from '../kernel/task/types.ts';
import { kernelStack } from './inspect-code.ts';
import type { ProcessSummary, ProcessView } from './inspect-schema.ts';

/** What a parked task is inside of: the name of its innermost continuation, or its system call's number. */
function waitsFor(task: Task): string | null {
  if (task.state !== 'sleeping') return null;
  const top = task.activations.at(-1);
  return top?.step ?? (task.syscall ? `syscall ${task.syscall.nr}` : null);
}

const SHARED = 1;
const access = (prot: number, flags: number): string =>
  `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}${flags & SHARED ? 's' : 'p'}`;

function head(k: Kernel, group: ThreadGroup, leader: Task): Omit<ProcessSummary, 'threadCount'> {
  const { mm } = leader;
  return {
    pid: group.pid,
    parentPid: group.parentPid,
    comm: leader.comm,
    command: showCmdline(k, leader).replace(/\0+$/, '').replaceAll('\0', ' '),
    state: leader.state,
    kernelThread: leader.kthread,
    uid: leader.cred.uid,
    gid: leader.cred.gid,
    sid: group.sid,
    pgid: group.pgid,
    tty: group.tty?.name ?? null,
    residentPages: mm ? mm.rssAnon + mm.rssFile : 0,
    virtualPages: mm?.totalVmPages ?? 0,
    userNs: group.utimeNs,
    systemNs: group.stimeNs,
    startNs: group.startNs,
  };
}

function processView(k: Kernel, group: ThreadGroup, leader: Task): ProcessView {
  const threads = group.threads.flatMap((tid) => k.task.tasks.get(tid) ?? []);
  const { root } = leader.fs;
  return {
    ...head(k, group, leader),
    threads: threads.map((task) => ({
      tid: task.tid,
      comm: task.comm,
      state: task.state,
      waitsFor: waitsFor(task),
      stack: kernelStack(k, task),
    })),
    cwd: dPath(leader.fs.cwd, root),
    openFiles: leader.files.fds.flatMap((entry, fd) =>
      entry ? [{ fd, path: fileName(entry.file, root), kind: entry.file.kind }] : [],
    ),
    maps: (leader.mm?.vmas ?? []).map(({ start, end, prot, flags, file, name }) => ({
      start: hex64(start),
      end: hex64(end),
      access: access(prot, flags),
      path: file ? fileName(file, root) : name,
    })),
  };
}

function* leaders(k: Kernel): Generator<[ThreadGroup, Task]> {
  for (const group of k.task.groups.values()) {
    const leader = k.task.tasks.get(group.pid);
    if (leader) yield [group, leader];
  }
}

/** Every process in a line. */
export const processSummaries = (k: Kernel): ProcessSummary[] =>
  [...leaders(k)].map(([group, leader]) => ({
    ...head(k, group, leader),
    threadCount: group.threads.length,
  }));

/** Every process with its threads, files and memory. */
export const processViews = (k: Kernel): ProcessView[] =>
  [...leaders(k)].map(([group, leader]) => processView(k, group, leader));

/** One process; null when there is none. */
export function processViewOf(k: Kernel, pid: number): ProcessView | null {
  const group = k.task.groups.get(pid);
  const leader = k.task.tasks.get(pid);
  return group && leader ? processView(k, group, leader) : null;
}
