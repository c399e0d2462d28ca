/** eventfd (man 2 eventfd): a 64-bit counter to read, write and poll. Always true: the counter stays below 2^64 - 1. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { newWaitQueue, type WaitQueue, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { installOrPut, newFile } from './file.ts';
import { O, Poll } from './flags.ts';
import { newInode } from './inode.ts';
import { defineFileOps } from './ops.ts';
import type { File } from './types.ts';

const EFD_SEMAPHORE = 1;
const MAX = 0xffff_ffff_ffff_fffen;

interface EventFd {
  count: bigint;
  semaphore: boolean;
  readWait: WaitQueue;
  writeWait: WaitQueue;
  seq: number;
}
const eventOf = (file: File): EventFd => file.data as EventFd;

/** eventfd2(2). */
export function createEventfd(k: Kernel, task: Task, initial: number, flags: number): number {
  if ((flags & ~(EFD_SEMAPHORE | O.CLOEXEC | O.NONBLOCK)) !== 0) return -Errno.EINVAL;
  const data: EventFd = {
    count: BigInt(initial),
    semaphore: (flags & EFD_SEMAPHORE) !== 0,
    readWait: newWaitQueue(),
    writeWait: newWaitQueue(),
    seq: 0,
  };
  const inode = newInode(k, k.fs.anonfs, { mode: 0o600 });
  const label = 'anon_inode:[eventfd]';
  const file = newFile(k, {
    kind: 'eventfd',
    inode,
    flags: O.RDWR | (flags & O.NONBLOCK),
    label,
    data,
  });
  return installOrPut(k, task, file, (flags & O.CLOEXEC) !== 0);
}

defineFileOps('eventfd', {
  read(k, task, file, buf) {
    const event = eventOf(file);
    if (buf.length < 8) return -Errno.EINVAL;
    if (event.count === 0n) {
      if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
      return wait([event.readWait]);
    }
    const value = event.semaphore ? 1n : event.count;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    event.count -= value;
    event.seq++;
    wakeUp(k, event.writeWait);
    const n = copyToIo(k, task, buf, bytes);
    return n < 0 ? n : 8;
  },
  write(k, task, file, buf) {
    const event = eventOf(file);
    if (buf.length < 8) return -Errno.EINVAL;
    const kept = task.syscall?.scratch?.value as bigint | undefined;
    let value = kept ?? 0n;
    if (kept === undefined) {
      const bytes = copyFromIo(k, task, buf, 8);
      if (typeof bytes === 'number') return bytes;
      if (bytes.length < 8) return -Errno.EFAULT;
      value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
    }
    if (value > MAX) return -Errno.EINVAL;
    if (event.count + value > MAX) {
      if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
      if (task.syscall) task.syscall.scratch = { value };
      return wait([event.writeWait]);
    }
    event.count += value;
    event.seq++;
    wakeUp(k, event.readWait);
    return 8;
  },
  poll(_k, file) {
    const event = eventOf(file);
    let events = 0;
    if (event.count > 0n) events |= Poll.IN | Poll.RDNORM;
    if (event.count < MAX) events |= Poll.OUT | Poll.WRNORM;
    return {
      events,
      queues: [event.readWait, event.writeWait],
      seq: event.seq,
    };
  },
  fdinfo: (_k, file) => `eventfd-count: ${eventOf(file).count.toString(16).padStart(16)}\n`,
});
