/**
 * File locks: fcntl's POSIX locks, open file description locks, and flock (man 2 fcntl, flock; fs/locks.c). Always true: an
 * inode's locks of one owner and kind do not overlap; an inode with locks is in `k.fs.lockedInodes`.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { newWaitQueue, type Outcome, wait } from '../outcome.ts';
import { wakeUp } from '../task/wait.ts';
import type { File, FileLock, FileTable, Inode, LockSet } from './types.ts';

function lockSet(k: Kernel, inode: Inode): LockSet {
  if (!inode.locks) {
    inode.locks = { list: [], wait: newWaitQueue() };
    k.fs.lockedInodes.push(inode);
  }
  return inode.locks;
}

function changed(k: Kernel, inode: Inode, set: LockSet): void {
  wakeUp(k, set.wait);
  if (set.list.length > 0 || set.wait.tids.length > 0) return;
  inode.locks = null;
  const at = k.fs.lockedInodes.indexOf(inode);
  if (at >= 0) k.fs.lockedInodes.splice(at, 1);
}

const isFlock = (lock: FileLock): boolean => lock.kind === 'flock';

/** The first lock of another owner that stands in the way of `lock`. */
export function conflicting(inode: Inode, lock: FileLock): FileLock | null {
  for (const other of inode.locks?.list ?? []) {
    if (isFlock(other) !== isFlock(lock) || other.owner === lock.owner) continue;
    if (!other.write && !lock.write) continue;
    if (other.start <= lock.end && lock.start <= other.end) return other;
  }
  return null;
}

/** Takes the range of `lock` out of its owner's locks: unlocking, and the first half of replacing. */
function carve(set: LockSet, lock: FileLock): void {
  const out: FileLock[] = [];
  for (const old of set.list) {
    const same = old.owner === lock.owner && isFlock(old) === isFlock(lock);
    if (!same || old.end < lock.start || lock.end < old.start) {
      out.push(old);
      continue;
    }
    if (old.start < lock.start) out.push({ ...old, end: lock.start - 1 });
    if (old.end > lock.end) out.push({ ...old, start: lock.end + 1 });
  }
  set.list = out;
}

/** Joins a lock with neighbours of the same owner and type. */
function insert(set: LockSet, lock: FileLock): void {
  let { start, end } = lock;
  set.list = set.list.filter((old) => {
    const joins =
      old.owner === lock.owner &&
      old.kind === lock.kind &&
      old.write === lock.write &&
      old.end >= start - 1 &&
      old.start <= end + 1;
    if (joins) {
      start = Math.min(start, old.start);
      end = Math.max(end, old.end);
    }
    return !joins;
  });
  set.list.push({ ...lock, start, end });
}

/** Whether waiting for `blocker` would close a circle of POSIX locks (EDEADLK). */
function wouldDeadlock(k: Kernel, lock: FileLock, blocker: FileLock): boolean {
  let owner = blocker.owner;
  for (let depth = 0; depth < 10; depth++) {
    if (owner === lock.owner) return true;
    const next = blockedBy(k, owner);
    if (!next) return false;
    owner = next.owner;
  }
  return false;
}

/** What a table's owner waits for, as its parked F_SETLKW recorded it. */
function blockedBy(k: Kernel, owner: FileTable | File): FileLock | null {
  for (const task of k.task.tasks.values()) {
    if (task.files !== owner || task.state !== 'sleeping') continue;
    const wanted = task.syscall?.scratch?.lock as { lock: FileLock; inode: Inode } | undefined;
    if (wanted) return conflicting(wanted.inode, wanted.lock);
  }
  return null;
}

/** Locks in the whole VM. */
const MAX_LOCKS = 20_000;
const totalLocks = (k: Kernel): number =>
  k.fs.lockedInodes.reduce((sum, inode) => sum + (inode.locks?.list.length ?? 0), 0);

/** Sets a lock, waiting for it if `block`; `scratch` is where a parked wait for a POSIX lock leaves its mark. */
export function setLock(
  k: Kernel,
  inode: Inode,
  lock: FileLock,
  block: boolean,
  scratch: (mark: { lock: FileLock; inode: Inode } | null) => void,
): Outcome {
  const other = conflicting(inode, lock);
  if (other) {
    if (!block) return -Errno.EAGAIN;
    if (lock.kind === 'posix') {
      if (wouldDeadlock(k, lock, other)) return -Errno.EDEADLK;
      scratch({ lock, inode });
    }
    return wait([lockSet(k, inode).wait]);
  }
  scratch(null);
  const set = lockSet(k, inode);
  if (set.list.length >= 100 && totalLocks(k) >= MAX_LOCKS) return -Errno.ENOLCK;
  const shrunk = set.list.length > 0;
  carve(set, lock);
  insert(set, lock);
  if (shrunk) wakeUp(k, set.wait);
  return 0;
}

/** Gives up the range of `lock`. */
export function unlock(k: Kernel, inode: Inode, lock: FileLock): number {
  const set = inode.locks;
  if (!set) return 0;
  carve(set, lock);
  changed(k, inode, set);
  return 0;
}

/** close(2) of any descriptor of a file drops the process's POSIX locks on it. */
export function dropPosixLocks(k: Kernel, owner: FileTable, inode: Inode): void {
  dropOwned(k, owner, inode);
}

/** The last close of an open file drops its own locks. */
export function dropFileLocks(k: Kernel, file: File): void {
  if (file.inode.locks) dropOwned(k, file, file.inode);
}

function dropOwned(k: Kernel, owner: FileTable | File, inode: Inode): void {
  const set = inode.locks;
  if (!set) return;
  set.list = set.list.filter((lock) => lock.owner !== owner);
  changed(k, inode, set);
}
