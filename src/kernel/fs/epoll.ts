/**
 * epoll (man 7 epoll, fs/eventpoll.c). Always true: an instance remembers descriptions, not descriptors, and forgets one when its
 * last reference is gone; edges are told by what a file's poll says is new since it was last reported.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { newWaitQueue, type Outcome, type WaitQueue } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { getFile, installOrPut, newFile } from './file.ts';
import { O, Poll } from './flags.ts';
import { newInode } from './inode.ts';
import { defineFileOps, opsOf } from './ops.ts';
import { askModules, deadlineOf, lookEnded, pollFile } from './poll.ts';
import type { File } from './types.ts';

const EPOLLET = 0x80000000;
const EPOLLONESHOT = 0x40000000;
const EPOLL_CLOEXEC = O.CLOEXEC;
const CTL = { ADD: 1, DEL: 2, MOD: 3 } as const;
const MAX_NESTING = 5;
/** Items in all instances of the VM (fs.epoll.max_user_watches). */
const MAX_ITEMS = 100_000;

interface Item {
  fd: number;
  file: File;
  events: number;
  data: bigint;
  /** EPOLLONESHOT has fired: nothing is reported until it is armed again. */
  disarmed: boolean;
  /** What was ready, and the file's sequence number, when it was last looked at. */
  seen: number;
  seq: number;
}

interface Epoll {
  /** By descriptor number; two descriptions under one reused number live side by side in the list. */
  items: Item[];
  /** Woken when the set of items changes. */
  changed: WaitQueue;
}

/** One event as reported. */
export interface EpollEvent {
  events: number;
  data: bigint;
}

const epollOf = (file: File): Epoll => file.data as Epoll;

/** epoll_create1(2). */
export function createEpoll(k: Kernel, task: Task, flags: number): number {
  if ((flags & ~EPOLL_CLOEXEC) !== 0) return -Errno.EINVAL;
  const file = newFile(k, {
    kind: 'eventpoll',
    inode: newInode(k, k.fs.anonfs, { mode: 0o600 }),
    flags: O.RDWR,
    label: 'anon_inode:[eventpoll]',
    data: { items: [], changed: newWaitQueue() } satisfies Epoll,
  });
  return installOrPut(k, task, file, flags !== 0);
}

/** Drops items whose file is closed. */
function prune(k: Kernel, epoll: Epoll): void {
  if (!epoll.items.some((item) => item.file.refs <= 0)) return;
  const before = epoll.items.length;
  epoll.items = epoll.items.filter((item) => item.file.refs > 0);
  k.fs.epollItems -= before - epoll.items.length;
}

/** How deep epolls hang below a file, or Infinity when `forbidden` is among them. */
function depth(file: File, forbidden: File, level = 0): number {
  if (file === forbidden || level > MAX_NESTING) return Number.POSITIVE_INFINITY;
  if (file.kind !== 'eventpoll') return 0;
  let deepest = 0;
  for (const item of epollOf(file).items) deepest = Math.max(deepest, depth(item.file, forbidden, level + 1));
  return deepest + 1;
}

/** epoll_ctl(2). */
export function controlEpoll(
  k: Kernel,
  task: Task,
  epfd: number,
  op: number,
  fd: number,
  event: EpollEvent | null,
): number {
  const epfile = getFile(task, epfd);
  const file = getFile(task, fd);
  if (!epfile || !file) return -Errno.EBADF;
  if (!opsOf(file).poll) return -Errno.EPERM;
  if (epfile.kind !== 'eventpoll' || epfile === file) return -Errno.EINVAL;
  const epoll = epollOf(epfile);
  prune(k, epoll);
  const at = epoll.items.findIndex((item) => item.fd === fd && item.file === file);
  if (op === CTL.DEL) {
    if (at < 0) return -Errno.ENOENT;
    epoll.items.splice(at, 1);
    k.fs.epollItems--;
    return 0;
  }
  if (op !== CTL.ADD && op !== CTL.MOD) return -Errno.EINVAL;
  const { events, data } = event as EpollEvent;
  if (op === CTL.ADD) {
    if (at >= 0) return -Errno.EEXIST;
    if (file.kind === 'eventpoll' && depth(file, epfile) > MAX_NESTING) return -Errno.ELOOP;
    if (k.fs.epollItems >= MAX_ITEMS) return -Errno.ENOSPC;
    k.fs.epollItems++;
    epoll.items.push({
      fd,
      file,
      events,
      data,
      disarmed: false,
      seen: 0,
      seq: -1,
    });
  } else {
    if (at < 0) return -Errno.ENOENT;
    Object.assign(epoll.items[at], {
      events,
      data,
      disarmed: false,
      seen: 0,
      seq: -1,
    });
  }
  wakeUp(k, epoll.changed);
  return 0;
}

/** What an item has to report now. With `take` an edge counts as reported. */
function readyEvents(k: Kernel, task: Task | null, item: Item, take: boolean, queues: WaitQueue[]): number {
  if (item.disarmed) return 0;
  const result = pollFile(k, task, item.file);
  for (const queue of result.queues) queues.push(queue);
  const ready = result.events & ((item.events & 0xffff) | Poll.ERR | Poll.HUP);
  if ((item.events & EPOLLET) === 0) return ready;
  const seq = result.seq ?? 0;
  const moved = result.seq === undefined ? (ready & Poll.IN) !== 0 : seq !== item.seq;
  const fresh = (ready & ~item.seen) !== 0 || (moved && ready !== 0);
  if (take || ready === 0) {
    item.seen = ready;
    item.seq = seq;
  }
  return fresh ? ready : 0;
}

/** The files an instance watches, with those of instances it watches. */
function* watched(epoll: Epoll, level = 0): Generator<File> {
  for (const { file, disarmed } of epoll.items)
    if (file.kind !== 'eventpoll') {
      if (!disarmed) yield file;
    } else if (level < MAX_NESTING) yield* watched(epollOf(file), level + 1);
}

/** epoll_pwait(2): the events, or a wait. */
export function waitEpoll(
  k: Kernel,
  task: Task,
  epfile: File,
  max: number,
  timeoutNs: number | null,
): EpollEvent[] | Outcome {
  const epoll = epollOf(epfile);
  const deadline = deadlineOf(k, task, timeoutNs);
  prune(k, epoll);
  const asking = askModules(k, task, watched(epoll));
  if (asking) return asking;
  const queues: WaitQueue[] = [epoll.changed];
  const out: EpollEvent[] = [];
  const reported: Item[] = [];
  for (const item of epoll.items) {
    if (out.length >= max) break;
    const events = readyEvents(k, task, item, true, queues);
    if (events === 0) continue;
    out.push({ events, data: item.data });
    reported.push(item);
    if ((item.events & EPOLLONESHOT) !== 0) item.disarmed = true;
  }
  if (out.length > 0 && out.length === max) {
    const kept = epoll.items.filter((item) => !reported.includes(item));
    epoll.items = [...kept, ...reported];
  }
  const outcome = lookEnded(k, task, out.length, queues, deadline, -Errno.EINTR);
  return out.length > 0 ? out : outcome;
}

defineFileOps('eventpoll', {
  poll(k, file, task) {
    const epoll = epollOf(file);
    const queues: WaitQueue[] = [epoll.changed];
    let events = 0;
    for (const item of epoll.items)
      if (item.file.refs > 0 && readyEvents(k, task, item, false, queues) !== 0)
        events = Poll.IN | Poll.RDNORM;
    return { events, queues };
  },
  release(k, file) {
    k.fs.epollItems -= epollOf(file).items.length;
  },
  fdinfo(_k, file) {
    let text = '';
    for (const { fd, events, data } of epollOf(file).items)
      text += `tfd: ${String(fd).padStart(8)} events: ${events.toString(16).padStart(8)} data: ${data.toString(16).padStart(16)}\n`;
    return text;
  },
});
