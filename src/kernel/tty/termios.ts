/** termios: defaults and its C layouts (struct termios, termios2 and the old termio of asm-generic). */
import { BAUD, C, I, L, NCCS, Out, V } from './termbits.ts';
import type { Termios } from './types.ts';

/** tty_std_termios: 38400 baud, cooked, with the control characters of INIT_C_CC. */
export function standardTermios(cflag: number = C.CS8 | C.CREAD | C.HUPCL | 15): Termios {
  const cc = new Array<number>(NCCS).fill(0);
  cc[V.INTR] = 3;
  cc[V.QUIT] = 28;
  cc[V.ERASE] = 127;
  cc[V.KILL] = 21;
  cc[V.EOF] = 4;
  cc[V.MIN] = 1;
  cc[V.START] = 17;
  cc[V.STOP] = 19;
  cc[V.SUSP] = 26;
  cc[V.REPRINT] = 18;
  cc[V.DISCARD] = 15;
  cc[V.WERASE] = 23;
  cc[V.LNEXT] = 22;
  const speed = BAUD[cflag & C.CBAUD] ?? 38400;
  return {
    iflag: I.ICRNL | I.IXON,
    oflag: Out.OPOST | Out.ONLCR,
    cflag,
    lflag: L.ISIG | L.ICANON | L.ECHO | L.ECHOE | L.ECHOK | L.ECHOCTL | L.ECHOKE | L.IEXTEN,
    line: 0,
    cc,
    ispeed: speed,
    ospeed: speed,
  };
}

/** A pseudo terminal's: B38400 CS8 CREAD, no HUPCL (unix98_pty_init). */
export const ptyTermios = (): Termios => standardTermios(C.CS8 | C.CREAD | 15);

/** Sizes of the C structures. */
export const TERMIOS_SIZE = 36;
export const TERMIOS2_SIZE = 44;
export const TERMIO_SIZE = 18;

/** struct termios (36 bytes), or termios2 (44) with the speeds behind it. */
export function packTermios(t: Termios, withSpeeds: boolean): Uint8Array {
  const bytes = new Uint8Array(withSpeeds ? TERMIOS2_SIZE : TERMIOS_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, t.iflag, true);
  view.setUint32(4, t.oflag, true);
  view.setUint32(8, t.cflag, true);
  view.setUint32(12, t.lflag, true);
  bytes[16] = t.line;
  bytes.set(t.cc, 17);
  if (withSpeeds) {
    view.setUint32(36, t.ispeed, true);
    view.setUint32(40, t.ospeed, true);
  }
  return bytes;
}

/** Reads a struct termios or termios2; speeds follow CBAUD unless BOTHER says to take them as given. */
export function unpackTermios(bytes: Uint8Array): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const cflag = view.getUint32(8, true);
  const next: Termios = {
    iflag: view.getUint32(0, true),
    oflag: view.getUint32(4, true),
    cflag,
    lflag: view.getUint32(12, true),
    line: bytes[16],
    cc: [...bytes.subarray(17, 17 + NCCS)],
    ispeed: 0,
    ospeed: 0,
  };
  const code = cflag & C.CBAUD;
  const given = bytes.length >= TERMIOS2_SIZE && code === C.BOTHER;
  next.ospeed = given ? view.getUint32(40, true) : (BAUD[code] ?? 0);
  const inputCode = (cflag >>> 16) & C.CBAUD;
  if (bytes.length >= TERMIOS2_SIZE && inputCode === C.BOTHER) next.ispeed = view.getUint32(36, true);
  else next.ispeed = inputCode === 0 ? next.ospeed : (BAUD[inputCode] ?? 0);
  return next;
}

/** struct termio, the System V layout with 16-bit flags and eight control characters. */
export function packTermio(t: Termios): Uint8Array {
  const bytes = new Uint8Array(TERMIO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, t.iflag & 0xffff, true);
  view.setUint16(2, t.oflag & 0xffff, true);
  view.setUint16(4, t.cflag & 0xffff, true);
  view.setUint16(6, t.lflag & 0xffff, true);
  bytes[8] = t.line;
  bytes.set(t.cc.slice(0, 8), 9);
  return bytes;
}

/** Lays a struct termio over `old`: high halves and the other control characters stay. */
export function overlayTermio(old: Termios, bytes: Uint8Array): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const low = (value: number, at: number): number => ((value & 0xffff0000) | view.getUint16(at, true)) >>> 0;
  const cflag = low(old.cflag, 4);
  const speed = BAUD[cflag & C.CBAUD] ?? old.ospeed;
  return {
    iflag: low(old.iflag, 0),
    oflag: low(old.oflag, 2),
    cflag,
    lflag: low(old.lflag, 6),
    line: bytes[8],
    cc: [...bytes.subarray(9, 17), ...old.cc.slice(8)],
    ispeed: speed,
    ospeed: speed,
  };
}
