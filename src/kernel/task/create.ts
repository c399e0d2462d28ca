/**
 * Making tasks and the numbers they go by. Always true: a tid is in `k.task.tasks` from its birth until it is released
 * (reaped, or gone for a thread that nobody waits for); a group is in `k.task.groups` exactly as long as its leader's tid.
 */
import { CONTEXT } from '../../cpu/machine.ts';
import type { FileTable, FsContext } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { Mm } from '../mm/types.ts';
import { newWaitQueue } from '../outcome.ts';
import { SIGCHLD } from '../signal/bits.ts';
import type { SigAction, SigPending } from '../signal/types.ts';
import type { Tty } from '../tty/types.ts';
import { defaultRlimits } from './rlimit.ts';
import type { Cred, Rlimit, SchedRoom, Task, TaskRoom, ThreadGroup } from './types.ts';

const EAGAIN = 11;
/** Pids start again here after the highest (RESERVED_PIDS of kernel/pid.c). */
const RESERVED_PIDS = 300;

export function createTaskRoom(): TaskRoom {
  return {
    tasks: new Map(),
    groups: new Map(),
    nextPid: 1,
    pidMax: 32768,
    spawned: new Map(),
    forks: 0,
    futexes: new Map(),
    loadavg: { values: [0, 0, 0], atNs: 0 },
  };
}

export function createSchedRoom(): SchedRoom {
  return {
    runQueue: [],
    loaded: 0,
    current: 0,
    contextSwitches: 0,
    retired: 0,
    idleNs: 0,
    userNs: 0,
    systemNs: 0,
    kernelWork: 0,
    lastTid: 0,
    idleSinceNs: -1,
  };
}

/** What the new task starts from. */
export interface NewTask {
  /** The process it becomes a thread of; null: it leads a new process. */
  group: ThreadGroup | null;
  comm: string;
  mm: Mm | null;
  files: FileTable;
  fs: FsContext;
  cred: Cred;
  /** For new processes; pgid and sid of 0 mean the new pid. */
  parentPid?: number;
  pgid?: number;
  sid?: number;
  tty?: Tty | null;
  exitSignal?: number;
  rlimits?: Rlimit[];
  actions?: SigAction[];
  kthread?: boolean;
}

const pidInUse = (k: Kernel, pid: number): boolean => {
  if (k.task.tasks.has(pid) || k.task.groups.has(pid)) return true;
  for (const group of k.task.groups.values()) if (group.pgid === pid || group.sid === pid) return true;
  return false;
};

/** The next free pid, or -EAGAIN when there is none. */
export function allocPid(k: Kernel): number {
  const room = k.task;
  for (let tries = 0; tries < room.pidMax; tries++) {
    if (room.nextPid >= room.pidMax) room.nextPid = RESERVED_PIDS;
    const pid = room.nextPid++;
    if (!pidInUse(k, pid)) return pid;
  }
  return -EAGAIN;
}

export const newPending = (): SigPending => ({ set: 0n, queue: [] });

/** 65 default actions; index 0 is unused. */
export const defaultActions = (): SigAction[] =>
  Array.from({ length: 65 }, () => ({ handler: 0, flags: 0, mask: 0n }));

/** Actions are replaced, never changed, so a copy of the list is a copy of its entries. */
export const copyActions = (actions: readonly SigAction[]): SigAction[] => actions.slice();

function newGroup(k: Kernel, pid: number, init: NewTask): ThreadGroup {
  return {
    pid,
    threads: [],
    parentPid: init.parentPid ?? 0,
    children: [],
    pgid: init.pgid || pid,
    sid: init.sid || pid,
    tty: init.tty ?? null,
    actions: init.actions ?? defaultActions(),
    pending: newPending(),
    rlimits: init.rlimits ?? defaultRlimits(k),
    childWait: newWaitQueue(),
    signalWait: newWaitQueue(),
    exitWait: newWaitQueue(),
    execing: 0,
    exitStatus: -1,
    groupExit: null,
    exitSignal: init.exitSignal ?? SIGCHLD,
    stop: null,
    continued: false,
    isChildSubreaper: false,
    utimeNs: 0,
    stimeNs: 0,
    cutimeNs: 0,
    cstimeNs: 0,
    minFaults: 0,
    majFaults: 0,
    cminFaults: 0,
    cmajFaults: 0,
    maxRssPages: 0,
    childMaxRssPages: 0,
    startNs: k.time.nowNs,
    timers: null,
    spawned: false,
    execed: false,
    dumpable: true,
    personality: 0,
    oomScoreAdj: 0,
  };
}

/**
 * A new task, linked to its process and parent but not yet ready (see {@link startTask}); -EAGAIN when the VM has its
 * quota of tasks. The caller has taken the references that `mm`, `files` and `fs` stand for.
 */
export function newTask(k: Kernel, init: NewTask): Task | number {
  if (k.task.tasks.size >= k.quotas.maxTasks) return -EAGAIN;
  const tid = allocPid(k);
  if (tid < 0) return tid;
  const group = init.group ?? newGroup(k, tid, init);
  const task: Task = {
    tid,
    group,
    comm: init.comm,
    state: 'running',
    mm: init.mm,
    files: init.files,
    fs: init.fs,
    cred: init.cred,
    context: new Uint8Array(CONTEXT.size),
    activations: [],
    syscall: null,
    wait: null,
    sleepTimer: 0,
    wakeReason: 'event',
    sliceLeft: 0,
    nice: 0,
    policy: 0,
    rtPriority: 0,
    cpuMask: 1,
    blocked: 0n,
    savedMask: null,
    pending: newPending(),
    notify: false,
    stopPending: false,
    altStack: { sp: 0, size: 0, flags: 2 },
    ptrace: null,
    detachSignal: null,
    tracees: [],
    clearChildTid: 0,
    setChildTid: 0,
    robustList: 0,
    robustListSize: 0,
    rseq: null,
    vforkParent: 0,
    vforkDone: newWaitQueue(),
    pdeathSignal: 0,
    timerSlackNs: 50_000,
    futexKey: null,
    restart: null,
    utimeNs: 0,
    stimeNs: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
    startNs: k.time.nowNs,
    exitCode: 0,
    lastFault: null,
    kernelMode: null,
    kthread: init.kthread ?? false,
  };
  group.threads.push(tid);
  k.task.tasks.set(tid, task);
  if (!init.group) {
    k.task.groups.set(tid, group);
    k.task.groups.get(group.parentPid)?.children.push(tid);
  }
  return task;
}

/** Makes a new task ready to run. */
export function startTask(k: Kernel, task: Task): void {
  task.state = 'running';
  k.sched.runQueue.push(task.tid);
}

/** The living threads of a process, as tasks. */
export function* threadsOf(k: Kernel, group: ThreadGroup): Generator<Task> {
  for (const tid of [...group.threads]) {
    const task = k.task.tasks.get(tid);
    if (task) yield task;
  }
}

/** The process whose leader has this pid, zombies included. */
export const findGroup = (k: Kernel, pid: number): ThreadGroup | undefined => k.task.groups.get(pid);

/** The leading task of a process. */
export const leaderOf = (k: Kernel, group: ThreadGroup): Task => k.task.tasks.get(group.pid)!;
