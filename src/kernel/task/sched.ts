/**
 * Scheduling attributes (man 7 sched). The VM has one hart and the engine runs tasks in turn, so policies and priorities are
 * kept and checked as Linux does, but do not change the order.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from './capability.ts';
import { Rlim } from './rlimit.ts';
import type { Task } from './types.ts';

export const SCHED_OTHER = 0;
export const SCHED_FIFO = 1;
export const SCHED_RR = 2;
export const SCHED_BATCH = 3;
export const SCHED_IDLE = 5;
export const SCHED_DEADLINE = 6;
export const SCHED_RESET_ON_FORK = 0x40000000;

/** The task that a sched_* call means, or -errno. */
export function schedTarget(k: Kernel, task: Task, pid: number): Task | number {
  if (pid < 0) return -Errno.EINVAL;
  if (pid === 0) return task;
  return k.task.tasks.get(pid) ?? -Errno.ESRCH;
}

const isRealtime = (policy: number): boolean => policy === SCHED_FIFO || policy === SCHED_RR;

/** Lowest and highest static priority of a policy; null: no such policy. */
export function priorityRange(policy: number): { min: number; max: number } | null {
  if (isRealtime(policy)) return { min: 1, max: 99 };
  const known = [SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE];
  return known.includes(policy) ? { min: 0, max: 0 } : null;
}

const ownsTask = (task: Task, target: Task): boolean =>
  task.cred.euid === target.cred.euid || task.cred.euid === target.cred.uid;

/** sched_setscheduler(2); `policy` -1 keeps the present one (sched_setparam). */
export function setScheduler(task: Task, target: Task, policyArg: number, priority: number): number {
  const policy = policyArg === -1 ? target.policy : policyArg & ~SCHED_RESET_ON_FORK;
  const range = priorityRange(policy);
  if (!range || policy === SCHED_DEADLINE) return -Errno.EINVAL;
  if (priority < range.min || priority > range.max) return -Errno.EINVAL;
  if (!capable(task.cred, CAP.SYS_NICE)) {
    if (isRealtime(policy)) {
      const limit = target.group.rlimits[Rlim.RTPRIO].cur;
      if (policy !== target.policy && limit === 0) return -Errno.EPERM;
      if (priority > target.rtPriority && priority > limit) return -Errno.EPERM;
    }
    if (target.policy === SCHED_IDLE && policy !== SCHED_IDLE && !mayNice(target, target.nice))
      return -Errno.EPERM;
    if (!ownsTask(task, target)) return -Errno.EPERM;
  }
  target.policy = policy;
  target.rtPriority = priority;
  return 0;
}

/** Whether RLIMIT_NICE lets the task have this nice value. */
const mayNice = (task: Task, nice: number): boolean => 20 - nice <= task.group.rlimits[Rlim.NICE].cur;

export function setAffinity(task: Task, target: Task, mask: number): number {
  if (!ownsTask(task, target) && !capable(task.cred, CAP.SYS_NICE)) return -Errno.EPERM;
  if ((mask & 1) === 0) return -Errno.EINVAL;
  target.cpuMask = 1;
  return 0;
}

/** The tasks that getpriority(2) and setpriority(2) mean: process 0, process group 1, user 2. */
export function priorityTargets(k: Kernel, task: Task, which: number, who: number): Task[] | number {
  if (which < 0 || which > 2) return -Errno.EINVAL;
  if (which === 0) {
    const target = who === 0 ? task : k.task.tasks.get(who);
    return target ? [target] : [];
  }
  const all = [...k.task.tasks.values()];
  if (which === 1) {
    const pgid = who === 0 ? task.group.pgid : who;
    return all.filter((other) => other.group.pgid === pgid);
  }
  const uid = who === 0 ? task.cred.uid : who >>> 0;
  return all.filter((other) => other.cred.uid === uid);
}

/** getpriority(2): 20 minus the lowest nice value, as the raw call answers. */
export function getPriority(k: Kernel, task: Task, which: number, who: number): number {
  const targets = priorityTargets(k, task, which, who);
  if (typeof targets === 'number') return targets;
  return targets.length === 0 ? -Errno.ESRCH : Math.max(...targets.map((target) => 20 - target.nice));
}

export function setPriority(k: Kernel, task: Task, which: number, who: number, value: number): number {
  const targets = priorityTargets(k, task, which, who);
  if (typeof targets === 'number') return targets;
  const nice = Math.max(-20, Math.min(19, value));
  let result: number = -Errno.ESRCH;
  for (const target of targets) {
    const mine = task.cred.euid === target.cred.euid || task.cred.euid === target.cred.uid;
    if (!mine && !capable(task.cred, CAP.SYS_NICE)) {
      result = -Errno.EPERM;
      continue;
    }
    if (nice < target.nice && !mayNice(target, nice) && !capable(task.cred, CAP.SYS_NICE)) {
      result = -Errno.EACCES;
      continue;
    }
    target.nice = nice;
    if (result === -Errno.ESRCH) result = 0;
  }
  return result;
}

/** LOAD_FREQ. */
export const LOAD_INTERVAL_NS = 5_000_000_000;
const LOAD_DECAY = [1884, 2014, 2037] as const;
const FIXED_1 = 2048;

/**
 * Brings the averages up to date; the engine calls it when it has moved the clock by more than {@link LOAD_INTERVAL_NS}
 * since the last time. A slice is much shorter, so whole intervals beyond the first were idle.
 */
export function updateLoad(k: Kernel): void {
  const { loadavg } = k.task;
  const intervals = Math.floor((k.time.nowNs - loadavg.atNs) / LOAD_INTERVAL_NS);
  if (intervals <= 0) return;
  loadavg.atNs += intervals * LOAD_INTERVAL_NS;
  const active = (k.sched.current === 0 ? 0 : 1) + runnableTasks(k);
  for (let i = 0; i < 3; i++) {
    const keep = LOAD_DECAY[i] / FIXED_1;
    const first = loadavg.values[i] * keep + active * FIXED_1 * (1 - keep);
    loadavg.values[i] = first * keep ** Math.min(intervals - 1, 10_000);
  }
}

/** The three load averages, as floating-point numbers (kernel/sched/loadavg.c). */
export function loadAverages(k: Kernel): [number, number, number] {
  const [one, five, fifteen] = k.task.loadavg.values;
  return [one / FIXED_1, five / FIXED_1, fifteen / FIXED_1];
}

/** Tasks that run or want to, other than whoever asks. */
export function runnableTasks(k: Kernel): number {
  let count = 0;
  for (const task of k.task.tasks.values())
    if (task.state === 'running' && task.tid !== k.sched.current) count++;
  return count;
}
