/**
 * Futexes (man 2 futex, kernel/futex.c). Always true: a task is in a bucket of `k.task.futexes` exactly while `futexKey` names
 * that bucket; buckets without waiters are gone. A key is an address space and an address, or an inode and an offset for
 * shared mappings.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Mm, Vma } from '../mm/types.ts';
import { readLong, readU32, writeU32 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { defineStep, wait } from '../outcome.ts';
import type { Task } from './types.ts';
import { wakeTask } from './wait.ts';

const MAP_SHARED = 1;
/** The word of a futex whose owner died (robust futexes). */
const FUTEX_WAITERS = 0x80000000;
const FUTEX_OWNER_DIED = 0x40000000;
const FUTEX_TID_MASK = 0x3fffffff;
/** The longest robust list that is walked at exit (ROBUST_LIST_LIMIT). */
const ROBUST_LIST_LIMIT = 2048;
export const MATCH_ANY = 0xffffffff;

function vmaAt(mm: Mm, va: number): Vma | null {
  let low = 0;
  let high = mm.vmas.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const vma = mm.vmas[middle];
    if (va < vma.start) high = middle - 1;
    else if (va >= vma.end) low = middle + 1;
    else return vma;
  }
  return null;
}

/** The key of a futex word, or -errno. */
function keyOf(task: Task, va: number, isPrivate: boolean): string | number {
  if (va % 4 !== 0) return -Errno.EINVAL;
  if (!task.mm || va < 0) return -Errno.EFAULT;
  if (!isPrivate) {
    const vma = vmaAt(task.mm, va);
    if (!vma) return -Errno.EFAULT;
    if (vma.flags & MAP_SHARED && vma.inode)
      return `i${vma.inode.sb.id}:${vma.inode.ino}:${vma.offset + (va - vma.start)}`;
  }
  return `m${task.mm.root}:${va}`;
}

/** Takes a task out of the bucket it waits in, if any. */
export function forgetFutexWait(k: Kernel, task: Task): void {
  const key = task.futexKey;
  if (key === null) return;
  task.futexKey = null;
  const bucket = k.task.futexes.get(key);
  if (!bucket) return;
  const at = bucket.waiters.findIndex((waiter) => waiter.tid === task.tid);
  if (at >= 0) bucket.waiters.splice(at, 1);
  if (bucket.waiters.length === 0) k.task.futexes.delete(key);
}

function wakeKey(k: Kernel, key: string, count: number, bitset: number): number {
  const bucket = k.task.futexes.get(key);
  if (!bucket) return 0;
  let woken = 0;
  for (const waiter of [...bucket.waiters]) {
    if (woken >= count) break;
    if ((waiter.bitset & bitset) === 0) continue;
    const task = k.task.tasks.get(waiter.tid);
    const at = bucket.waiters.indexOf(waiter);
    bucket.waiters.splice(at, 1);
    if (!task) continue;
    task.futexKey = null;
    wakeTask(k, task, 'event');
    woken++;
  }
  if (bucket.waiters.length === 0) k.task.futexes.delete(key);
  return woken;
}

/** FUTEX_WAKE and FUTEX_WAKE_BITSET: how many were woken. */
export function futexWake(
  k: Kernel,
  task: Task,
  va: number,
  isPrivate: boolean,
  count: number,
  bitset: number,
): number {
  if (bitset === 0) return -Errno.EINVAL;
  const key = keyOf(task, va, isPrivate);
  return typeof key === 'number' ? key : wakeKey(k, key, Math.max(count, 1), bitset);
}

/** Wakes one waiter of a word in this task's memory, whichever kind of key it waits under (CLONE_CHILD_CLEARTID). */
export function futexWakeAddress(k: Kernel, task: Task, va: number): void {
  const shared = keyOf(task, va, false);
  if (typeof shared === 'string') wakeKey(k, shared, 1, MATCH_ANY);
  const own = keyOf(task, va, true);
  if (typeof own === 'string' && own !== shared) wakeKey(k, own, 1, MATCH_ANY);
}

interface WaitState {
  /** Nothing was given: no restart block. */
  timed: boolean;
  va: number;
  isPrivate: boolean;
  value: number;
  bitset: number;
  untilNs: number;
}

/** FUTEX_WAIT and FUTEX_WAIT_BITSET, with an absolute monotonic deadline. */
export function futexWait(k: Kernel, task: Task, state: WaitState): Outcome {
  if (state.bitset === 0) return -Errno.EINVAL;
  const key = keyOf(task, state.va, state.isPrivate);
  if (typeof key === 'number') return key;
  const word = readU32(k, task, state.va);
  if (word === null) return -Errno.EFAULT;
  if (word !== state.value) return -Errno.EAGAIN;
  if (state.untilNs <= k.time.nowNs) return -Errno.ETIMEDOUT;
  const bucket = k.task.futexes.get(key) ?? { waiters: [] };
  k.task.futexes.set(key, bucket);
  bucket.waiters.push({ tid: task.tid, bitset: state.bitset });
  task.futexKey = key;
  return wait([], {
    untilNs: state.untilNs,
    then: [{ step: waitDone, state }],
  });
}

const waitDone = defineStep('futex.wait.done', (k, task, state: WaitState, entry) => {
  const woken = task.futexKey === null;
  forgetFutexWait(k, task);
  if (woken) return 0;
  if (entry.by === 'timeout') return -Errno.ETIMEDOUT;
  if (entry.by !== 'signal') return 0;
  if (!state.timed) return -Errno.ERESTARTSYS;
  task.restart = { step: waitAgain, state };
  return -Errno.ERESTART_RESTARTBLOCK;
});

const waitAgain = defineStep('futex.wait.again', (k, task, state: WaitState) => futexWait(k, task, state));

/** FUTEX_REQUEUE and FUTEX_CMP_REQUEUE. `expected` null: not compared. */
export function futexRequeue(
  k: Kernel,
  task: Task,
  va: number,
  isPrivate: boolean,
  wakeCount: number,
  moveCount: number,
  to: number,
  expected: number | null,
): number {
  if (wakeCount < 0 || moveCount < 0) return -Errno.EINVAL;
  const from = keyOf(task, va, isPrivate);
  if (typeof from === 'number') return from;
  const target = keyOf(task, to, isPrivate);
  if (typeof target === 'number') return target;
  if (expected !== null) {
    const word = readU32(k, task, va);
    if (word === null) return -Errno.EFAULT;
    if (word !== expected) return -Errno.EAGAIN;
  }
  const woken = wakeKey(k, from, wakeCount, MATCH_ANY);
  return woken + move(k, from, target, moveCount);
}

function move(k: Kernel, from: string, target: string, count: number): number {
  const source = k.task.futexes.get(from);
  if (!source || from === target) return source ? Math.min(count, source.waiters.length) : 0;
  const moved = source.waiters.splice(0, count);
  if (source.waiters.length === 0) k.task.futexes.delete(from);
  if (moved.length === 0) return 0;
  const bucket = k.task.futexes.get(target) ?? { waiters: [] };
  k.task.futexes.set(target, bucket);
  for (const waiter of moved) {
    bucket.waiters.push(waiter);
    const task = k.task.tasks.get(waiter.tid);
    if (task) task.futexKey = target;
  }
  return moved.length;
}

/** FUTEX_WAKE_OP: changes the second word atomically and wakes on both. */
export function futexWakeOp(
  k: Kernel,
  task: Task,
  va: number,
  isPrivate: boolean,
  count: number,
  count2: number,
  va2: number,
  encoded: number,
): number {
  const key = keyOf(task, va, isPrivate);
  if (typeof key === 'number') return key;
  const key2 = keyOf(task, va2, isPrivate);
  if (typeof key2 === 'number') return key2;
  const op = (encoded >>> 28) & 7;
  const compare = (encoded >>> 24) & 15;
  let operand = (encoded << 8) >> 20;
  const against = (encoded << 20) >> 20;
  if ((encoded >>> 28) & 8) operand = 1 << (operand & 31);
  const old = readU32(k, task, va2);
  if (old === null) return -Errno.EFAULT;
  const next = applyOp(op, old | 0, operand);
  if (next === null) return -Errno.ENOSYS;
  if (writeU32(k, task, va2, next >>> 0) < 0) return -Errno.EFAULT;
  const matches = compareOp(compare, old | 0, against);
  if (matches === null) return -Errno.ENOSYS;
  let woken = wakeKey(k, key, Math.max(count, 1), MATCH_ANY);
  if (matches) woken += wakeKey(k, key2, Math.max(count2, 1), MATCH_ANY);
  return woken;
}

function applyOp(op: number, old: number, operand: number): number | null {
  switch (op) {
    case 0:
      return operand;
    case 1:
      return (old + operand) | 0;
    case 2:
      return old | operand;
    case 3:
      return old & ~operand;
    case 4:
      return old ^ operand;
    default:
      return null;
  }
}

function compareOp(compare: number, old: number, against: number): boolean | null {
  switch (compare) {
    case 0:
      return old === against;
    case 1:
      return old !== against;
    case 2:
      return old < against;
    case 3:
      return old <= against;
    case 4:
      return old > against;
    case 5:
      return old >= against;
    default:
      return null;
  }
}

/** Marks the futexes that a dying task still holds and wakes a waiter of each (exit_robust_list). */
export function exitRobustList(k: Kernel, task: Task): void {
  const head = task.robustList;
  if (head === 0) return;
  const first = readLong(k, task, head);
  const offset = readLong(k, task, head + 8);
  const pending = readLong(k, task, head + 16);
  if (first === null || offset === null || pending === null) return;
  const pendingEntry = pending - (pending & 1);
  let entry: number | null = first - (first & 1);
  for (let i = 0; i < ROBUST_LIST_LIMIT && entry !== null && entry !== head; i++) {
    const next = readLong(k, task, entry);
    if (entry !== pendingEntry && !futexDeath(k, task, entry + offset)) return;
    entry = next === null ? null : next - (next & 1);
  }
  if (pendingEntry !== 0) futexDeath(k, task, pendingEntry + offset);
}

function futexDeath(k: Kernel, task: Task, va: number): boolean {
  const word = readU32(k, task, va);
  if (word === null || va % 4 !== 0) return false;
  if ((word & FUTEX_TID_MASK) !== task.tid) return true;
  const next = ((word & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0;
  if (writeU32(k, task, va, next) < 0) return false;
  if (word & FUTEX_WAITERS) futexWakeAddress(k, task, va);
  return true;
}
