/**
 * Open directories (man 2 getdents64, fs/readdir.c). Always true: what is read is the directory as it was when it was read at
 * position 0, less what has been removed since; position n is the entry before which n entries lie.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyOut } from '../mm/uaccess.ts';
import type { Task } from '../task/types.ts';
import { touchAccessed } from './inode.ts';
import { NotifyMask, notifyFile } from './notify.ts';
import { defineFileOps, findFsType } from './ops.ts';
import type { File, Inode } from './types.ts';

interface Entry {
  name: string;
  ino: number;
  type: number;
}
/** What an open directory remembers. */
interface Snapshot {
  entries: Entry[];
  version: number;
}

const DT_DIR = 4;

/** "..": the directory above, over a mount's root. */
function parentIno(file: File): number {
  const path = file.path;
  if (!path) return file.inode.ino;
  let { mnt, dentry } = path;
  while (dentry === mnt.root && mnt.parent && mnt.mountpoint) {
    dentry = mnt.mountpoint;
    mnt = mnt.parent;
  }
  return (dentry.parent?.inode ?? (dentry.inode as Inode)).ino;
}

/** Entries that all snapshots of a VM hold at most; beyond, the oldest is made again when it is read on. */
const MAX_ENTRIES = 300_000;

function drop(k: Kernel, file: File): void {
  const { snapshots } = k.fs;
  const at = snapshots.files.indexOf(file);
  if (at < 0) return;
  snapshots.files.splice(at, 1);
  snapshots.entries -= (file.dir as Snapshot).entries.length;
  file.dir = null;
}

function keep(k: Kernel, file: File, made: Snapshot): void {
  const { snapshots } = k.fs;
  drop(k, file);
  file.dir = made;
  snapshots.files.push(file);
  snapshots.entries += made.entries.length;
  while (snapshots.entries > MAX_ENTRIES && snapshots.files.length > 1) drop(k, snapshots.files[0]);
}

function snapshot(k: Kernel, task: Task, file: File): Snapshot {
  const { inode } = file;
  const list = findFsType(inode.sb.type)?.readdir(k, task, inode) ?? [];
  const dots = [
    { name: '.', ino: inode.ino, type: DT_DIR },
    { name: '..', ino: parentIno(file), type: DT_DIR },
  ];
  return { entries: [...dots, ...list], version: inode.version };
}

/** getdents64(2): fills the user's buffer with whole entries. -EINVAL when not even one fits. */
export function getdents(k: Kernel, task: Task, file: File, buf: number, count: number): number {
  if (file.kind !== 'dir') return -Errno.ENOTDIR;
  const { inode } = file;
  if (inode.nlink === 0) return -Errno.ENOENT;
  if (!file.dir || file.pos === 0) keep(k, file, snapshot(k, task, file));
  const { entries, version } = file.dir as Snapshot;
  const type = findFsType(inode.sb.type);
  const out = new Uint8Array(Math.min(count, 65536));
  const view = new DataView(out.buffer);
  let used = 0;
  let at = file.pos;
  for (; at < entries.length; at++) {
    const { name, ino, type: dt } = entries[at];
    if (at > 1 && version !== inode.version) {
      const still = type?.lookup(k, task, inode, name);
      if (typeof still === 'number') continue;
    }
    const size = (19 + name.length + 1 + 7) & ~7;
    if (used + size > out.length) break;
    view.setUint32(used, ino >>> 0, true);
    view.setUint32(used + 4, Math.floor(ino / 2 ** 32), true);
    view.setUint32(used + 8, at + 1, true);
    view.setUint16(used + 16, size, true);
    out[used + 18] = dt;
    for (let i = 0; i < name.length; i++) out[used + 19 + i] = name.charCodeAt(i);
    used += size;
  }
  if (used === 0 && at < entries.length) return -Errno.EINVAL;
  if (used === 0) drop(k, file);
  const failed = copyOut(k, task, buf, out.subarray(0, used));
  if (failed < 0) return failed;
  file.pos = at;
  touchAccessed(k, file.path?.mnt ?? null, inode);
  if (k.fs.watches > 0) notifyFile(k, file, NotifyMask.ACCESS);
  return used;
}

defineFileOps('dir', {
  read: () => -Errno.EISDIR,
  seekable: true,
  release: drop,
  llseek(k, _task, file, offset, whence) {
    const target = whence === 0 ? offset : whence === 1 ? file.pos + offset : -1;
    if (target < 0) return -Errno.EINVAL;
    file.pos = target;
    if (target === 0) drop(k, file);
    return target;
  },
});
