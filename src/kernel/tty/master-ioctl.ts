/** ioctl(2) on the master of a pseudo terminal: its own commands, and those of the slave seen from the other side. */
import { Errno } from '../abi/errno.ts';
import { installOrPut } from '../fs/file.ts';
import { O } from '../fs/flags.ts';
import { openPath } from '../fs/open.ts';
import type { File } from '../fs/types.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { readI32, writeI32, writeU32 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { kernelSigInfo, SIGINT, SIGQUIT, SIGTSTP } from '../signal/bits.ts';
import { sendSignalPgrp } from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { flushInput, flushOutput } from './flow.ts';
import { foregroundPgrp, sessionOf } from './job.ts';
import { Flush, Ioctl } from './termbits.ts';
import { applySetter, getTermios, getWinsize, setWinsizeFrom, termiosSetter } from './termios-ioctl.ts';
import type { Pty } from './types.ts';

/** Flushing seen from the master: its input is the slave's output. */
function flushQueues(k: Kernel, pty: Pty, which: number): number {
  if (which !== Flush.INPUT && which !== Flush.OUTPUT && which !== Flush.BOTH) return -Errno.EINVAL;
  if (which !== Flush.OUTPUT) flushOutput(k, pty.slave);
  if (which !== Flush.INPUT) flushInput(k, pty.slave);
  return 0;
}

/** TIOCSIG: INT, QUIT or TSTP to the slave's foreground group (pty_signal). */
function signalSlave(k: Kernel, pty: Pty, signo: number): number {
  if (signo !== SIGINT && signo !== SIGQUIT && signo !== SIGTSTP) return -Errno.EINVAL;
  if (pty.slave.pgrp !== 0) sendSignalPgrp(k, pty.slave.pgrp, kernelSigInfo(signo));
  return 0;
}

/** TIOCGPTPEER: a descriptor of the slave, whatever is mounted where (ptm_open_peer). */
function openPeer(k: Kernel, task: Task, pty: Pty, flags: number): number {
  const file = openPath(k, task, `/dev/pts/${pty.index}`, flags);
  return installOrPut(k, task, file, (flags & O.CLOEXEC) !== 0);
}

function setPacket(k: Kernel, pty: Pty, on: boolean): number {
  if (on && !pty.packet) pty.status = 0;
  pty.packet = on;
  wakeUp(k, pty.readWait);
  return 0;
}

/** Commands that take an int at `arg`. */
function withInt(k: Kernel, task: Task, arg: number, use: (value: number) => number): number {
  const value = readI32(k, task, arg);
  return value === null ? -Errno.EFAULT : use(value);
}

const put = (k: Kernel, task: Task, arg: number, value: number): number =>
  value < 0 ? value : writeI32(k, task, arg, value);

/** What the master's end holds at once, as FIONREAD tells it. */
const MASTER_BUFFER = 4095;

/** TIOCSPGRP through the master: the slave is nobody's controlling terminal on this side. */
const NOT_CONTROLLING = -Errno.ENOTTY;

export function masterIoctl(k: Kernel, task: Task, _file: File, pty: Pty, cmd: number, arg: number): Outcome {
  const { slave } = pty;
  const got = getTermios(k, task, slave, cmd, arg);
  if (got !== undefined) return got;
  if (termiosSetter(cmd)) return applySetter(k, task, slave, cmd, arg);
  switch (cmd) {
    case Ioctl.TIOCGPTN:
      return writeU32(k, task, arg, pty.index);
    case Ioctl.TIOCSPTLCK:
      return withInt(k, task, arg, (value) => {
        pty.locked = value !== 0;
        return 0;
      });
    case Ioctl.TIOCGPTLCK:
      return writeI32(k, task, arg, pty.locked ? 1 : 0);
    case Ioctl.TIOCPKT:
      return withInt(k, task, arg, (value) => setPacket(k, pty, value !== 0));
    case Ioctl.TIOCGPKT:
      return writeI32(k, task, arg, pty.packet ? 1 : 0);
    case Ioctl.TIOCSIG:
      return signalSlave(k, pty, arg);
    case Ioctl.TIOCGPTPEER:
      return openPeer(k, task, pty, arg);
    case Ioctl.TIOCGWINSZ:
      return getWinsize(k, task, slave, arg);
    case Ioctl.TIOCSWINSZ:
      return setWinsizeFrom(k, task, slave, arg);
    case Ioctl.TIOCGPGRP:
      return put(k, task, arg, foregroundPgrp(task, slave, true));
    case Ioctl.TIOCGSID:
      return put(k, task, arg, sessionOf(task, slave, true));
    case Ioctl.TIOCSPGRP:
    case Ioctl.TIOCNOTTY:
      return NOT_CONTROLLING;
    case Ioctl.TIOCSCTTY:
      return -Errno.EPERM;
    case Ioctl.TCFLSH:
      return flushQueues(k, pty, arg);
    case Ioctl.FIONREAD:
      return writeI32(k, task, arg, Math.min(slave.outputBytes, MASTER_BUFFER));
    case Ioctl.TIOCOUTQ:
      return writeI32(k, task, arg, 0);
    case Ioctl.TIOCGETD:
      return writeI32(k, task, arg, 0);
    case Ioctl.TCSBRK:
    case Ioctl.TCSBRKP:
    case Ioctl.TCXONC:
    case Ioctl.TIOCEXCL:
    case Ioctl.TIOCNXCL:
      return 0;
    default:
      unsupported(k, `ioctl ${cmd.toString(16)} of a pty master`);
      return -Errno.ENOTTY;
  }
}
