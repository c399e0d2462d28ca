/**
 * Open files whose operations are a module's (fs/open.c, fs/read_write.c). Always true: such a file has a struct file and its
 * inode a struct inode in guest memory from open to release; the operations are read from there at each call, so that a module
 * may replace them and a module that is gone faults as on a real machine.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { isReadable, isWritable } from '../fs/file.ts';
import { O } from '../fs/flags.ts';
import { defineFileOps, type FileOps } from '../fs/ops.ts';
import type { File, Inode } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { DRIVER_MEMORY } from '../mm/area.ts';
import { TASK_SIZE } from '../mm/layout.ts';
import type { IoBuf } from '../mm/types.ts';
import { startKernelTask } from '../module/interrupt.ts';
import { readK64, writeK, writeK64 } from '../module/kmem.ts';
import { kernelStack, STACK_BYTES } from '../module/memory.ts';
import { putModule } from '../module/refs.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { bytesOf, fieldAddress, getField, pointerField, setField, sizeOf, unsigned } from './access.ts';
import { ITER, makeIter } from './iter.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapiRoom } from './room.ts';

/** Which struct the operations are: members of proc_ops have a prefix. */
export type OpsStyle = 'file_operations' | 'proc_ops';

/** What a file of kind `module` keeps. */
export interface ModuleFile {
  filp: Vaddr;
  style: OpsStyle;
  /** The operations of a proc entry; 0: they are in the struct file. */
  ops: Vaddr;
  /** Addresses of the struct modules that it holds references on. */
  owners: Vaddr[];
  /** The proc entry it was opened from; 0: none. */
  entry: Vaddr;
  released: boolean;
}

export const moduleFile = (file: File): ModuleFile => file.data as ModuleFile;

const FMODE = { READ: 1, WRITE: 2, LSEEK: 4, PREAD: 8, PWRITE: 16 } as const;

/** struct inode of an inode, made at the first open; each user is to be given back. 0: no memory. */
function holdInode(k: Kernel, task: Task, inode: Inode): Vaddr {
  const { inodes } = kapiRoom(k);
  const known = inodes.get(inode);
  if (known) {
    known.users++;
    return known.address;
  }
  const address = kmalloc(k, task, sizeOf('inode'));
  if (address === 0) return 0;
  setField(k, 'inode', address, 'i_mode', inode.mode);
  setField(k, 'inode', address, 'i_uid', inode.uid);
  setField(k, 'inode', address, 'i_gid', inode.gid);
  setField(k, 'inode', address, 'i_ino', inode.ino);
  setField(k, 'inode', address, 'i_nlink', inode.nlink);
  setField(k, 'inode', address, 'i_rdev', kernelDev(inode.rdev));
  setField(k, 'inode', address, 'i_size', inode.size);
  setField(k, 'inode', address, 'i_blkbits', 12);
  inodes.set(inode, { address, users: 1 });
  return address;
}

function dropInode(k: Kernel, task: Task, inode: Inode): void {
  const { inodes } = kapiRoom(k);
  const known = inodes.get(inode);
  if (!known || --known.users > 0) return;
  inodes.delete(inode);
  kfree(k, task, known.address);
}

/** dev_t inside the kernel: 12 bits of major, 20 of minor (kdev_t.h); user space has another one. */
export const kernelDev = (rdev: number): number =>
  (((rdev >>> 8) & 0xfff) * 2 ** 20 + ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00))) >>> 0;

/** struct file and struct dentry of an open file. False: no memory. */
export function makeFilp(
  k: Kernel,
  task: Task,
  file: File,
  init: Partial<ModuleFile> & { fops: Vaddr },
): boolean {
  const size = sizeOf('file');
  const filp = kmalloc(k, task, size + sizeOf('dentry'));
  const inode = filp === 0 ? 0 : holdInode(k, task, file.inode);
  if (inode === 0) {
    if (filp !== 0) kfree(k, task, filp);
    return false;
  }
  const dentry = filp + size;
  const mode = (isReadable(file) ? FMODE.READ : 0) | (isWritable(file) ? FMODE.WRITE : 0);
  setField(k, 'file', filp, 'f_count', 1);
  setField(k, 'file', filp, 'f_mode', mode | FMODE.LSEEK | FMODE.PREAD | FMODE.PWRITE);
  setField(k, 'file', filp, 'f_flags', file.flags);
  setField(k, 'file', filp, 'f_op', init.fops);
  setField(k, 'file', filp, 'f_inode', inode);
  setField(k, 'file', filp, 'f_path.dentry', dentry);
  const name = (file.path?.dentry.name ?? '').slice(0, 39);
  setField(k, 'dentry', dentry, 'd_inode', inode);
  setField(k, 'dentry', dentry, 'd_name.len', name.length);
  setField(k, 'dentry', dentry, 'd_name.name', fieldAddress('dentry', dentry, 'd_iname'));
  writeK(k, fieldAddress('dentry', dentry, 'd_iname'), bytesOf(`${name}\0`));
  kapiRoom(k).files.set(filp, file);
  file.kind = 'module';
  file.data = {
    filp,
    style: 'file_operations',
    ops: 0,
    owners: [],
    entry: 0,
    released: false,
    ...init,
  } satisfies ModuleFile & {
    fops: Vaddr;
  };
  return true;
}

export const inodeOf = (k: Kernel, file: File): Vaddr => kapiRoom(k).inodes.get(file.inode)?.address ?? 0;

/** Gives back all that {@link makeFilp} took. */
export function dropFilp(k: Kernel, task: Task, file: File): void {
  const data = moduleFile(file);
  if (data.released) return;
  data.released = true;
  kapiRoom(k).files.delete(data.filp);
  for (const owner of data.owners) putModule(k, owner);
  dropInode(k, task, file.inode);
  kfree(k, task, data.filp);
}

const PROC_NAMES: Readonly<Record<string, string>> = {
  open: 'proc_open',
  read: 'proc_read',
  read_iter: 'proc_read_iter',
  write: 'proc_write',
  llseek: 'proc_lseek',
  release: 'proc_release',
  poll: 'proc_poll',
  unlocked_ioctl: 'proc_ioctl',
  mmap: 'proc_mmap',
};

/** An operation of the file: its address, 0 when there is none, null after an oops. */
export function opOf(k: Kernel, task: Task, file: File, name: string): Vaddr | null {
  const data = moduleFile(file);
  if (data.style === 'proc_ops')
    return PROC_NAMES[name] ? pointerField(k, task, 'proc_ops', data.ops, PROC_NAMES[name]) : 0;
  const fops = data.ops || getField(k, 'file', data.filp, 'f_op') || 0;
  return fops === 0 ? 0 : pointerField(k, task, 'file_operations', fops, name);
}

/** Room at the top of the task's kernel stack, above the first frame: loff_t, then a poll_table. 0: no memory. */
export function stackScratch(k: Kernel, task: Task): Vaddr {
  const base = kernelStack(k, task);
  return base === 0 ? 0 : base + STACK_BYTES - 280;
}

/** Begins an open: answers what the module's open says. */
export function openModuleFile(k: Kernel, task: Task, file: File): Outcome {
  const data = moduleFile(file);
  const open = opOf(k, task, file, 'open');
  if (open === null) return -Errno.EIO;
  if (open === 0) return 0;
  return call(open, [inodeOf(k, file), data.filp], { step: 'module.file.opened', state: { file } });
}
defineStep('module.file.opened', (k, task, { file }: { file: File }, entry) => {
  const result = entry.by === 'result' ? asInt(entry.value) : -Errno.EINTR;
  if (result !== 0) dropFilp(k, task, file);
  return result;
});

const asInt = (value: number): number => Number(BigInt.asIntN(32, BigInt(value)));

// ── read, write ────────────────────────────────────────────────────────────────────────────────────────────────

interface Transfer {
  file: File;
  name: 'read' | 'write';
  io: IoBuf;
  segment: number;
  pos: number | null;
  total: number;
  /** The operation is read_iter or write_iter. */
  iter: boolean;
}

/** access_ok of the whole buffer as user space gave it. */
function badBuffer(task: Task, io: IoBuf): boolean {
  const call = task.syscall;
  if (call && [63, 64, 67, 68].includes(call.nr) && call.args[1] + unsigned(call.args[2]) > TASK_SIZE)
    return true;
  return io.segments.some(({ base, length }) => base < 0 || base + length > TASK_SIZE);
}

function transfer(
  k: Kernel,
  task: Task,
  file: File,
  name: 'read' | 'write',
  io: IoBuf,
  pos: number | null,
): Outcome {
  const entry = opOf(k, task, file, name);
  if (entry === null) return -Errno.EIO;
  if (moduleFile(file).released) return -Errno.EIO;
  const iter = entry === 0 ? opOf(k, task, file, `${name}_iter`) : 0;
  if (iter === null) return -Errno.EIO;
  if (entry === 0 && iter === 0) return moduleFile(file).style === 'proc_ops' ? -Errno.EIO : -Errno.EINVAL;
  if (io.kernel) return -Errno.EINVAL;
  if (badBuffer(task, io)) return -Errno.EFAULT;
  return piece(k, task, { file, name, io, segment: 0, pos, total: 0, iter: iter !== 0 }, iter || entry);
}

/** One call of the operation: a segment of the user's buffer. */
function piece(k: Kernel, task: Task, state: Transfer, entry: Vaddr): Outcome {
  const { file, io } = state;
  const { filp } = moduleFile(file);
  const { base, length } = io.segments[state.segment] ?? { base: 0, length: 0 };
  const scratch = stackScratch(k, task);
  if (scratch === 0) return -Errno.ENOMEM;
  writeK64(k, scratch, state.pos ?? file.pos);
  if (state.iter) makeIter(k, scratch, filp, state.pos ?? file.pos, base, length);
  setField(k, 'file', filp, 'f_flags', file.flags);
  setField(k, 'file', filp, 'f_pos', file.pos);
  const args = state.iter ? [scratch + ITER.kiocb, scratch + ITER.iter] : [filp, base, length, scratch];
  return call(entry, args, { step: 'module.file.moved', state });
}

defineStep('module.file.moved', (k, task, state: Transfer, entry) => {
  if (entry.by !== 'result') return -Errno.EINTR;
  const { value } = entry;
  const { file, io } = state;
  if (value >= 0) {
    const scratch = stackScratch(k, task);
    const pos =
      (state.iter ? getField(k, 'kiocb', scratch + ITER.kiocb, 'ki_pos') : readK64(k, scratch)) ?? 0;
    if (state.pos !== null) state.pos = pos;
    else if (!moduleFile(file).released) {
      file.pos = pos;
      setField(k, 'file', moduleFile(file).filp, 'f_pos', pos);
    }
  }
  if (io.segments.length <= 1) return value;
  if (value < 0) return state.total > 0 ? state.total : value;
  state.total += value;
  if (value !== io.segments[state.segment]?.length || state.segment + 1 >= io.segments.length)
    return state.total;
  state.segment++;
  const next = opOf(k, task, file, state.iter ? `${state.name}_iter` : state.name);
  return next ? piece(k, task, state, next) : state.total;
});

// ── close ──────────────────────────────────────────────────────────────────────────────────────────────────────

function flush(k: Kernel, task: Task, file: File): Outcome {
  const data = moduleFile(file);
  if (data.released) return 0;
  const entry = data.style === 'proc_ops' ? 0 : opOf(k, task, file, 'flush');
  if (entry === null) return 0;
  if (entry !== 0) return call(entry, [data.filp, 0], { step: 'module.file.flushed', state: { file } });
  return file.refs === 1 ? release(k, task, file) : 0;
}
defineStep('module.file.flushed', (k, task, { file }: { file: File }, entry) => {
  const result = entry.by === 'result' ? asInt(entry.value) : 0;
  if (file.refs !== 1) return result;
  const outcome = release(k, task, file);
  return typeof outcome === 'number' ? result : outcome;
});

/** Calls the module's release and gives the file back. */
export function release(k: Kernel, task: Task, file: File): Outcome {
  const data = moduleFile(file);
  if (data.released) return 0;
  if ((file.flags & O.ASYNC) !== 0) {
    const outcome = fasync(k, task, -1, file, false);
    file.flags &= ~O.ASYNC;
    if (typeof outcome !== 'number')
      return { ...outcome, then: [{ step: 'module.file.unasync', state: { file } }, ...outcome.then] };
  }
  const entry = opOf(k, task, file, 'release');
  if (entry === null) return 0;
  if (entry === 0) {
    dropFilp(k, task, file);
    return 0;
  }
  return call(entry, [inodeOf(k, file), data.filp], { step: 'module.file.released', state: { file } });
}
defineStep('module.file.released', (k, task, { file }: { file: File }) => {
  dropFilp(k, task, file);
  return 0;
});

defineStep('module.file.unasync', (k, task, { file }: { file: File }) => release(k, task, file));

/** fops->fasync; without it the flag is all there is. */
function fasync(k: Kernel, task: Task, fd: number, file: File, on: boolean): Outcome {
  const data = moduleFile(file);
  const entry = data.released ? 0 : opOf(k, task, file, 'fasync');
  if (entry === null || entry === 0) return 0;
  return call(entry, [fd, data.filp, Number(on)], {
    step: 'module.file.answered',
    state: { file, wide: false },
  });
}

/** A last reference that went where nothing can be called: a kernel thread does it. */
function releaseLater(k: Kernel, file: File): void {
  const data = moduleFile(file);
  if (data.released) return;
  startKernelTask(k, 'kworker/0:1H', { step: 'module.file.release', state: { file: { ...file } } });
}
defineStep('module.file.release', (k, task, { file }: { file: File }, entry) =>
  entry.by === 'result' ? 0 : release(k, task, file),
);

// ── The rest ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Calls an operation that answers an int or long; `missing` when there is none. */
function simple(
  k: Kernel,
  task: Task,
  file: File,
  name: string,
  args: readonly number[],
  missing: number,
  wide = false,
): Outcome {
  const data = moduleFile(file);
  if (data.released) return -Errno.EIO;
  const entry = opOf(k, task, file, name);
  if (entry === null) return -Errno.EIO;
  if (entry === 0) return missing;
  setField(k, 'file', data.filp, 'f_flags', file.flags);
  setField(k, 'file', data.filp, 'f_pos', file.pos);
  return call(entry, [data.filp, ...args], { step: 'module.file.answered', state: { file, wide } });
}
defineStep('module.file.answered', (k, _task, { file, wide }: { file: File; wide: boolean }, entry) => {
  if (entry.by !== 'result') return -Errno.EINTR;
  const data = moduleFile(file);
  if (!data.released) file.pos = getField(k, 'file', data.filp, 'f_pos') ?? file.pos;
  if (entry.value === -Errno.ENOIOCTLCMD) return -Errno.ENOTTY;
  return wide ? entry.value : asInt(entry.value);
});

/** What poll calls of modules answered in the present look of a poll, select or epoll_wait; see poll.ts. */
type Polled = (k: Kernel, task: Task | null, file: File) => ReturnType<NonNullable<FileOps['poll']>>;
let polled: Polled = () => ({ events: 0x145, queues: [] });
export function providePolled(find: Polled): void {
  polled = find;
}

export const moduleFileOps: FileOps = {
  seekable: true,
  read: (k, task, file, io, pos) => transfer(k, task, file, 'read', io, pos),
  write: (k, task, file, io, pos) => transfer(k, task, file, 'write', io, pos),
  llseek: (k, task, file, offset, whence) =>
    simple(k, task, file, 'llseek', [offset, whence], -Errno.ESPIPE, true),
  ioctl: (k, task, file, cmd, arg) =>
    simple(k, task, file, 'unlocked_ioctl', [cmd | 0, arg], -Errno.ENOTTY, true),
  fasync,
  fsync: (k, task, file) => simple(k, task, file, 'fsync', [0, Number.MAX_SAFE_INTEGER, 0], -Errno.EINVAL),
  mmap(k, task, file) {
    const entry = moduleFile(file).released ? 0 : opOf(k, task, file, 'mmap');
    return entry === 0 || entry === null ? -Errno.ENODEV : DRIVER_MEMORY;
  },
  flush,
  release: releaseLater,
  poll: (k, file, task) => polled(k, task, file),
};
defineFileOps('module', moduleFileOps);
