/** Strings, memory and numbers in text (lib/string.c, lib/kstrtox.c, lib/hexdump.c). Texts are byte strings. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { fillK, readK64, writeK8, writeK32, writeK64 } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, load, loadString, store, uint, unsigned } from './access.ts';
import { kapi, wide } from './registry.ts';
import { userNumber } from './uaccess.ts';

type Handler = Parameters<typeof kapi>[1];

/** What a string function does once its strings are read; `a` are the arguments, the strings in place of null after an oops. */
export const withStrings =
  (
    at: readonly number[],
    then: (k: Kernel, task: Task, a: readonly number[], s: string[]) => number,
  ): Handler =>
  (k, task, a) => {
    const strings: string[] = [];
    for (const i of at) {
      const text = loadString(k, task, a[i]);
      if (text === null) return 0;
      strings.push(text);
      k.sched.kernelWork += 10 + text.length;
    }
    return then(k, task, a, strings);
  };

export const put = (k: Kernel, task: Task, at: number, text: string): boolean =>
  store(k, task, at, bytesOf(`${text}\0`));
const sign = (a: string, b: string): number => {
  for (let i = 0; ; i++) {
    const x = i < a.length ? a.charCodeAt(i) : 0;
    const y = i < b.length ? b.charCodeAt(i) : 0;
    if (x !== y) return x < y ? -1 : 1;
    if (x === 0) return 0;
  }
};
const MAX_BLOCK = 1 << 26;

// ── Memory ─────────────────────────────────────────────────────────────────────────────────────────────────────

const copy: Handler = (k, task, [to, from, n]) => {
  const length = Math.min(unsigned(n), MAX_BLOCK);
  if (length === 0) return to;
  const bytes = load(k, task, from, length);
  k.sched.kernelWork += 10 + (length >> 4);
  return bytes && store(k, task, to, bytes) ? to : 0;
};
for (const name of ['memcpy', '__memcpy', 'memmove', '__memmove']) kapi(name, copy);
for (const name of ['memset', '__memset'])
  kapi(name, (k, task, [to, value, n]) => {
    const length = Math.min(unsigned(n), MAX_BLOCK);
    k.sched.kernelWork += 10 + (length >> 4);
    if (!fillK(k, to, length, value & 255)) store(k, task, to, new Uint8Array(length).fill(value & 255));
    return to;
  });
kapi('memcmp', (k, task, [a, b, n]) => {
  const x = load(k, task, a, Math.min(unsigned(n), MAX_BLOCK));
  const y = x && load(k, task, b, x.length);
  if (!x || !y) return 0;
  const at = x.findIndex((byte, i) => byte !== y[i]);
  return at < 0 ? 0 : x[at] - y[at];
});
kapi('memchr', (k, task, [a, c, n]) => {
  const at = load(k, task, a, Math.min(unsigned(n), MAX_BLOCK))?.indexOf(c & 255) ?? -1;
  return at < 0 ? 0 : a + at;
});
kapi('memscan', (k, task, [a, c, n]) => {
  const at = load(k, task, a, Math.min(unsigned(n), MAX_BLOCK))?.indexOf(c & 255) ?? -1;
  return at < 0 ? a + n : a + at;
});
kapi('memchr_inv', (k, task, [a, c, n]) => {
  const at =
    load(k, task, a, Math.min(unsigned(n), MAX_BLOCK))?.findIndex((byte) => byte !== (c & 255)) ?? -1;
  return at < 0 ? 0 : a + at;
});

// ── Strings ────────────────────────────────────────────────────────────────────────────────────────────────────

kapi(
  'strlen',
  withStrings([0], (_k, _task, _a, [s]) => s.length),
);
kapi('strnlen', (k, task, [s, n]) => loadString(k, task, s, Math.min(unsigned(n), MAX_BLOCK))?.length ?? 0);
kapi(
  'strcpy',
  withStrings([1], (k, task, [to], [s]) => (put(k, task, to, s) ? to : 0)),
);
kapi(
  'stpcpy',
  withStrings([1], (k, task, [to], [s]) => (put(k, task, to, s) ? to + s.length : 0)),
);
kapi('strncpy', (k, task, [to, from, n]) => {
  const size = Math.min(unsigned(n), MAX_BLOCK);
  const text = loadString(k, task, from, size);
  if (text === null) return 0;
  const bytes = new Uint8Array(size);
  bytes.set(bytesOf(text));
  return store(k, task, to, bytes) ? to : 0;
});
kapi(
  'strlcpy',
  withStrings([1], (k, task, [to, , n], [s]) => {
    if (unsigned(n) > 0) put(k, task, to, s.slice(0, unsigned(n) - 1));
    return s.length;
  }),
);
const scopy: Handler = (k, task, [to, from, n]) => {
  const size = unsigned(n);
  if (size === 0 || size > 0x7fffffff) return -Errno.E2BIG;
  const text = loadString(k, task, from, size);
  if (text === null) return 0;
  put(k, task, to, text.slice(0, size - 1));
  return text.length < size ? text.length : -Errno.E2BIG;
};
for (const name of ['strscpy', 'sized_strscpy']) kapi(name, scopy);
kapi('strscpy_pad', (k, task, args) => {
  const size = Math.min(unsigned(args[2]), MAX_BLOCK);
  const done = scopy(k, task, args) as number;
  const used = done < 0 ? size : done + 1;
  if (used < size) fillK(k, args[0] + used, size - used, 0);
  return done;
});
kapi(
  'strcat',
  withStrings([0, 1], (k, task, [to], [a, b]) => (put(k, task, to + a.length, b) ? to : 0)),
);
kapi(
  'strncat',
  withStrings([0, 1], (k, task, [to, , n], [a, b]) =>
    put(k, task, to + a.length, b.slice(0, Math.min(unsigned(n), b.length))) ? to : 0,
  ),
);
kapi(
  'strlcat',
  withStrings([0, 1], (k, task, [to, , n], [a, b]) => {
    put(k, task, to + a.length, b.slice(0, Math.max(0, unsigned(n) - a.length - 1)));
    return a.length + b.length;
  }),
);
kapi(
  'strcmp',
  withStrings([0, 1], (_k, _task, _a, [a, b]) => sign(a, b)),
);
kapi(
  'strcasecmp',
  withStrings([0, 1], (_k, _task, _a, [a, b]) => sign(a.toLowerCase(), b.toLowerCase())),
);
const compareSome =
  (fold: boolean): Handler =>
  (k, task, [a, b, n]) => {
    const size = Math.min(unsigned(n), MAX_BLOCK);
    const x = loadString(k, task, a, size);
    const y = x === null ? null : loadString(k, task, b, size);
    if (x === null || y === null) return 0;
    return fold ? sign(x.toLowerCase(), y.toLowerCase()) : sign(x, y);
  };
kapi('strncmp', compareSome(false));
kapi('strncasecmp', compareSome(true));
const find = (s: string, c: number): number => (c & 255 ? s.indexOf(String.fromCharCode(c & 255)) : s.length);
kapi(
  'strchr',
  withStrings([0], (_k, _task, [at, c], [s]) => (find(s, c) < 0 ? 0 : at + find(s, c))),
);
kapi(
  'strchrnul',
  withStrings([0], (_k, _task, [at, c], [s]) => at + (find(s, c) < 0 ? s.length : find(s, c))),
);
kapi(
  'strrchr',
  withStrings([0], (_k, _task, [at, c], [s]) => {
    const i = (c & 255) === 0 ? s.length : s.lastIndexOf(String.fromCharCode(c & 255));
    return i < 0 ? 0 : at + i;
  }),
);
kapi('strnchr', (k, task, [at, n, c]) => {
  const s = loadString(k, task, at, Math.min(unsigned(n), MAX_BLOCK));
  return s === null || find(s, c) < 0 || find(s, c) >= unsigned(n) ? 0 : at + find(s, c);
});
kapi(
  'strstr',
  withStrings([0, 1], (_k, _task, [at], [a, b]) => (a.includes(b) ? at + a.indexOf(b) : 0)),
);
kapi(
  'strnstr',
  withStrings([0, 1], (_k, _task, [at, , n], [a, b]) => {
    const i = a.slice(0, Math.min(unsigned(n), a.length)).indexOf(b);
    return i < 0 ? 0 : at + i;
  }),
);
const span = (s: string, of: string, inside: boolean): number => {
  let i = 0;
  while (i < s.length && of.includes(s[i]) === inside) i++;
  return i;
};
kapi(
  'strspn',
  withStrings([0, 1], (_k, _task, _a, [s, of]) => span(s, of, true)),
);
kapi(
  'strcspn',
  withStrings([0, 1], (_k, _task, _a, [s, of]) => span(s, of, false)),
);
kapi(
  'strpbrk',
  withStrings([0, 1], (_k, _task, [at], [s, of]) => {
    const i = span(s, of, false);
    return i === s.length ? 0 : at + i;
  }),
);
export const SPACES = ' \t\n\v\f\r\xa0';
kapi(
  'skip_spaces',
  withStrings([0], (_k, _task, [at], [s]) => at + span(s, SPACES, true)),
);
kapi(
  'strim',
  withStrings([0], (k, _task, [at], [s]) => {
    let end = s.length;
    while (end > 0 && SPACES.includes(s[end - 1])) end--;
    if (end < s.length) writeK8(k, at + end, 0);
    return at + span(s.slice(0, end), SPACES, true);
  }),
);
kapi('strsep', (k, task, [place, delimiters]) => {
  const at = readK64(k, place);
  if (at === null) return load(k, task, place, 8) ? 0 : 0;
  if (at === 0) return 0;
  const s = loadString(k, task, at);
  const of = s === null ? null : loadString(k, task, delimiters);
  if (s === null || of === null) return 0;
  const i = span(s, of, false);
  if (i < s.length) store(k, task, at + i, Uint8Array.of(0));
  writeK64(k, place, i < s.length ? at + i + 1 : 0);
  return at;
});
kapi(
  'strreplace',
  withStrings([0], (k, task, [at, from, to], [s]) => {
    const made = s.replaceAll(String.fromCharCode(from & 255), String.fromCharCode(to & 255));
    if (made !== s) put(k, task, at, made);
    return at;
  }),
);
kapi(
  'sysfs_streq',
  withStrings([0, 1], (_k, _task, _a, [a, b]) => Number(a.replace(/\n$/, '') === b.replace(/\n$/, ''))),
);
kapi('match_string', (k, task, [array, n, text]) => {
  const wanted = loadString(k, task, text);
  for (let i = 0; wanted !== null && i < Math.min(unsigned(n), 4096); i++) {
    const item = readK64(k, array + 8 * i);
    if (!item) break;
    if (loadString(k, task, item) === wanted) return i;
  }
  return -Errno.EINVAL;
});

// ── Numbers ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Digits of `base` (0: by prefix) at the beginning of a text; null when there are none. */
export function digits(text: string, base: number): { value: bigint; used: number } | null {
  let from = 0;
  let radix = base;
  if (radix === 0) radix = /^0[xX][0-9a-fA-F]/.test(text) ? 16 : text[0] === '0' ? 8 : 10;
  if (radix === 16 && /^0[xX]/.test(text)) from = 2;
  let at = from;
  let value = 0n;
  for (; at < text.length && at < 128; at++) {
    const digit = Number.parseInt(text[at], 36);
    if (!(digit < radix)) break;
    value = value * BigInt(radix) + BigInt(digit);
  }
  return at === from ? null : { value, used: at };
}

/** kstrtoull and kstrtoll: the whole text but one newline, or -EINVAL, -ERANGE. */
export function kstrto(text: string, base: number, bits: number, isSigned: boolean): bigint | number {
  let rest = text;
  let negative = false;
  if (isSigned && rest[0] === '-') {
    negative = true;
    rest = rest.slice(1);
  } else if (rest[0] === '+') rest = rest.slice(1);
  const found = digits(rest, base);
  if (!found) return -Errno.EINVAL;
  const tail = rest.slice(found.used);
  if (found.value >= 1n << 64n) return -Errno.ERANGE;
  if (tail !== '' && tail !== '\n') return -Errno.EINVAL;
  const value = negative ? -found.value : found.value;
  const fits = isSigned ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
  return fits ? value : -Errno.ERANGE;
}

function result(k: Kernel, task: Task, value: bigint | number, bits: number, at: number): number {
  if (typeof value === 'number') return value;
  const bytes = new Uint8Array(bits / 8);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn);
  store(k, task, at, bytes);
  return 0;
}

const kinds: readonly (readonly [string, number, boolean])[] = [
  ['ull', 64, false],
  ['ll', 64, true],
  ['ul', 64, false],
  ['l', 64, true],
  ['uint', 32, false],
  ['int', 32, true],
  ['u16', 16, false],
  ['s16', 16, true],
  ['u8', 8, false],
  ['s8', 8, true],
  ['u64', 64, false],
  ['s64', 64, true],
  ['u32', 32, false],
  ['s32', 32, true],
];
for (const [name, bits, isSigned] of kinds) {
  for (const full of [`kstrto${name}`, `_kstrto${name}`])
    kapi(
      full,
      withStrings([0], (k, task, [, base, out], [s]) =>
        result(k, task, kstrto(s, uint(base), bits, isSigned), bits, out),
      ),
    );
  kapi(`kstrto${name}_from_user`, (k, task, [from, count, base, out]) => {
    const s = userNumber(k, task, from, count);
    return s === null ? -Errno.EFAULT : result(k, task, kstrto(s, uint(base), bits, isSigned), bits, out);
  });
}

/** kstrtobool: y, Y, t, T, 1, on; n, N, f, F, 0, off. */
export function parseBool(s: string): boolean | null {
  if (/^([yYtT1]|[oO][nN])/.test(s)) return true;
  return /^([nNfF0]|[oO][fF])/.test(s) ? false : null;
}
function bool(k: Kernel, task: Task, s: string, at: number): number {
  const value = parseBool(s);
  if (value === null) return -Errno.EINVAL;
  store(k, task, at, Uint8Array.of(Number(value)));
  return 0;
}
for (const name of ['kstrtobool', 'strtobool'])
  kapi(name, (k, task, [at, out]) => {
    if (at === 0) return -Errno.EINVAL;
    const s = loadString(k, task, at);
    return s === null ? 0 : bool(k, task, s, out);
  });
kapi('kstrtobool_from_user', (k, task, [from, count, out]) => {
  const s = userNumber(k, task, from, Math.min(unsigned(count), 3));
  return s === null ? -Errno.EFAULT : bool(k, task, s, out);
});

for (const [name, isSigned] of [
  ['simple_strtoul', false],
  ['simple_strtol', true],
  ['simple_strtoull', false],
  ['simple_strtoll', true],
] as const)
  kapi(
    name,
    withStrings([0], (k, task, [at, end, base], [s]) => {
      const negative = isSigned && s[0] === '-';
      const found = digits(negative ? s.slice(1) : s, uint(base));
      if (end !== 0) writeK64(k, end, at + (found ? found.used + (negative ? 1 : 0) : 0));
      const value = BigInt.asIntN(64, found?.value ?? 0n);
      return wide(task, negative ? -value : value);
    }),
  );
kapi(
  'memparse',
  withStrings([0], (k, task, [at, end], [s]) => {
    const found = digits(s, 0);
    const used = found?.used ?? 0;
    const power = 'KMGTPE'.indexOf((s[used] ?? '').toUpperCase() || '-');
    if (end !== 0) writeK64(k, end, at + used + (power >= 0 ? 1 : 0));
    return wide(task, (found?.value ?? 0n) << BigInt(power >= 0 ? 10 * (power + 1) : 0));
  }),
);
kapi('hex_to_bin', (_k, _task, [c]) => {
  const value = Number.parseInt(String.fromCharCode(c & 255), 16);
  return Number.isNaN(value) ? -1 : value;
});
kapi('hex2bin', (k, task, [to, from, n]) => {
  const s = loadString(k, task, from, 2 * Math.min(unsigned(n), 65536));
  if (s === null) return 0;
  if (!/^[0-9a-fA-F]*$/.test(s) || s.length < 2 * unsigned(n)) return -Errno.EINVAL;
  store(
    k,
    task,
    to,
    Uint8Array.from(s.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
  );
  return 0;
});
kapi('bin2hex', (k, task, [to, from, n]) => {
  const bytes = load(k, task, from, Math.min(unsigned(n), 65536));
  if (!bytes) return 0;
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return store(k, task, to, bytesOf(text)) ? to + text.length : 0;
});
kapi('get_option', (k, task, [place, out]) => {
  const at = readK64(k, place) ?? 0;
  const s = at === 0 ? null : loadString(k, task, at);
  const match = s === null ? null : /^-?(0[xX][0-9a-fA-F]+|\d+)/.exec(s);
  if (!match || s === null) return 0;
  writeK32(k, out, Number(match[0]) | 0);
  const next = s[match[0].length];
  writeK64(k, place, at + match[0].length + (next === ',' ? 1 : 0));
  return next === ',' ? 2 : next === '-' ? 3 : 1;
});
