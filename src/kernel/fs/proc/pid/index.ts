/** The directory of a process, /proc/PID, and of a thread, /proc/PID/task/TID (tgid_base_stuff, tid_base_stuff of 4.15). */
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import { type DirNode, dir, type KernfsNode, link, type NodeContext, special } from '../../kernfs.ts';
import { showMountinfo, showMounts, showMountstats } from '../mounts.ts';
import { netDir } from '../net.ts';
import { birth, common, dirOwner, ownerOf, privateCheck, targetOf, taskFile } from '../target.ts';
import * as facts from './facts.ts';
import { cwdLink, exeLink, fdDir, fdinfoDir, nsDir, rootLink } from './fd.ts';
import { mapFiles, showMaps, showSmaps, showSmapsRollup } from './maps.ts';
import { showAuxv, showCmdline, showEnviron } from './memory.ts';
import { showSched, showSchedstat, showStat, showStatm } from './stat.ts';
import { showStatus } from './status.ts';

const owned = { ...common, check: privateCheck };

/** Files that a process and each of its threads have. */
const shared: Record<string, KernfsNode> = {
  fd: fdDir,
  fdinfo: fdinfoDir,
  ns: nsDir,
  net: netDir,
  environ: taskFile(showEnviron, { mode: 0o400, check: privateCheck }),
  auxv: taskFile(showAuxv, { mode: 0o400, check: privateCheck }),
  status: taskFile(showStatus),
  personality: taskFile(facts.showPersonality, { mode: 0o400, check: privateCheck }),
  limits: taskFile(facts.showLimits),
  sched: taskFile(showSched, { mode: 0o644 }),
  comm: taskFile((_k, task) => `${task.comm}\n`, { mode: 0o644, store: facts.storeComm }),
  syscall: taskFile(facts.showSyscall, { mode: 0o400, check: privateCheck }),
  cmdline: taskFile(showCmdline),
  stat: taskFile(showStat),
  statm: taskFile(showStatm),
  maps: taskFile(showMaps, { check: privateCheck }),
  mem: special('proc.mem', 0o600, owned),
  cwd: cwdLink,
  root: rootLink,
  exe: exeLink,
  mounts: taskFile(showMounts),
  mountinfo: taskFile(showMountinfo),
  smaps: taskFile(showSmaps, { check: privateCheck }),
  smaps_rollup: taskFile(showSmapsRollup, { check: privateCheck }),
  pagemap: special('proc.pagemap', 0o400, owned),
  wchan: taskFile(facts.showWchan),
  stack: taskFile(facts.showStack, { mode: 0o400 }),
  schedstat: taskFile(showSchedstat),
  cgroup: taskFile(() => ''),
  oom_score: taskFile(facts.showOomScore),
  oom_adj: taskFile(facts.showOomAdj, { mode: 0o644, store: facts.storeOomAdj }),
  oom_score_adj: taskFile((_k, task) => `${task.group.oomScoreAdj}\n`, {
    mode: 0o644,
    store: facts.storeOomScoreAdj,
  }),
  uid_map: taskFile(facts.showIdMap, { mode: 0o644 }),
  gid_map: taskFile(facts.showIdMap, { mode: 0o644 }),
  projid_map: taskFile(facts.showIdMap, { mode: 0o644 }),
  setgroups: taskFile(() => 'allow\n', { mode: 0o644 }),
};

const threadDir = dir(shared, { mode: 0o555, owner: dirOwner, timeNs: birth });

/** /proc/PID/task: a directory for each living thread. */
const taskDir: DirNode = {
  type: 'dir',
  mode: 0o555,
  children: new Map(),
  owner: ownerOf,
  timeNs: birth,
  *list(k, ctx) {
    const target = targetOf(k, ctx);
    for (const tid of target?.group.threads ?? [])
      if (k.task.tasks.has(tid)) yield [String(tid), threadDir] as [string, KernfsNode];
  },
  find(k, ctx, name) {
    const target = targetOf(k, ctx);
    const tid = parsePid(name);
    if (!target?.group.threads.includes(tid)) return null;
    const thread = k.task.tasks.get(tid);
    return thread ? { node: threadDir, params: { tid, start: thread.startNs, thread: true } } : null;
  },
};

/** /proc/PID. */
export const processDir: DirNode = dir(
  {
    ...shared,
    task: taskDir,
    map_files: mapFiles,
    mountstats: taskFile(showMountstats, { mode: 0o400, check: privateCheck }),
    coredump_filter: taskFile(() => '00000033\n'),
    timers: taskFile(facts.showTimers),
    timerslack_ns: taskFile((_k, task) => `${task.timerSlackNs}\n`, {
      mode: 0o666,
      store: facts.storeTimerSlack,
    }),
  },
  { mode: 0o555, owner: dirOwner, timeNs: birth },
);

/** A decimal number without leading zeros, as name_to_int reads it; -1 for anything else. */
export const parsePid = (name: string): number => (/^[1-9][0-9]{0,9}$/.test(name) ? Number(name) : -1);

/** The processes, for the root directory. A thread's directory can be found by its tid, but is not listed. */
export const processes = {
  *list(k: Kernel): Iterable<readonly [string, KernfsNode]> {
    for (const pid of [...k.task.groups.keys()].sort((a, b) => a - b))
      if (k.task.tasks.has(pid)) yield [String(pid), processDir];
  },
  find(k: Kernel, _ctx: NodeContext, name: string) {
    const task = k.task.tasks.get(parsePid(name));
    return task ? { node: processDir, params: { tid: task.tid, start: task.startNs } } : null;
  },
};

/** /proc/self and /proc/thread-self. */
export const selfLink = link((_k, ctx) => (ctx.task ? String(ctx.task.group.pid) : -Errno.ENOENT));
export const threadSelfLink = link((_k, ctx) =>
  ctx.task ? `${ctx.task.group.pid}/task/${ctx.task.tid}` : -Errno.ENOENT,
);
