/** Small formatters that the files of /proc share. Texts are byte strings; numbers are printed as the kernel's %-formats do. */
import type { Kernel } from '../../kernel.ts';
import type { Rlimit } from '../../task/types.ts';
import { wallTime } from '../kernfs.ts';

/** USER_HZ: what user space takes for the length of a tick. */
export const USER_HZ = 100;

/** Nanoseconds as clock ticks of user space. */
export const ticks = (ns: number): number => Math.floor(ns / (1e9 / USER_HZ));

/** `%*d` with blanks on the left. */
export const pad = (value: number | string, width: number): string => String(value).padStart(width);

/** A signal or capability mask as 16 hex digits. */
export const mask16 = (mask: bigint): string => (mask & 0xffffffffffffffffn).toString(16).padStart(16, '0');

/** `Label:\t%8lu kB` lines of status. */
export const kbLine = (label: string, kilobytes: number): string => `${label}:\t${pad(kilobytes, 8)} kB\n`;

/** 4 KiB pages as kilobytes. */
export const pagesToKb = (pages: number): number => pages * 4;

/** An address as the kernel prints an unsigned long in hex. */
export const hexAddress = (va: number): string => (va < 0 ? BigInt.asUintN(64, BigInt(va)) : va).toString(16);

/** An unsigned long in decimal; RLIM_INFINITY is all ones. */
export const ulong = (value: number): string =>
  value === Number.POSITIVE_INFINITY
    ? '18446744073709551615'
    : value < 0
      ? BigInt.asUintN(64, BigInt(value)).toString()
      : String(value);

export const limitText = (limit: Rlimit['cur']): string =>
  limit === Number.POSITIVE_INFINITY ? 'unlimited' : String(limit);

/** Escapes blanks, tabs, newlines and backslashes as \040 and so on (seq_path, mangle). */
export const mangle = (text: string, characters = ' \t\n\\'): string => {
  let out = '';
  for (const c of text)
    out += characters.includes(c) ? `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}` : c;
  return out;
};

export const major = (dev: number): number => Math.floor(dev / 256) & 0xfff;
export const minor = (dev: number): number => (dev & 0xff) | ((dev >>> 12) & 0xfff00);

/** `%d:%d` of a device number. */
export const deviceNumber = (dev: number): string => `${major(dev)}:${minor(dev)}`;

/** Seconds since the epoch at which the VM booted. */
export const bootTime = (k: Kernel): number => wallTime(k, 0).sec;

/** Bytes of a byte string made from host text in UTF-8. */
export function utf8(text: string): string {
  let out = '';
  for (const byte of encodeUtf8(text)) out += String.fromCharCode(byte);
  return out;
}

function* encodeUtf8(text: string): Generator<number> {
  for (const c of text) {
    const point = c.codePointAt(0)!;
    if (point < 0x80) yield point;
    else if (point < 0x800) yield* [0xc0 | (point >> 6), 0x80 | (point & 0x3f)];
    else if (point < 0x10000)
      yield* [0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)];
    else
      yield* [
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      ];
  }
}

/** Integers of a write, as proc_dointvec reads them: separated by blanks; null when one is not a number. */
export function parseIntegers(text: string): number[] | null {
  const end = text.indexOf('\0');
  const words = (end < 0 ? text : text.slice(0, end)).split(/[ \t\n]+/).filter((word) => word !== '');
  const values: number[] = [];
  for (const word of words) {
    if (!/^-?(0[xX][0-9a-fA-F]+|[0-9]+)$/.test(word)) return null;
    const negative = word[0] === '-';
    const digits = negative ? word.slice(1) : word;
    const value = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    values.push(negative ? -value : value);
  }
  return values;
}
