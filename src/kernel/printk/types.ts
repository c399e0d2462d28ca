/** The kernel log as data (kernel/printk of Linux). */
import type { WaitQueue } from '../outcome.ts';

export interface LogRecord {
  seq: number;
  /** Monotonic nanoseconds. */
  timeNs: number;
  /** Syslog facility and level 0..7. */
  facility: number;
  level: number;
  text: string;
  /** Continues the record before it. */
  cont: boolean;
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
  /** console_loglevel, default_message_loglevel, minimum_console_loglevel, default_console_loglevel. */
  levels: [number, number, number, number];
  savedConsoleLevel: number;
  /** A line without a newline that waits to be completed. */
  partial: LogRecord | null;
  dmesgRestrict: boolean;
  wait: WaitQueue;
}
