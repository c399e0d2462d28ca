/**
 * What an SFTP client may do to a VM's files. Always true: every call is the kernel's own, with the rights of the user who logged in;
 * answers are Linux's (0, a value, or -errno); sockets, FIFOs and devices are never opened, since nobody is there who could
 * wait for them.
 */
import { Errno } from '../../kernel/abi/errno.ts';
import { chmod, chown, truncate, utimens } from '../../kernel/fs/attr.ts';
import { dPath } from '../../kernel/fs/dpath.ts';
import { putFile } from '../../kernel/fs/file.ts';
import { At, isDir, isReg, May, O } from '../../kernel/fs/flags.ts';
import { kernelActor } from '../../kernel/fs/host.ts';
import { permission } from '../../kernel/fs/inode.ts';
import { lookupPath } from '../../kernel/fs/namei.ts';
import { openPath } from '../../kernel/fs/open.ts';
import { findFsType, opsOf } from '../../kernel/fs/ops.ts';
import type { File, Inode, Path } from '../../kernel/fs/types.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { kernelBuf } from '../../kernel/mm/uio.ts';
import { rootCred, userCred } from '../../kernel/task/cred.ts';
import type { Task } from '../../kernel/task/types.ts';
import type { User } from '../users.ts';
import { type Attributes, Open } from './wire.ts';

/** Who acts, in the kernel's terms: the user in the home directory, or in / where that is missing. */
export function actorOf(k: Kernel, user: User): Task {
  const actor = kernelActor(k);
  actor.cred =
    user.uid === 0 ? { ...rootCred, groups: user.groups } : userCred(user.uid, user.gid, user.groups);
  const home = lookupPath(k, actor, At.FDCWD, user.home, { directory: true });
  if (typeof home !== 'number') actor.fs.cwd = home;
  return actor;
}

const inodeOf = (path: Path): Inode => path.dentry.inode as Inode;

export const attributesOf = ({ size, uid, gid, mode, atime, mtime }: Inode): Attributes => ({
  size: isDir(mode) ? Math.max(size, 4096) : size,
  owner: { uid, gid },
  mode,
  times: { atime: atime.sec, mtime: mtime.sec },
});

export const find = (k: Kernel, actor: Task, name: string, follow = true): Path | number =>
  lookupPath(k, actor, At.FDCWD, name === '' ? '.' : name, { follow });

/** open(2) with SSH_FXF_* flags; a negative number refuses. */
export function openFile(k: Kernel, actor: Task, name: string, flags: number, mode: number): File | number {
  const there = find(k, actor, name);
  if (typeof there !== 'number') {
    if (isDir(inodeOf(there).mode)) return -Errno.EISDIR;
    if (!isReg(inodeOf(there).mode)) return -Errno.EINVAL;
  }
  const writes = (flags & Open.WRITE) !== 0;
  let bits: number = O.NONBLOCK | O.LARGEFILE;
  if (writes) bits |= (flags & Open.READ) !== 0 ? O.RDWR : O.WRONLY;
  if (flags & Open.APPEND) bits |= O.APPEND;
  if (flags & Open.CREAT) bits |= O.CREAT;
  if (flags & Open.TRUNC) bits |= O.TRUNC;
  if (flags & Open.EXCL) bits |= O.EXCL;
  return openPath(k, actor, name, bits, mode & 0o7777);
}

/** pread(2): the bytes (none at the end), or -errno. */
export function read(
  k: Kernel,
  actor: Task,
  file: File,
  offset: number,
  length: number,
): Uint8Array | number {
  const io = kernelBuf(new Uint8Array(length));
  const outcome = opsOf(file).read?.(k, actor, file, io, offset) ?? -Errno.EINVAL;
  if (typeof outcome !== 'number') return -Errno.EAGAIN;
  return outcome < 0 ? outcome : (io.kernel as Uint8Array).subarray(0, outcome);
}

/** pwrite(2) of all the bytes: 0 or -errno. */
export function write(k: Kernel, actor: Task, file: File, offset: number, bytes: Uint8Array): number {
  for (let done = 0; done < bytes.length; ) {
    const at = (file.flags & O.APPEND) !== 0 ? file.inode.size : offset + done;
    const io = kernelBuf(bytes.subarray(done));
    const outcome = opsOf(file).write?.(k, actor, file, io, at) ?? -Errno.EINVAL;
    if (typeof outcome !== 'number') return -Errno.EAGAIN;
    if (outcome <= 0) return outcome < 0 ? outcome : -Errno.EIO;
    done += outcome;
  }
  return 0;
}

/** What SETSTAT asks for, in sftp-server's order. */
export function setAttributes(k: Kernel, actor: Task, path: Path, wanted: Attributes): number {
  let failed = 0;
  if (wanted.size !== undefined) failed = truncate(k, actor, path, wanted.size);
  if (failed === 0 && wanted.mode !== undefined) failed = chmod(k, actor, path, wanted.mode & 0o7777);
  if (failed === 0 && wanted.times) {
    const { atime, mtime } = wanted.times;
    failed = utimens(k, actor, path, { sec: atime, nsec: 0 }, { sec: mtime, nsec: 0 });
  }
  if (failed === 0 && wanted.owner) failed = chown(k, actor, path, wanted.owner.uid, wanted.owner.gid);
  return failed;
}

/** The entries of a directory with `.` and `..`, for one who may read it; or -errno. */
export function list(k: Kernel, actor: Task, path: Path): string[] | number {
  const dir = inodeOf(path);
  if (!isDir(dir.mode)) return -Errno.ENOTDIR;
  const denied = permission(k, actor, dir, May.READ);
  if (denied < 0) return denied;
  const names =
    findFsType(dir.sb.type)
      ?.readdir(k, actor, dir)
      .map((entry) => entry.name) ?? [];
  return ['.', '..', ...names.filter((name) => name !== '.' && name !== '..')];
}

/** realpath(3) as sftp-server has it: the last part need not be there. */
export function realPath(k: Kernel, actor: Task, name: string): string | number {
  const path = find(k, actor, name);
  if (typeof path !== 'number') return dPath(path, actor.fs.root);
  if (path !== -Errno.ENOENT) return path;
  const bare = name.replace(/\/+$/, '');
  const slash = bare.lastIndexOf('/');
  const folder = find(k, actor, slash < 0 ? '.' : slash === 0 ? '/' : bare.slice(0, slash));
  if (typeof folder === 'number') return folder;
  const base = dPath(folder, actor.fs.root);
  return `${base === '/' ? '' : base}/${bare.slice(slash + 1)}`;
}

/** One request may not hold the worker for longer than this takes. */
const MAX_COPY = 64 * 1024 * 1024;

/** copy_file_range(2) within the VM: 0 or -errno. `length` 0: to the end. */
export function copyData(
  k: Kernel,
  actor: Task,
  from: { file: File; offset: number },
  to: { file: File; offset: number },
  length: number,
): number {
  const left = Math.max(0, from.file.inode.size - from.offset);
  const most = length === 0 ? left : Math.min(length, left);
  if (most > MAX_COPY) return -Errno.EFBIG;
  for (let done = 0; done < most; ) {
    const bytes = read(k, actor, from.file, from.offset + done, Math.min(262_144, most - done));
    if (typeof bytes === 'number') return bytes;
    if (bytes.length === 0) break;
    const failed = write(k, actor, to.file, to.offset + done, bytes);
    if (failed < 0) return failed;
    done += bytes.length;
  }
  return 0;
}

export const closeFile = (k: Kernel, file: File): void => putFile(k, file);
export { inodeOf };
