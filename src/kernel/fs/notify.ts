/**
 * Who is told of what happens to files (man 7 inotify, fs/notify). Always true: a watch is in the list of its inode and
 * counted in `k.fs.watches`; while that is 0 nothing here costs anything.
 */
import type { Kernel } from '../kernel.ts';
import { newWaitQueue } from '../outcome.ts';
import { wakeUp } from '../task/wait.ts';
import { isDir } from './flags.ts';
import type { Dentry, File, Inode, Inotify, NotifyEvent, Watch } from './types.ts';

/** IN_* (linux/inotify.h). */
export const NotifyMask = {
  ACCESS: 1,
  MODIFY: 2,
  ATTRIB: 4,
  CLOSE_WRITE: 8,
  CLOSE_NOWRITE: 0x10,
  OPEN: 0x20,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x1000000,
  DONT_FOLLOW: 0x2000000,
  EXCL_UNLINK: 0x4000000,
  MASK_ADD: 0x20000000,
  ISDIR: 0x40000000,
  ONESHOT: 0x80000000,
  ALL: 0xfff,
} as const;

export const newInotify = (id: number): Inotify => ({
  id,
  nextWd: 1,
  watched: new Map(),
  queue: [],
  readWait: newWaitQueue(),
  seq: 0,
});

/** fs.inotify.max_queued_events. */
const MAX_QUEUED = 4096;

function queueEvent(k: Kernel, inotify: Inotify, event: NotifyEvent): void {
  const { queue } = inotify;
  const last = queue[queue.length - 1];
  if (
    last &&
    last.wd === event.wd &&
    last.mask === event.mask &&
    last.cookie === 0 &&
    last.name === event.name
  )
    return;
  if (queue.length === MAX_QUEUED) queue.push({ wd: -1, mask: NotifyMask.Q_OVERFLOW, cookie: 0, name: '' });
  else if (queue.length < MAX_QUEUED) queue.push(event);
  inotify.seq++;
  wakeUp(k, inotify.readWait);
}

/** Takes a watch away and says so (IN_IGNORED). */
export function dropWatch(k: Kernel, inode: Inode, watch: Watch): void {
  const at = inode.watches?.indexOf(watch) ?? -1;
  if (!inode.watches || at < 0) return;
  inode.watches.splice(at, 1);
  if (inode.watches.length === 0) inode.watches = null;
  k.fs.watches--;
  const inotify = k.fs.inotify.get(watch.inotify);
  if (!inotify) return;
  inotify.watched.delete(watch.wd);
  queueEvent(k, inotify, {
    wd: watch.wd,
    mask: NotifyMask.IGNORED,
    cookie: 0,
    name: '',
  });
}

function tell(k: Kernel, inode: Inode, mask: number, name: string, cookie: number, directory: boolean): void {
  if (!inode.watches) return;
  for (const watch of [...inode.watches]) {
    if ((watch.mask & mask) === 0) continue;
    const event = {
      wd: watch.wd,
      mask: directory ? mask | NotifyMask.ISDIR : mask,
      cookie,
      name,
    };
    const inotify = k.fs.inotify.get(watch.inotify);
    if (inotify) queueEvent(k, inotify, event);
    if ((watch.mask & NotifyMask.ONESHOT) !== 0) dropWatch(k, inode, watch);
  }
}

/** Something happened to an inode reached as `dentry`: it and its directory are told. */
export function notifyDentry(k: Kernel, dentry: Dentry, mask: number): void {
  if (k.fs.watches === 0 || !dentry.inode) return;
  const directory = isDir(dentry.inode.mode);
  if (dentry.parent?.inode && !dentry.deleted) tell(k, dentry.parent.inode, mask, dentry.name, 0, directory);
  tell(k, dentry.inode, mask, '', 0, directory);
}

/** Something happened through an open file. */
export function notifyFile(k: Kernel, file: File, mask: number): void {
  if (k.fs.watches > 0 && file.path) notifyDentry(k, file.path.dentry, mask);
}

/** An entry of a directory came or went. */
export function notifyEntry(
  k: Kernel,
  dir: Inode,
  name: string,
  inode: Inode,
  mask: number,
  cookie = 0,
): void {
  if (k.fs.watches > 0) tell(k, dir, mask, name, cookie, isDir(inode.mode));
}

/** The inode itself moved or lost its last name; then its watches end. */
export function notifySelf(k: Kernel, inode: Inode, mask: number): void {
  if (k.fs.watches === 0) return;
  tell(k, inode, mask, '', 0, isDir(inode.mode));
  if ((mask & NotifyMask.DELETE_SELF) !== 0)
    for (const watch of [...(inode.watches ?? [])]) dropWatch(k, inode, watch);
}
