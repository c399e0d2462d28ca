/**
 * Files of one number (fs/libfs.c, DEFINE_SIMPLE_ATTRIBUTE). Always true: private_data is a struct of ours with the module's get and set,
 * the pointer they take, the format, and the text of the last read.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, readKBig, readKString, writeK, writeKBig, writeKString } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getField, int, load, loadString, setField, unsigned } from './access.ts';
import { kfree, kmalloc } from './memory.ts';
import { findKapi, kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { kstrto } from './string.ts';
import { bytesFromUser } from './uaccess.ts';
import { format } from './vsprintf.ts';

const [GET, SET, DATA, FORMAT, VALUE, TEXT] = [0, 8, 16, 24, 32, 40];
const BYTES = 128;

kapi('simple_attr_open', (k, task, [inode, filp, get, set, fmt]) => {
  const attr = kmalloc(k, task, BYTES);
  if (attr === 0) return -Errno.ENOMEM;
  kapiRoom(k).heap.objects.delete(attr);
  const data = getField(k, 'inode', inode, 'i_private') ?? 0;
  for (const [offset, value] of [
    [GET, get],
    [SET, set],
    [DATA, data],
    [FORMAT, fmt],
  ])
    writeKBig(k, attr + offset, BigInt(value));
  setField(k, 'file', filp, 'private_data', attr);
  return findKapi('nonseekable_open')?.(k, task, [inode, filp]) ?? 0;
});
const attrOf = (k: Kernel, filp: Vaddr): Vaddr => getField(k, 'file', filp, 'private_data') ?? 0;
kapi('simple_attr_release', (k, task, [, filp]) => {
  kfree(k, task, attrOf(k, filp));
  return 0;
});

interface Reading {
  attr: Vaddr;
  buf: Vaddr;
  count: number;
  pos: Vaddr;
}
/** What is in the buffer goes to the user. */
function give(k: Kernel, task: Task, { attr, buf, count, pos }: Reading): Outcome {
  const length = (readKString(k, attr + TEXT, BYTES - TEXT) ?? '').length;
  return findKapi('simple_read_from_buffer')!(k, task, [buf, count, pos, attr + TEXT, length]);
}
kapi('simple_attr_read', (k, task, [filp, buf, count, pos]) => {
  const attr = attrOf(k, filp);
  const get = readK64(k, attr + GET) ?? 0;
  if (get === 0) return -Errno.EACCES;
  const reading: Reading = { attr, buf, count, pos };
  const at = load(k, task, pos, 8);
  if (!at) return 0;
  if (at.some((byte) => byte !== 0)) return give(k, task, reading);
  return call(get, [readK64(k, attr + DATA) ?? 0, attr + VALUE], { step: 'simple_attr.got', state: reading });
});
defineStep('simple_attr.got', (k, task, reading: Reading, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : -Errno.EINTR;
  if (result !== 0) return result;
  const { attr } = reading;
  const value = readKBig(k, attr + VALUE) ?? 0n;
  const pattern = loadString(k, task, readK64(k, attr + FORMAT) ?? 0, 64);
  if (pattern === null) return 0;
  const text = format(k, task, pattern, { next: () => value });
  writeKString(k, attr + TEXT, (text ?? '').slice(0, BYTES - TEXT - 1));
  return give(k, task, reading);
});
kapi('simple_attr_write', (k, task, [filp, buf, count]) => {
  const attr = attrOf(k, filp);
  const set = readK64(k, attr + SET) ?? 0;
  if (set === 0) return -Errno.EACCES;
  const length = Math.min(unsigned(count), 23);
  const bytes = bytesFromUser(k, task, buf, length);
  if (bytes.length < length) return -Errno.EFAULT;
  const value = kstrto(String.fromCharCode(...bytes), 0, 64, false);
  if (typeof value === 'number') return value;
  writeK(k, attr + VALUE, new Uint8Array(8));
  return call(set, [readK64(k, attr + DATA) ?? 0, Number(BigInt.asIntN(64, value))], {
    step: 'simple_attr.put',
    state: { length: unsigned(count) },
  });
});
defineStep('simple_attr.put', (_k, _task, { length }: { length: number }, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : -Errno.EINTR;
  return result === 0 ? length : result;
});
