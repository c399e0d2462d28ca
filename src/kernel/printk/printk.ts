/**
 * The log's ring of records (kernel/printk/printk.c). Always true: records have consecutive sequence numbers, the oldest go
 * first when the ring is full, and a line that has not ended (`partial`) is seen by nobody until it has.
 */
import type { Kernel } from '../kernel.ts';
import { newWaitQueue } from '../outcome.ts';
import { wakeUp } from '../task/wait.ts';
import { consoleRecord } from './console.ts';
import type { LogRecord, PrintkRoom, Ratelimit } from './types.ts';

/** Kernel log levels (include/linux/kern_levels.h). */
export const Level = {
  EMERG: 0,
  ALERT: 1,
  CRIT: 2,
  ERR: 3,
  WARNING: 4,
  NOTICE: 5,
  INFO: 6,
  DEBUG: 7,
} as const;

/** LOG_LINE_MAX less its terminating zero: longer texts are cut. */
const MAX_TEXT = 991;
/** What a record costs in the ring besides its text (struct printk_log). */
const HEADER_BYTES = 16;

const costOf = (record: LogRecord): number => (HEADER_BYTES + record.text.length + 3) & ~3;

/** An empty log with Ubuntu's ring size (CONFIG_LOG_BUF_SHIFT=18) and levels `7 4 1 7`. */
export function createPrintkRoom(): PrintkRoom {
  return {
    records: [],
    nextSeq: 0,
    bytes: 0,
    maxBytes: 1 << 18,
    clearSeq: 0,
    syslogSeq: 0,
    syslogPartial: 0,
    levels: [7, 4, 1, 7],
    savedConsoleLevel: -1,
    partial: null,
    partialOwner: 0,
    dmesgRestrict: true,
    devkmsg: 'ratelimit',
    consoleEnabled: true,
    ratelimit: newRatelimit(),
    consoleDropped: 0,
    wait: newWaitQueue(),
  };
}

/** DEFINE_RATELIMIT_STATE: by default ten in five seconds. */
export function newRatelimit(intervalNs = 5e9, burst = 10): Ratelimit {
  return { intervalNs, burst, beginNs: null, printed: 0, missed: 0 };
}

/** ___ratelimit: whether the caller may act now; says how many were suppressed when an interval is over. */
export function ratelimit(k: Kernel, state: Ratelimit, caller: string): boolean {
  const now = k.time.nowNs;
  state.beginNs ??= now;
  if (now > state.beginNs + state.intervalNs) {
    if (state.missed > 0) printk(k, Level.WARNING, `${caller}: ${state.missed} callbacks suppressed`);
    state.beginNs = now;
    state.printed = 0;
    state.missed = 0;
  }
  if (state.printed < state.burst) {
    state.printed++;
    return true;
  }
  state.missed++;
  return false;
}

/** printk_ratelimit(): the one limit that all its callers share. */
export const printkRatelimit = (k: Kernel, caller: string): boolean =>
  ratelimit(k, k.printk.ratelimit, caller);

/** The oldest sequence number still in the ring. */
export const firstSeq = (log: PrintkRoom): number => log.nextSeq - log.records.length;

/** The record of that number; undefined when it is gone or not yet written. */
export const recordAt = (log: PrintkRoom, seq: number): LogRecord | undefined =>
  log.records[seq - firstSeq(log)];

function store(k: Kernel, record: LogRecord): void {
  const log = k.printk;
  record.seq = log.nextSeq++;
  log.records.push(record);
  log.bytes += costOf(record);
  let drop = 0;
  while (log.bytes > log.maxBytes && drop < log.records.length - 1) log.bytes -= costOf(log.records[drop++]);
  if (drop > 0) log.records.splice(0, drop);
  if (log.consoleEnabled && record.level < log.levels[0]) consoleRecord(k, record);
  wakeUp(k, log.wait);
}

/** Ends a line that nobody completed. */
export function flushPartial(k: Kernel): void {
  const { partial } = k.printk;
  if (!partial) return;
  k.printk.partial = null;
  store(k, partial);
}

function newRecord(k: Kernel, facility: number, level: number, text: string, cont: boolean): LogRecord {
  return { seq: 0, timeNs: k.time.nowNs, facility, level, text: text.slice(0, MAX_TEXT), cont };
}

/**
 * Logs one whole line (or several, in one record). A trailing newline is dropped. `text` is a byte string.
 * Level -1 is the default message level.
 */
export function printk(k: Kernel, level: number, text: string, facility = 0): void {
  flushPartial(k);
  const line = text.endsWith('\n') ? text.slice(0, -1) : text;
  store(k, newRecord(k, facility, level < 0 ? k.printk.levels[1] : level & 7, line, false));
}

/**
 * printk as C code calls it: the formatted text begins with KERN_SOH prefixes (\x01 and 0..7, c or d), a newline at the end
 * ends the line, and KERN_CONT goes on with the line the same task began (vprintk_store).
 */
export function printkText(k: Kernel, formatted: string): void {
  const log = k.printk;
  let text = formatted;
  let level = -1;
  let cont = false;
  while (text.charCodeAt(0) === 1 && text.length > 1) {
    const mark = text[1];
    if (mark >= '0' && mark <= '7') level = level < 0 ? Number(mark) : level;
    else if (mark === 'c') cont = true;
    else if (mark !== 'd') break;
    text = text.slice(2);
  }
  const ended = text.endsWith('\n');
  if (ended) text = text.slice(0, -1);
  const mine = log.partial !== null && log.partialOwner === k.sched.current;
  if (cont && mine && log.partial) {
    log.partial.text = (log.partial.text + text).slice(0, MAX_TEXT);
    if (ended) flushPartial(k);
    return;
  }
  flushPartial(k);
  if (cont && text.length === 0) return;
  const record = newRecord(k, 0, level < 0 ? log.levels[1] : level, text, cont);
  if (ended) {
    store(k, record);
    return;
  }
  log.partial = record;
  log.partialOwner = k.sched.current;
}

/** console_verbose(): from an oops on everything is printed. */
export function consoleVerbose(k: Kernel): void {
  if (k.printk.levels[0] !== 0) k.printk.levels[0] = 15;
}
