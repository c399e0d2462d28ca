/**
 * Restartable sequences (man 2 rseq, kernel/rseq.c; 4.18 and later). Always true: there is one processor, so the numbers in a thread's
 * struct rseq never change; a thread that loses the processor or gets a signal inside a sequence goes on at its abort address.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { readLong, readU32, writeLong, writeU32 } from '../mm/uaccess.ts';
import { forceSignal } from '../signal/send.ts';
import { getPc, setPc } from './regs.ts';
import type { Task } from './types.ts';

/** struct rseq. */
const At = { cpuIdStart: 0, cpuId: 4, sequence: 8, nodeId: 20, mmCid: 24 } as const;
/** struct rseq_cs. */
const Sequence = { start: 8, length: 16, abort: 24 } as const;
/** sizeof(struct rseq) of the first kernels, and its alignment. */
const SIZE = 32;
const UNREGISTER = 1;
const SIGSEGV = 11;
const SI_KERNEL = 0x80;

/** rseq(2). */
export function rseq(
  k: Kernel,
  task: Task,
  at: number,
  size: number,
  flags: number,
  signature: number,
): number {
  const known = task.rseq;
  if (flags & UNREGISTER) {
    if (flags !== UNREGISTER || !known || known.at !== at || known.size !== size) return -Errno.EINVAL;
    if (known.signature !== signature) return -Errno.EPERM;
    if (writeU32(k, task, at + At.cpuIdStart, 0) < 0 || writeU32(k, task, at + At.cpuId, 2 ** 32 - 1) < 0)
      return -Errno.EFAULT;
    task.rseq = null;
    return 0;
  }
  if (flags !== 0) return -Errno.EINVAL;
  if (known) {
    if (known.at !== at || known.size !== size) return -Errno.EINVAL;
    return known.signature === signature ? -Errno.EBUSY : -Errno.EPERM;
  }
  if (size < SIZE || at % SIZE !== 0) return -Errno.EINVAL;
  for (const field of [At.cpuIdStart, At.cpuId, At.nodeId, At.mmCid])
    if (writeU32(k, task, at + field, 0) < 0) return -Errno.EFAULT;
  task.rseq = { at, size, signature };
  return 0;
}

/** The thread is interrupted: out of the sequence it may be in (rseq_ip_fixup). Its registers are in the hart. */
export function leaveSequence(k: Kernel, task: Task): void {
  if (!task.rseq) return;
  const { at, signature } = task.rseq;
  const sequence = readLong(k, task, at + At.sequence);
  if (sequence === 0) return;
  if (
    sequence === null ||
    !abort(k, task, sequence, signature) ||
    writeLong(k, task, at + At.sequence, 0) < 0
  )
    forceSignal(k, task, SIGSEGV, SI_KERNEL);
}

/** False: the description is no such thing. */
function abort(k: Kernel, task: Task, sequence: number, signature: number): boolean {
  const start = readLong(k, task, sequence + Sequence.start);
  const length = readLong(k, task, sequence + Sequence.length);
  const handler = readLong(k, task, sequence + Sequence.abort);
  if (start === null || length === null || handler === null) return false;
  const pc = getPc(k, task);
  if (pc < start || pc >= start + length) return true;
  if (readU32(k, task, handler - 4) !== signature >>> 0) return false;
  setPc(k, task, handler);
  return true;
}
