/** System calls that wait for descriptors, and the descriptors made to be waited for. */
import { Errno } from '../abi/errno.ts';
import { controlEpoll, createEpoll, type EpollEvent, waitEpoll } from '../fs/epoll.ts';
import { createEventfd } from '../fs/eventfd.ts';
import { getFile } from '../fs/file.ts';
import { PATH_MAX, RLIMIT_NOFILE } from '../fs/flags.ts';
import { addWatch, createInotify, removeWatch } from '../fs/inotify.ts';
import { maskForCall, type PollFd, poll, select } from '../fs/poll.ts';
import { createSignalfd } from '../fs/signalfd.ts';
import { createTimerfd, getTimerfd, setTimerfd, type TimerSetting } from '../fs/timerfd.ts';
import type { Timespec } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyInString, copyOut, readLong, readU64 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { readTimespec, toNs, toTimespec, writeTimespec } from '../time/clocks.ts';
import { syscall } from './table.ts';

const SIGSET_SIZE = 8;
/** SIGKILL and SIGSTOP are never blocked. */
const UNBLOCKABLE = (1n << 8n) | (1n << 18n);

/** A signal mask argument: null for none, or -errno. */
function maskAt(k: Kernel, task: Task, va: number, size: number): bigint | null | number {
  if (va === 0) return null;
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  const mask = readU64(k, task, va);
  return mask === null ? -Errno.EFAULT : mask & ~UNBLOCKABLE;
}

/** A relative time-out argument in nanoseconds: null for none, or -errno wrapped in an Error-like object. */
function timeoutAt(k: Kernel, task: Task, va: number): { ns: number | null } | number {
  if (va === 0) return { ns: null };
  const time = readTimespec(k, task, va);
  if (!time) return -Errno.EFAULT;
  if (time.sec < 0 || time.nsec < 0 || time.nsec >= 1e9) return -Errno.EINVAL;
  return { ns: toNs(time) };
}

/** What is left until the deadline goes back to the caller, as Linux does for ppoll and pselect6. */
function storeRemaining(k: Kernel, task: Task, va: number, outcome: Outcome): Outcome {
  if (va === 0 || typeof outcome !== 'number') return outcome;
  const deadline = task.syscall?.deadlineNs ?? 0;
  writeTimespec(k, task, va, toTimespec(Math.max(0, deadline - k.time.nowNs)));
  return outcome;
}

syscall(73, 'ppoll', ['ptr', 'uint', 'ptr', 'ptr', 'size'], (k, task, va, count, timeout, sigmask, size) => {
  if (count > task.group.rlimits[RLIMIT_NOFILE].cur) return -Errno.EINVAL;
  const time = timeoutAt(k, task, timeout);
  if (typeof time === 'number') return time;
  const mask = maskAt(k, task, sigmask, size);
  if (typeof mask === 'number') return mask;
  const raw = copyIn(k, task, va, count * 8);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const fds: PollFd[] = [];
  for (let i = 0; i < count; i++)
    fds.push({
      fd: view.getInt32(i * 8, true),
      events: view.getUint16(i * 8 + 4, true),
      revents: 0,
    });
  maskForCall(task, mask);
  const outcome = poll(k, task, fds, time.ns);
  if (typeof outcome === 'number' && outcome >= 0) {
    for (let i = 0; i < count; i++) view.setUint16(i * 8 + 6, fds[i].revents, true);
    const failed = copyOut(k, task, va, raw);
    if (failed < 0) return failed;
  }
  return storeRemaining(k, task, timeout, outcome);
});

syscall(
  72,
  'pselect6',
  ['int', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr'],
  (k, task, n, inVa, outVa, exVa, timeout, sig) => {
    if (n < 0) return -Errno.EINVAL;
    const count = Math.min(n, Math.max(1024, task.files.fds.length));
    const bytes = Math.ceil(count / 64) * 8;
    const time = timeoutAt(k, task, timeout);
    if (typeof time === 'number') return time;
    let mask: bigint | null | number = null;
    if (sig !== 0) {
      const va = readLong(k, task, sig);
      const size = readLong(k, task, sig + 8);
      if (va === null || size === null) return -Errno.EFAULT;
      mask = maskAt(k, task, va, size);
      if (typeof mask === 'number') return mask;
    }
    const addresses = [inVa, outVa, exVa];
    const sets: (Uint8Array | null)[] = [];
    for (const va of addresses) {
      const set = va === 0 ? null : copyIn(k, task, va, bytes);
      if (va !== 0 && !set) return -Errno.EFAULT;
      sets.push(set ? set.slice() : null);
    }
    maskForCall(task, mask);
    const outcome = select(k, task, count, sets, time.ns);
    if (typeof outcome === 'number' && outcome >= 0)
      for (let i = 0; i < 3; i++) {
        const set = sets[i];
        if (set && copyOut(k, task, addresses[i], set) < 0) return -Errno.EFAULT;
      }
    return storeRemaining(k, task, timeout, outcome);
  },
);

syscall(20, 'epoll_create1', ['int'], createEpoll);

syscall(21, 'epoll_ctl', ['fd', 'int', 'fd', 'ptr'], (k, task, epfd, op, fd, va) => {
  let event: EpollEvent | null = null;
  if (op !== 2) {
    const raw = copyIn(k, task, va, 16);
    if (!raw) return -Errno.EFAULT;
    const view = new DataView(raw.buffer, raw.byteOffset);
    event = {
      events: view.getUint32(0, true),
      data: view.getBigUint64(8, true),
    };
  }
  return controlEpoll(k, task, epfd, op, fd, event);
});

function epollWait(
  k: Kernel,
  task: Task,
  epfd: number,
  va: number,
  max: number,
  timeoutNs: number | null,
  sigmask: number,
  size: number,
): Outcome {
  if (max <= 0 || max > 1_000_000) return -Errno.EINVAL;
  const mask = maskAt(k, task, sigmask, size);
  if (typeof mask === 'number') return mask;
  const file = getFile(task, epfd);
  if (!file) return -Errno.EBADF;
  if (file.kind !== 'eventpoll') return -Errno.EINVAL;
  maskForCall(task, mask);
  const found = waitEpoll(k, task, file, max, timeoutNs);
  if (!Array.isArray(found)) return found;
  const bytes = new Uint8Array(found.length * 16);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < found.length; i++) {
    view.setUint32(i * 16, found[i].events, true);
    view.setBigUint64(i * 16 + 8, found[i].data, true);
  }
  const failed = copyOut(k, task, va, bytes);
  return failed < 0 ? failed : found.length;
}
syscall(
  22,
  'epoll_pwait',
  ['fd', 'ptr', 'int', 'int', 'ptr', 'size'],
  (k, task, epfd, va, max, timeoutMs, sigmask, size) =>
    epollWait(k, task, epfd, va, max, timeoutMs < 0 ? null : timeoutMs * 1e6, sigmask, size),
);
syscall(
  441,
  'epoll_pwait2',
  ['fd', 'ptr', 'int', 'ptr', 'ptr', 'size'],
  (k, task, epfd, va, max, timeout, sigmask, size) => {
    const time = timeoutAt(k, task, timeout);
    return typeof time === 'number' ? time : epollWait(k, task, epfd, va, max, time.ns, sigmask, size);
  },
);

syscall(19, 'eventfd2', ['uint', 'int'], createEventfd);

syscall(74, 'signalfd4', ['fd', 'ptr', 'size', 'int'], (k, task, fd, va, size, flags) => {
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  const mask = readU64(k, task, va);
  return mask === null ? -Errno.EFAULT : createSignalfd(k, task, fd, mask, flags);
});

syscall(85, 'timerfd_create', ['int', 'int'], createTimerfd);

function storeSetting(k: Kernel, task: Task, va: number, setting: TimerSetting): number {
  const failed = writeTimespec(k, task, va, toTimespec(setting.intervalNs));
  return failed < 0 ? failed : writeTimespec(k, task, va + 16, toTimespec(setting.valueNs));
}
const isTime = (time: Timespec | null): time is Timespec =>
  time !== null && time.sec >= 0 && time.nsec >= 0 && time.nsec < 1e9;

syscall(86, 'timerfd_settime', ['fd', 'int', 'ptr', 'ptr'], (k, task, fd, flags, newVa, oldVa) => {
  const interval = readTimespec(k, task, newVa);
  const value = readTimespec(k, task, newVa + 16);
  if (!interval || !value) return -Errno.EFAULT;
  if (!isTime(interval) || !isTime(value)) return -Errno.EINVAL;
  const old = setTimerfd(k, task, fd, flags, value, interval);
  if (typeof old === 'number') return old;
  return oldVa === 0 ? 0 : storeSetting(k, task, oldVa, old);
});
syscall(87, 'timerfd_gettime', ['fd', 'ptr'], (k, task, fd, va) => {
  const setting = getTimerfd(k, task, fd);
  return typeof setting === 'number' ? setting : storeSetting(k, task, va, setting);
});

syscall(26, 'inotify_init1', ['int'], createInotify);
syscall(27, 'inotify_add_watch', ['fd', 'ptr', 'uint'], (k, task, fd, va, mask) => {
  const name = copyInString(k, task, va, PATH_MAX);
  return typeof name === 'number' ? name : addWatch(k, task, fd, name, mask);
});
syscall(28, 'inotify_rm_watch', ['fd', 'int'], removeWatch);
