/** Getting and setting termios and the window's size (tty_mode_ioctl of drivers/tty/tty_ioctl.c). */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut } from '../mm/uaccess.ts';
import { kernelSigInfo, SIGWINCH } from '../signal/bits.ts';
import { sendSignalPgrp } from '../signal/send.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { flushInput, packetStatus, pumpWire, startTty } from './flow.ts';
import { ldiscSetTermios } from './ldisc.ts';
import { C, I, Ioctl, L, Pkt, V } from './termbits.ts';
import {
  overlayTermio,
  packTermio,
  packTermios,
  TERMIO_SIZE,
  TERMIOS_SIZE,
  TERMIOS2_SIZE,
  unpackTermios,
} from './termios.ts';
import type { Termios, Tty, Winsize } from './types.ts';

/** Commands that set termios: what they take, and whether they wait for output and flush input first. */
const SETTERS: Readonly<Record<number, { size: number; drain: boolean; flush: boolean }>> = {
  [Ioctl.TCSETS]: { size: TERMIOS_SIZE, drain: false, flush: false },
  [Ioctl.TCSETSW]: { size: TERMIOS_SIZE, drain: true, flush: false },
  [Ioctl.TCSETSF]: { size: TERMIOS_SIZE, drain: true, flush: true },
  [Ioctl.TCSETS2]: { size: TERMIOS2_SIZE, drain: false, flush: false },
  [Ioctl.TCSETSW2]: { size: TERMIOS2_SIZE, drain: true, flush: false },
  [Ioctl.TCSETSF2]: { size: TERMIOS2_SIZE, drain: true, flush: true },
  [Ioctl.TCSETA]: { size: TERMIO_SIZE, drain: false, flush: false },
  [Ioctl.TCSETAW]: { size: TERMIO_SIZE, drain: true, flush: false },
  [Ioctl.TCSETAF]: { size: TERMIO_SIZE, drain: true, flush: true },
};

/** How that command sets termios; undefined when it does not. */
export const termiosSetter = (cmd: number): { size: number; drain: boolean; flush: boolean } | undefined =>
  SETTERS[cmd];

/** Puts a struct of the kind `cmd` asks for at `arg`; undefined when it asks for none. */
export function getTermios(k: Kernel, task: Task, tty: Tty, cmd: number, arg: number): number | undefined {
  if (cmd === Ioctl.TCGETS) return copyOut(k, task, arg, packTermios(tty.termios, false));
  if (cmd === Ioctl.TCGETS2) return copyOut(k, task, arg, packTermios(tty.termios, true));
  if (cmd === Ioctl.TCGETA) return copyOut(k, task, arg, packTermio(tty.termios));
  return undefined;
}

const classicFlow = (t: Termios): boolean =>
  (t.iflag & I.IXON) !== 0 && t.cc[V.STOP] === 0x13 && t.cc[V.START] === 0x11;

/** Puts back what is locked against change (unset_locked_termios). */
function keepLocked(tty: Tty, next: Termios): void {
  const { locked, termios: old } = tty;
  if (!locked) return;
  const keep = (now: number, before: number, mask: number): number => ((now & ~mask) | (before & mask)) >>> 0;
  next.iflag = keep(next.iflag, old.iflag, locked.iflag);
  next.oflag = keep(next.oflag, old.oflag, locked.oflag);
  next.cflag = keep(next.cflag, old.cflag, locked.cflag);
  next.lflag = keep(next.lflag, old.lflag, locked.lflag);
  if (locked.line !== 0) next.line = old.line;
  next.cc = next.cc.map((c, i) => (locked.cc[i] !== 0 ? old.cc[i] : c));
}

/** TIOCGLCKTRMIOS and TIOCSLCKTRMIOS: which bits and characters of termios stay as they are. */
export function lockedTermios(k: Kernel, task: Task, tty: Tty, set: boolean, arg: number): number {
  if (!set) {
    const none = unpackTermios(new Uint8Array(TERMIOS_SIZE));
    return copyOut(k, task, arg, packTermios(tty.locked ?? none, false));
  }
  if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  const bytes = copyIn(k, task, arg, TERMIOS_SIZE);
  if (!bytes) return -Errno.EFAULT;
  tty.locked = bytes.some((byte) => byte !== 0) ? unpackTermios(bytes) : null;
  return 0;
}

/** Makes `next` the terminal's termios, with what follows for the line discipline and packet mode (tty_set_termios). */
export function setTermios(k: Kernel, tty: Tty, next: Termios): void {
  const old = tty.termios;
  if (tty.driver === 'pty') {
    next.cflag = (next.cflag & ~(C.CSIZE | C.PARENB)) | C.CS8 | C.CREAD;
    const extproc = ((old.lflag | next.lflag) & L.EXTPROC) !== 0;
    if (classicFlow(old) !== classicFlow(next))
      packetStatus(
        k,
        tty,
        (classicFlow(next) ? Pkt.DOSTOP : Pkt.NOSTOP) | (extproc ? Pkt.IOCTL : 0),
        Pkt.DOSTOP | Pkt.NOSTOP,
      );
    else if (extproc) packetStatus(k, tty, Pkt.IOCTL);
  }
  tty.termios = next;
  if ((old.iflag & I.IXON) !== 0 && (next.iflag & I.IXON) === 0) startTty(k, tty);
  ldiscSetTermios(k, tty, old);
  pumpWire(k, tty);
}

/** Reads what the setter was given and sets it; the caller has waited for output where that was wanted. */
export function applySetter(k: Kernel, task: Task, tty: Tty, cmd: number, arg: number): number {
  const setter = SETTERS[cmd];
  const bytes = copyIn(k, task, arg, setter.size);
  if (!bytes) return -Errno.EFAULT;
  if (setter.flush) flushInput(k, tty);
  const next = setter.size === TERMIO_SIZE ? overlayTermio(tty.termios, bytes) : unpackTermios(bytes);
  if (next.line !== 0) next.line = tty.termios.line;
  keepLocked(tty, next);
  setTermios(k, tty, next);
  return 0;
}

/** TIOCGWINSZ. */
export function getWinsize(k: Kernel, task: Task, tty: Tty, arg: number): number {
  const { rows, cols, xpixel, ypixel } = tty.winsize;
  return copyOut(k, task, arg, new Uint8Array(Uint16Array.of(rows, cols, xpixel, ypixel).buffer));
}

/** Sets the size; the foreground group gets SIGWINCH when it changed (tty_do_resize). */
export function resize(k: Kernel, tty: Tty, size: Winsize): void {
  const old = tty.winsize;
  if (
    old.rows === size.rows &&
    old.cols === size.cols &&
    old.xpixel === size.xpixel &&
    old.ypixel === size.ypixel
  )
    return;
  tty.winsize = size;
  if (tty.pgrp !== 0) sendSignalPgrp(k, tty.pgrp, kernelSigInfo(SIGWINCH));
}

/** TIOCSWINSZ. */
export function setWinsizeFrom(k: Kernel, task: Task, tty: Tty, arg: number): number {
  const bytes = copyIn(k, task, arg, 8);
  if (!bytes) return -Errno.EFAULT;
  const at = (i: number): number => bytes[2 * i] | (bytes[2 * i + 1] << 8);
  resize(k, tty, { rows: at(0), cols: at(1), xpixel: at(2), ypixel: at(3) });
  return 0;
}
