/** ioctl(2) on terminals: man 2 ioctl_tty, tty_ioctl of drivers/tty/tty_io.c. */
import { Errno } from '../abi/errno.ts';
import type { File } from '../fs/types.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { readI32, readU8, writeI32, writeU32 } from '../mm/uaccess.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { flushInput, flushOutput, fromWire, startTty, stopTty } from './flow.ts';
import { hangupTty, isHungUp } from './hangup.ts';
import {
  checkChange,
  foregroundPgrp,
  giveUpControlling,
  sessionOf,
  setForegroundPgrp,
  takeControlling,
} from './job.ts';
import { inputBytes } from './ldisc.ts';
import { emit } from './output.ts';
import { C, Flow, Flush, Ioctl, isConsoleCommand, V } from './termbits.ts';
import {
  applySetter,
  getTermios,
  getWinsize,
  lockedTermios,
  setWinsizeFrom,
  termiosSetter,
} from './termios-ioctl.ts';
import type { Tty, TtyFile } from './types.ts';

/** DTR, RTS, CTS, CD and DSR are on: the host's wire is always connected. */
const MODEM_LINES = 0x2 | 0x4 | 0x20 | 0x40 | 0x100;

/** Whether output that must be sent before a change still waits: only a stopped port holds any back. */
const mustDrain = (tty: Tty): boolean => tty.driver === 'serial' && tty.stopped && tty.outputBytes > 0;

const put = (k: Kernel, task: Task, arg: number, value: number): number =>
  value < 0 ? value : writeI32(k, task, arg, value);

/** tcflush. */
function flushQueues(k: Kernel, tty: Tty, which: number): number {
  if (which !== Flush.INPUT && which !== Flush.OUTPUT && which !== Flush.BOTH) return -Errno.EINVAL;
  if (which !== Flush.OUTPUT) flushInput(k, tty);
  if (which !== Flush.INPUT) flushOutput(k, tty);
  return 0;
}

/** tcflow. */
function flow(k: Kernel, tty: Tty, action: number): number {
  if (action === Flow.OFF) {
    if (!tty.flowStopped) {
      tty.flowStopped = true;
      stopTty(k, tty);
    }
  } else if (action === Flow.ON) {
    if (tty.flowStopped) {
      tty.flowStopped = false;
      startTty(k, tty);
    }
  } else if (action === Flow.SEND_STOP || action === Flow.SEND_START) {
    const c = tty.termios.cc[action === Flow.SEND_STOP ? V.STOP : V.START];
    if (c !== 0) emit(k, tty, Uint8Array.of(c));
  } else return -Errno.EINVAL;
  return 0;
}

/** TIOCSTI: puts a character into the input as if it were typed. */
function typeCharacter(k: Kernel, task: Task, tty: Tty, arg: number): number {
  if (task.group.tty !== tty && !capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  const c = readU8(k, task, arg);
  if (c === null) return -Errno.EFAULT;
  fromWire(k, tty, Uint8Array.of(c));
  return 0;
}

/** Commands that change the terminal wait for the foreground, and for stopped output to be sent, first. */
function changing(k: Kernel, task: Task, file: File, tty: Tty, cmd: number, arg: number): Outcome {
  const checked = checkChange(k, task, tty);
  if (checked !== 0) return checked;
  const setter = termiosSetter(cmd);
  const drains = setter
    ? setter.drain
    : cmd !== Ioctl.TIOCCBRK && cmd !== Ioctl.TCFLSH && cmd !== Ioctl.TCXONC;
  if (drains && mustDrain(tty))
    return wait([tty.writeWait], { then: [{ step: drainStep, state: { file, cmd, arg } }] });
  if (setter) return applySetter(k, task, tty, cmd, arg);
  if (cmd === Ioctl.TCFLSH) return flushQueues(k, tty, arg);
  if (cmd === Ioctl.TCXONC) return flow(k, tty, arg);
  if (cmd === Ioctl.TIOCSETD) {
    const line = readI32(k, task, arg);
    if (line === null) return -Errno.EFAULT;
    return line === 0 ? 0 : -Errno.EINVAL;
  }
  return 0;
}

const drainStep = defineStep(
  'tty.drain',
  (k, task, state: { file: File; cmd: number; arg: number }, entry) => {
    if (entry.by === 'signal') return -Errno.ERESTARTSYS;
    return ttyIoctl(k, task, state.file, state.cmd, state.arg);
  },
);

function softCarrier(k: Kernel, task: Task, tty: Tty, arg: number): number {
  const value = readI32(k, task, arg);
  if (value === null) return -Errno.EFAULT;
  tty.termios.cflag = value !== 0 ? tty.termios.cflag | C.CLOCAL : tty.termios.cflag & ~C.CLOCAL;
  return 0;
}

/** The commands of a terminal opened as such; a pty's master has its own (master-ioctl.ts). */
export function ttyIoctl(k: Kernel, task: Task, file: File, cmd: number, arg: number): Outcome {
  const { tty } = file.data as TtyFile;
  if (isHungUp(file)) return cmd === Ioctl.TIOCSPGRP ? -Errno.ENOTTY : -Errno.EIO;
  const got = getTermios(k, task, tty, cmd, arg);
  if (got !== undefined) return got;
  if (termiosSetter(cmd)) return changing(k, task, file, tty, cmd, arg);
  switch (cmd) {
    case Ioctl.TCFLSH:
    case Ioctl.TCXONC:
    case Ioctl.TCSBRK:
    case Ioctl.TCSBRKP:
    case Ioctl.TIOCSBRK:
    case Ioctl.TIOCCBRK:
    case Ioctl.TIOCSETD:
      return changing(k, task, file, tty, cmd, arg);
    case Ioctl.TIOCGWINSZ:
      return getWinsize(k, task, tty, arg);
    case Ioctl.TIOCSWINSZ:
      return setWinsizeFrom(k, task, tty, arg);
    case Ioctl.TIOCSCTTY:
      return takeControlling(k, task, file, tty, arg === 1);
    case Ioctl.TIOCNOTTY:
      return giveUpControlling(k, task, tty);
    case Ioctl.TIOCGPGRP:
      return put(k, task, arg, foregroundPgrp(task, tty, false));
    case Ioctl.TIOCSPGRP: {
      const pgrp = readI32(k, task, arg);
      return pgrp === null ? -Errno.EFAULT : setForegroundPgrp(k, task, tty, pgrp);
    }
    case Ioctl.TIOCGSID:
      return put(k, task, arg, sessionOf(task, tty, false));
    case Ioctl.FIONREAD:
      return writeI32(k, task, arg, inputBytes(tty));
    case Ioctl.TIOCOUTQ:
      return writeI32(k, task, arg, tty.driver === 'serial' ? tty.outputBytes : 0);
    case Ioctl.TIOCSTI:
      return typeCharacter(k, task, tty, arg);
    case Ioctl.TIOCEXCL:
    case Ioctl.TIOCNXCL:
      tty.exclusive = cmd === Ioctl.TIOCEXCL;
      return 0;
    case Ioctl.TIOCGEXCL:
      return writeI32(k, task, arg, tty.exclusive ? 1 : 0);
    case Ioctl.TIOCGETD:
      return writeI32(k, task, arg, 0);
    case Ioctl.TIOCGDEV:
      return writeU32(k, task, arg, tty.rdev);
    case Ioctl.TIOCGSOFTCAR:
      return writeI32(k, task, arg, (tty.termios.cflag & C.CLOCAL) !== 0 ? 1 : 0);
    case Ioctl.TIOCSSOFTCAR:
      return softCarrier(k, task, tty, arg);
    case Ioctl.TIOCMGET:
      return tty.driver === 'serial' ? writeI32(k, task, arg, MODEM_LINES) : -Errno.EINVAL;
    case Ioctl.TIOCMSET:
    case Ioctl.TIOCMBIS:
    case Ioctl.TIOCMBIC:
      return tty.driver === 'serial' ? 0 : -Errno.EINVAL;
    case Ioctl.TIOCVHANGUP:
      if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
      hangupTty(k, tty);
      return 0;
    case Ioctl.TIOCGLCKTRMIOS:
    case Ioctl.TIOCSLCKTRMIOS:
      return lockedTermios(k, task, tty, cmd === Ioctl.TIOCSLCKTRMIOS, arg);
    case Ioctl.TIOCGPTN:
    case Ioctl.TIOCSPTLCK:
    case Ioctl.TIOCPKT:
      return -Errno.ENOTTY;
    default:
      if (!isConsoleCommand(cmd)) unsupported(k, `ioctl ${cmd.toString(16)} of a terminal`);
      return -Errno.ENOTTY;
  }
}
