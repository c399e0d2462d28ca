/**
 * The standard kinds of parameters (kernel/params.c param_set_int and its like). Always true: a kind is known by the address of its table
 * of operations; values live in the module's own memory; texts and arrays it is given are kept as long as the module.
 */
import { offsetOf } from '../abi/structs/index.ts';
import { kernelSymbol } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';
import {
  readK8,
  readK32,
  readK64,
  readKString,
  writeK,
  writeK8,
  writeK32,
  writeK64,
  writeKString,
} from './kmem.ts';
import { allocRegion, freeRegion } from './memory.ts';
import type { LoadedModule } from './types.ts';

const ENOMEM = 12;
const EFAULT = 14;
const EINVAL = 22;
const ENOSPC = 28;
const ERANGE = 34;
const PAGE = 4096;

const field = (name: string, member: string): number => offsetOf(name, member);

interface IntegerKind {
  readonly bytes: number;
  readonly min: bigint;
  readonly max: bigint;
  readonly show?: (value: bigint) => string;
}
const signed = (bytes: number): IntegerKind => ({
  bytes,
  min: -(1n << BigInt(8 * bytes - 1)),
  max: (1n << BigInt(8 * bytes - 1)) - 1n,
});
const unsigned = (bytes: number): IntegerKind => ({ bytes, min: 0n, max: (1n << BigInt(8 * bytes)) - 1n });

const INTEGERS: Readonly<Record<string, IntegerKind>> = {
  byte: unsigned(1),
  short: signed(2),
  ushort: unsigned(2),
  int: signed(4),
  uint: unsigned(4),
  long: signed(8),
  ulong: unsigned(8),
  ullong: unsigned(8),
  hexint: { ...unsigned(4), show: (value) => `0x${value.toString(16).padStart(8, '0')}` },
};
const OTHERS = ['bool', 'bool_enable_only', 'invbool', 'bint', 'charp'] as const;
export const KINDS = [...Object.keys(INTEGERS), ...OTHERS];

/** The table of operations of a standard kind. */
export const tableOf = (k: Kernel, kind: string): number =>
  kernelSymbol(k, kind === 'array' ? 'param_array_ops' : `param_ops_${kind}`);

/** The kind whose table of operations this is, or whose function it names; null for a kind of the module's own. */
export function standardKind(k: Kernel, ops: number, which: 'set' | 'get'): string | null {
  if (ops === 0) return null;
  for (const kind of [...KINDS, 'string', 'array']) if (tableOf(k, kind) === ops) return kind;
  const address = readK64(k, ops + field('kernel_param_ops', which)) ?? 0;
  if (address === 0) return null;
  for (const kind of KINDS) if (kernelSymbol(k, `param_${which}_${kind}`) === address) return kind;
  if (kernelSymbol(k, 'param_set_copystring') === address || kernelSymbol(k, 'param_get_string') === address)
    return 'string';
  return null;
}

/** kstrtoull and its kin with base 0: the number, or -EINVAL, -ERANGE. */
function parseInteger(text: string, kind: IntegerKind): bigint | number {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)\n?$/.exec(text);
  if (!match || (match[1] === '-' && kind.min === 0n)) return -EINVAL;
  const digits = match[2];
  if (/^0[0-9]/.test(digits) && /[89]/.test(digits)) return -EINVAL;
  const magnitude = BigInt(/^0[0-9]/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = match[1] === '-' ? -magnitude : magnitude;
  return value < kind.min || value > kind.max ? -ERANGE : value;
}

function writeInteger(k: Kernel, va: number, bytes: number, value: bigint): number {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return writeK(k, va, out.subarray(0, bytes)) ? 0 : -EFAULT;
}

function readInteger(k: Kernel, va: number, kind: IntegerKind): bigint | null {
  let value = 0n;
  for (let i = kind.bytes - 1; i >= 0; i--) {
    const byte = readK8(k, va + i);
    if (byte === null) return null;
    value = (value << 8n) | BigInt(byte);
  }
  return kind.min < 0n ? BigInt.asIntN(8 * kind.bytes, value) : value;
}

/** strtobool (kstrtobool). */
function parseBool(text: string): boolean | null {
  if (/^[yY1]/.test(text) || /^[oO][nN]/.test(text) || /^[tT]/.test(text)) return true;
  if (/^[nN0]/.test(text) || /^[oO][fF]/.test(text) || /^[fF]/.test(text)) return false;
  return null;
}

/** Sets one parameter; `kp` is its struct kernel_param, `at` where the text lies in kernel memory (0: nowhere yet). */
export function setStandard(k: Kernel, kind: string, value: string | null, at: number, kp: number): number {
  const arg = readK64(k, kp + field('kernel_param', 'arg')) ?? 0;
  const integer = INTEGERS[kind];
  if (integer) {
    const parsed = parseInteger(value ?? '', integer);
    return typeof parsed === 'number' ? parsed : writeInteger(k, arg, integer.bytes, parsed);
  }
  switch (kind) {
    case 'bool':
    case 'bool_enable_only':
    case 'invbool':
    case 'bint': {
      const parsed = value === null ? true : parseBool(value);
      if (parsed === null) return -EINVAL;
      if (kind === 'bool_enable_only' && !parsed && readK8(k, arg) === 1) return -30;
      if (kind === 'bint') return writeK32(k, arg, parsed ? 1 : 0) ? 0 : -EFAULT;
      return writeK8(k, arg, (kind === 'invbool' ? !parsed : parsed) ? 1 : 0) ? 0 : -EFAULT;
    }
    case 'charp': {
      if ((value ?? '').length > 1024) {
        printk(k, Level.ERR, `${readKString(k, readK64(k, kp) ?? 0, 128) ?? ''}: string parameter too long`);
        return -ENOSPC;
      }
      const place = at !== 0 ? at : keepText(k, kp, value ?? '');
      return place === 0 ? -ENOMEM : writeK64(k, arg, place) ? 0 : -EFAULT;
    }
    case 'string': {
      const max = readK32(k, arg + field('kparam_string', 'maxlen')) ?? 0;
      if ((value ?? '').length + 1 > max) {
        printk(
          k,
          Level.ERR,
          `${readKString(k, readK64(k, kp) ?? 0, 128) ?? ''}: string doesn't fit in ${max - 1} chars.`,
        );
        return -ENOSPC;
      }
      const target = readK64(k, arg + field('kparam_string', 'string')) ?? 0;
      return writeKString(k, target, value ?? '') ? 0 : -EFAULT;
    }
    default:
      return setArray(k, value ?? '', at, kp, arg);
  }
}

/** param_array_set: elements between commas, each set as one of its kind. */
function setArray(k: Kernel, value: string, at: number, kp: number, array: number): number {
  const read = (member: string): number => readK32(k, array + field('kparam_array', member)) ?? 0;
  const max = Math.min(4096, read('max'));
  const elemsize = read('elemsize');
  const elem = readK64(k, array + field('kparam_array', 'elem')) ?? 0;
  const num = readK64(k, array + field('kparam_array', 'num')) ?? 0;
  const ops = readK64(k, array + field('kparam_array', 'ops')) ?? 0;
  const kind = standardKind(k, ops, 'set');
  const name = readKString(k, readK64(k, kp) ?? 0, 128) ?? '';
  if (!kind || kind === 'array' || kind === 'string') return -EINVAL;
  // The elements are texts of their own for charp: each comma becomes a NUL.
  const temporary = allocRegion(k, 1);
  if (!temporary) return -ENOMEM;
  const module = findByParam(k, kp);
  let base = at;
  let count = 0;
  let result = 0;
  for (const text of value.split(',')) {
    if (count >= max) {
      printk(k, Level.ERR, `${name}: can only take ${max} arguments`);
      result = -EINVAL;
      break;
    }
    if (base !== 0) writeK8(k, base + text.length, 0);
    const fake = temporary.base;
    writeK64(k, fake + field('kernel_param', 'name'), readK64(k, kp) ?? 0);
    writeK64(k, fake + field('kernel_param', 'arg'), elem + count * elemsize);
    const place = base !== 0 || kind !== 'charp' ? base : module ? keepText(k, kp, text) : 0;
    result = setStandard(k, kind, text, place, fake);
    if (result < 0) break;
    if (base !== 0) base += text.length + 1;
    count++;
  }
  freeRegion(k, temporary);
  if (result === 0 && num !== 0) writeK32(k, num, count);
  return result;
}

const findByParam = (k: Kernel, kp: number): LoadedModule | undefined =>
  k.module.modules.find(({ params }) => params.some(({ address }) => address === kp));

/** Memory for a text that a parameter keeps; freed with the module. 0: none. */
function keepText(k: Kernel, kp: number, text: string): number {
  const module = findByParam(k, kp);
  if (!module || module.paramMemory.length >= 256) return 0;
  const region = allocRegion(k, 1);
  if (!region) return 0;
  module.paramMemory.push(region.base);
  writeKString(k, region.base, text.slice(0, PAGE - 1));
  return region.base;
}

/** The text of one parameter without a newline, or -errno. */
export function getStandard(k: Kernel, kind: string, kp: number): string | number {
  const arg = readK64(k, kp + field('kernel_param', 'arg')) ?? 0;
  const integer = INTEGERS[kind];
  if (integer) {
    const value = readInteger(k, arg, integer);
    if (value === null) return -EFAULT;
    return integer.show?.(value) ?? value.toString();
  }
  switch (kind) {
    case 'bool':
    case 'bool_enable_only':
      return readK8(k, arg) ? 'Y' : 'N';
    case 'invbool':
      return readK8(k, arg) ? 'N' : 'Y';
    case 'bint':
      return readK32(k, arg) ? 'Y' : 'N';
    case 'charp': {
      const text = readK64(k, arg) ?? 0;
      return text === 0 ? '(null)' : (readKString(k, text, PAGE - 2) ?? -EFAULT);
    }
    case 'string':
      return readKString(k, readK64(k, arg + field('kparam_string', 'string')) ?? 0, PAGE - 2) ?? -EFAULT;
    default: {
      const ops = readK64(k, arg + field('kparam_array', 'ops')) ?? 0;
      const of = standardKind(k, ops, 'get');
      const num = readK64(k, arg + field('kparam_array', 'num')) ?? 0;
      const max = readK32(k, arg + field('kparam_array', 'max')) ?? 0;
      const count = Math.min(4096, max, num === 0 ? max : (readK32(k, num) ?? 0));
      const elemsize = readK32(k, arg + field('kparam_array', 'elemsize')) ?? 0;
      const elem = readK64(k, arg + field('kparam_array', 'elem')) ?? 0;
      if (!of || of === 'array' || of === 'string') return -EINVAL;
      const out: string[] = [];
      for (let i = 0; i < count; i++) out.push(elementText(k, of, elem + i * elemsize));
      return out.join(',').slice(0, PAGE - 2);
    }
  }
}

function elementText(k: Kernel, kind: string, at: number): string {
  const integer = INTEGERS[kind];
  if (integer) {
    const value = readInteger(k, at, integer) ?? 0n;
    return integer.show?.(value) ?? value.toString();
  }
  if (kind === 'charp') return readKString(k, readK64(k, at) ?? 0, PAGE - 2) ?? '(null)';
  if (kind === 'bint') return readK32(k, at) ? 'Y' : 'N';
  return (readK8(k, at) !== 0) === (kind !== 'invbool') ? 'Y' : 'N';
}
