/** printk and its relatives, and the sprintf family (kernel/printk, lib/vsprintf.c, lib/hexdump.c, lib/ratelimit.c). */
import type { Kernel } from '../kernel.ts';
import { readK32, readK64, writeK32, writeK64 } from '../module/kmem.ts';
import { Level, printk, printkRatelimit, printkText } from '../printk/index.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, fieldAddress, getField, load, loadString, store, uint, unsigned } from './access.ts';
import { kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { dumpStack } from './report.ts';
import { callArgs, format, listArgs, type VarArgs } from './vsprintf.ts';

/** Formats with the format at `fmt`; null after an oops. */
function text(k: Kernel, task: Task, fmt: number, args: VarArgs): string | null {
  const pattern = loadString(k, task, fmt, 65536);
  return pattern === null ? null : format(k, task, pattern, args);
}

/** The most that one printk carries (LOGBUF_LINE_MAX). */
const MAX_LINE = 1024;

function emit(k: Kernel, task: Task, fmt: number, args: VarArgs): number {
  const made = text(k, task, fmt, args);
  if (made === null) return 0;
  const line = made.slice(0, MAX_LINE - 1);
  k.sched.kernelWork += 200 + line.length;
  printkText(k, line);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: KERN_SOH
  return line.replace(/^(\x01.)+/, '').replace(/\n$/, '').length;
}

for (const name of ['printk', '_printk', 'printk_deferred', '_printk_deferred', 'early_printk'])
  kapi(name, (k, task, [fmt]) => emit(k, task, fmt, callArgs(k, 1)));
kapi('vprintk', (k, task, [fmt, list]) => emit(k, task, fmt, listArgs(k, list)));
kapi('vprintk_emit', (k, task, args) => {
  const made = text(k, task, args[3], listArgs(k, args[4]));
  if (made !== null) printkText(k, args[1] >= 0 ? `\x01${uint(args[1]) & 7}${made}` : made);
  return made?.length ?? 0;
});
kapi('no_printk', () => 0);

/** dev_printk and its levels: the driver, bus or class and the device's name come first. */
function deviceLine(k: Kernel, task: Task, level: number, device: number, body: string): void {
  let prefix = '(NULL device *): ';
  if (device !== 0) {
    const nameAt =
      getField(k, 'device', device, 'kobj.name') || getField(k, 'device', device, 'init_name') || 0;
    const name = nameAt === 0 ? '(null)' : (loadString(k, task, nameAt, 256) ?? '');
    let of = '';
    for (const [field, type] of [
      ['driver', 'device_driver'],
      ['bus', 'bus_type'],
      ['class', 'class'],
    ] as const) {
      const owner = getField(k, 'device', device, field);
      if (!owner) continue;
      of = loadString(k, task, getField(k, type, owner, 'name') ?? 0, 256) ?? '';
      break;
    }
    prefix = `${of} ${name}: `;
  }
  printkText(k, `\x01${level}${prefix}${body}`);
}

const deviceLevels = { emerg: 0, alert: 1, crit: 2, err: 3, warn: 4, notice: 5, info: 6 } as const;
for (const [word, level] of Object.entries(deviceLevels))
  for (const name of [`dev_${word}`, `_dev_${word}`])
    kapi(name, (k, task, [device, fmt]) => {
      const made = text(k, task, fmt, callArgs(k, 2));
      if (made !== null) deviceLine(k, task, level, device, made);
      return 0;
    });
for (const name of ['dev_printk', '_dev_printk'])
  kapi(name, (k, task, [level, device, fmt]) => {
    const prefix = loadString(k, task, level, 8);
    if (prefix === null) return 0;
    const made = text(k, task, fmt, callArgs(k, 3));
    if (made !== null) deviceLine(k, task, Number(prefix[1] ?? 6) || 0, device, made);
    return 0;
  });

for (const name of ['__printk_ratelimit', 'printk_ratelimit'])
  kapi(name, (k, task, [caller]) => {
    const who = name === 'printk_ratelimit' ? 'printk_ratelimit' : loadString(k, task, caller, 128);
    return who === null ? 0 : Number(printkRatelimit(k, who));
  });

/** ___ratelimit on a module's own struct ratelimit_state: at most `burst` in `interval` jiffies. */
kapi('___ratelimit', (k, task, [state, caller]) => {
  const at = (field: string): number => fieldAddress('ratelimit_state', state, field);
  const interval = readK32(k, at('interval'));
  const burst = readK32(k, at('burst'));
  if (interval === null || burst === null) return load(k, task, state, 8) ? 0 : 0;
  if (interval === 0) return 1;
  const jiffies = Math.floor(k.time.nowNs / 4e6) + 1;
  const begin = readK64(k, at('begin')) ?? 0;
  let printed = readK32(k, at('printed')) ?? 0;
  if (begin === 0 || jiffies > begin + interval) {
    const missed = readK32(k, at('missed')) ?? 0;
    if (begin !== 0 && missed > 0)
      printk(k, Level.WARNING, `${loadString(k, task, caller, 128) ?? ''}: ${missed} callbacks suppressed`);
    writeK64(k, at('begin'), jiffies);
    writeK32(k, at('missed'), 0);
    printed = 0;
  }
  if (printed < burst) {
    writeK32(k, at('printed'), printed + 1);
    return 1;
  }
  writeK32(k, at('printed'), printed);
  writeK32(k, at('missed'), (readK32(k, at('missed')) ?? 0) + 1);
  return 0;
});

kapi('dump_stack', (k, task) => {
  dumpStack(k, task, [
    'dump_backtrace+0x28/0x30',
    'show_stack+0x38/0x44',
    'dump_stack_lvl+0x5a/0x7c',
    'dump_stack+0x18/0x20',
  ]);
  return 0;
});

// ── Into memory ────────────────────────────────────────────────────────────────────────────────────────────────

/** Writes a text as snprintf does; answers its whole length, or with `actual` what was written. */
function put(k: Kernel, task: Task, buf: number, size: number, made: string | null, actual: boolean): number {
  if (made === null) return 0;
  k.sched.kernelWork += 100 + made.length;
  const room = unsigned(size);
  if (room > 0) {
    const kept = made.slice(0, Math.min(room - 1, made.length));
    if (!store(k, task, buf, bytesOf(`${kept}\0`))) return 0;
    return actual ? kept.length : made.length;
  }
  return actual ? 0 : made.length;
}

const INT_MAX = 0x7fffffff;
kapi('sprintf', (k, task, [buf, fmt]) =>
  put(k, task, buf, INT_MAX, text(k, task, fmt, callArgs(k, 2)), false),
);
kapi('snprintf', (k, task, [buf, size, fmt]) =>
  put(k, task, buf, size, text(k, task, fmt, callArgs(k, 3)), false),
);
kapi('scnprintf', (k, task, [buf, size, fmt]) =>
  put(k, task, buf, size, text(k, task, fmt, callArgs(k, 3)), true),
);
kapi('vsprintf', (k, task, [buf, fmt, list]) =>
  put(k, task, buf, INT_MAX, text(k, task, fmt, listArgs(k, list)), false),
);
kapi('vsnprintf', (k, task, [buf, size, fmt, list]) =>
  put(k, task, buf, size, text(k, task, fmt, listArgs(k, list)), false),
);
kapi('vscnprintf', (k, task, [buf, size, fmt, list]) =>
  put(k, task, buf, size, text(k, task, fmt, listArgs(k, list)), true),
);

function duplicate(k: Kernel, task: Task, made: string | null): number {
  if (made === null) return 0;
  const at = kmalloc(k, task, made.length + 1);
  if (at !== 0) store(k, task, at, bytesOf(`${made}\0`));
  return at;
}
kapi('kasprintf', (k, task, [, fmt]) => duplicate(k, task, text(k, task, fmt, callArgs(k, 2))));
kapi('kvasprintf', (k, task, [, fmt, list]) => duplicate(k, task, text(k, task, fmt, listArgs(k, list))));

/** sysfs_emit: a page at most; sysfs_emit_at begins in the middle of one. */
kapi('sysfs_emit', (k, task, [buf, fmt]) =>
  put(k, task, buf, 4096, text(k, task, fmt, callArgs(k, 2)), true),
);
kapi('sysfs_emit_at', (k, task, [buf, at, fmt]) =>
  put(k, task, buf + at, 4096 - at, text(k, task, fmt, callArgs(k, 3)), true),
);

// ── Hex dumps ──────────────────────────────────────────────────────────────────────────────────────────────────

function hexLine(bytes: Uint8Array, perRow: number, group: number, ascii: boolean): string {
  const size = [2, 4, 8].includes(group) && bytes.length % group === 0 ? group : 1;
  const words: string[] = [];
  for (let i = 0; i < bytes.length; i += size)
    words.push(
      [...bytes.subarray(i, i + size)]
        .reverse()
        .map((byte) => byte.toString(16).padStart(2, '0'))
        .join(''),
    );
  const line = words.join(' ');
  if (!ascii) return line;
  const letters = [...bytes]
    .map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.'))
    .join('');
  return `${line.padEnd((perRow / size) * (size * 2 + 1) + 1)}${letters}`;
}

/** print_hex_dump(level, prefix_str, prefix_type, rowsize, groupsize, buf, len, ascii): ascii is on the stack of nobody, in a7. */
kapi('print_hex_dump', (k, task, [level, prefix, type, row, group, buf, length, ascii]) => {
  const lead = loadString(k, task, level, 8);
  const name = lead === null ? null : loadString(k, task, prefix, 256);
  if (lead === null || name === null) return 0;
  const bytes = load(k, task, buf, Math.min(unsigned(length), 1 << 16));
  if (!bytes) return 0;
  const perRow = row === 32 ? 32 : 16;
  for (let at = 0; at < bytes.length; at += perRow) {
    const line = hexLine(bytes.subarray(at, at + perRow), perRow, group, (ascii & 1) !== 0);
    const where =
      type === 1
        ? `${BigInt.asUintN(64, BigInt(buf + at))
            .toString(16)
            .padStart(16, '0')}: `
        : type === 2
          ? `${at.toString(16).padStart(8, '0')}: `
          : '';
    printkText(k, `${lead}${name}${where}${line}\n`);
  }
  return 0;
});
kapi('hex_dump_to_buffer', (k, task, [buf, length, row, group, out, room, ascii]) => {
  const perRow = row === 32 ? 32 : 16;
  const bytes = load(k, task, buf, Math.min(unsigned(length), perRow));
  return bytes ? put(k, task, out, room, hexLine(bytes, perRow, group, (ascii & 1) !== 0), false) : 0;
});
