/**
 * Sessions and process groups (man 2 setpgid, setsid, credentials). Always true: all members of a process group are in one
 * session. A group is *orphaned* when no member has a parent in another group of the same session.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { SIGCONT, SIGHUP } from '../signal/bits.ts';
import { kernelSigInfo, sendSignalPgrp } from '../signal/send.ts';
import type { Task, ThreadGroup } from './types.ts';

const isGone = (group: ThreadGroup): boolean => group.exitStatus !== -1;

/** Whether process group `pgid` would be orphaned if `ignored` were not there (will_become_orphaned_pgrp). */
export function isOrphanedPgrp(k: Kernel, pgid: number, ignored: ThreadGroup | null = null): boolean {
  for (const group of k.task.groups.values()) {
    if (group.pgid !== pgid || group === ignored || isGone(group)) continue;
    const parent = k.task.groups.get(group.parentPid);
    if (!parent || parent.pid === 1) continue;
    if (parent.pgid !== pgid && parent.sid === group.sid) return false;
  }
  return true;
}

const hasStoppedMember = (k: Kernel, pgid: number): boolean => {
  for (const group of k.task.groups.values()) if (group.pgid === pgid && group.stop?.complete) return true;
  return false;
};

/**
 * `group` exits, or loses its parent `formerParent` by that one's exit: if its process group becomes orphaned by it and has
 * stopped members they get SIGHUP and SIGCONT (kill_orphaned_pgrp).
 */
export function killOrphanedPgrp(k: Kernel, group: ThreadGroup, formerParent: ThreadGroup | null): void {
  const parent = formerParent ?? k.task.groups.get(group.parentPid);
  if (!parent || parent.pgid === group.pgid || parent.sid !== group.sid) return;
  if (!isOrphanedPgrp(k, group.pgid, formerParent ? null : group)) return;
  if (!hasStoppedMember(k, group.pgid)) return;
  sendSignalPgrp(k, group.pgid, kernelSigInfo(SIGHUP));
  sendSignalPgrp(k, group.pgid, kernelSigInfo(SIGCONT));
}

/** setpgid(2). */
export function setpgid(k: Kernel, task: Task, pidArg: number, pgidArg: number): number {
  const caller = task.group;
  const pid = pidArg === 0 ? caller.pid : pidArg;
  const pgid = pgidArg === 0 ? pid : pgidArg;
  if (pgid < 0) return -Errno.EINVAL;
  const group = k.task.groups.get(pid);
  if (!group) return k.task.tasks.has(pid) ? -Errno.EINVAL : -Errno.ESRCH;
  if (group.parentPid === caller.pid && group !== caller) {
    if (group.sid !== caller.sid) return -Errno.EPERM;
    if (group.execed) return -Errno.EACCES;
  } else if (group !== caller) return -Errno.ESRCH;
  if (group.pid === group.sid) return -Errno.EPERM;
  if (pgid !== pid) {
    let found = false;
    for (const other of k.task.groups.values())
      if (other.pgid === pgid && other.sid === caller.sid) {
        found = true;
        break;
      }
    if (!found) return -Errno.EPERM;
  }
  group.pgid = pgid;
  return 0;
}

/** The process that getpgid(2) and getsid(2) mean, or null. */
export const processOf = (k: Kernel, task: Task, pid: number): ThreadGroup | null =>
  pid === 0 ? task.group : (k.task.tasks.get(pid)?.group ?? k.task.groups.get(pid) ?? null);

/** setsid(2): a new session without a terminal. */
export function setsid(k: Kernel, task: Task): number {
  const { group } = task;
  if (group.pid === group.sid) return -Errno.EPERM;
  for (const other of k.task.groups.values()) if (other.pgid === group.pid) return -Errno.EPERM;
  group.sid = group.pid;
  group.pgid = group.pid;
  group.tty = null;
  return group.pid;
}
