/** Terminals as data (drivers/tty of Linux). The tty room owns and extends this file. */
import type { Inode, Superblock } from '../fs/types.ts';
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

export interface Winsize {
  rows: number;
  cols: number;
  xpixel: number;
  ypixel: number;
}

/**
 * State of the N_TTY line discipline (drivers/tty/n_tty.c, whose names these are). Positions count up for ever and index
 * `buf` and `ends` modulo its size.
 */
export interface Ldisc {
  /** What was received and not read: a ring. */
  buf: Uint8Array;
  /** 1 where a line ends (canonical mode). */
  ends: Uint8Array;
  head: number;
  tail: number;
  /** Up to here whole lines may be read (canonical mode), or anything (raw mode: equal to head). */
  canonHead: number;
  /** Characters that need a second look, by code; derived from termios. */
  special: Uint8Array;
  icanon: boolean;
  raw: boolean;
  lnext: boolean;
  erasing: boolean;
  /** A line was pushed by leaving canonical mode, or by end of file. */
  push: boolean;
  /** Output column, and the column where the present line began. */
  column: number;
  canonColumn: number;
}

/** A terminal: a line discipline between a program's end (the slave) and a wire (a pty master or a port of the host). */
export interface Tty {
  /** `ttyS0`, `pts/3`; `console` leads to one of these. */
  name: string;
  index: number;
  rdev: number;
  /** What its wire is. */
  driver: 'serial' | 'pty';
  termios: Termios;
  /** Flags and characters that only root may change (TIOCSLCKTRMIOS); null: none. */
  locked: Termios | null;
  winsize: Winsize;
  /** Session that has it as controlling terminal (0: none) and its foreground process group. */
  sid: number;
  pgrp: number;
  /** Bytes from the wire that the line discipline has no room for yet. */
  wire: Uint8Array;
  /** What waits for the wire, already processed; and echoes that wait for room there. */
  output: Uint8Array[];
  outputBytes: number;
  echo: number[];
  /** Output stopped by the STOP character or tcflow. `flowStopped`: by tcflow, so no character starts it again. */
  stopped: boolean;
  flowStopped: boolean;
  /** IXOFF: a STOP character was sent to the other side. */
  throttled: boolean;
  /** TIOCEXCL. */
  exclusive: boolean;
  /** Opens of the slave side. */
  opens: number;
  /** Files opened before the last hang-up are dead: each file remembers the count it was opened at. */
  hangups: number;
  readWait: WaitQueue;
  writeWait: WaitQueue;
  ldisc: Ldisc;
}

/** What an open file of kind `tty` holds. */
export interface TtyFile {
  tty: Tty;
  hangups: number;
}

/** A pseudo terminal: its slave is a {@link Tty}; the master end needs no line discipline. */
export interface Pty {
  index: number;
  slave: Tty;
  /** 1 while the master is open. */
  masterOpens: number;
  locked: boolean;
  /** Packet mode of the master (TIOCPKT) and status bits to report. */
  packet: boolean;
  status: number;
  /** The last slave was closed: the master reads EIO once the output is gone. */
  otherClosed: boolean;
  /** Master's readers, and writers waiting for room in the slave's input. */
  readWait: WaitQueue;
  writeWait: WaitQueue;
  /** Its node in devpts; nlink 0 once the master has gone. */
  inode: Inode;
}

export interface TtyRoom {
  /** Terminals whose wire is the host: the serial console ttyS0 first. */
  ports: Tty[];
  /** Pseudo terminals by index. */
  ptys: Map<number, Pty>;
  maxPtys: number;
  /** The one devpts instance; null until first mounted. */
  devpts: Superblock | null;
  /** Foreground group at the time a session lost its terminal, by the leader's pid (signal->tty_old_pgrp). */
  oldPgrp: Map<number, number>;
}
