/**
 * The kernel's printf (lib/vsprintf.c). Always true: texts are byte strings; what a format asks for that the kernel does not
 * know ends the text there, as in Linux; nothing that a module passes as a pointer is followed unless memory is there.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { errnoName } from '../abi/errno-names.ts';
import type { Kernel } from '../kernel.ts';
import { readK, readK32, readK64, readKBig, readKString } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { getField, isError, loadString, since } from './access.ts';
import { kapiRoom } from './room.ts';
import { symbolText } from './symbols.ts';

/** Where arguments come from: each is 64 bits. */
export interface VarArgs {
  next(): bigint;
}

/** The variadic arguments of the running call, from a`first` on: registers, then the caller's stack (RISC-V calling convention). */
export function callArgs(k: Kernel, first: number): VarArgs {
  let i = first;
  return {
    next() {
      const at = i++;
      if (at < 8) return BigInt.asUintN(64, k.hart.xBig(10 + at));
      return readKBig(k, k.hart.x(2) + 8 * (at - 8)) ?? 0n;
    },
  };
}

/** The arguments behind a va_list. */
export function listArgs(k: Kernel, list: Vaddr): VarArgs {
  let at = list;
  return {
    next() {
      const value = readKBig(k, at) ?? 0n;
      at += 8;
      return value;
    },
  };
}

interface Spec {
  left: boolean;
  plus: boolean;
  space: boolean;
  alternate: boolean;
  zero: boolean;
  width: number;
  precision: number;
}

const MAX_WIDTH = 32767;
const MAX_TEXT = 1 << 20;

function pad(text: string, spec: Spec): string {
  if (text.length >= spec.width) return text;
  return spec.left ? text.padEnd(spec.width) : text.padStart(spec.width);
}

function number(value: bigint, base: number, upper: boolean, spec: Spec, negative: boolean): string {
  let digits = value.toString(base);
  if (upper) digits = digits.toUpperCase();
  const sign = negative ? '-' : spec.plus ? '+' : spec.space ? ' ' : '';
  let prefix = '';
  if (spec.alternate && base === 16) prefix = upper ? '0X' : '0x';
  else if (spec.alternate && base === 8 && digits !== '0') prefix = '0';
  if (spec.precision >= 0) digits = digits.padStart(spec.precision, '0');
  else if (spec.zero && !spec.left) digits = digits.padStart(spec.width - sign.length - prefix.length, '0');
  return pad(sign + prefix + digits, spec);
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const hex64 = (value: bigint): string => BigInt.asUintN(64, value).toString(16).padStart(16, '0');
const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));

/** What %p shows of an address: 32 bits of a keyed hash (siphash in Linux), the same for one address as long as the VM lives. */
function hashed(k: Kernel, value: bigint): string {
  let h = kapiRoom(k).pointerKey;
  for (let i = 0n; i < 64n; i += 8n) h = Math.imul(h ^ Number((value >> i) & 0xffn), 0x01000193) >>> 0;
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d) >>> 0;
  h = (h ^ (h >>> 12)) >>> 0;
  return `00000000${hex(h, 8)}`;
}

function plainPointer(k: Kernel, value: bigint, spec: Spec): string {
  const width = { ...spec, width: spec.width < 0 ? 16 : spec.width };
  if (since(k, 5, 7)) {
    const address = signed(value);
    return pad(address === 0 || isError(address) ? hex64(value) : hashed(k, value), width);
  }
  return pad(value === 0n ? '(null)' : hashed(k, value), width);
}

/** A string argument. Linux 5.x says (efault) where 4.15 says (null). */
function stringOf(k: Kernel, task: Task, address: number, spec: Spec): string | null {
  let text: string | null;
  if (address === 0) text = '(null)';
  else if ((address > 0 && address < 4096) || (isError(address) && since(k, 5, 2)))
    text = since(k, 5, 2) ? '(efault)' : '(null)';
  else text = loadString(k, task, address, spec.precision >= 0 ? spec.precision : MAX_TEXT);
  if (text === null) return null;
  return pad(spec.precision >= 0 ? text.slice(0, spec.precision) : text, spec);
}

function bytesText(k: Kernel, address: number, spec: Spec, mode: string): string {
  const bytes = readK(k, address, Math.min(spec.width < 0 ? 1 : spec.width, 64));
  if (!bytes) return '(efault)';
  const separator = mode === 'C' ? ':' : mode === 'D' ? '-' : mode === 'N' ? '' : ' ';
  return [...bytes].map((byte) => hex(byte, 2)).join(separator);
}

function macText(k: Kernel, address: number, mode: string): string {
  const bytes = readK(k, address, 6);
  if (!bytes) return '(efault)';
  const list = mode.includes('R') ? [...bytes].reverse() : [...bytes];
  return list.map((byte) => hex(byte, 2)).join(mode.includes('F') ? '-' : ':');
}

function ipText(k: Kernel, address: number, mode: string, small: boolean): string {
  if (mode[0] === '6') {
    const bytes = readK(k, address, 16);
    if (!bytes) return '(efault)';
    const words = Array.from({ length: 8 }, (_, i) => hex(bytes[2 * i] * 256 + bytes[2 * i + 1], 4));
    if (small) return words.join('');
    return mode.includes('c')
      ? words
          .map((word) => word.replace(/^0{1,3}/, ''))
          .join(':')
          .replace(/(^|:)0(:0)+(:|$)/, '::')
      : words.join(':');
  }
  const bytes = readK(k, address, 4);
  if (!bytes) return '(efault)';
  const list = mode.includes('l') || mode.includes('h') ? [...bytes].reverse() : [...bytes];
  return list.map((byte) => (small ? String(byte).padStart(3, '0') : String(byte))).join('.');
}

function uuidText(k: Kernel, address: number, mode: string): string {
  const bytes = readK(k, address, 16);
  if (!bytes) return '(efault)';
  const order = /[lL]/.test(mode)
    ? [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
    : Array.from({ length: 16 }, (_, i) => i);
  const digits = order.map((i) => hex(bytes[i], 2)).join('');
  const text = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return /[BL]/.test(mode) ? text.toUpperCase() : text;
}

/** %pb and %pbl: a bitmap of `spec.width` bits. */
function bitmapText(k: Kernel, address: number, bits: number, list: boolean): string {
  const bytes = readK(k, address, Math.ceil(Math.min(bits, 4096) / 64) * 8);
  if (!bytes) return '(efault)';
  const on = (i: number): boolean => i < bits && ((bytes[i >> 3] >> (i & 7)) & 1) !== 0;
  if (!list) {
    const words: string[] = [];
    for (let from = 0; from < bits; from += 32) {
      let word = 0;
      for (let i = 0; i < 32; i++) if (on(from + i)) word += 2 ** i;
      words.unshift(hex(word, from + 32 > bits ? Math.ceil((bits - from) / 4) : 8));
    }
    return words.join(',');
  }
  const ranges: string[] = [];
  for (let i = 0; i < bits; i++) {
    if (!on(i)) continue;
    let end = i;
    while (on(end + 1)) end++;
    ranges.push(end === i ? String(i) : `${i}-${end}`);
    i = end;
  }
  return ranges.join(',');
}

function dentryText(k: Kernel, dentry: number): string {
  const name = getField(k, 'dentry', dentry, 'd_name.name');
  return name === null ? '(efault)' : (readKString(k, name, 255) ?? '(efault)');
}

/** %p with what follows it. Answers the text and how many letters of the format it used, or null after an oops. */
function pointer(
  k: Kernel,
  task: Task,
  rest: string,
  value: bigint,
  spec: Spec,
  depth: number,
): [string, number] | null {
  const letters = /^[a-zA-Z0-9]*/.exec(rest)![0];
  const address = signed(value);
  const kind = letters[0] ?? '';
  const all = letters.length;
  const sized = { ...spec };
  switch (kind) {
    case 'x':
      return [pad(hex64(value), { ...spec, width: Math.max(16, spec.width) }), all];
    case 'S':
    case 's':
    case 'B':
      return [pad(symbolText(k, address, kind !== 's'), sized), all];
    case 'F':
    case 'f':
      if (!since(k, 5, 5)) return [pad(symbolText(k, address, kind === 'F'), sized), all];
      break;
    case 'e':
      if (since(k, 5, 5)) {
        if (isError(address)) return [pad(`-${errnoName(-address) ?? -address}`, sized), all];
        return [plainPointer(k, value, spec), all];
      }
      break;
    case 'h':
      return [bytesText(k, address, spec, letters[1] ?? ''), all];
    case 'M':
    case 'm':
      return [
        pad(
          kind === 'm'
            ? macText(k, address, letters.slice(1)).replaceAll(/[:-]/g, '')
            : macText(k, address, letters.slice(1)),
          sized,
        ),
        all,
      ];
    case 'I':
    case 'i':
      return [pad(ipText(k, address, letters.slice(1), kind === 'i'), sized), all];
    case 'U':
      return [pad(uuidText(k, address, letters.slice(1)), sized), all];
    case 'b':
      return [bitmapText(k, address, Math.max(0, spec.width), letters[1] === 'l'), all];
    case 'a':
      return [`0x${hex64(readKBig(k, address) ?? 0n)}`, all];
    case 'd':
      return [pad(dentryText(k, address), sized), all];
    case 'D':
      return [pad(dentryText(k, getField(k, 'file', address, 'f_path.dentry') ?? 0), sized), all];
    case 'K':
      return [plainPointer(k, value, spec), all];
    case 'V': {
      const fmt = readK64(k, address);
      const list = readK64(k, address + 8);
      const inner = fmt === null || list === null ? null : readKString(k, fmt, 4096);
      const at = list === null ? null : readK64(k, list);
      if (inner === null || at === null || depth > 2) return ['(efault)', all];
      const text = format(k, task, inner, listArgs(k, at), depth + 1);
      return text === null ? null : [text, all];
    }
    case 't':
      return [pad(String(readK32(k, address) ?? 0), sized), all];
  }
  return [plainPointer(k, value, spec), all];
}

const BITS: Readonly<Record<string, number>> = {
  hh: 8,
  h: 16,
  '': 32,
  l: 64,
  ll: 64,
  L: 64,
  q: 64,
  z: 64,
  Z: 64,
  t: 64,
  j: 64,
};

/** vsnprintf: the whole text, however long (bounded); null when an argument led to an oops. */
export function format(k: Kernel, task: Task, fmt: string, args: VarArgs, depth = 0): string | null {
  let out = '';
  const pattern = /%([-+ #0]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(hh|h|ll|l|L|q|z|Z|t|j)?(.)?/gs;
  let from = 0;
  for (;;) {
    pattern.lastIndex = from;
    const at = fmt.indexOf('%', from);
    if (at < 0 || out.length > MAX_TEXT) return out + fmt.slice(from);
    out += fmt.slice(from, at);
    pattern.lastIndex = at;
    const match = pattern.exec(fmt)!;
    from = at + match[0].length;
    const [whole, flags, widthText, precisionText, length, letter] = match;
    const spec: Spec = {
      left: flags.includes('-'),
      plus: flags.includes('+'),
      space: flags.includes(' '),
      alternate: flags.includes('#'),
      zero: flags.includes('0'),
      width: -1,
      precision: -1,
    };
    if (widthText === '*') {
      spec.width = Number(BigInt.asIntN(32, args.next()));
      if (spec.width < 0) {
        spec.left = true;
        spec.width = -spec.width;
      }
    } else if (widthText) spec.width = Number(widthText);
    spec.width = Math.min(spec.width, MAX_WIDTH);
    if (precisionText === '*') spec.precision = Math.max(0, Number(BigInt.asIntN(32, args.next())));
    else if (precisionText !== undefined) spec.precision = Math.max(0, Number(precisionText));
    else if (/\.(hh|h|ll|l|L|q|z|Z|t|j)?.?$/s.test(whole) && whole.includes('.')) spec.precision = 0;
    const bits = BITS[length ?? ''];
    switch (letter) {
      case '%':
        out += '%';
        break;
      case 'c':
        out += pad(String.fromCharCode(Number(args.next() & 0xffn)), spec);
        break;
      case 's': {
        const text = stringOf(k, task, signed(args.next()), spec);
        if (text === null) return null;
        out += text;
        break;
      }
      case 'd':
      case 'i': {
        const value = BigInt.asIntN(bits, args.next());
        out += number(value < 0n ? -value : value, 10, false, spec, value < 0n);
        break;
      }
      case 'u':
        out += number(
          BigInt.asUintN(bits, args.next()),
          10,
          false,
          { ...spec, plus: false, space: false },
          false,
        );
        break;
      case 'x':
      case 'X':
      case 'o':
        out += number(
          BigInt.asUintN(bits, args.next()),
          letter === 'o' ? 8 : 16,
          letter === 'X',
          { ...spec, plus: false, space: false },
          false,
        );
        break;
      case 'p': {
        const made = pointer(k, task, fmt.slice(from), args.next(), spec, depth);
        if (made === null) return null;
        out += made[0];
        from += made[1];
        break;
      }
      default:
        // "Please remove unsupported %c in format string": the rest is not written.
        return out;
    }
  }
}
