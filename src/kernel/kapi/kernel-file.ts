/**
 * Files that kernel code opens (fs/open.c filp_open, fs/read_write.c kernel_read). Always true: such a file has a struct file, dentry and
 * inode in one piece of guest memory, and is in the room by its address until filp_close.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fileName } from '../fs/dpath.ts';
import { getFile, getFileRef, isReadable, isWritable, putFile } from '../fs/file.ts';
import { At } from '../fs/flags.ts';
import { openPath } from '../fs/open.ts';
import { opsOf } from '../fs/ops.ts';
import { readFrom, writeTo } from '../fs/rw.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { kernelBuf } from '../mm/uio.ts';
import { readK64, writeK64, writeKString } from '../module/kmem.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import {
  fieldAddress,
  getField,
  int,
  load,
  loadString,
  setField,
  sizeOf,
  store,
  uint,
  unsigned,
} from './access.ts';
import { kernelDev } from './filp.ts';
import { bad } from './guest.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';

const FMODE = { READ: 1, WRITE: 2, LSEEK: 4 } as const;
/** The most that one call moves. */
const MAX_MOVE = 1 << 24;

/** The structs of an open file; 0: no memory. Takes over the reference. */
function show(k: Kernel, task: Task, file: File): Vaddr {
  const [fileBytes, inodeBytes] = [sizeOf('file'), sizeOf('inode')];
  const filp = kmalloc(k, task, fileBytes + inodeBytes + sizeOf('dentry'));
  if (filp === 0) return 0;
  const inode = filp + fileBytes;
  const dentry = inode + inodeBytes;
  const mode = (isReadable(file) ? FMODE.READ : 0) | (isWritable(file) ? FMODE.WRITE : 0);
  setField(k, 'file', filp, 'f_count', 1);
  setField(k, 'file', filp, 'f_mode', mode | FMODE.LSEEK);
  setField(k, 'file', filp, 'f_flags', file.flags);
  setField(k, 'file', filp, 'f_inode', inode);
  setField(k, 'file', filp, 'f_path.dentry', dentry);
  setField(k, 'dentry', dentry, 'd_inode', inode);
  const name = (file.path?.dentry.name ?? '').slice(0, 39);
  setField(k, 'dentry', dentry, 'd_name.len', name.length);
  setField(k, 'dentry', dentry, 'd_name.name', fieldAddress('dentry', dentry, 'd_iname'));
  writeKString(k, fieldAddress('dentry', dentry, 'd_iname'), name);
  setField(k, 'inode', inode, 'i_mode', file.inode.mode);
  setField(k, 'inode', inode, 'i_uid', file.inode.uid);
  setField(k, 'inode', inode, 'i_gid', file.inode.gid);
  setField(k, 'inode', inode, 'i_ino', file.inode.ino);
  setField(k, 'inode', inode, 'i_nlink', file.inode.nlink);
  setField(k, 'inode', inode, 'i_rdev', kernelDev(file.inode.rdev));
  setField(k, 'inode', inode, 'i_size', file.inode.size);
  kapiRoom(k).files.set(filp, file);
  return filp;
}

/** The open file behind a struct file. A pointer to anything else is a fault of the caller. */
function fileAt(k: Kernel, task: Task, filp: Vaddr): File | null {
  const file = kapiRoom(k).files.get(filp);
  if (!file) bad(k, task, filp, false);
  return file ?? null;
}

kapi('filp_open', (k, task, [at, flags, mode]) => {
  const name = loadString(k, task, at, 4096);
  if (name === null) return 0;
  const file = openPath(k, task, name, int(flags), uint(mode) & 0o7777, At.FDCWD);
  if (typeof file === 'number') return file;
  // A module's own file has its structs from its open on.
  if (file.kind === 'module') return file.data.filp;
  const filp = show(k, task, file);
  if (filp === 0) putFile(k, file);
  return filp === 0 ? -Errno.ENOMEM : filp;
});

/** One reference less on a struct file; the last one closes. */
function put(k: Kernel, task: Task, filp: Vaddr): number {
  const file = fileAt(k, task, filp);
  if (!file) return 0;
  const refs = (getField(k, 'file', filp, 'f_count') ?? 1) - 1;
  setField(k, 'file', filp, 'f_count', refs);
  if (refs > 0) return 0;
  if (file.kind !== 'module') {
    kapiRoom(k).files.delete(filp);
    kfree(k, task, filp);
  }
  putFile(k, file);
  return 0;
}
kapi('filp_close', (k, task, [filp]) => put(k, task, filp));
kapi('fput', (k, task, [filp]) => put(k, task, filp));
kapi('fget', (k, task, [fd]) => {
  const file = getFile(task, uint(fd));
  if (!file) return 0;
  const known = [...kapiRoom(k).files].find(([, each]) => each === file)?.[0];
  getFileRef(file);
  if (known === undefined) return show(k, task, file);
  setField(k, 'file', known, 'f_count', (getField(k, 'file', known, 'f_count') ?? 0) + 1);
  return known;
});
kapi('iput', () => 0);

// ── kernel_read, kernel_write ──────────────────────────────────────────────────────────────────────────────────

interface Move {
  filp: Vaddr;
  file: File;
  /** Where the bytes go; 0: they were written. */
  to: Vaddr;
  /** loff_t of the caller; 0: the file's own. */
  at: Vaddr;
  from: number;
  bytes: Uint8Array;
}

function moved(k: Kernel, task: Task, move: Move, count: number): number {
  if (count < 0) return count;
  if (move.to !== 0 && !store(k, task, move.to, move.bytes.subarray(0, count))) return 0;
  if (move.at !== 0) writeK64(k, move.at, move.from + count);
  if (move.file.kind !== 'module')
    setField(k, 'inode', move.filp + sizeOf('file'), 'i_size', move.file.inode.size);
  return count;
}
defineStep('kapi.file.moved', (k, task, move: Move, entry) =>
  moved(k, task, move, entry.by === 'result' ? entry.value : -Errno.EINTR),
);
function transfer(k: Kernel, task: Task, filp: Vaddr, bytes: Uint8Array, to: Vaddr, at: Vaddr): Outcome {
  const file = fileAt(k, task, filp);
  if (!file) return 0;
  const from = at === 0 ? file.pos : readK64(k, at);
  if (from === null) return bad(k, task, at, false);
  const move: Move = { filp, file, to, at, from, bytes };
  const pos = at !== 0 && opsOf(file).seekable ? from : null;
  const outcome = (to !== 0 ? readFrom : writeTo)(k, task, file, kernelBuf(bytes), pos);
  if (typeof outcome === 'number') return moved(k, task, move, outcome);
  const last = { step: 'kapi.file.moved', state: move };
  // A bare wait would begin the call anew; kernel code does not read what makes it wait so.
  if (outcome.then.length === 0) return -Errno.EAGAIN;
  return { ...outcome, then: [last, ...outcome.then] };
}
for (const name of ['kernel_read', '__kernel_read'])
  kapi(name, (k, task, [filp, to, count, at]) =>
    transfer(k, task, filp, new Uint8Array(Math.min(unsigned(count), MAX_MOVE)), to, at),
  );
for (const name of ['kernel_write', '__kernel_write'])
  kapi(name, (k, task, [filp, from, count, at]) => {
    const bytes = load(k, task, from, Math.min(unsigned(count), MAX_MOVE));
    return bytes ? transfer(k, task, filp, bytes, 0, at) : 0;
  });

/** d_path: the name at the end of the buffer, as the kernel builds it backwards. */
function pathInto(k: Kernel, task: Task, file: File, buf: Vaddr, length: number): number {
  const text = fileName(file, task.fs.root);
  if (text.length + 1 > length) return -Errno.ENAMETOOLONG;
  const at = buf + length - text.length - 1;
  if (!writeKString(k, at, text)) return bad(k, task, at, true);
  return at;
}
kapi('file_path', (k, task, [filp, buf, length]) => {
  const file = fileAt(k, task, filp);
  return file ? pathInto(k, task, file, buf, int(length)) : 0;
});
kapi('d_path', (k, task, [path, buf, length]) => {
  const dentry = readK64(k, path + 8);
  for (const [filp, file] of kapiRoom(k).files)
    if (dentry !== null && getField(k, 'file', filp, 'f_path.dentry') === dentry)
      return pathInto(k, task, file, buf, int(length));
  return -Errno.ENOENT;
});
