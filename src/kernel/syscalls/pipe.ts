/** System calls of pipes: making them, and moving bytes through them without a buffer in user space. */
import { Errno } from '../abi/errno.ts';
import { splice, tee, vmsplice } from '../fs/copy.ts';
import { installFd, putFile } from '../fs/file.ts';
import { O } from '../fs/flags.ts';
import { newPipe } from '../fs/pipe.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyOut, readLong, writeLong } from '../mm/uaccess.ts';
import { importIovec } from '../mm/uio.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

/** Gives up both ends of a pipe that could not be handed over. */
function dropBoth(
  k: Kernel,
  task: Task,
  ends: readonly File[],
  fds: readonly number[],
  error: number,
): number {
  for (const fd of fds) if (fd >= 0) task.files.fds[fd] = null;
  for (const file of ends) putFile(k, file);
  return error;
}

syscall(59, 'pipe2', ['ptr', 'int'], (k, task, va, flags) => {
  if ((flags & ~(O.CLOEXEC | O.NONBLOCK | O.DIRECT)) !== 0) return -Errno.EINVAL;
  const ends = newPipe(k, flags, task.cred.fsuid, task.cred.fsgid);
  if (typeof ends === 'number') return ends;
  const cloexec = (flags & O.CLOEXEC) !== 0;
  const reader = installFd(k, task, ends[0], cloexec);
  const writer = reader < 0 ? reader : installFd(k, task, ends[1], cloexec);
  if (writer < 0) return dropBoth(k, task, ends, [reader], writer);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, reader, true);
  view.setInt32(4, writer, true);
  const failed = copyOut(k, task, va, bytes);
  return failed < 0 ? dropBoth(k, task, ends, [reader, writer], failed) : 0;
});

/** An offset argument: null where it is absent, or -errno. */
function offsetAt(k: Kernel, task: Task, va: number): { at: number | null } | number {
  if (va === 0) return { at: null };
  const at = readLong(k, task, va);
  if (at === null) return -Errno.EFAULT;
  return at < 0 ? -Errno.EINVAL : { at };
}

syscall(
  76,
  'splice',
  ['fd', 'ptr', 'fd', 'ptr', 'size', 'uint'],
  (k, task, inFd, inVa, outFd, outVa, count, flags) => {
    if ((flags & ~15) !== 0) return -Errno.EINVAL;
    const from = offsetAt(k, task, inVa);
    if (typeof from === 'number') return from;
    const to = offsetAt(k, task, outVa);
    if (typeof to === 'number') return to;
    const outcome: Outcome = splice(k, task, inFd, from.at, outFd, to.at, count, flags);
    if (typeof outcome !== 'number' || outcome <= 0) return outcome;
    if (from.at !== null && writeLong(k, task, inVa, from.at + outcome) < 0) return -Errno.EFAULT;
    if (to.at !== null && writeLong(k, task, outVa, to.at + outcome) < 0) return -Errno.EFAULT;
    return outcome;
  },
);
syscall(77, 'tee', ['fd', 'fd', 'size', 'uint'], tee);
syscall(
  75,
  'vmsplice',
  ['fd', 'ptr', 'size', 'uint'],
  (k, task, fd, iov, count) => {
    const io = importIovec(k, task, iov, Math.min(count, 1 << 20));
    return typeof io === 'number' ? io : vmsplice(k, task, fd, io);
  },
  'partial',
  'pages are copied, never gifted; one call that parks begins anew',
);
