/** Resource limits (man 2 getrlimit). Always true: cur <= max; Infinity stands for RLIM_INFINITY. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from './capability.ts';
import { findGroup } from './create.ts';
import { sameOwner } from './cred.ts';
import type { Rlimit, Task, ThreadGroup } from './types.ts';

/** RLIMIT_* (asm-generic/resource.h). */
export const Rlim = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;
export const RLIM_NLIMITS = 16;
/** The most descriptors a process may ask for: /proc/sys/fs/nr_open. */
export const NR_OPEN = 1048576;

const INF = Number.POSITIVE_INFINITY;

/** The limits of init (asm-generic/resource.h), with the process limits scaled to the VM. */
export function defaultRlimits(k: Kernel): Rlimit[] {
  const processes = Math.max(1, Math.floor(k.quotas.maxTasks / 2));
  const limits: Rlimit[] = Array.from({ length: RLIM_NLIMITS }, () => ({
    cur: INF,
    max: INF,
  }));
  limits[Rlim.STACK] = { cur: 8 * 1024 * 1024, max: INF };
  limits[Rlim.CORE] = { cur: 0, max: INF };
  limits[Rlim.NPROC] = { cur: processes, max: processes };
  limits[Rlim.NOFILE] = { cur: 1024, max: 4096 };
  limits[Rlim.MEMLOCK] = { cur: 65536, max: 65536 };
  limits[Rlim.SIGPENDING] = { cur: processes, max: processes };
  limits[Rlim.MSGQUEUE] = { cur: 819200, max: 819200 };
  limits[Rlim.NICE] = { cur: 0, max: 0 };
  limits[Rlim.RTPRIO] = { cur: 0, max: 0 };
  return limits;
}

/** Soft limit of the process a task belongs to. */
export const rlimit = (task: Task, resource: number): number => task.group.rlimits[resource].cur;

/** setrlimit(2): 0 or -errno. */
export function setRlimit(task: Task, group: ThreadGroup, resource: number, limit: Rlimit): number {
  if (resource < 0 || resource >= RLIM_NLIMITS) return -Errno.EINVAL;
  if (limit.cur > limit.max) return -Errno.EINVAL;
  if (resource === Rlim.NOFILE && limit.max > NR_OPEN) return -Errno.EPERM;
  const old = group.rlimits[resource];
  if (limit.max > old.max && !capable(task.cred, CAP.SYS_RESOURCE)) return -Errno.EPERM;
  group.rlimits[resource] = { cur: limit.cur, max: limit.max };
  return 0;
}

/** The process that prlimit64(2) means, after its permission check, or -errno. */
export function prlimitTarget(k: Kernel, task: Task, pid: number): ThreadGroup | number {
  if (pid === 0 || pid === task.group.pid) return task.group;
  const target = k.task.tasks.get(pid);
  const group = target?.group ?? findGroup(k, pid);
  if (!group) return -Errno.ESRCH;
  const other = target ?? k.task.tasks.get(group.pid);
  if (!other) return -Errno.ESRCH;
  if (!sameOwner(task.cred, other.cred) && !capable(task.cred, CAP.SYS_RESOURCE)) return -Errno.EPERM;
  return group;
}

/** Processes (tasks) that a user has, for RLIMIT_NPROC. */
export function tasksOfUser(k: Kernel, uid: number): number {
  let count = 0;
  for (const task of k.task.tasks.values()) if (task.cred.uid === uid) count++;
  return count;
}
