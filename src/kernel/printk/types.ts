/** The kernel log as data (kernel/printk of Linux). */
import type { WaitQueue } from '../outcome.ts';

export interface LogRecord {
  seq: number;
  /** Monotonic nanoseconds. */
  timeNs: number;
  /** Syslog facility and level 0..7. */
  facility: number;
  level: number;
  /** Byte string without the final newline; inner newlines are kept. */
  text: string;
  /** Continues the record before it. */
  cont: boolean;
}

/** State of one rate limit (lib/ratelimit.c): at most `burst` in `intervalNs`. */
export interface Ratelimit {
  intervalNs: number;
  burst: number;
  beginNs: number | null;
  printed: number;
  missed: number;
}

export interface PrintkRoom {
  records: LogRecord[];
  nextSeq: number;
  /** Bytes kept, against the size of the ring. */
  bytes: number;
  maxBytes: number;
  /** First sequence number that `syslog(SYSLOG_ACTION_CLEAR)` left visible, and the read position of syslog(2). */
  clearSeq: number;
  syslogSeq: number;
  /** Bytes of the record at `syslogSeq` that a short read already took. */
  syslogPartial: number;
  /** console_loglevel, default_message_loglevel, minimum_console_loglevel, default_console_loglevel. */
  levels: [number, number, number, number];
  /** The console level to put back by SYSLOG_ACTION_CONSOLE_ON; -1: none saved. */
  savedConsoleLevel: number;
  /** A line without a newline that waits to be completed, and the tid that began it. */
  partial: LogRecord | null;
  partialOwner: number;
  dmesgRestrict: boolean;
  /** kernel.printk_devkmsg: what user space may write to /dev/kmsg. */
  devkmsg: 'on' | 'off' | 'ratelimit';
  /** Records go to the console, with time stamps (`printk.time`). */
  consoleEnabled: boolean;
  ratelimit: Ratelimit;
  /** Records the console could not take because its wire was full. */
  consoleDropped: number;
  wait: WaitQueue;
}
