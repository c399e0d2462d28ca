/**
 * Entries of /proc/sys that modules make (kernel/sysctl.c, fs/proc/proc_sysctl.c). Always true: a file calls the handler of its struct
 * ctl_table, which may be one of ours; old kernels hand it the user's buffer, new ones a copy.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { sizeOf } from '../abi/structs/index.ts';
import { addDynamic, defineKernfsHandler, removeDynamic } from '../fs/kernfs-dynamic.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { readK, readK64, readKInt, writeK, writeK32, writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, getField, int, loadString, since, uint } from './access.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { bytesFromUser, bytesToUser } from './uaccess.ts';

const MAX_ENTRIES = 256;
const MAX_DEPTH = 8;
/** Directories of /proc/sys that are always there. */
const STANDING = new Set(['abi', 'debug', 'dev', 'fs', 'kernel', 'net', 'user', 'vm']);
const PAGE = 4096;

/** Adds the entries of a table below `names`; what was made goes to `made`. 0 or -errno. */
function addTable(
  k: Kernel,
  task: Task,
  names: readonly string[],
  table: Vaddr,
  count: number,
  made: string[][],
): number {
  for (let depth = 1; depth <= names.length; depth++) {
    if (depth === 1 && STANDING.has(names[0])) continue;
    const dir = ['sys', ...names.slice(0, depth)];
    if (addDynamic(k, 'proc', dir, { type: 'dir', mode: 0o555 }) === 0) made.push(dir);
  }
  for (let i = 0; i < count; i++) {
    const entry = table + i * sizeOf('ctl_table');
    const at = getField(k, 'ctl_table', entry, 'procname') ?? 0;
    if (at === 0) break;
    const name = loadString(k, task, at, 64);
    if (name === null) return -Errno.EINVAL;
    const child = getField(k, 'ctl_table', entry, 'child') ?? 0;
    if (child !== 0) {
      if (names.length >= MAX_DEPTH) return -Errno.EINVAL;
      const failed = addTable(k, task, [...names, name], child, MAX_ENTRIES, made);
      if (failed < 0) return failed;
      continue;
    }
    const mode = (getField(k, 'ctl_table', entry, 'mode') ?? 0) & 0o777;
    const path = ['sys', ...names, name];
    const node = { type: 'file' as const, mode, handler: 'module.sysctl', data: { entry } };
    const failed = addDynamic(k, 'proc', path, node);
    if (failed < 0) return failed;
    made.push(path);
  }
  return 0;
}
function register(k: Kernel, task: Task, path: string, table: Vaddr, count: number): number {
  const made: string[][] = [];
  const names = path.split('/').filter((name) => name !== '');
  if (names.length > MAX_DEPTH) return 0;
  const failed = addTable(k, task, names, table, count, made);
  const handle = failed < 0 ? 0 : kmalloc(k, task, 64);
  if (handle === 0) for (const each of made.reverse()) removeDynamic(k, 'proc', each);
  else kapiRoom(k).sysctls.set(handle, made);
  return handle;
}
kapi('register_sysctl', (k, task, [path, table]) => {
  const text = loadString(k, task, path, 256);
  return text === null ? 0 : register(k, task, text, table, MAX_ENTRIES);
});
kapi('register_sysctl_sz', (k, task, [path, table, count]) => {
  const text = loadString(k, task, path, 256);
  return text === null ? 0 : register(k, task, text, table, Math.min(uint(count), MAX_ENTRIES));
});
kapi('register_sysctl_table', (k, task, [table]) => register(k, task, '', table, MAX_ENTRIES));
kapi('unregister_sysctl_table', (k, task, [handle]) => {
  const made = kapiRoom(k).sysctls.get(handle);
  if (!made) return 0;
  kapiRoom(k).sysctls.delete(handle);
  for (const names of made.reverse()) removeDynamic(k, 'proc', names);
  kfree(k, task, handle);
  return 0;
});

// ── The files ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Move {
  file: File;
  io: IoBuf;
  /** A page of text, then lenp and ppos. */
  page: Vaddr;
  user: boolean;
  write: boolean;
}
const LENP = PAGE;
const PPOS = PAGE + 8;

function move(k: Kernel, task: Task, file: File, io: IoBuf, write: boolean): Outcome {
  const { entry } = (file.data as { data: { entry: Vaddr } }).data;
  const handler = getField(k, 'ctl_table', entry, 'proc_handler') ?? 0;
  if (handler === 0) return -Errno.EINVAL;
  const user = !since(k, 5, 8);
  const count = Math.min(io.length - io.done, PAGE - 1);
  const page = kmalloc(k, task, PAGE + 16);
  if (page === 0) return -Errno.ENOMEM;
  if (write && !user) {
    const bytes = copyFromIo(k, task, io, count);
    if (typeof bytes === 'number') {
      kfree(k, task, page);
      return bytes;
    }
    writeK(k, page, bytes);
  }
  writeK64(k, page + LENP, count);
  writeK64(k, page + PPOS, file.pos);
  const buffer = user ? (io.segments[0]?.base ?? 0) : page;
  return call(handler, [entry, write ? 1 : 0, buffer, page + LENP, page + PPOS], {
    step: 'sysctl.moved',
    state: { file, io, page, user, write } satisfies Move,
  });
}
defineStep('sysctl.moved', (k, task, { file, io, page, user, write }: Move, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : -Errno.EINTR;
  const count = Math.max(0, Math.min(readK64(k, page + LENP) ?? 0, PAGE));
  const pos = readK64(k, page + PPOS) ?? file.pos;
  const bytes = !write && !user ? readK(k, page, count) : null;
  kfree(k, task, page);
  if (result < 0) return result;
  file.pos = pos;
  return bytes ? copyToIo(k, task, io, bytes) : count;
});
defineKernfsHandler('module.sysctl', { kind: 'module.sysctl' });
defineFileOps('module.sysctl', {
  seekable: true,
  read: (k, task, file, io) => move(k, task, file, io, false),
  write: (k, task, file, io) => move(k, task, file, io, true),
});

// ── Handlers ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The text that is written, or null. */
function written(k: Kernel, task: Task, buffer: Vaddr, lenp: Vaddr): string | null {
  const length = Math.min(readK64(k, lenp) ?? 0, PAGE);
  const bytes = buffer >= 0 ? bytesFromUser(k, task, buffer, length) : readK(k, buffer, length);
  return bytes ? String.fromCharCode(...bytes) : null;
}
/** Hands out a text once: a read at another place than the beginning finds nothing. */
function shown(k: Kernel, task: Task, text: string, buffer: Vaddr, lenp: Vaddr, ppos: Vaddr): number {
  const at = readK64(k, ppos) ?? 0;
  const bytes = at > 0 ? new Uint8Array(0) : bytesOf(text.slice(0, readK64(k, lenp) ?? 0));
  if (buffer >= 0 ? bytesToUser(k, task, buffer, bytes) > 0 : !writeK(k, buffer, bytes)) return -Errno.EFAULT;
  writeK64(k, lenp, bytes.length);
  writeK64(k, ppos, at + bytes.length);
  return 0;
}

/** proc_dointvec: integers with blanks between; with limits when `bounded`. */
const integers =
  (bounded: boolean) =>
  (k: Kernel, task: Task, [table, write, buffer, lenp, ppos]: readonly number[]): number => {
    const data = getField(k, 'ctl_table', table, 'data') ?? 0;
    const count = Math.min(Math.floor(uint(getField(k, 'ctl_table', table, 'maxlen') ?? 0) / 4), 256);
    if (int(write) === 0) {
      const values = Array.from({ length: count }, (_, i) => readKInt(k, data + 4 * i) ?? 0);
      return shown(k, task, `${values.join('\t')}\n`, buffer, lenp, ppos);
    }
    const text = written(k, task, buffer, lenp);
    if (text === null) return -Errno.EFAULT;
    const words = text.split(/[\s\0]+/).filter((word) => word !== '');
    if (words.length === 0) return -Errno.EINVAL;
    const limit = (name: string, none: number): number => {
      const at = bounded ? (getField(k, 'ctl_table', table, name) ?? 0) : 0;
      return at === 0 ? none : (readKInt(k, at) ?? none);
    };
    for (const [i, word] of words.slice(0, count).entries()) {
      const value = /^-?(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word.replace(/^-/, '')) : Number.NaN;
      const signed = word.startsWith('-') ? -value : value;
      const inRange = signed >= limit('extra1', -(2 ** 31)) && signed <= limit('extra2', 2 ** 31 - 1);
      if (!inRange) return -Errno.EINVAL;
      writeK32(k, data + 4 * i, signed);
    }
    writeK64(k, ppos, (readK64(k, ppos) ?? 0) + (readK64(k, lenp) ?? 0));
    return 0;
  };
kapi('proc_dointvec', integers(false));
kapi('proc_dointvec_minmax', integers(true));
kapi('proc_dostring', (k, task, [table, write, buffer, lenp, ppos]) => {
  const data = getField(k, 'ctl_table', table, 'data') ?? 0;
  const room = uint(getField(k, 'ctl_table', table, 'maxlen') ?? 0);
  if (data === 0 || room === 0) return writeK64(k, lenp, 0) ? 0 : -Errno.EFAULT;
  if (int(write) === 0) {
    const text = loadString(k, task, data, room);
    return text === null ? 0 : shown(k, task, `${text}\n`, buffer, lenp, ppos);
  }
  const text = written(k, task, buffer, lenp);
  if (text === null) return -Errno.EFAULT;
  const line = text.split(/[\n\0]/, 1)[0].slice(0, room - 1);
  if (!writeK(k, data, bytesOf(`${line}\0`))) return -Errno.EFAULT;
  writeK64(k, ppos, (readK64(k, ppos) ?? 0) + (readK64(k, lenp) ?? 0));
  return 0;
});
