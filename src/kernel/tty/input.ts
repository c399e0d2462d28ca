/**
 * What the line discipline does with characters from the wire (n_tty_receive_buf and below, drivers/tty/n_tty.c).
 * Always true: the caller has made room in the ring for every character given.
 */

import { Band, objectReady } from '../fs/async.ts';
import type { Kernel } from '../kernel.ts';
import { kernelSigInfo, SIGINT, SIGQUIT, SIGTSTP } from '../signal/bits.ts';
import { sendSignalPgrp } from '../signal/send.ts';
import { wakeUp } from '../task/wait.ts';
import { echoBell, echoChar, echoRaw, erase, finishErasing, markLineStart } from './echo.ts';
import { flushOutput, packetStatus, startTty, stopTty } from './flow.ts';
import { DISABLED, MASK, putInput, resetInput } from './ldisc.ts';
import { flushEcho } from './output.ts';
import { I, L, Pkt, V } from './termbits.ts';
import type { Tty } from './types.ts';

const NEWLINE = 10;
const RETURN = 13;

/** Processes `bytes`. With `overflow` the line is full: characters are dropped with a bell until it ends. */
export function receive(k: Kernel, tty: Tty, bytes: Uint8Array, overflow: boolean): void {
  const { ldisc, termios } = tty;
  if (ldisc.raw) for (const c of bytes) putInput(ldisc, c);
  else {
    for (const raw of bytes) {
      let c = raw;
      if ((termios.iflag & I.ISTRIP) !== 0) c &= 0x7f;
      if ((termios.iflag & I.IUCLC) !== 0 && (termios.lflag & L.IEXTEN) !== 0 && c >= 65 && c <= 90) c += 32;
      if (ldisc.lnext) {
        ldisc.lnext = false;
        ordinary(k, tty, c, overflow);
      } else if ((termios.lflag & L.EXTPROC) !== 0) putInput(ldisc, c);
      else if (ldisc.special[c] !== 0) special(k, tty, c, overflow);
      else ordinary(k, tty, c, overflow);
    }
    flushEcho(k, tty);
  }
  if (ldisc.icanon && (termios.lflag & L.EXTPROC) === 0) return;
  ldisc.canonHead = ldisc.head;
  if (ldisc.head === ldisc.tail) return;
  objectReady(k, tty, Band.IN);
  wakeUp(k, tty.readWait);
}

/** A character that starts stopped output again when any may (IXANY). */
function restartByAny(k: Kernel, tty: Tty): void {
  const both = I.IXON | I.IXANY;
  if (tty.stopped && !tty.flowStopped && (tty.termios.iflag & both) === both) startTty(k, tty);
}

function echoTyped(tty: Tty, c: number): void {
  const { ldisc } = tty;
  finishErasing(tty);
  if (ldisc.canonHead === ldisc.head) markLineStart(tty);
  echoChar(tty, c);
}

/** Stores a character, twice when it could be mistaken for a mark (PARMRK). */
function store(tty: Tty, c: number, overflow: boolean): void {
  if (c === 0xff && !overflow && (tty.termios.iflag & I.PARMRK) !== 0) putInput(tty.ldisc, c);
  putInput(tty.ldisc, c);
}

function ordinary(k: Kernel, tty: Tty, c: number, overflow: boolean): void {
  restartByAny(k, tty);
  if ((tty.termios.lflag & L.ECHO) !== 0) {
    if (overflow) echoBell(tty);
    else echoTyped(tty, c);
  }
  store(tty, c, overflow);
}

/** INTR, QUIT or SUSP: signals the foreground group; flushes both queues unless NOFLSH. */
function signalChar(k: Kernel, tty: Tty, signo: number, c: number): void {
  const { lflag, iflag } = tty.termios;
  const { pgrp } = tty;
  // What was typed before shows, however fast it came.
  flushEcho(k, tty);
  if ((lflag & L.NOFLSH) === 0) {
    flushOutput(k, tty);
    resetInput(tty.ldisc);
    packetStatus(k, tty, Pkt.FLUSHREAD);
  }
  if (pgrp !== 0) sendSignalPgrp(k, pgrp, kernelSigInfo(signo));
  if ((iflag & I.IXON) !== 0) startTty(k, tty);
  if ((lflag & L.ECHO) !== 0) echoChar(tty, c);
}

/** Flow control and signals; answers whether the character is used up. */
function control(k: Kernel, tty: Tty, c: number): boolean {
  const { iflag, lflag, cc } = tty.termios;
  if ((iflag & I.IXON) !== 0) {
    if (c === cc[V.START]) {
      startTty(k, tty);
      return true;
    }
    if (c === cc[V.STOP]) {
      stopTty(k, tty);
      return true;
    }
  }
  if ((lflag & L.ISIG) === 0) return false;
  if (c === cc[V.INTR]) signalChar(k, tty, SIGINT, c);
  else if (c === cc[V.QUIT]) signalChar(k, tty, SIGQUIT, c);
  else if (c === cc[V.SUSP]) signalChar(k, tty, SIGTSTP, c);
  else return false;
  return true;
}

/** Ends the line with `c` and lets readers have it. */
function endLine(k: Kernel, tty: Tty, c: number): void {
  const { ldisc } = tty;
  ldisc.ends[ldisc.head & MASK] = 1;
  putInput(ldisc, c);
  ldisc.canonHead = ldisc.head;
  objectReady(k, tty, Band.IN);
  wakeUp(k, tty.readWait);
}

/** LNEXT: the next character is taken as it is. */
function literalNext(tty: Tty): void {
  const { lflag } = tty.termios;
  tty.ldisc.lnext = true;
  if ((lflag & L.ECHO) === 0) return;
  finishErasing(tty);
  if ((lflag & L.ECHOCTL) === 0) return;
  echoRaw(tty, 94);
  echoRaw(tty, 8);
}

/** REPRINT: the line so far once more. */
function reprint(tty: Tty, c: number): void {
  const { ldisc } = tty;
  finishErasing(tty);
  echoChar(tty, c);
  echoRaw(tty, NEWLINE);
  for (let at = ldisc.canonHead; at < ldisc.head; at++) echoChar(tty, ldisc.buf[at & MASK]);
}

/** Editing and line ends of canonical mode; answers whether the character is used up. */
function canonical(k: Kernel, tty: Tty, c: number): boolean {
  const { ldisc } = tty;
  const { lflag, cc } = tty.termios;
  const extended = (lflag & L.IEXTEN) !== 0;
  const echoes = (lflag & L.ECHO) !== 0;
  if (c === cc[V.ERASE] || c === cc[V.KILL] || (c === cc[V.WERASE] && extended)) erase(tty, c);
  else if (c === cc[V.LNEXT] && extended) literalNext(tty);
  else if (c === cc[V.REPRINT] && echoes && extended) reprint(tty, c);
  else if (c === NEWLINE) {
    if (echoes || (lflag & L.ECHONL) !== 0) echoRaw(tty, c);
    endLine(k, tty, c);
  } else if (c === cc[V.EOF]) endLine(k, tty, DISABLED);
  else if (c === cc[V.EOL] || (c === cc[V.EOL2] && extended)) {
    if (echoes) {
      if (ldisc.canonHead === ldisc.head) markLineStart(tty);
      echoChar(tty, c);
    }
    endLine(k, tty, c);
  } else return false;
  return true;
}

function special(k: Kernel, tty: Tty, typed: number, overflow: boolean): void {
  const { iflag, lflag } = tty.termios;
  if (control(k, tty, typed)) return;
  restartByAny(k, tty);
  let c = typed;
  if (c === RETURN) {
    if ((iflag & I.IGNCR) !== 0) return;
    if ((iflag & I.ICRNL) !== 0) c = NEWLINE;
  } else if (c === NEWLINE && (iflag & I.INLCR) !== 0) c = RETURN;
  if (tty.ldisc.icanon && canonical(k, tty, c)) return;
  if ((lflag & L.ECHO) !== 0) {
    if (overflow) echoBell(tty);
    else if (c === NEWLINE) {
      finishErasing(tty);
      echoRaw(tty, c);
    } else echoTyped(tty, c);
  }
  store(tty, c, overflow);
}
