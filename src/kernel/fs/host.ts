/**
 * The file system for the host: whole files by name as root, and what a VM's writable layer holds over the image. Always true:
 * paths are byte strings, absolute, seen from the root of the mount tree.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { readKernel, truncateInode, writeFile } from '../mm/filemap.ts';
import { kernelBuf } from '../mm/uio.ts';
import { rootCred } from '../task/cred.ts';
import type { Task } from '../task/types.ts';
import { mkdirat, unlink } from './dirops.ts';
import { newTable, putFile } from './file.ts';
import { At, isDir, isLink, isReg, O, S } from './flags.ts';
import { touchModified } from './inode.ts';
import { lookupPath } from './namei.ts';
import { openPath } from './open.ts';
import { findFsType, opsOf } from './ops.ts';
import { newFsContext } from './room.ts';
import { type Entries, entriesOf, lowerInode, type TreeData } from './treefs.ts';
import type { Inode, Superblock } from './types.ts';

/** Whoever the kernel acts as when no task asked: root, at the root, with nothing open. */
export function kernelActor(k: Kernel): Task {
  const unlimited = {
    cur: Number.POSITIVE_INFINITY,
    max: Number.POSITIVE_INFINITY,
  };
  const group = {
    pid: 0,
    rlimits: Array.from({ length: 16 }, () => unlimited),
  };
  const actor = {
    tid: 0,
    group,
    fs: newFsContext(k),
    files: newTable(),
    cred: rootCred,
    syscall: null,
  };
  return actor as unknown as Task;
}

const MAX_HOST_FILE = 256 * 1024 * 1024;

/** The content of a file, synthetic ones too; or -errno. */
export function readHostFile(k: Kernel, name: string): Uint8Array | number {
  const actor = kernelActor(k);
  const file = openPath(k, actor, name, O.RDONLY | O.NONBLOCK);
  if (typeof file === 'number') return file;
  try {
    if (isDir(file.inode.mode)) return -Errno.EISDIR;
    if (file.kind === 'regular')
      return readKernel(k, file.inode, 0, Math.min(file.inode.size, MAX_HOST_FILE));
    return readStream(k, actor, file);
  } finally {
    putFile(k, file);
  }
}

function readStream(k: Kernel, actor: Task, file: Parameters<typeof opsOf>[0]): Uint8Array | number {
  const parts: Uint8Array[] = [];
  for (let total = 0; total < MAX_HOST_FILE; ) {
    const io = kernelBuf(new Uint8Array(65536));
    const outcome = opsOf(file).read?.(k, actor, file, io, null) ?? -Errno.EINVAL;
    if (typeof outcome !== 'number') break;
    if (outcome < 0 && parts.length === 0) return outcome;
    if (outcome <= 0) break;
    parts.push((io.kernel as Uint8Array).subarray(0, outcome));
    total += outcome;
  }
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Owner and permission bits of what the host writes. */
export interface HostAttributes {
  mode?: number;
  uid?: number;
  gid?: number;
}

/** Writes a whole file, replacing its content; directories on the way are made. 0 or -errno. */
export function writeHostFile(
  k: Kernel,
  name: string,
  bytes: Uint8Array,
  attributes: HostAttributes = {},
): number {
  const actor = kernelActor(k);
  const failed = makeParents(k, actor, name, attributes);
  if (failed < 0) return failed;
  const file = openPath(k, actor, name, O.WRONLY | O.CREAT | O.NONBLOCK, 0o600);
  if (typeof file === 'number') return file;
  const { inode } = file;
  let result = 0;
  if (file.kind === 'regular') {
    result = truncateInode(k, inode, 0);
    const io = kernelBuf(bytes);
    while (result >= 0 && io.done < bytes.length) result = writeFile(k, actor, inode, io, io.done);
    inode.mode = (inode.mode & S.IFMT) | (attributes.mode ?? 0o644);
    inode.uid = attributes.uid ?? 0;
    inode.gid = attributes.gid ?? 0;
    touchModified(k, inode);
  } else {
    const outcome = opsOf(file).write?.(k, actor, file, kernelBuf(bytes), null) ?? -Errno.EINVAL;
    result = typeof outcome === 'number' ? outcome : -Errno.EAGAIN;
  }
  putFile(k, file);
  return Math.min(0, result);
}

/** Adds bytes at the end of a regular file, which is made with these attributes when there is none. 0 or -errno. */
export function appendHostFile(
  k: Kernel,
  name: string,
  bytes: Uint8Array,
  attributes: HostAttributes = {},
): number {
  const actor = kernelActor(k);
  const there = lookupPath(k, actor, At.FDCWD, name);
  if (there === -Errno.ENOENT) return writeHostFile(k, name, bytes, attributes);
  const file = openPath(k, actor, name, O.WRONLY | O.APPEND | O.NONBLOCK);
  if (typeof file === 'number') return file;
  const { inode } = file;
  const io = kernelBuf(bytes);
  let result = file.kind === 'regular' ? 0 : -Errno.EINVAL;
  while (result >= 0 && io.done < bytes.length) result = writeFile(k, actor, inode, io, inode.size);
  if (result >= 0) touchModified(k, inode);
  putFile(k, file);
  return Math.min(0, result);
}

function makeParents(k: Kernel, actor: Task, name: string, attributes: HostAttributes): number {
  const parts = name.split('/').slice(1, -1);
  let dir = '';
  for (const part of parts) {
    dir += `/${part}`;
    const made = mkdirat(k, actor, At.FDCWD, dir, 0o755);
    if (made < 0 && made !== -Errno.EEXIST) return made;
    if (made < 0) continue;
    const path = lookupPath(k, actor, At.FDCWD, dir);
    if (typeof path === 'number') return path;
    const inode = path.dentry.inode as Inode;
    inode.uid = attributes.uid ?? 0;
    inode.gid = attributes.gid ?? 0;
  }
  return 0;
}

/** Removes a file. 0 or -errno. */
export const removeHostFile = (k: Kernel, name: string): number => unlink(k, kernelActor(k), At.FDCWD, name);

/** One entry of {@link listHostDirectory}. */
export interface HostEntry {
  name: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtimeSec: number;
}

/** The entries of a directory, sorted by name; or -errno. */
export function listHostDirectory(k: Kernel, name: string): HostEntry[] | number {
  const path = lookupPath(k, kernelActor(k), At.FDCWD, name, {
    directory: true,
  });
  if (typeof path === 'number') return path;
  const dir = path.dentry.inode as Inode;
  const type = findFsType(dir.sb.type);
  const out: HostEntry[] = [];
  for (const entry of type?.readdir(k, null, dir) ?? []) {
    const inode = type?.lookup(k, null, dir, entry.name);
    if (typeof inode !== 'object') continue;
    const { mode, uid, gid, size, mtime } = inode;
    out.push({ name: entry.name, mode, uid, gid, size, mtimeSec: mtime.sec });
  }
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** One difference between the disk of a VM and its image, in an order in which they can be applied. */
export type ChangedPath =
  | { path: string; kind: 'removed' }
  | ({
      path: string;
      mode: number;
      uid: number;
      gid: number;
      mtimeSec: number;
    } & (
      | { kind: 'dir' }
      | { kind: 'file'; content: Uint8Array }
      | { kind: 'symlink'; target: string }
      | { kind: 'link'; target: string }
    ));

/** Everything the writable layer has over the image. Device nodes, FIFOs and sockets are left out. */
export function changedPaths(k: Kernel): ChangedPath[] {
  const out: ChangedPath[] = [];
  const { sb } = k.fs.rootMount;
  visitDirectory(k, { sb, out, named: new Map() }, sb.root, '', false);
  return out;
}

interface Walk {
  sb: Superblock;
  out: ChangedPath[];
  /** Changed files by the path under which they were told first. */
  named: Map<Inode, string>;
}

/** Tells what differs below a directory; `fresh`: the image does not have it at this place. */
function visitDirectory(k: Kernel, walk: Walk, dir: Inode, path: string, fresh: boolean): void {
  const own: Entries | null = entriesOf(dir);
  const { inodes } = walk.sb.data as TreeData;
  if (dir.lower !== 0) {
    for (const { name, ino, type } of k.image.readdir(dir.lower)) {
      if (own?.has(name)) continue;
      const known = inodes.get(ino) ?? (fresh || type === 4 ? lowerInode(k, walk.sb, ino) : null);
      if (known) visit(k, walk, known, `${path}/${name}`, fresh);
    }
  }
  for (const [name, inode] of own ?? []) {
    const below = dir.lower === 0 || fresh ? 0 : k.image.lookup(dir.lower, name);
    if (below !== 0 && inode?.lower !== below) walk.out.push({ path: `${path}/${name}`, kind: 'removed' });
    if (inode) visit(k, walk, inode, `${path}/${name}`, fresh || inode.lower !== below || below === 0);
  }
}

function visit(k: Kernel, walk: Walk, inode: Inode, path: string, fresh: boolean): void {
  const { mode, uid, gid, mtime } = inode;
  const common = { path, mode, uid, gid, mtimeSec: mtime.sec };
  const differs = fresh || inode.version > 0;
  if (isDir(mode)) {
    if (differs) walk.out.push({ ...common, kind: 'dir' });
    visitDirectory(k, walk, inode, path, fresh);
  } else if (differs) {
    const first = walk.named.get(inode);
    if (first) walk.out.push({ ...common, kind: 'link', target: first });
    else if (isLink(mode)) walk.out.push({ ...common, kind: 'symlink', target: inode.link ?? '' });
    else if (isReg(mode))
      walk.out.push({
        ...common,
        kind: 'file',
        content: readKernel(k, inode, 0, inode.size),
      });
    if (!first) walk.named.set(inode, path);
  }
}
