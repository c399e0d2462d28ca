/**
 * Writing a terminal (n_tty_write). Always true: bytes are queued in order, never more than the wire's limit at once; a writer
 * that finds it full waits, and answers what it wrote when a signal ends the wait.
 */
import { Errno } from '../abi/errno.ts';
import { O } from '../fs/flags.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyFromIo } from '../mm/uio.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { SIGTTOU } from '../signal/bits.ts';
import type { Task } from '../task/types.ts';
import { isHungUp } from './hangup.ts';
import { checkForeground } from './job.ts';
import { emit, flushEcho, outputRoom, processOutput, ptyOf } from './output.ts';
import { L } from './termbits.ts';
import type { TtyFile } from './types.ts';

interface WriteState {
  file: File;
  buf: IoBuf;
}

/** write(2) on a terminal. */
export function writeTty(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const { tty } = file.data as TtyFile;
  if (!isHungUp(file) && (tty.termios.lflag & L.TOSTOP) !== 0) {
    const checked = checkForeground(k, task, tty, SIGTTOU);
    if (checked !== 0) return checked;
  }
  return writeOn(k, task, { file, buf });
}

function writeOn(k: Kernel, task: Task, state: WriteState): Outcome {
  const { file, buf } = state;
  const { tty } = file.data as TtyFile;
  while (buf.done < buf.length) {
    const dead = isHungUp(file) || (tty.driver === 'pty' && ptyOf(k, tty)?.masterOpens !== 1);
    if (dead) return buf.done > 0 ? buf.done : -Errno.EIO;
    flushEcho(k, tty);
    const room = outputRoom(tty);
    if (room > 0) {
      const bytes = copyFromIo(k, task, buf, room);
      if (typeof bytes === 'number') return buf.done > 0 ? buf.done : bytes;
      emit(k, tty, processOutput(tty, bytes));
    } else if ((file.flags & O.NONBLOCK) !== 0) return buf.done > 0 ? buf.done : -Errno.EAGAIN;
    else return wait([tty.writeWait], { then: [{ step: writeStep, state }] });
  }
  return buf.done;
}

const writeStep = defineStep('tty.write', (k, task, state: WriteState, entry) => {
  if (entry.by === 'signal') return state.buf.done > 0 ? state.buf.done : -Errno.ERESTARTSYS;
  return writeOn(k, task, state);
});
