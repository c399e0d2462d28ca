/**
 * Files of a VM for the outside: what stat, mkdir, rm -r, ln -s and tar do, as root, on the disk as it is now. Always true: names are
 * UTF-8 text here and byte strings in the kernel; a refusal is a {@link FileError} with Linux's errno; sockets, FIFOs and devices
 * are never opened.
 */
import { Errno } from '../kernel/abi/errno.ts';
import { chmod, chown, utimens } from '../kernel/fs/attr.ts';
import { linkat, mkdirat, mknodat, rmdir, symlinkat, unlink } from '../kernel/fs/dirops.ts';
import { At, S } from '../kernel/fs/flags.ts';
import {
  appendHostFile,
  type HostAttributes,
  kernelActor,
  listHostDirectory,
  readHostFile,
  writeHostFile,
} from '../kernel/fs/host.ts';
import { touchModified } from '../kernel/fs/inode.ts';
import { lookupPath } from '../kernel/fs/namei.ts';
import type { Inode, Path } from '../kernel/fs/types.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readKernel, writeFile as writeInode } from '../kernel/mm/filemap.ts';
import { kernelBuf } from '../kernel/mm/uio.ts';
import { byteString } from './process.ts';
import type { Vm } from './vm.ts';

const errnoNames = new Map(Object.entries(Errno).map(([name, value]) => [value as number, name]));
/** `ENOENT` for 2. */
export const errnoName = (errno: number): string => errnoNames.get(errno) ?? `errno ${errno}`;

/** A call that the VM's kernel refused. */
export class FileError extends Error {
  override name = 'FileError';
  readonly errno: string;
  readonly path: string;
  constructor(path: string, negative: number) {
    super(`${path}: ${errnoName(-negative)}`);
    this.errno = errnoName(-negative);
    this.path = path;
  }
}

/** What stat(2) says, in the words of the lab's API. */
export interface FileStat {
  name: string;
  kind: 'file' | 'directory' | 'symlink' | 'chrdev' | 'blkdev' | 'fifo' | 'socket';
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtimeSec: number;
  target?: string;
}

const kinds: Readonly<Record<number, FileStat['kind']>> = {
  [S.IFREG]: 'file',
  [S.IFDIR]: 'directory',
  [S.IFLNK]: 'symlink',
  [S.IFCHR]: 'chrdev',
  [S.IFBLK]: 'blkdev',
  [S.IFIFO]: 'fifo',
  [S.IFSOCK]: 'socket',
};

const fromBytes = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

/** The kernel's answer, or a {@link FileError}. */
function check<T>(path: string, answer: T | number): T {
  if (typeof answer === 'number' && answer < 0) throw new FileError(path, answer);
  return answer as T;
}

function find(k: Kernel, path: string, follow: boolean): Path {
  if (!path.startsWith('/') || path.includes('\0')) throw new FileError(path, -Errno.EINVAL);
  return check(path, lookupPath(k, kernelActor(k), At.FDCWD, byteString(path), { follow }) as Path | number);
}

function statOf(
  name: string,
  inode: Inode | { mode: number; uid: number; gid: number; size: number },
): FileStat {
  const full = inode as Inode;
  const kind = kinds[inode.mode & S.IFMT] ?? 'file';
  return {
    name,
    kind,
    mode: inode.mode & 0o7777,
    uid: inode.uid,
    gid: inode.gid,
    size: inode.size,
    mtimeSec: full.mtime.sec,
    ...(kind === 'symlink' && full.link ? { target: fromBytes(full.link) } : {}),
  };
}

const lastName = (path: string): string => path.split('/').filter(Boolean).at(-1) ?? '/';

/** lstat(2), or with `follow` stat(2). */
export function statFile(vm: Vm, path: string, follow = false): FileStat {
  return statOf(lastName(path), find(vm.kernel, path, follow).dentry.inode as Inode);
}

/** The entries of a directory, sorted by name. */
export function listDirectory(vm: Vm, path: string): FileStat[] {
  const k = vm.kernel;
  find(k, path, true);
  const entries = check(path, listHostDirectory(k, byteString(path)));
  const base = path.endsWith('/') ? path : `${path}/`;
  return entries.map((entry) => {
    const name = fromBytes(entry.name);
    const full = { ...entry, mtime: { sec: entry.mtimeSec } };
    const stat = statOf(name, full);
    return stat.kind === 'symlink' ? statFile(vm, base + name) : stat;
  });
}

/** The content of a regular file (of /proc and /sys, too). */
export function readFile(vm: Vm, path: string): Uint8Array {
  const { kind } = statFile(vm, path, true);
  if (kind === 'directory') throw new FileError(path, -Errno.EISDIR);
  if (kind !== 'file') throw new FileError(path, -Errno.EINVAL);
  return check(path, readHostFile(vm.kernel, byteString(path)) as Uint8Array | number);
}

/** At most `length` bytes of a regular file from `offset` on. */
export function readFilePart(vm: Vm, path: string, offset: number, length: number): Uint8Array {
  const inode = find(vm.kernel, path, false).dentry.inode as Inode;
  if ((inode.mode & S.IFMT) !== S.IFREG) throw new FileError(path, -Errno.EINVAL);
  return readKernel(vm.kernel, inode, offset, Math.max(0, Math.min(length, inode.size - offset)));
}

/** Writes bytes into a regular file at `offset`. */
export function writeFilePart(vm: Vm, path: string, offset: number, bytes: Uint8Array): void {
  const k = vm.kernel;
  const inode = find(k, path, false).dentry.inode as Inode;
  if ((inode.mode & S.IFMT) !== S.IFREG) throw new FileError(path, -Errno.EINVAL);
  const io = kernelBuf(bytes);
  while (io.done < bytes.length) check(path, writeInode(k, kernelActor(k), inode, io, offset + io.done));
  touchModified(k, inode);
}

/** Replaces (or makes) a regular file; directories on the way are made. Without attributes an old file keeps its own. */
export function writeFile(vm: Vm, path: string, content: Uint8Array, attributes: HostAttributes = {}): void {
  let old: FileStat | null = null;
  try {
    old = statFile(vm, path, true);
  } catch (error) {
    if (!(error instanceof FileError) || error.errno !== 'ENOENT') throw error;
  }
  if (old?.kind === 'directory') throw new FileError(path, -Errno.EISDIR);
  if (old && old.kind !== 'file') throw new FileError(path, -Errno.EINVAL);
  const kept = old ? { mode: old.mode, uid: old.uid, gid: old.gid } : {};
  const given = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
  check(path, writeHostFile(vm.kernel, byteString(path), content, { ...kept, ...given }));
}

/** Adds bytes at the end of a regular file, which is made with these attributes when it is not there. */
export function appendFile(vm: Vm, path: string, content: Uint8Array, attributes: HostAttributes = {}): void {
  if (!path.startsWith('/') || path.includes('\0')) throw new FileError(path, -Errno.EINVAL);
  check(path, appendHostFile(vm.kernel, byteString(path), content, attributes));
}

/** chown(2) and chmod(2) of what is given, links themselves not followed. */
export function setAttributes(
  vm: Vm,
  path: string,
  attributes: HostAttributes & { mtimeSec?: number },
): void {
  const k = vm.kernel;
  const actor = kernelActor(k);
  const place = find(k, path, false);
  const { mode, uid, gid, mtimeSec } = attributes;
  if (uid !== undefined || gid !== undefined)
    check(path, chown(k, actor, place, uid ?? 0xffffffff, gid ?? 0xffffffff));
  const isLink = ((place.dentry.inode as Inode).mode & S.IFMT) === S.IFLNK;
  if (mode !== undefined && !isLink) check(path, chmod(k, actor, place, mode));
  if (mtimeSec !== undefined) check(path, utimens(k, actor, place, 'omit', { sec: mtimeSec, nsec: 0 }));
}

/** mkdir(2); its parents must be there. */
export function makeDirectory(vm: Vm, path: string, attributes: HostAttributes = {}): void {
  const k = vm.kernel;
  if (!path.startsWith('/') || path.includes('\0')) throw new FileError(path, -Errno.EINVAL);
  check(path, mkdirat(k, kernelActor(k), At.FDCWD, byteString(path), 0o755));
  setAttributes(vm, path, { mode: attributes.mode ?? 0o755, uid: attributes.uid, gid: attributes.gid });
}

/** symlink(2). */
export function makeSymlink(vm: Vm, path: string, target: string): void {
  const k = vm.kernel;
  check(path, symlinkat(k, kernelActor(k), byteString(target), At.FDCWD, byteString(path)));
}

/** link(2). */
export function makeLink(vm: Vm, path: string, target: string): void {
  const k = vm.kernel;
  check(path, linkat(k, kernelActor(k), At.FDCWD, byteString(target), At.FDCWD, byteString(path), 0));
}

/** mkfifo(3). */
export function makeFifo(vm: Vm, path: string, mode: number): void {
  const k = vm.kernel;
  check(path, mknodat(k, kernelActor(k), At.FDCWD, byteString(path), S.IFIFO | mode, 0));
}

/** unlink(2); with `recursive` a directory goes with everything in it (`rm -r`), but for what is mounted there. */
export function removeFile(vm: Vm, path: string, recursive = false): void {
  const k = vm.kernel;
  const { kind } = statFile(vm, path);
  if (kind !== 'directory') {
    check(path, unlink(k, kernelActor(k), At.FDCWD, byteString(path)));
    return;
  }
  if (!recursive) throw new FileError(path, -Errno.EISDIR);
  // Depth first, without recursion: a tree may be as deep as the guest likes.
  const stack: { path: string; seen: boolean }[] = [{ path, seen: false }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top.seen) {
      stack.pop();
      check(top.path, rmdir(k, kernelActor(k), At.FDCWD, byteString(top.path)));
      continue;
    }
    top.seen = true;
    for (const entry of listDirectory(vm, top.path)) {
      const below = `${top.path}/${entry.name}`;
      if (entry.kind === 'directory') stack.push({ path: below, seen: false });
      else check(below, unlink(k, kernelActor(k), At.FDCWD, byteString(below)));
    }
  }
}
