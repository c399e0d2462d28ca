/** How records are written out: console and syslog(2) lines, and /dev/kmsg's format (Documentation/ABI/testing/dev-kmsg). */
import type { LogRecord } from './types.ts';

/** `[    1.234567] `: seconds in five columns, microseconds in six (print_time). */
export function timePrefix(timeNs: number): string {
  const usec = Math.floor(timeNs / 1000);
  const sec = Math.floor(usec / 1_000_000);
  return `[${String(sec).padStart(5)}.${String(usec % 1_000_000).padStart(6, '0')}] `;
}

/** The priority as /dev/kmsg and syslog(2) write it: facility * 8 + level. */
export const priority = (record: LogRecord): number => record.facility * 8 + record.level;

/** One record as text: every inner line has the prefix and ends in a newline (msg_print_text). */
export function recordText(record: LogRecord, withPriority: boolean): string {
  const prefix = (withPriority ? `<${priority(record)}>` : '') + timePrefix(record.timeNs);
  return `${prefix}${record.text.replaceAll('\n', `\n${prefix}`)}\n`;
}

/** One record as /dev/kmsg gives it: `6,268,16044757,-;text`, bytes outside 32..126 and backslash as \xHH. */
export function kmsgText(record: LogRecord): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the kernel escapes exactly these
  const text = record.text.replace(/[\x00-\x1f\x7f-\xff\\]/g, (c) => {
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  const usec = Math.floor(record.timeNs / 1000);
  return `${priority(record)},${record.seq},${usec},${record.cont ? 'c' : '-'};${text}\n`;
}

/** Byte string to bytes. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
