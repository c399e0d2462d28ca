/**
 * read_iter and write_iter of modules' files (lib/iov_iter.c). Always true: an iterator shows one stretch of the user's buffer, which
 * struct iovec names; what was moved is taken off its count.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, writeK64 } from '../module/kmem.ts';
import type { Task } from '../task/types.ts';
import { getField, pointerField, setField, unsigned } from './access.ts';
import { kapi } from './registry.ts';
import { bytesToUser, fromUser, toUser } from './uaccess.ts';

/** Where the structs of a transfer lie in the scratch of a task's stack; the first words are loff_t and poll_table. */
export const ITER = { iovec: 24, iter: 40, kiocb: 88 } as const;

/** struct iovec, iov_iter and kiocb for one call of read_iter or write_iter. */
export function makeIter(
  k: Kernel,
  scratch: Vaddr,
  filp: Vaddr,
  pos: number,
  base: Vaddr,
  length: number,
): void {
  writeK64(k, scratch + ITER.iovec, base);
  writeK64(k, scratch + ITER.iovec + 8, length);
  const iter = scratch + ITER.iter;
  setField(k, 'iov_iter', iter, 'iter_type', 0);
  setField(k, 'iov_iter', iter, 'iov_offset', 0);
  setField(k, 'iov_iter', iter, 'iov', scratch + ITER.iovec);
  setField(k, 'iov_iter', iter, 'count', length);
  setField(k, 'iov_iter', iter, 'nr_segs', 1);
  const kiocb = scratch + ITER.kiocb;
  setField(k, 'kiocb', kiocb, 'ki_filp', filp);
  setField(k, 'kiocb', kiocb, 'ki_pos', pos);
  setField(k, 'kiocb', kiocb, 'private', 0);
  setField(k, 'kiocb', kiocb, 'ki_flags', 0);
}

/** Moves at most `bytes` at the iterator's place by `move`, which answers how many were not moved. */
function advance(
  k: Kernel,
  task: Task,
  iter: Vaddr,
  bytes: number,
  move: (user: Vaddr, count: number) => number,
): number {
  const iov = pointerField(k, task, 'iov_iter', iter, 'iov');
  if (iov === null) return 0;
  const offset = getField(k, 'iov_iter', iter, 'iov_offset') ?? 0;
  const left = getField(k, 'iov_iter', iter, 'count') ?? 0;
  const count = Math.min(unsigned(bytes), left);
  const done = count - move((readK64(k, iov) ?? 0) + offset, count);
  setField(k, 'iov_iter', iter, 'iov_offset', offset + done);
  setField(k, 'iov_iter', iter, 'count', left - done);
  return done;
}

kapi('_copy_to_iter', (k, task, [from, bytes, iter]) =>
  advance(k, task, iter, bytes, (user, count) => toUser(k, task, user, from, count)),
);
kapi('_copy_from_iter', (k, task, [to, bytes, iter]) =>
  advance(k, task, iter, bytes, (user, count) => fromUser(k, task, to, user, count)),
);
kapi('iov_iter_zero', (k, task, [bytes, iter]) =>
  advance(k, task, iter, bytes, (user, count) => bytesToUser(k, task, user, new Uint8Array(count))),
);
kapi('iov_iter_advance', (k, task, [iter, bytes]) => {
  advance(k, task, iter, bytes, () => 0);
  return 0;
});
kapi('iov_iter_revert', (k, _task, [iter, bytes]) => {
  const offset = getField(k, 'iov_iter', iter, 'iov_offset') ?? 0;
  const back = Math.min(unsigned(bytes), offset);
  setField(k, 'iov_iter', iter, 'iov_offset', offset - back);
  setField(k, 'iov_iter', iter, 'count', (getField(k, 'iov_iter', iter, 'count') ?? 0) + back);
  return 0;
});
