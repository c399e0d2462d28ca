/** signalfd (man 2 signalfd): reads take pending signals of the reader, which keeps them blocked. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyToIo } from '../mm/uio.ts';
import { newWaitQueue, type WaitQueue, wait } from '../outcome.ts';
import { dequeueSignal } from '../signal/deliver.ts';
import { pendingIn, recalcNotify } from '../signal/send.ts';
import type { SigInfo } from '../signal/types.ts';
import type { Task } from '../task/types.ts';
import { getFile, installOrPut, newFile } from './file.ts';
import { O, Poll } from './flags.ts';
import { newInode } from './inode.ts';
import { defineFileOps } from './ops.ts';

const SIGINFO_SIZE = 128;
/** SIGKILL and SIGSTOP cannot be taken. */
const UNTAKEABLE = (1n << 8n) | (1n << 18n);

interface SignalFd {
  mask: bigint;
  /** Woken when the mask changes. */
  changed: WaitQueue;
}

/** signalfd4(2): a new descriptor, or a new mask for `fd`. */
export function createSignalfd(k: Kernel, task: Task, fd: number, mask: bigint, flags: number): number {
  if ((flags & ~(O.CLOEXEC | O.NONBLOCK)) !== 0) return -Errno.EINVAL;
  const takeable = mask & ~UNTAKEABLE;
  if (fd !== -1) {
    const old = getFile(task, fd);
    if (!old) return -Errno.EBADF;
    if (old.kind !== 'signalfd') return -Errno.EINVAL;
    (old.data as SignalFd).mask = takeable;
    return fd;
  }
  const file = newFile(k, {
    kind: 'signalfd',
    inode: newInode(k, k.fs.anonfs, { mode: 0o600 }),
    flags: O.RDWR | (flags & O.NONBLOCK),
    label: 'anon_inode:[signalfd]',
    data: { mask: takeable, changed: newWaitQueue() } satisfies SignalFd,
  });
  return installOrPut(k, task, file, (flags & O.CLOEXEC) !== 0);
}

/** struct signalfd_siginfo (128 bytes). */
function pack(info: SigInfo): Uint8Array {
  const bytes = new Uint8Array(SIGINFO_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, info.signo, true);
  view.setInt32(4, info.errno, true);
  view.setInt32(8, info.code, true);
  view.setUint32(12, info.pid, true);
  view.setUint32(16, info.uid, true);
  view.setInt32(20, info.fd, true);
  view.setUint32(24, info.timerId, true);
  view.setUint32(28, info.band, true);
  view.setUint32(32, info.overrun, true);
  view.setInt32(40, info.status, true);
  view.setInt32(44, Number(BigInt.asIntN(32, info.value)), true);
  view.setBigUint64(48, BigInt.asUintN(64, info.value), true);
  view.setBigUint64(72, BigInt(info.addr >>> 0), true);
  return bytes;
}

defineFileOps('signalfd', {
  read(k, task, file, buf) {
    const { mask } = file.data as SignalFd;
    if (buf.length < SIGINFO_SIZE) return -Errno.EINVAL;
    while (buf.length - buf.done >= SIGINFO_SIZE) {
      const info = dequeueSignal(k, task, mask);
      if (!info) break;
      recalcNotify(task);
      const n = copyToIo(k, task, buf, pack(info));
      if (n < 0) return buf.done > 0 ? buf.done : n;
    }
    if (buf.done > 0) return buf.done;
    if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
    return wait([task.group.signalWait]);
  },
  poll(_k, file, task) {
    const { mask, changed } = file.data as SignalFd;
    if (!task) return { events: 0, queues: [] };
    const ready = pendingIn(task, mask) !== 0n;
    return {
      events: ready ? Poll.IN | Poll.RDNORM : 0,
      queues: [task.group.signalWait, changed],
    };
  },
  fdinfo: (_k, file) => `sigmask:\t${(file.data as SignalFd).mask.toString(16).padStart(16, '0')}\n`,
});
