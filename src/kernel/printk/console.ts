/**
 * The console: records below console_loglevel go to the first port (ttyS0) as `[    1.234567] text`, lines ended by CR LF.
 * Always true: it never blocks; what a full wire cannot take is counted and said later, as the kernel says it.
 */
import type { Kernel } from '../kernel.ts';
import { consoleRoom, consoleWrite } from '../tty/console.ts';
import { bytesOf, recordText, timePrefix } from './format.ts';
import type { LogRecord } from './types.ts';

const crlf = (text: string): Uint8Array => bytesOf(text.replaceAll('\n', '\r\n'));

/** Prints one record (call_console_drivers). */
export function consoleRecord(k: Kernel, record: LogRecord): void {
  const log = k.printk;
  const bytes = crlf(recordText(record, false));
  if (consoleRoom(k) < bytes.length + 64) {
    log.consoleDropped++;
    return;
  }
  if (log.consoleDropped > 0) {
    consoleWrite(
      k,
      crlf(`** ${log.consoleDropped} printk messages dropped ** ${timePrefix(record.timeNs)}\n`),
    );
    log.consoleDropped = 0;
  }
  consoleWrite(k, bytes);
}

/** Reads `quiet`, `debug`, `loglevel=N`, `ignore_loglevel` and `printk.devkmsg=` off the kernel's command line. */
export function consoleSetup(k: Kernel): void {
  const log = k.printk;
  for (const word of k.identity.cmdline.split(/\s+/)) {
    const loglevel = /^loglevel=(\d+)$/.exec(word);
    if (word === 'quiet') log.levels[0] = 4;
    else if (word === 'debug') log.levels[0] = 10;
    else if (word === 'ignore_loglevel') log.levels[0] = 15;
    else if (loglevel) log.levels[0] = Math.max(log.levels[2], Math.min(Number(loglevel[1]), 15));
    const devkmsg = /^printk\.devkmsg=(on|off|ratelimit)$/.exec(word);
    if (devkmsg) log.devkmsg = devkmsg[1] as 'on' | 'off' | 'ratelimit';
  }
}
