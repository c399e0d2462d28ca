/**
 * The line discipline's ring and what it derives from termios (drivers/tty/n_tty.c). Always true: tail <= canonHead <= head
 * and head - tail <= SIZE; `ends` has a 1 at every position below canonHead where a line ends.
 */
import type { Kernel } from '../kernel.ts';
import { wakeUp } from '../task/wait.ts';
import { I, L, V } from './termbits.ts';
import type { Ldisc, Termios, Tty } from './types.ts';

/** N_TTY_BUF_SIZE: a canonical line has at most 4095 characters and its end. */
export const SIZE = 4096;
export const MASK = SIZE - 1;
/** The character that stands for end of file in the ring, and for "none" in c_cc. */
export const DISABLED = 0;

export function newLdisc(termios: Termios): Ldisc {
  const ldisc: Ldisc = {
    buf: new Uint8Array(SIZE),
    ends: new Uint8Array(SIZE),
    head: 0,
    tail: 0,
    canonHead: 0,
    special: new Uint8Array(256),
    icanon: false,
    raw: false,
    lnext: false,
    erasing: false,
    push: false,
    column: 0,
    canonColumn: 0,
  };
  deriveState(ldisc, termios);
  return ldisc;
}

/** reset_buffer_flags: forgets all input. */
export function resetInput(ldisc: Ldisc): void {
  ldisc.head = ldisc.tail = ldisc.canonHead = 0;
  ldisc.ends.fill(0);
  ldisc.erasing = false;
  ldisc.lnext = false;
  ldisc.push = false;
}

const ANY_PROCESSING_I = I.ISTRIP | I.IUCLC | I.IGNCR | I.ICRNL | I.INLCR | I.IXON | I.PARMRK;
const ANY_PROCESSING_L = L.ICANON | L.ISIG | L.ECHO;

/** Which characters are special, and whether any processing is wanted at all. */
function deriveState(ldisc: Ldisc, t: Termios): void {
  const { special } = ldisc;
  special.fill(0);
  ldisc.icanon = (t.lflag & L.ICANON) !== 0;
  ldisc.raw = (t.iflag & ANY_PROCESSING_I) === 0 && (t.lflag & ANY_PROCESSING_L) === 0;
  if (ldisc.raw) return;
  if ((t.iflag & (I.IGNCR | I.ICRNL)) !== 0) special[13] = 1;
  if ((t.iflag & I.INLCR) !== 0) special[10] = 1;
  if (ldisc.icanon) {
    special[10] = 1;
    for (const v of [V.ERASE, V.KILL, V.EOF, V.EOL]) special[t.cc[v]] = 1;
    if ((t.lflag & L.IEXTEN) !== 0) {
      for (const v of [V.WERASE, V.LNEXT, V.EOL2]) special[t.cc[v]] = 1;
      if ((t.lflag & L.ECHO) !== 0) special[t.cc[V.REPRINT]] = 1;
    }
  }
  if ((t.iflag & I.IXON) !== 0) special[t.cc[V.START]] = special[t.cc[V.STOP]] = 1;
  if ((t.lflag & L.ISIG) !== 0) special[t.cc[V.INTR]] = special[t.cc[V.QUIT]] = special[t.cc[V.SUSP]] = 1;
  special[DISABLED] = 0;
}

/** What a change of termios means for the ring (n_tty_set_termios). The caller restarts stopped output. */
export function ldiscSetTermios(k: Kernel, tty: Tty, old: Termios): void {
  const { ldisc, termios } = tty;
  if (((old.lflag ^ termios.lflag) & (L.ICANON | L.EXTPROC)) !== 0) {
    ldisc.ends.fill(0);
    if ((termios.lflag & L.ICANON) === 0 || ldisc.head === ldisc.tail) {
      ldisc.canonHead = ldisc.tail;
      ldisc.push = false;
    } else {
      ldisc.ends[(ldisc.head - 1) & MASK] = 1;
      ldisc.canonHead = ldisc.head;
      ldisc.push = true;
    }
    ldisc.erasing = false;
    ldisc.lnext = false;
  }
  deriveState(ldisc, termios);
  wakeUp(k, tty.writeWait);
  wakeUp(k, tty.readWait);
}

/** Whether lines are what is read: canonical mode, unless a remote end does the editing. */
export const readsLines = (tty: Tty): boolean => tty.ldisc.icanon && (tty.termios.lflag & L.EXTPROC) === 0;

/** input_available_p: whether a read would find something; for poll a raw read waits for VMIN unless VTIME is set. */
export function inputAvailable(tty: Tty, forPoll: boolean): boolean {
  const { ldisc, termios } = tty;
  if (readsLines(tty)) return ldisc.canonHead !== ldisc.tail;
  const min = forPoll && termios.cc[V.TIME] === 0 && termios.cc[V.MIN] > 0 ? termios.cc[V.MIN] : 1;
  return ldisc.head - ldisc.tail >= min;
}

/** Bytes that FIONREAD tells: all of them, or whole lines without their end-of-file marks. */
export function inputBytes(tty: Tty): number {
  const { ldisc } = tty;
  if (!readsLines(tty)) return ldisc.head - ldisc.tail;
  let count = ldisc.canonHead - ldisc.tail;
  for (let at = ldisc.tail; at < ldisc.canonHead; at++)
    if (ldisc.ends[at & MASK] !== 0 && ldisc.buf[at & MASK] === DISABLED) count--;
  return count;
}

/** Appends one character. The caller has checked that there is room. */
export function putInput(ldisc: Ldisc, c: number): void {
  ldisc.buf[ldisc.head & MASK] = c;
  ldisc.head++;
}
