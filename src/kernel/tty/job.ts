/**
 * Controlling terminals and job control (drivers/tty/tty_jobctrl.c). Always true: a terminal belongs to at most one session
 * (`tty.sid`), and a process whose `group.tty` is set is in that session.
 */
import { Errno } from '../abi/errno.ts';
import { O } from '../fs/flags.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { kernelSigInfo, SIG_IGN, SIGCONT, SIGHUP, SIGTTIN, SIGTTOU, sigBit } from '../signal/bits.ts';
import { sendSignalPgrp } from '../signal/send.ts';
import { CAP, capable } from '../task/capability.ts';
import { isOrphanedPgrp } from '../task/session.ts';
import type { Task, ThreadGroup } from '../task/types.ts';
import { hangupSession } from './hangup.ts';
import type { Tty } from './types.ts';

export const isSessionLeader = (group: ThreadGroup): boolean => group.pid === group.sid;

/**
 * Whether the task may act on its terminal now (__tty_check_change): 0; -EIO when nobody could ever put it into the
 * foreground; else its process group is stopped by `signo` and the call restarts.
 */
export function checkForeground(k: Kernel, task: Task, tty: Tty, signo: number): number {
  const { group } = task;
  if (group.tty !== tty || tty.pgrp === 0 || group.pgid === tty.pgrp) return 0;
  if (group.actions[signo].handler === SIG_IGN || (task.blocked & sigBit(signo)) !== 0n)
    return signo === SIGTTIN ? -Errno.EIO : 0;
  if (isOrphanedPgrp(k, group.pgid)) return -Errno.EIO;
  sendSignalPgrp(k, group.pgid, kernelSigInfo(signo));
  return -Errno.ERESTARTSYS;
}

/** tty_check_change: for whatever changes the terminal. */
export const checkChange = (k: Kernel, task: Task, tty: Tty): number =>
  checkForeground(k, task, tty, SIGTTOU);

/** Makes the terminal the session's, with the caller's group in the foreground (__proc_set_tty). */
export function setControllingTty(tty: Tty, group: ThreadGroup): void {
  tty.sid = group.sid;
  tty.pgrp = group.pgid;
  group.tty = tty;
}

/** After an open: a session leader without a terminal gets this one, unless it belongs to a session (tty_open_proc_set_tty). */
export function openSetsControlling(task: Task, file: File, tty: Tty): void {
  const { group } = task;
  if ((file.flags & O.NOCTTY) !== 0 || (file.flags & O.ACCMODE) === O.WRONLY) return;
  if (isSessionLeader(group) && !group.tty && tty.sid === 0) setControllingTty(tty, group);
}

/** No process of the session has a terminal any more (session_clear_tty). */
export function clearSessionTty(k: Kernel, sid: number): void {
  if (sid === 0) return;
  for (const group of k.task.groups.values()) if (group.sid === sid) group.tty = null;
}

/** TIOCSCTTY. */
export function takeControlling(k: Kernel, task: Task, file: File, tty: Tty, steal: boolean): number {
  const { group, cred } = task;
  if (isSessionLeader(group) && tty.sid === group.sid) return 0;
  if (!isSessionLeader(group) || group.tty) return -Errno.EPERM;
  const admin = capable(cred, CAP.SYS_ADMIN);
  if (tty.sid !== 0) {
    if (!steal || !admin) return -Errno.EPERM;
    clearSessionTty(k, tty.sid);
  }
  if ((file.flags & O.ACCMODE) === O.WRONLY && !admin) return -Errno.EPERM;
  setControllingTty(tty, group);
  return 0;
}

/**
 * A session leader gives up its terminal, by TIOCNOTTY or by exiting (disassociate_ctty): the foreground group is hung up, and
 * no process of the session has a terminal afterwards. Harmless for any other process.
 */
export function disassociateCtty(k: Kernel, group: ThreadGroup, onExit: boolean): void {
  if (!isSessionLeader(group)) return;
  const { tty } = group;
  if (!tty) {
    const old = k.tty.oldPgrp.get(group.pid);
    if (onExit && old !== undefined) {
      k.tty.oldPgrp.delete(group.pid);
      sendSignalPgrp(k, old, kernelSigInfo(SIGHUP));
      sendSignalPgrp(k, old, kernelSigInfo(SIGCONT));
    }
    return;
  }
  if (onExit && tty.driver !== 'pty') hangupSession(k, tty);
  else if (tty.pgrp !== 0) {
    sendSignalPgrp(k, tty.pgrp, kernelSigInfo(SIGHUP));
    if (!onExit) sendSignalPgrp(k, tty.pgrp, kernelSigInfo(SIGCONT));
  }
  k.tty.oldPgrp.delete(group.pid);
  if (tty.sid === group.sid) {
    tty.sid = 0;
    tty.pgrp = 0;
  }
  clearSessionTty(k, group.sid);
}

/** TIOCNOTTY: the caller gives up its terminal; a session leader takes it from the whole session. */
export function giveUpControlling(k: Kernel, task: Task, tty: Tty): number {
  const { group } = task;
  if (group.tty !== tty) return -Errno.ENOTTY;
  disassociateCtty(k, group, false);
  group.tty = null;
  return 0;
}

/** TIOCGPGRP: 0 for none. */
export const foregroundPgrp = (task: Task, tty: Tty, viaMaster: boolean): number =>
  !viaMaster && task.group.tty !== tty ? -Errno.ENOTTY : tty.pgrp;

/** TIOCSPGRP (tiocspgrp). */
export function setForegroundPgrp(k: Kernel, task: Task, tty: Tty, pgrp: number): number {
  const { group } = task;
  const checked = checkChange(k, task, tty);
  if (checked === -Errno.EIO) return -Errno.ENOTTY;
  if (checked !== 0) return checked;
  if (pgrp < 0) return -Errno.EINVAL;
  if (group.tty !== tty || tty.sid !== group.sid) return -Errno.ENOTTY;
  let known = false;
  for (const other of k.task.groups.values())
    if (other.pgid === pgrp) {
      if (other.sid !== group.sid) return -Errno.EPERM;
      known = true;
    }
  if (!known) return -Errno.ESRCH;
  tty.pgrp = pgrp;
  return 0;
}

/** TIOCGSID. */
export function sessionOf(task: Task, tty: Tty, viaMaster: boolean): number {
  if (!viaMaster && task.group.tty !== tty) return -Errno.ENOTTY;
  return tty.sid === 0 ? -Errno.ENOTTY : tty.sid;
}
