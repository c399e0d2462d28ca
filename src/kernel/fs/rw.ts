/**
 * read and write of any open file (fs/read_write.c). Always true: a call that parked goes on with the buffer it began with, kept in
 * `task.syscall.scratch`; nothing is read from what was not opened for reading.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import type { Outcome } from '../outcome.ts';
import type { SyscallState, Task } from '../task/types.ts';
import { getFile, isReadable, isWritable } from './file.ts';
import { opsOf } from './ops.ts';
import { genericSeek } from './regular.ts';
import type { File } from './types.ts';

/** The buffer a parked call left behind, or a new one. */
function resumedBuffer(task: Task, make: () => IoBuf | number): IoBuf | number {
  const kept = task.syscall?.scratch?.io as IoBuf | undefined;
  return kept ?? make();
}

/** Remembers the buffer of a call that parks. */
function keepBuffer(task: Task, io: IoBuf, outcome: Outcome): Outcome {
  if (typeof outcome !== 'number') {
    const call = task.syscall as SyscallState;
    if (call.scratch?.io !== io) call.scratch = { ...call.scratch, io };
  }
  return outcome;
}

/** Reads from an open file; `pos` null: at the file's own position. */
export function readFrom(k: Kernel, task: Task, file: File, io: IoBuf, pos: number | null): Outcome {
  if (!isReadable(file)) return -Errno.EBADF;
  const ops = opsOf(file);
  if (!ops.read) return -Errno.EINVAL;
  if (pos !== null) {
    if (pos < 0) return -Errno.EINVAL;
    if (!ops.seekable) return -Errno.ESPIPE;
  }
  return ops.read(k, task, file, io, pos);
}

/** Writes to an open file; `pos` null: at the file's own position. */
export function writeTo(k: Kernel, task: Task, file: File, io: IoBuf, pos: number | null): Outcome {
  if (!isWritable(file)) return -Errno.EBADF;
  const ops = opsOf(file);
  if (!ops.write) return -Errno.EINVAL;
  if (pos !== null) {
    if (pos < 0) return -Errno.EINVAL;
    if (!ops.seekable) return -Errno.ESPIPE;
  }
  return ops.write(k, task, file, io, pos);
}

/** read(2) and its family. */
export function sysRead(
  k: Kernel,
  task: Task,
  fd: number,
  pos: number | null,
  make: () => IoBuf | number,
): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  if (!isReadable(file)) return -Errno.EBADF;
  const io = resumedBuffer(task, make);
  if (typeof io === 'number') return io;
  return keepBuffer(task, io, readFrom(k, task, file, io, pos));
}

/** write(2) and its family. */
export function sysWrite(
  k: Kernel,
  task: Task,
  fd: number,
  pos: number | null,
  make: () => IoBuf | number,
): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  if (!isWritable(file)) return -Errno.EBADF;
  const io = resumedBuffer(task, make);
  if (typeof io === 'number') return io;
  return keepBuffer(task, io, writeTo(k, task, file, io, pos));
}

/** lseek(2). */
export function seek(k: Kernel, task: Task, fd: number, offset: number, whence: number): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  if (whence < 0 || whence > 4) return -Errno.EINVAL;
  const ops = opsOf(file);
  if (ops.llseek) return ops.llseek(k, task, file, offset, whence);
  return ops.seekable ? genericSeek(file, offset, whence) : -Errno.ESPIPE;
}
