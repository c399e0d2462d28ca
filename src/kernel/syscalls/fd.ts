/** System calls that take a descriptor: moving bytes, seeking, duplicating, locking. */

import { Errno } from '../abi/errno.ts';
import { requestSync } from '../fs/changes.ts';
import { copyFileRange, sendfile } from '../fs/copy.ts';
import { fcntl, flock } from '../fs/fcntl.ts';
import { closeFd, getFile, getFileRaw, isWritable, replaceFd, unshareTable } from '../fs/file.ts';
import { isDir, isFifo, isReg, O } from '../fs/flags.ts';
import { ioctl } from '../fs/ioctl.ts';
import { newMemfd } from '../fs/memfd.ts';
import { opsOf } from '../fs/ops.ts';
import { getdents } from '../fs/readdir.ts';
import { fallocate, setSize } from '../fs/regular.ts';
import { seek, sysRead, sysWrite } from '../fs/rw.ts';
import type { Kernel } from '../kernel.ts';
import { copyInString, readLong, writeLong } from '../mm/uaccess.ts';
import { importIovec, userBuf } from '../mm/uio.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

syscall(57, 'close', ['fd'], closeFd);

const CLOSE_RANGE = { UNSHARE: 2, CLOEXEC: 4 } as const;
syscall(436, 'close_range', ['uint', 'uint', 'uint'], (k, task, first, last, flags) => {
  if ((flags & ~6) !== 0 || first > last) return -Errno.EINVAL;
  if ((flags & CLOSE_RANGE.UNSHARE) !== 0) unshareTable(k, task);
  const { fds } = task.files;
  const end = Math.min(last, fds.length - 1);
  for (let fd = first; fd <= end; fd++) {
    const entry = fds[fd];
    if (!entry) continue;
    if ((flags & CLOSE_RANGE.CLOEXEC) !== 0) entry.cloexec = true;
    else closeFd(k, task, fd);
  }
  return 0;
});

syscall(63, 'read', ['fd', 'ptr', 'size'], (k, task, fd, buf, count) =>
  sysRead(k, task, fd, null, () => userBuf(buf, count)),
);
syscall(64, 'write', ['fd', 'ptr', 'size'], (k, task, fd, buf, count) =>
  sysWrite(k, task, fd, null, () => userBuf(buf, count)),
);
syscall(65, 'readv', ['fd', 'ptr', 'int'], (k, task, fd, iov, count) =>
  sysRead(k, task, fd, null, () => importIovec(k, task, iov, count)),
);
syscall(66, 'writev', ['fd', 'ptr', 'int'], (k, task, fd, iov, count) =>
  sysWrite(k, task, fd, null, () => importIovec(k, task, iov, count)),
);
syscall(67, 'pread64', ['fd', 'ptr', 'size', 'long'], (k, task, fd, buf, count, pos) =>
  pos < 0 ? -Errno.EINVAL : sysRead(k, task, fd, pos, () => userBuf(buf, count)),
);
syscall(68, 'pwrite64', ['fd', 'ptr', 'size', 'long'], (k, task, fd, buf, count, pos) =>
  pos < 0 ? -Errno.EINVAL : sysWrite(k, task, fd, pos, () => userBuf(buf, count)),
);
syscall(69, 'preadv', ['fd', 'ptr', 'int', 'long'], (k, task, fd, iov, count, pos) =>
  pos < 0 ? -Errno.EINVAL : sysRead(k, task, fd, pos, () => importIovec(k, task, iov, count)),
);
syscall(70, 'pwritev', ['fd', 'ptr', 'int', 'long'], (k, task, fd, iov, count, pos) =>
  pos < 0 ? -Errno.EINVAL : sysWrite(k, task, fd, pos, () => importIovec(k, task, iov, count)),
);

/** preadv2 and pwritev2: position -1 is the file's own; RWF_DSYNC and RWF_SYNC make a write durable, RWF_HIPRI and NOWAIT are hints. */
const RWF_KNOWN = 0xf;
const RWF_SYNCS = 0x2 | 0x4;
const positionOf = (pos: number): number | null => (pos === -1 ? null : pos);
syscall(
  286,
  'preadv2',
  ['fd', 'ptr', 'int', 'long', 'long', 'uint'],
  (k, task, fd, iov, count, pos, _hi, flags) =>
    (flags & ~RWF_KNOWN) !== 0
      ? -Errno.EOPNOTSUPP
      : sysRead(k, task, fd, positionOf(pos), () => importIovec(k, task, iov, count)),
);
syscall(
  287,
  'pwritev2',
  ['fd', 'ptr', 'int', 'long', 'long', 'uint'],
  (k, task, fd, iov, count, pos, _hi, flags) =>
    (flags & ~RWF_KNOWN) !== 0
      ? -Errno.EOPNOTSUPP
      : syncAfter(
          k,
          task,
          fd,
          flags,
          sysWrite(k, task, fd, positionOf(pos), () => importIovec(k, task, iov, count)),
        ),
);

function syncAfter(k: Kernel, task: Task, fd: number, flags: number, outcome: Outcome): Outcome {
  const file = (flags & RWF_SYNCS) !== 0 ? getFile(task, fd) : null;
  if (file && typeof outcome === 'number' && outcome > 0) requestSync(k, file.inode);
  return outcome;
}

syscall(62, 'lseek', ['fd', 'long', 'int'], seek);

syscall(46, 'ftruncate', ['fd', 'long'], (k, task, fd, size) => {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  if (!isReg(file.inode.mode) || !isWritable(file) || size < 0) return -Errno.EINVAL;
  return file.kind === 'regular' ? setSize(k, task, file.inode, size) : -Errno.EINVAL;
});
syscall(47, 'fallocate', ['fd', 'int', 'long', 'long'], (k, task, fd, mode, offset, length) => {
  const file = getFile(task, fd);
  if (!file || !isWritable(file)) return -Errno.EBADF;
  if (isFifo(file.inode.mode)) return -Errno.ESPIPE;
  if (isDir(file.inode.mode)) return -Errno.EISDIR;
  return file.kind === 'regular' ? fallocate(k, task, file, mode, offset, length) : -Errno.ENODEV;
});

syscall(61, 'getdents64', ['fd', 'ptr', 'uint'], (k, task, fd, buf, count) => {
  const file = getFile(task, fd);
  return file ? getdents(k, task, file, buf, count) : -Errno.EBADF;
});

syscall(23, 'dup', ['fd'], (k, task, fd) => fcntl(k, task, fd, 0, 0));
syscall(24, 'dup3', ['fd', 'fd', 'int'], (k, task, oldFd, newFd, flags) => {
  if ((flags & ~O.CLOEXEC) !== 0 || oldFd === newFd) return -Errno.EINVAL;
  const file = getFileRaw(task, oldFd);
  if (!file || newFd < 0) return -Errno.EBADF;
  return replaceFd(k, task, newFd, file, flags !== 0);
});
syscall(25, 'fcntl', ['fd', 'int', 'long'], fcntl);
syscall(32, 'flock', ['fd', 'int'], flock);
syscall(29, 'ioctl', ['fd', 'uint', 'long'], ioctl);

/** fsync and its family: an open file is enough; special files refuse. */
function sync(k: Kernel, task: Task, fd: number): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  requestSync(k, file.inode);
  const { fsync } = opsOf(file);
  if (fsync) return fsync(k, task, file);
  return file.kind === 'regular' || file.kind === 'dir' ? 0 : -Errno.EINVAL;
}
syscall(82, 'fsync', ['fd'], sync, 'full', 'the VM goes on when its whole disk is durable');
syscall(83, 'fdatasync', ['fd'], sync, 'full', 'as fsync');
syscall(81, 'sync', [], (k) => {
  requestSync(k, k.fs.rootMount.sb.root);
  return 0;
});
syscall(
  267,
  'syncfs',
  ['fd'],
  (k, task, fd) => (getFile(task, fd) ? sync(k, task, fd) : -Errno.EBADF),
  'full',
  'as sync',
);
syscall(84, 'sync_file_range', ['fd', 'long', 'long', 'uint'], sync, 'full', 'as fsync');
syscall(
  223,
  'fadvise64',
  ['fd', 'long', 'long', 'int'],
  (_k, task, fd, _offset, _length, advice) => {
    const file = getFile(task, fd);
    if (!file) return -Errno.EBADF;
    if (isFifo(file.inode.mode)) return -Errno.ESPIPE;
    return advice >= 0 && advice <= 5 ? 0 : -Errno.EINVAL;
  },
  'accepted',
);
syscall(
  213,
  'readahead',
  ['fd', 'long', 'size'],
  (_k, task, fd) => {
    const file = getFile(task, fd);
    if (!file) return -Errno.EBADF;
    return file.kind === 'regular' ? 0 : -Errno.EINVAL;
  },
  'accepted',
);

/** Runs `move` with an offset in user memory (or the file's own), and stores where it came to. */
function withOffset(k: Kernel, task: Task, va: number, move: (pos: number | null) => Outcome): Outcome {
  if (va === 0) return move(null);
  const pos = readLong(k, task, va);
  if (pos === null) return -Errno.EFAULT;
  if (pos < 0) return -Errno.EINVAL;
  const outcome = move(pos);
  if (typeof outcome === 'number' && outcome > 0) {
    const failed = writeLong(k, task, va, pos + outcome);
    if (failed < 0) return failed;
  }
  return outcome;
}

syscall(71, 'sendfile', ['fd', 'fd', 'ptr', 'size'], (k, task, outFd, inFd, offset, count) =>
  withOffset(k, task, offset, (pos) => sendfile(k, task, outFd, inFd, pos, count)),
);
syscall(
  285,
  'copy_file_range',
  ['fd', 'ptr', 'fd', 'ptr', 'size', 'uint'],
  (k, task, inFd, inVa, outFd, outVa, count, flags) =>
    flags !== 0
      ? -Errno.EINVAL
      : withOffset(k, task, inVa, (from) =>
          withOffset(k, task, outVa, (to) => copyFileRange(k, task, inFd, from, outFd, to, count)),
        ),
);

syscall(279, 'memfd_create', ['ptr', 'uint'], (k, task, va, flags) => {
  const name = copyInString(k, task, va, 250);
  if (typeof name === 'number') return name === -Errno.ENAMETOOLONG ? -Errno.EINVAL : name;
  return newMemfd(k, task, name, flags);
});
