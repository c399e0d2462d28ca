/**
 * Opening terminals, and the file operations of kind `tty` (tty_open and tty_fops of drivers/tty/tty_io.c). Always true: a
 * terminal's `opens` counts its open files, dead ones included.
 */
import { Errno } from '../abi/errno.ts';
import { Poll } from '../fs/flags.ts';
import { defineChrdevDriver, defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { portOf, SERIAL_MINOR } from './device.ts';
import { isHungUp } from './hangup.ts';
import { ttyIoctl } from './ioctl.ts';
import { clearSessionTty, openSetsControlling } from './job.ts';
import { inputAvailable, resetInput } from './ldisc.ts';
import { outputRoom, ptyOf } from './output.ts';
import { openMaster, slaveClosed } from './pty.ts';
import { readTty } from './read.ts';
import type { Tty, TtyFile } from './types.ts';
import { writeTty } from './write.ts';

/** Fewer bytes than this on their way make a terminal ready for writing (WAKEUP_CHARS). */
const WAKEUP_CHARS = 256;

function openTty(k: Kernel, task: Task, file: File, tty: Tty): number {
  if (tty.exclusive && !capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EBUSY;
  const pty = ptyOf(k, tty);
  if (pty) {
    if (pty.masterOpens === 0 || pty.locked) return -Errno.EIO;
    pty.otherClosed = false;
  }
  tty.opens++;
  file.kind = 'tty';
  file.data = { tty, hangups: tty.hangups } satisfies TtyFile;
  return 0;
}

/** Opens it and lets a session leader without a terminal have it. */
function openControlling(k: Kernel, task: Task, file: File, tty: Tty): number {
  const opened = openTty(k, task, file, tty);
  if (opened === 0) openSetsControlling(task, file, tty);
  return opened;
}

/** Major 4: serial ports from minor 64 on. */
defineChrdevDriver('ttyS', {
  open(k, task, file, minor) {
    const port = portOf(k, minor - SERIAL_MINOR);
    return port ? openControlling(k, task, file, port) : -Errno.ENXIO;
  },
});

/** Major 136 and on: slaves of pseudo terminals. */
defineChrdevDriver('pts', {
  open(k, task, file, minor) {
    const pty = k.tty.ptys.get(minor);
    return pty ? openControlling(k, task, file, pty.slave) : -Errno.EIO;
  },
});

/** 5:0: the process's controlling terminal, whichever it is. */
defineChrdevDriver('tty', {
  open: (k, task, file) => (task.group.tty ? openTty(k, task, file, task.group.tty) : -Errno.ENXIO),
});

/** 5:1: the console; never becomes a controlling terminal by being opened. */
defineChrdevDriver('console', {
  open: (k, task, file) => openTty(k, task, file, k.tty.ports[0]),
});

/** 5:2: a new pseudo terminal. */
defineChrdevDriver('ptmx', { open: (k, task, file) => openMaster(k, task, file) });

/** The last close of a terminal: its session loses it, its input is forgotten; termios stay (tty_release). */
function release(k: Kernel, file: File): void {
  const { tty } = file.data as TtyFile;
  tty.opens = Math.max(0, tty.opens - 1);
  if (tty.opens > 0) return;
  clearSessionTty(k, tty.sid);
  const pty = ptyOf(k, tty);
  if (pty) {
    slaveClosed(k, pty);
    return;
  }
  tty.sid = 0;
  tty.pgrp = 0;
  tty.exclusive = false;
  tty.stopped = false;
  tty.flowStopped = false;
  resetInput(tty.ldisc);
}

defineFileOps('tty', {
  read: readTty,
  write: writeTty,
  ioctl: (k, task, file, cmd, arg) => ttyIoctl(k, task, file, cmd >>> 0, arg),
  poll(k, file) {
    const { tty } = file.data as TtyFile;
    const queues = [tty.readWait, tty.writeWait];
    if (isHungUp(file)) {
      const all = Poll.IN | Poll.OUT | Poll.ERR | Poll.HUP | Poll.RDNORM | Poll.WRNORM;
      return { events: all, queues };
    }
    let events = 0;
    if (inputAvailable(tty, true)) events |= Poll.IN | Poll.RDNORM;
    if (tty.driver === 'pty' && ptyOf(k, tty)?.masterOpens !== 1) events |= Poll.HUP;
    else {
      const room = outputRoom(tty);
      const idle = tty.driver === 'pty' ? room > 0 : tty.outputBytes < WAKEUP_CHARS || room > WAKEUP_CHARS;
      if (idle) events |= Poll.OUT | Poll.WRNORM;
    }
    return { events, queues };
  },
  fsync: () => -Errno.EINVAL,
  release,
});
