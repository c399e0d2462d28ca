/**
 * Output processing and the queue towards the wire. Always true: what is in `tty.output` is exactly what the other side will
 * see, in order; the column is the one after all that was queued, echoes included.
 */
import type { Kernel } from '../kernel.ts';
import { wakeUp } from '../task/wait.ts';
import { I, Out } from './termbits.ts';
import type { Pty, Tty } from './types.ts';

/** Writers of the slave wait when this much is on its way to the wire. */
const LIMIT = { serial: 65536, pty: 8192 } as const;
/** The kernel's own messages may go beyond by this much before they are dropped. */
const CONSOLE_EXTRA = 4 * 65536;
/** Echoes that wait for room; more are lost (the echo buffer of n_tty). */
const MAX_ECHO = 4096;
const SPACES = new Uint8Array(8).fill(0x20);

/** The pseudo terminal a slave belongs to, while either end is open. */
export const ptyOf = (k: Kernel, tty: Tty): Pty | undefined =>
  tty.driver === 'pty' ? k.tty.ptys.get(tty.index) : undefined;

export const isControl = (c: number): boolean => c < 32 || c === 127;
/** Whether `c` is a later byte of a UTF-8 character on a terminal that says it speaks UTF-8. */
export const isContinuation = (tty: Tty, c: number): boolean =>
  (c & 0xc0) === 0x80 && (tty.termios.iflag & I.IUTF8) !== 0;

/** Bytes a writer may still queue. A stopped pseudo terminal takes none. */
export function outputRoom(tty: Tty): number {
  if (tty.stopped && tty.driver === 'pty') return 0;
  return Math.max(0, LIMIT[tty.driver] - tty.outputBytes);
}

/** Room for the console's own messages. */
export const consoleSpace = (tty: Tty): number => LIMIT[tty.driver] + CONSOLE_EXTRA - tty.outputBytes;

/** Queues processed bytes for the wire and tells a pty's master. */
export function emit(k: Kernel, tty: Tty, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  tty.output.push(bytes);
  tty.outputBytes += bytes.length;
  const pty = ptyOf(k, tty);
  if (pty) wakeUp(k, pty.readWait);
}

/** Takes at most `max` bytes off the queue and lets writers go on. */
export function drain(k: Kernel, tty: Tty, max: number): Uint8Array {
  const count = Math.min(max, tty.outputBytes);
  const out = new Uint8Array(count);
  let at = 0;
  let used = 0;
  while (at < count) {
    const chunk = tty.output[used];
    const n = Math.min(chunk.length, count - at);
    out.set(chunk.subarray(0, n), at);
    at += n;
    if (n === chunk.length) used++;
    else tty.output[used] = chunk.slice(n);
  }
  tty.output.splice(0, used);
  tty.outputBytes -= count;
  if (tty.echo.length > 0) flushEcho(k, tty);
  if (count > 0 && outputRoom(tty) > 0) wakeUp(k, tty.writeWait);
  return out;
}

/** Throws away queued output but its first `keep` bytes. */
export function discardOutput(k: Kernel, tty: Tty, keep: number): void {
  if (tty.outputBytes > keep) {
    const kept = drain(k, tty, keep);
    tty.output = kept.length > 0 ? [kept] : [];
    tty.outputBytes = kept.length;
  }
  wakeUp(k, tty.writeWait);
}

/** Processes one character for output (do_output_char); `push` takes the bytes that go to the wire. */
export function postprocess(tty: Tty, char: number, push: (byte: number) => void): void {
  const { oflag } = tty.termios;
  const { ldisc } = tty;
  let c = char;
  switch (c) {
    case 10:
      if ((oflag & Out.ONLRET) !== 0) ldisc.column = 0;
      if ((oflag & Out.ONLCR) !== 0) {
        ldisc.column = 0;
        push(13);
      }
      ldisc.canonColumn = ldisc.column;
      break;
    case 13:
      if ((oflag & Out.ONOCR) !== 0 && ldisc.column === 0) return;
      if ((oflag & Out.OCRNL) !== 0) {
        c = 10;
        if ((oflag & Out.ONLRET) !== 0) ldisc.canonColumn = ldisc.column = 0;
      } else ldisc.canonColumn = ldisc.column = 0;
      break;
    case 9: {
      const spaces = 8 - (ldisc.column & 7);
      ldisc.column += spaces;
      if ((oflag & Out.TABDLY) === Out.XTABS) {
        for (let i = 0; i < spaces; i++) push(SPACES[i]);
        return;
      }
      break;
    }
    case 8:
      if (ldisc.column > 0) ldisc.column--;
      break;
    default:
      if (isControl(c)) break;
      if ((oflag & Out.OLCUC) !== 0 && c >= 97 && c <= 122) c -= 32;
      if (!isContinuation(tty, c)) ldisc.column++;
  }
  push(c);
}

/** What a program wrote, as it goes to the wire. */
export function processOutput(tty: Tty, bytes: Uint8Array): Uint8Array {
  if ((tty.termios.oflag & Out.OPOST) === 0) return bytes;
  let out = new Uint8Array(bytes.length + 64);
  let n = 0;
  const push = (byte: number): void => {
    if (n === out.length) {
      const larger = new Uint8Array(out.length * 2);
      larger.set(out);
      out = larger;
    }
    out[n++] = byte;
  };
  for (let i = 0; i < bytes.length; i++) postprocess(tty, bytes[i], push);
  return out.subarray(0, n).slice();
}

/** Appends one processed character to the echoes. */
export function echoByte(tty: Tty, c: number): void {
  const { echo } = tty;
  if (echo.length >= MAX_ECHO) return;
  if ((tty.termios.oflag & Out.OPOST) === 0) echo.push(c);
  else postprocess(tty, c, (byte) => echo.push(byte));
}

/** Sends what was echoed, as far as there is room (process_echoes). */
export function flushEcho(k: Kernel, tty: Tty): void {
  if (tty.echo.length === 0 || outputRoom(tty) === 0) return;
  const bytes = Uint8Array.from(tty.echo);
  tty.echo = [];
  emit(k, tty, bytes);
}
