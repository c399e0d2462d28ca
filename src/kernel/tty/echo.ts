/** Echoing and erasing what was typed (echo_char and eraser of drivers/tty/n_tty.c). */
import { MASK } from './ldisc.ts';
import { echoByte, isContinuation, isControl } from './output.ts';
import { L, V } from './termbits.ts';
import type { Tty } from './types.ts';

const BELL = 7;
const BACKSPACE = 8;
const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const SLASH = 47;
const BACKSLASH = 92;
const CARET = 94;

const lflag = (tty: Tty, bit: number): boolean => (tty.termios.lflag & bit) !== 0;

/** echo_char_raw: the character as it is, through output processing. */
export const echoRaw = (tty: Tty, c: number): void => echoByte(tty, c);

/** echo_char: control characters as ^X when ECHOCTL is on. */
export function echoChar(tty: Tty, c: number): void {
  if (lflag(tty, L.ECHOCTL) && isControl(c) && c !== TAB) {
    echoByte(tty, CARET);
    echoByte(tty, c ^ 0o100);
  } else echoByte(tty, c);
}

/** Rings the bell for a character that a full line has no room for. */
export const echoBell = (tty: Tty): void => echoByte(tty, BELL);

/** The column where the line being typed began. */
export const markLineStart = (tty: Tty): void => {
  tty.ldisc.canonColumn = tty.ldisc.column;
};

/** Closes a run of ECHOPRT erasures (finish_erasing). */
export function finishErasing(tty: Tty): void {
  if (!tty.ldisc.erasing) return;
  echoRaw(tty, SLASH);
  tty.ldisc.erasing = false;
}

function rubOut(tty: Tty): void {
  echoRaw(tty, BACKSPACE);
  echoRaw(tty, SPACE);
  echoRaw(tty, BACKSPACE);
}

/** Goes back over a tab: as many columns as it took, counted from the line's start or the tab before. */
function rubOutTab(tty: Tty): void {
  const { ldisc } = tty;
  let chars = 0;
  let afterTab = false;
  for (let at = ldisc.head; at > ldisc.canonHead; ) {
    at--;
    const c = ldisc.buf[at & MASK];
    if (c === TAB) {
      afterTab = true;
      break;
    }
    if (isControl(c)) {
      if (lflag(tty, L.ECHOCTL)) chars += 2;
    } else if (!isContinuation(tty, c)) chars++;
  }
  if (!afterTab) chars += ldisc.canonColumn;
  for (let back = 8 - (chars & 7); back > 0; back--) echoRaw(tty, BACKSPACE);
}

const isWordChar = (c: number): boolean =>
  (c >= 48 && c <= 57) ||
  (c >= 65 && c <= 90) ||
  (c >= 97 && c <= 122) ||
  c === 95 ||
  (c >= 0xc0 && c !== 0xd7 && c !== 0xf7);

function echoErased(tty: Tty, c: number, count: number, byErase: boolean): void {
  const { ldisc } = tty;
  if (lflag(tty, L.ECHOPRT)) {
    if (!ldisc.erasing) {
      echoRaw(tty, BACKSLASH);
      ldisc.erasing = true;
    }
    echoChar(tty, c);
    for (let i = 1; i < count; i++) echoRaw(tty, ldisc.buf[(ldisc.head + i) & MASK]);
  } else if (byErase && !lflag(tty, L.ECHOE)) echoChar(tty, tty.termios.cc[V.ERASE]);
  else if (c === TAB) rubOutTab(tty);
  else {
    if (isControl(c) && lflag(tty, L.ECHOCTL)) rubOut(tty);
    if (!isControl(c) || lflag(tty, L.ECHOCTL)) rubOut(tty);
  }
}

/** ERASE, WERASE or KILL was typed (eraser): takes a character, a word or the line off the input. */
export function erase(tty: Tty, typed: number): void {
  const { ldisc, termios } = tty;
  if (ldisc.head === ldisc.canonHead) return;
  const byErase = typed === termios.cc[V.ERASE];
  const byWord = !byErase && typed === termios.cc[V.WERASE];
  const echoes = lflag(tty, L.ECHO);
  if (!byErase && !byWord) {
    if (!echoes) {
      ldisc.head = ldisc.canonHead;
      return;
    }
    if (!lflag(tty, L.ECHOK) || !lflag(tty, L.ECHOKE) || !lflag(tty, L.ECHOE)) {
      ldisc.head = ldisc.canonHead;
      finishErasing(tty);
      echoChar(tty, termios.cc[V.KILL]);
      if (lflag(tty, L.ECHOK)) echoRaw(tty, NEWLINE);
      return;
    }
  }
  let seenWord = false;
  while (ldisc.head !== ldisc.canonHead) {
    let head = ldisc.head;
    let c: number;
    do {
      head--;
      c = ldisc.buf[head & MASK];
    } while (isContinuation(tty, c) && head !== ldisc.canonHead);
    if (isContinuation(tty, c)) break;
    if (byWord) {
      if (isWordChar(c)) seenWord = true;
      else if (seenWord) break;
    }
    const count = ldisc.head - head;
    ldisc.head = head;
    if (echoes) echoErased(tty, c, count, byErase);
    if (byErase) break;
  }
  if (ldisc.head === ldisc.canonHead && echoes) finishErasing(tty);
}
