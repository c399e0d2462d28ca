/**
 * Files of parameters whose `get` and `set` are the module's own: reading and writing them runs its code. Always true: the page the
 * code works in is borrowed for one call and given back with its result; the text of an open file is made at offset 0.
 */
import { Errno } from '../abi/errno.ts';
import { bytesOf, stringOf } from '../fs/kernfs-fs.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { readKString, writeKString } from './kmem.ts';
import { allocRegion, freeRegion } from './memory.ts';
import { showParam, storeParam } from './params.ts';
import { call } from './runtime.ts';
import { findModule } from './symbols.ts';

/** The page and a guard for what runs over it. */
const PAGES = 2;
const PAGE = 4096;

interface OpenParam {
  data: { module: string; item: string };
  text?: string | null;
}

function addressOf(k: Kernel, file: File): number {
  const { module, item } = (file.data as OpenParam).data;
  return findModule(k, module)?.params.find(({ name }) => name === item)?.address ?? 0;
}

function copyText(k: Kernel, task: Task, file: File, io: IoBuf, pos: number | null): number {
  const { text } = file.data as OpenParam;
  const at = pos ?? file.pos;
  const count = Math.min(io.length - io.done, (text ?? '').length - at);
  if (count <= 0) return 0;
  const copied = copyToIo(k, task, io, bytesOf(text ?? '', at, at + count));
  if (copied > 0 && pos === null) file.pos = at + copied;
  return copied;
}

defineFileOps('module.param', {
  seekable: true,
  read(k, task, file, io, pos): Outcome {
    const state = file.data as OpenParam;
    if ((pos ?? file.pos) !== 0 && state.text != null) return copyText(k, task, file, io, pos);
    const kp = addressOf(k, file);
    if (kp === 0) return -Errno.ENODEV;
    const shown = showParam(k, kp);
    if (typeof shown === 'number') return shown === -1 ? -Errno.EPERM : shown;
    if (typeof shown === 'string') {
      state.text = shown;
      return copyText(k, task, file, io, pos);
    }
    const region = allocRegion(k, PAGES);
    if (!region) return -Errno.ENOMEM;
    return call(shown.get, [region.base, kp], {
      step: 'module.param.shown',
      state: { base: region.base, file, io, pos },
    });
  },
  write(k, task, file, io): Outcome {
    const kp = addressOf(k, file);
    if (kp === 0) return -Errno.ENODEV;
    const bytes = copyFromIo(k, task, io, PAGE - 1);
    if (typeof bytes === 'number') return bytes;
    const stored = storeParam(k, kp, stringOf(bytes));
    if (typeof stored === 'number') return stored < 0 ? stored : bytes.length;
    const region = allocRegion(k, PAGES);
    if (!region) return -Errno.ENOMEM;
    writeKString(k, region.base, stringOf(bytes));
    return call(stored.set, [region.base, kp], {
      step: 'module.param.stored',
      state: { base: region.base, written: bytes.length },
    });
  },
});

interface Shown {
  base: number;
  file: File;
  io: IoBuf;
  pos: number | null;
}

defineStep('module.param.shown', (k, task, { base, file, io, pos }: Shown, entry) => {
  const length = entry.by === 'result' ? entry.value | 0 : 0;
  const text = length > 0 ? (readKString(k, base, Math.min(length, PAGE)) ?? '') : '';
  freeRegion(k, { base, pages: PAGES });
  if (length < 0) return length;
  (file.data as OpenParam).text = text.endsWith('\n') ? text : `${text}\n`;
  return copyText(k, task, file, io, pos);
});

defineStep('module.param.stored', (k, _task, state: { base: number; written: number }, entry) => {
  freeRegion(k, { base: state.base, pages: PAGES });
  const result = entry.by === 'result' ? entry.value | 0 : 0;
  return result < 0 ? result : state.written;
});
