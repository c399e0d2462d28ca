/**
 * Hanging up (__tty_hangup): every open file of the terminal is dead from now on, its session loses it and its leader is told.
 * Always true: a file opened before has a smaller `hangups` than its terminal.
 */
import { Errno } from '../abi/errno.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { kernelSigInfo, SIGCONT, SIGHUP } from '../signal/bits.ts';
import { sendSignal, sendSignalPgrp } from '../signal/send.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { flushInput } from './flow.ts';
import { ldiscSetTermios } from './ldisc.ts';
import { ptyTermios } from './termios.ts';
import type { Tty, TtyFile } from './types.ts';

/** Whether the terminal was hung up since this file was opened (tty_hung_up_p). */
export const isHungUp = (file: File): boolean => {
  const { tty, hangups } = file.data as TtyFile;
  return hangups !== tty.hangups;
};

/** SIGHUP and SIGCONT to the session's leader; its processes lose the terminal (tty_signal_session_leader). */
function signalSession(k: Kernel, tty: Tty): void {
  const { sid, pgrp } = tty;
  if (sid === 0) return;
  for (const group of [...k.task.groups.values()]) {
    if (group.sid !== sid) continue;
    if (group.tty === tty) group.tty = null;
    if (group.pid !== sid) continue;
    if (pgrp !== 0) k.tty.oldPgrp.set(group.pid, pgrp);
    sendSignal(k, group, kernelSigInfo(SIGHUP));
    sendSignal(k, group, kernelSigInfo(SIGCONT));
  }
}

function hangup(k: Kernel, tty: Tty, exitSession: boolean): void {
  const { pgrp } = tty;
  tty.hangups++;
  signalSession(k, tty);
  if (exitSession && pgrp !== 0) sendSignalPgrp(k, pgrp, kernelSigInfo(SIGHUP));
  tty.sid = 0;
  tty.pgrp = 0;
  tty.stopped = false;
  tty.flowStopped = false;
  tty.exclusive = false;
  tty.echo = [];
  flushInput(k, tty);
  if (tty.driver === 'pty') {
    const old = tty.termios;
    tty.termios = ptyTermios();
    ldiscSetTermios(k, tty, old);
  }
  wakeUp(k, tty.readWait);
  wakeUp(k, tty.writeWait);
}

/** The line dropped, or root asked for it. */
export const hangupTty = (k: Kernel, tty: Tty): void => hangup(k, tty, false);

/** The session's leader exited: the foreground group is told as well (tty_vhangup_session). */
export const hangupSession = (k: Kernel, tty: Tty): void => hangup(k, tty, true);

/** vhangup(2). */
export function vhangup(k: Kernel, task: Task): number {
  if (!capable(task.cred, CAP.SYS_TTY_CONFIG)) return -Errno.EPERM;
  if (task.group.tty) hangupTty(k, task.group.tty);
  return 0;
}
