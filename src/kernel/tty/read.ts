/**
 * Reading a terminal (n_tty_read). Always true: a canonical read never crosses the end of a line; a raw read obeys VMIN and
 * VTIME as man 3 termios says; what was already moved is answered before any error.
 */
import { Errno } from '../abi/errno.ts';
import { O } from '../fs/flags.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyToIo } from '../mm/uio.ts';
import { defineStep, type Outcome, wait } from '../outcome.ts';
import { SIGTTIN } from '../signal/bits.ts';
import type { Task } from '../task/types.ts';
import { afterRead } from './flow.ts';
import { isHungUp } from './hangup.ts';
import { checkForeground } from './job.ts';
import { DISABLED, inputAvailable, MASK, readsLines } from './ldisc.ts';
import { V } from './termbits.ts';
import type { Tty, TtyFile } from './types.ts';

/** A read in progress, kept while it is parked. */
interface ReadState {
  file: File;
  buf: IoBuf;
  /** Bytes that are enough, and the pause that ends a raw read once something came (VTIME with VMIN). */
  minimum: number;
  pauseNs: number;
  /** How long the next wait may take; Infinity: for ever, 0: not at all. */
  timeoutNs: number;
}

const TENTH_NS = 100_000_000;
const FOREVER = Number.POSITIVE_INFINITY;

/** read(2) on a terminal. */
export function readTty(k: Kernel, task: Task, file: File, buf: IoBuf): Outcome {
  const { tty } = file.data as TtyFile;
  if (isHungUp(file)) return 0;
  const checked = checkForeground(k, task, tty, SIGTTIN);
  if (checked !== 0) return checked;
  const { cc } = tty.termios;
  const state: ReadState = { file, buf, minimum: 0, pauseNs: 0, timeoutNs: FOREVER };
  if (!tty.ldisc.icanon) {
    state.minimum = Math.max(1, cc[V.MIN]);
    if (cc[V.MIN] > 0) state.pauseNs = cc[V.TIME] * TENTH_NS;
    else state.timeoutNs = cc[V.TIME] * TENTH_NS;
  }
  return readOn(k, task, state);
}

function readOn(k: Kernel, task: Task, state: ReadState): Outcome {
  const { file, buf } = state;
  const { tty } = file.data as TtyFile;
  let error = 0;
  while (buf.done < buf.length) {
    if (!inputAvailable(tty, false)) {
      if (isHungUp(file) || state.timeoutNs === 0) break;
      if ((file.flags & O.NONBLOCK) !== 0) {
        error = -Errno.EAGAIN;
        break;
      }
      const untilNs = state.timeoutNs === FOREVER ? FOREVER : k.time.nowNs + state.timeoutNs;
      return wait([tty.readWait], { untilNs, then: [{ step: readStep, state }] });
    }
    const moved = readsLines(tty) ? takeLine(k, task, tty, buf) : takeRaw(k, task, tty, buf);
    afterRead(k, tty);
    if (moved < 0) {
      error = moved;
      break;
    }
    if (readsLines(tty) || buf.done >= state.minimum) break;
    if (state.pauseNs > 0) state.timeoutNs = state.pauseNs;
  }
  return buf.done > 0 ? buf.done : error;
}

const readStep = defineStep('tty.read', (k, task, state: ReadState, entry) => {
  if (entry.by === 'timeout') state.timeoutNs = 0;
  if (entry.by === 'signal') return state.buf.done > 0 ? state.buf.done : -Errno.ERESTARTSYS;
  return readOn(k, task, state);
});

/** Copies `count` bytes of the ring from its tail; the tail stays. */
function copyOut(k: Kernel, task: Task, tty: Tty, buf: IoBuf, count: number): number {
  if (count === 0) return 0;
  const { ldisc } = tty;
  const start = ldisc.tail & MASK;
  const bytes = new Uint8Array(count);
  const first = Math.min(count, ldisc.buf.length - start);
  bytes.set(ldisc.buf.subarray(start, start + first));
  if (first < count) bytes.set(ldisc.buf.subarray(0, count - first), first);
  return copyToIo(k, task, buf, bytes);
}

function takeRaw(k: Kernel, task: Task, tty: Tty, buf: IoBuf): number {
  const { ldisc } = tty;
  const count = Math.min(ldisc.head - ldisc.tail, buf.length - buf.done);
  const moved = copyOut(k, task, tty, buf, count);
  if (moved < 0) return moved;
  ldisc.tail += count;
  if (ldisc.canonHead < ldisc.tail) ldisc.canonHead = ldisc.tail;
  return moved;
}

/** canon_copy_from_read_buf: up to and with the end of the line; an end-of-file mark is taken but not given. */
function takeLine(k: Kernel, task: Task, tty: Tty, buf: IoBuf): number {
  const { ldisc } = tty;
  const limit = Math.min(ldisc.canonHead, ldisc.tail + (buf.length - buf.done));
  let end = ldisc.tail;
  while (end < limit && ldisc.ends[end & MASK] === 0) end++;
  const isMark = (at: number): boolean =>
    at < ldisc.canonHead &&
    ldisc.ends[at & MASK] !== 0 &&
    ldisc.buf[at & MASK] === DISABLED &&
    !(ldisc.push && at === ldisc.canonHead - 1);
  const found = end < limit;
  const count = end - ldisc.tail + (found && !isMark(end) ? 1 : 0);
  const moved = copyOut(k, task, tty, buf, count);
  if (moved < 0) return moved;
  // A buffer filled just before an end-of-file mark takes the mark along, lest the next read answer 0.
  const eat = found || isMark(end);
  if (eat) {
    ldisc.ends[end & MASK] = 0;
    ldisc.push = false;
    end++;
  }
  ldisc.tail = end;
  return moved;
}
