/** Terminals as data (drivers/tty of Linux). The tty room owns and extends this file. */
import type { WaitQueue } from '../outcome.ts';

/** termios as the kernel keeps it (asm-generic/termbits.h); c_cc has 19 entries. */
export interface Termios {
  iflag: number;
  oflag: number;
  cflag: number;
  lflag: number;
  line: number;
  cc: number[];
  ispeed: number;
  ospeed: number;
}

/** A terminal: a line discipline between a program's end (the slave) and a wire (a pty master or a port of the host). */
export interface Tty {
  /** `ttyS0`, `pts/3`, `console` leads to one of these. */
  name: string;
  index: number;
  rdev: number;
  termios: Termios;
  winsize: { rows: number; cols: number; xpixel: number; ypixel: number };
  /** Session that has it as controlling terminal (0: none) and its foreground process group. */
  sid: number;
  pgrp: number;
  /** What arrived from the wire and what waits for the wire; the line discipline's buffers. */
  input: number[];
  output: Uint8Array[];
  outputBytes: number;
  /** Opens of the slave side. */
  opens: number;
  hungup: boolean;
  readWait: WaitQueue;
  writeWait: WaitQueue;
  // biome-ignore lint/suspicious/noExplicitAny: the line discipline's private state; see tty/ldisc.ts
  ldisc: any;
}

export interface TtyRoom {
  /** Terminals whose wire is the host: the serial console ttyS0 first. */
  ports: Tty[];
  /** Pseudo terminals by index. */
  ptys: Map<number, { slave: Tty; masterWait: WaitQueue; masterOpens: number; locked: boolean }>;
  maxPtys: number;
}
