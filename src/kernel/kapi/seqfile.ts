/**
 * seq_file (fs/seq_file.c). Always true: struct seq_file and its buffer are in guest memory, as show functions may look at them; the
 * order of start, show, next and stop is Linux's; a record that does not fit makes the buffer twice as large and begins again.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, writeK, writeK64 } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import {
  bytesOf,
  fieldAddress,
  getField,
  isError,
  load,
  loadString,
  pointerField,
  setField,
  sizeOf,
  unsigned,
} from './access.ts';
import { dropFilp, moduleFile, stackScratch } from './filp.ts';
import { KMALLOC_MAX_SIZE, kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { toUser } from './uaccess.ts';
import { callArgs, format, listArgs } from './vsprintf.ts';

const get = (k: Kernel, m: Vaddr, name: string): number => getField(k, 'seq_file', m, name) ?? 0;
const set = (k: Kernel, m: Vaddr, name: string, value: number): boolean =>
  setField(k, 'seq_file', m, name, value);

// ── Opening and closing ────────────────────────────────────────────────────────────────────────────────────────

function create(k: Kernel, task: Task, filp: Vaddr, op: Vaddr): Vaddr {
  const m = kmalloc(k, task, sizeOf('seq_file'));
  if (m === 0) return 0;
  set(k, m, 'op', op);
  set(k, m, 'file', filp);
  setField(k, 'file', filp, 'private_data', m);
  return m;
}

/** seq_open, with room for private state when `stateSize` is not 0. 0 or -errno. */
export function openSeq(k: Kernel, task: Task, filp: Vaddr, op: Vaddr, stateSize: number): number {
  const m = create(k, task, filp, op);
  if (m === 0) return -Errno.ENOMEM;
  if (stateSize > 0) {
    const state = kmalloc(k, task, stateSize);
    if (state === 0) return -Errno.ENOMEM;
    set(k, m, 'private', state);
  }
  return 0;
}

/** single_open. */
export function openSingle(k: Kernel, task: Task, filp: Vaddr, show: Vaddr, data: Vaddr): number {
  const m = create(k, task, filp, 0);
  if (m === 0) return -Errno.ENOMEM;
  set(k, m, 'private', data);
  kapiRoom(k).seqs.set(m, { single: true, show });
  return 0;
}

function destroy(k: Kernel, task: Task, filp: Vaddr, withPrivate: boolean): number {
  const m = getField(k, 'file', filp, 'private_data') ?? 0;
  if (m === 0) return 0;
  kapiRoom(k).seqs.delete(m);
  if (withPrivate) kfree(k, task, get(k, m, 'private'));
  kfree(k, task, get(k, m, 'buf'));
  kfree(k, task, m);
  setField(k, 'file', filp, 'private_data', 0);
  return 0;
}

kapi('seq_open', (k, task, [filp, op]) => openSeq(k, task, filp, op, 0));
kapi('seq_open_private', (k, task, [filp, op, size]) => openSeq(k, task, filp, op, size));
kapi('__seq_open_private', (k, task, [filp, op, size]) => {
  if (openSeq(k, task, filp, op, Math.max(1, size)) < 0) return 0;
  return get(k, getField(k, 'file', filp, 'private_data') ?? 0, 'private');
});
kapi('seq_release', (k, task, [, filp]) => destroy(k, task, filp, false));
kapi('seq_release_private', (k, task, [, filp]) => destroy(k, task, filp, true));
kapi('single_open', (k, task, [filp, show, data]) => openSingle(k, task, filp, show, data));
kapi('single_open_size', (k, task, [filp, show, data]) => openSingle(k, task, filp, show, data));
kapi('single_release', (k, task, [, filp]) => destroy(k, task, filp, false));

// ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Walk {
  m: Vaddr;
  buf: Vaddr;
  size: number;
  ppos: Vaddr;
  pos: number;
  copied: number;
  /** Where the walk is: what the module's function that runs now is for. */
  stage: 'start' | 'show' | 'next' | 'stop' | 'fill.next' | 'fill.show' | 'fill.stop';
  /** The iterator's present value. */
  p: number;
  /** Bytes before the record that is being made. */
  offset: number;
  /** Bytes to skip after a seek, by making them again. */
  skip: number;
  error: number;
}

function start(k: Kernel, task: Task, m: Vaddr, buf: Vaddr, size: number, ppos: Vaddr): Outcome {
  const pos = readK64(k, ppos);
  if (pos === null || !load(k, task, m, 8)) return 0;
  if (get(k, m, 'buf') === 0) {
    const page = kmalloc(k, task, 4096);
    if (page === 0) return -Errno.ENOMEM;
    set(k, m, 'buf', page);
    set(k, m, 'size', 4096);
  }
  const walk: Walk = {
    m,
    buf,
    size,
    ppos,
    pos,
    copied: 0,
    stage: 'start',
    p: 0,
    offset: 0,
    skip: 0,
    error: 0,
  };
  if (pos === 0 || get(k, m, 'read_pos') !== pos) {
    set(k, m, 'index', 0);
    set(k, m, 'count', 0);
    set(k, m, 'from', 0);
    set(k, m, 'read_pos', 0);
    walk.skip = pos;
  }
  const left = get(k, m, 'count');
  if (left > 0) {
    const n = Math.min(left, size);
    const failed = toUser(k, task, buf, get(k, m, 'buf') + get(k, m, 'from'), n);
    if (failed > 0) return -Errno.EFAULT;
    set(k, m, 'count', left - n);
    set(k, m, 'from', get(k, m, 'from') + n);
    walk.copied = n;
    walk.size -= n;
    if (walk.size === 0) return done(k, walk);
  }
  set(k, m, 'from', 0);
  return begin(k, task, walk);
}

function done(k: Kernel, walk: Walk): number {
  const { m, ppos, pos, copied, error } = walk;
  if (copied === 0) return error;
  writeK64(k, ppos, pos + copied);
  set(k, m, 'read_pos', pos + copied);
  return copied;
}

const single = (k: Kernel, m: Vaddr) => kapiRoom(k).seqs.get(m);

/** Calls one of the module's functions, and goes on with what it answered. */
function enter(
  k: Kernel,
  task: Task,
  walk: Walk,
  stage: Walk['stage'],
  name: 'start' | 'show' | 'next' | 'stop',
): Outcome {
  walk.stage = stage;
  const { m } = walk;
  const one = single(k, m);
  if (one) {
    if (name === 'start') return advance(k, task, walk, get(k, m, 'index') === 0 ? 1 : 0);
    if (name === 'next') {
      set(k, m, 'index', get(k, m, 'index') + 1);
      return advance(k, task, walk, 0);
    }
    if (name === 'stop') return advance(k, task, walk, 0);
    return call(one.show, [m, 1], { step: 'seq.called', state: walk });
  }
  const entry = pointerField(k, task, 'seq_operations', get(k, m, 'op'), name);
  if (entry === null) return 0;
  const index = fieldAddress('seq_file', m, 'index');
  const args = name === 'start' ? [m, index] : name === 'next' ? [m, walk.p, index] : [m, walk.p];
  return call(entry, args, { step: 'seq.called', state: walk });
}
defineStep('seq.called', (k, task, walk: Walk, entry) =>
  entry.by === 'result' ? advance(k, task, walk, entry.value) : -Errno.EINTR,
);

const begin = (k: Kernel, task: Task, walk: Walk): Outcome => enter(k, task, walk, 'start', 'start');

/** Ends the records of this read: stop, then the bytes go to the user. */
const finish = (k: Kernel, task: Task, walk: Walk): Outcome => enter(k, task, walk, 'fill.stop', 'stop');

function advance(k: Kernel, task: Task, walk: Walk, value: number): Outcome {
  const { m } = walk;
  k.sched.kernelWork += 20;
  switch (walk.stage) {
    case 'start':
    case 'next':
      walk.p = value;
      if (value === 0 || isError(value)) {
        walk.error = value;
        return enter(k, task, walk, 'stop', 'stop');
      }
      return enter(k, task, walk, 'show', 'show');
    case 'show': {
      const result = Number(BigInt.asIntN(32, BigInt(value)));
      if (result < 0) {
        walk.error = result;
        set(k, m, 'count', 0);
        return enter(k, task, walk, 'stop', 'stop');
      }
      if (result > 0) set(k, m, 'count', 0);
      const count = get(k, m, 'count');
      const size = get(k, m, 'size');
      if (count === size && count > 0) return grow(k, task, walk);
      if (count > 0 && walk.skip >= count) {
        walk.skip -= count;
        set(k, m, 'count', 0);
        return enter(k, task, walk, 'next', 'next');
      }
      if (count === 0) return enter(k, task, walk, 'next', 'next');
      return fill(k, task, walk);
    }
    case 'stop':
      set(k, m, 'count', 0);
      return done(k, walk);
    case 'fill.next':
      walk.p = value;
      if (value === 0 || isError(value)) return finish(k, task, walk);
      // The iterator stands on the next record, which the next read will show.
      if (walk.offset - walk.skip >= walk.size) return finish(k, task, walk);
      return enter(k, task, walk, 'fill.show', 'show');
    case 'fill.show': {
      const result = Number(BigInt.asIntN(32, BigInt(value)));
      if (get(k, m, 'count') === get(k, m, 'size') || result !== 0) {
        set(k, m, 'count', walk.offset);
        if (result <= 0) return finish(k, task, walk);
      }
      return fill(k, task, walk);
    }
    case 'fill.stop': {
      const have = get(k, m, 'count') - walk.skip;
      const n = Math.min(have, walk.size);
      const left = toUser(k, task, walk.buf + walk.copied, get(k, m, 'buf') + walk.skip, n);
      if (left > 0) return walk.copied > 0 ? done(k, walk) : -Errno.EFAULT;
      walk.copied += n;
      set(k, m, 'count', have - n);
      set(k, m, 'from', walk.skip + n);
      return done(k, walk);
    }
  }
}

/** Moves on to the next record; it is shown now while the user's buffer has room. */
function fill(k: Kernel, task: Task, walk: Walk): Outcome {
  walk.offset = get(k, walk.m, 'count');
  return enter(k, task, walk, 'fill.next', 'next');
}

function grow(k: Kernel, task: Task, walk: Walk): Outcome {
  const { m } = walk;
  const size = get(k, m, 'size') * 2;
  kfree(k, task, get(k, m, 'buf'));
  const page = size > KMALLOC_MAX_SIZE ? 0 : kmalloc(k, task, size);
  set(k, m, 'buf', page);
  set(k, m, 'size', page === 0 ? 0 : size);
  set(k, m, 'count', 0);
  walk.error = -Errno.ENOMEM;
  if (page === 0) return enter(k, task, walk, 'stop', 'stop');
  walk.error = 0;
  walk.stage = 'start';
  return restart(k, task, walk);
}

/** stop, then start again at the same index with the larger buffer. */
function restart(k: Kernel, task: Task, walk: Walk): Outcome {
  const one = single(k, walk.m);
  if (one) return begin(k, task, walk);
  const entry = pointerField(k, task, 'seq_operations', get(k, walk.m, 'op'), 'stop');
  if (entry === null) return 0;
  return call(entry, [walk.m, walk.p], { step: 'seq.again', state: walk });
}
defineStep('seq.again', (k, task, walk: Walk) => begin(k, task, walk));

kapi('seq_read', (k, task, [filp, buf, size, ppos]) => {
  const m = pointerField(k, task, 'file', filp, 'private_data');
  return m === null ? 0 : start(k, task, m, buf, Math.min(unsigned(size), 0x7ffff000), ppos);
});

/** Where a seek leads; -EINVAL. */
function target(k: Kernel, filp: Vaddr, offset: number, whence: number): number {
  const at = whence === 0 ? offset : whence === 1 ? (getField(k, 'file', filp, 'f_pos') ?? 0) + offset : -1;
  if (at < 0) return -Errno.EINVAL;
  setField(k, 'file', filp, 'f_pos', at);
  return at;
}
kapi('seq_lseek', (k, _task, [filp, offset, whence]) => target(k, filp, offset, whence));

// ── Files that are nothing but a seq_file ──────────────────────────────────────────────────────────────────────

/** Releases such a file. */
export function closeSeq(k: Kernel, task: Task, file: File): number {
  const data = moduleFile(file);
  if (data.released) return 0;
  const entry = kapiRoom(k).procs.get(data.entry);
  destroy(k, task, data.filp, entry?.kind === 'seq' && entry.stateSize > 0);
  dropFilp(k, task, file);
  return 0;
}
defineFileOps('module.seq', {
  seekable: true,
  read(k, task, file, io, pos) {
    const { filp, released } = moduleFile(file);
    if (released) return -Errno.EIO;
    const { base, length } = io.segments[0] ?? { base: 0, length: 0 };
    const scratch = stackScratch(k, task);
    if (scratch === 0) return -Errno.ENOMEM;
    writeK64(k, scratch, pos ?? file.pos);
    const m = getField(k, 'file', filp, 'private_data') ?? 0;
    const outcome = start(k, task, m, base, length, scratch);
    if (typeof outcome === 'number') return moved(k, task, file, pos, outcome);
    return { ...outcome, then: [{ step: 'module.seq.moved', state: { file, pos } }, ...outcome.then] };
  },
  llseek(k, _task, file, offset, whence) {
    const { filp, released } = moduleFile(file);
    if (released) return -Errno.EIO;
    setField(k, 'file', filp, 'f_pos', file.pos);
    const at = target(k, filp, offset, whence);
    if (at >= 0) file.pos = at;
    return at;
  },
  flush: (k, task, file) => (file.refs === 1 ? closeSeq(k, task, file) : 0),
});
function moved(k: Kernel, task: Task, file: File, pos: number | null, count: number): number {
  if (count > 0 && pos === null) file.pos = readK64(k, stackScratch(k, task)) ?? file.pos;
  return count;
}
defineStep('module.seq.moved', (k, task, { file, pos }: { file: File; pos: number | null }, entry) =>
  entry.by === 'result' ? moved(k, task, file, pos, entry.value) : -Errno.EINTR,
);

// ── What show functions call ───────────────────────────────────────────────────────────────────────────────────

/** Appends bytes; what does not fit marks the buffer as full. */
function append(k: Kernel, task: Task, m: Vaddr, bytes: Uint8Array): number {
  const buf = pointerField(k, task, 'seq_file', m, 'buf');
  if (buf === null) return 0;
  const count = get(k, m, 'count');
  const size = get(k, m, 'size');
  k.sched.kernelWork += 30 + bytes.length;
  if (count + bytes.length < size) {
    writeK(k, buf + count, bytes);
    set(k, m, 'count', count + bytes.length);
    return 0;
  }
  set(k, m, 'count', size);
  return -1;
}
const appendText = (k: Kernel, task: Task, m: Vaddr, text: string | null): number =>
  text === null ? 0 : append(k, task, m, bytesOf(text));

kapi('seq_printf', (k, task, [m, fmt]) => {
  const pattern = loadString(k, task, fmt, 65536);
  return pattern === null ? 0 : appendText(k, task, m, format(k, task, pattern, callArgs(k, 2)));
});
kapi('seq_vprintf', (k, task, [m, fmt, list]) => {
  const pattern = loadString(k, task, fmt, 65536);
  return pattern === null ? 0 : appendText(k, task, m, format(k, task, pattern, listArgs(k, list)));
});
for (const name of ['seq_puts', '__seq_puts'])
  kapi(name, (k, task, [m, text]) => appendText(k, task, m, loadString(k, task, text)));
kapi('seq_putc', (k, task, [m, c]) => append(k, task, m, Uint8Array.of(c)));
kapi('seq_write', (k, task, [m, data, length]) => {
  const bytes = load(k, task, data, Math.min(unsigned(length), KMALLOC_MAX_SIZE));
  return bytes ? append(k, task, m, bytes) : 0;
});
for (const name of ['seq_put_decimal_ull', 'seq_put_decimal_ll'])
  kapi(name, (k, task, [m, lead, value]) => {
    const text = lead === 0 ? '' : loadString(k, task, lead, 4096);
    const number = name.endsWith('ull') ? unsigned(value) : value;
    return text === null ? 0 : appendText(k, task, m, `${text}${number}`);
  });
kapi('seq_escape', (k, task, [m, at, escaped]) => {
  const text = loadString(k, task, at);
  const set = text === null ? null : loadString(k, task, escaped, 256);
  if (text === null || set === null) return 0;
  const made = [...text]
    .map((c) => (set.includes(c) ? `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}` : c))
    .join('');
  return appendText(k, task, m, made);
});
kapi('seq_pad', (k, task, [m, c]) => {
  const spaces = Math.max(0, get(k, m, 'pad_until') - get(k, m, 'count'));
  return appendText(
    k,
    task,
    m,
    ' '.repeat(Math.min(spaces, 4096)) + (c === 0 ? '' : String.fromCharCode(c & 255)),
  );
});
kapi('seq_list_start', (k, task, [head, pos]) => listAt(k, task, head, pos));
kapi('seq_list_start_head', (k, task, [head, pos]) => (pos === 0 ? head : listAt(k, task, head, pos - 1)));
kapi('seq_list_next', (k, task, [v, head, ppos]) => {
  const next = pointerField(k, task, 'list_head', v, 'next');
  writeK64(k, ppos, (readK64(k, ppos) ?? 0) + 1);
  return next === null || next === head ? 0 : next;
});
const MAX_LIST = 1_000_000;
function listAt(k: Kernel, task: Task, head: Vaddr, pos: number): number {
  let at = pointerField(k, task, 'list_head', head, 'next');
  for (let i = 0; at !== null && at !== head && i < MAX_LIST; i++) {
    if (i === pos) return at;
    at = pointerField(k, task, 'list_head', at, 'next');
  }
  return 0;
}
