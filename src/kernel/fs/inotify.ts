/** inotify descriptors (man 7 inotify); who is told of what is in notify.ts. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { writeI32 } from '../mm/uaccess.ts';
import { copyToIo } from '../mm/uio.ts';
import { wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getFile, installOrPut, newFile } from './file.ts';
import { At, isDir, May, O, Poll } from './flags.ts';
import { newInode, permission } from './inode.ts';
import { lookupPath } from './namei.ts';
import { dropWatch, NotifyMask, newInotify } from './notify.ts';
import { defineFileOps } from './ops.ts';
import type { File, Inode, Inotify, NotifyEvent } from './types.ts';

const FIONREAD = 0x541b;
/** fs.inotify.max_user_watches. */
const MAX_WATCHES = 8192;
/** fs.inotify.max_user_instances. */
const MAX_INSTANCES = 128;

/** inotify_init1(2). */
export function createInotify(k: Kernel, task: Task, flags: number): number {
  if ((flags & ~(O.CLOEXEC | O.NONBLOCK)) !== 0) return -Errno.EINVAL;
  if (k.fs.inotify.size >= MAX_INSTANCES) return -Errno.EMFILE;
  const inotify = newInotify(k.fs.nextFileId);
  const file = newFile(k, {
    kind: 'inotify',
    inode: newInode(k, k.fs.anonfs, { mode: 0o600 }),
    flags: O.RDONLY | (flags & O.NONBLOCK),
    label: 'anon_inode:inotify',
    data: inotify,
  });
  if (typeof file === 'object') k.fs.inotify.set(inotify.id, inotify);
  return installOrPut(k, task, file, (flags & O.CLOEXEC) !== 0);
}

function inotifyFile(task: Task, fd: number): File | number {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  return file.kind === 'inotify' ? file : -Errno.EINVAL;
}

/** inotify_add_watch(2): the watch descriptor. */
export function addWatch(k: Kernel, task: Task, fd: number, name: string, mask: number): number {
  const bits = mask & (NotifyMask.ALL | NotifyMask.ONESHOT | NotifyMask.EXCL_UNLINK);
  if ((mask & NotifyMask.ALL) === 0) return -Errno.EINVAL;
  const file = inotifyFile(task, fd);
  if (typeof file === 'number') return file;
  const path = lookupPath(k, task, At.FDCWD, name, {
    follow: (mask & NotifyMask.DONT_FOLLOW) === 0,
  });
  if (typeof path === 'number') return path;
  const inode = path.dentry.inode as Inode;
  if ((mask & NotifyMask.ONLYDIR) !== 0 && !isDir(inode.mode)) return -Errno.ENOTDIR;
  const denied = permission(k, task, inode, May.READ);
  if (denied < 0) return denied;
  const inotify = file.data as Inotify;
  const old = inode.watches?.find((watch) => watch.inotify === inotify.id);
  if (old) {
    old.mask = (mask & NotifyMask.MASK_ADD) !== 0 ? (old.mask | bits) >>> 0 : bits >>> 0;
    return old.wd;
  }
  if (k.fs.watches >= MAX_WATCHES) return -Errno.ENOSPC;
  const wd = inotify.nextWd++;
  if (!inode.watches) inode.watches = [];
  inode.watches.push({ wd, mask: bits >>> 0, inotify: inotify.id });
  inotify.watched.set(wd, inode);
  k.fs.watches++;
  return wd;
}

/** inotify_rm_watch(2). */
export function removeWatch(k: Kernel, task: Task, fd: number, wd: number): number {
  const file = inotifyFile(task, fd);
  if (typeof file === 'number') return file;
  const inotify = file.data as Inotify;
  const inode = inotify.watched.get(wd);
  const watch = inode?.watches?.find((w) => w.inotify === inotify.id && w.wd === wd);
  if (!inode || !watch) return -Errno.EINVAL;
  dropWatch(k, inode, watch);
  return 0;
}

const sizeOf = (event: NotifyEvent): number => 16 + (event.name === '' ? 0 : (event.name.length + 16) & ~15);

/** struct inotify_event with its name padded to 16 bytes. */
function pack(event: NotifyEvent): Uint8Array {
  const bytes = new Uint8Array(sizeOf(event));
  const view = new DataView(bytes.buffer);
  view.setInt32(0, event.wd, true);
  view.setUint32(4, event.mask >>> 0, true);
  view.setUint32(8, event.cookie, true);
  view.setUint32(12, bytes.length - 16, true);
  for (let i = 0; i < event.name.length; i++) bytes[16 + i] = event.name.charCodeAt(i);
  return bytes;
}

defineFileOps('inotify', {
  read(k, task, file, buf) {
    const inotify = file.data as Inotify;
    const { queue } = inotify;
    if (queue.length === 0) {
      if ((file.flags & O.NONBLOCK) !== 0) return -Errno.EAGAIN;
      return wait([inotify.readWait]);
    }
    let taken = 0;
    while (taken < queue.length && buf.length - buf.done >= sizeOf(queue[taken])) {
      const n = copyToIo(k, task, buf, pack(queue[taken]));
      if (n < 0) return n;
      taken++;
    }
    queue.splice(0, taken);
    return taken > 0 ? buf.done : -Errno.EINVAL;
  },
  poll(_k, file) {
    const inotify = file.data as Inotify;
    const events = inotify.queue.length > 0 ? Poll.IN | Poll.RDNORM : 0;
    return { events, queues: [inotify.readWait], seq: inotify.seq };
  },
  ioctl(k, task, file, cmd, arg) {
    if (cmd !== FIONREAD) return -Errno.ENOTTY;
    let bytes = 0;
    for (const event of (file.data as Inotify).queue) bytes += sizeOf(event);
    return writeI32(k, task, arg, bytes);
  },
  release(k, file) {
    const inotify = file.data as Inotify;
    for (const [, inode] of inotify.watched)
      for (const watch of [...(inode.watches ?? [])])
        if (watch.inotify === inotify.id) dropWatch(k, inode, watch);
    k.fs.inotify.delete(inotify.id);
  },
});
