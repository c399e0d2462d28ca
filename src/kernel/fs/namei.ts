/**
 * The path walk (man 7 path_resolution, fs/namei.c): from a name to what it leads to, across mounts and symbolic links.
 * Always true: every directory crossed was searchable; at most 40 links were followed; nothing above the task's root was seen.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { childDentry, markDeleted, newDentry } from './dcache.ts';
import { getFileRaw } from './file.ts';
import { At, isDir, isLink, MAXSYMLINKS, May, NAME_MAX, S } from './flags.ts';
import { permission, touchAccessed } from './inode.ts';
import { crossMounts, upFrom } from './mount.ts';
import { findFsType } from './ops.ts';
import type { Dentry, Inode, Path } from './types.ts';

export interface LookupOptions {
  /** Whether a symbolic link as the last component is followed; default yes. */
  follow?: boolean;
  /** The result must be a directory. */
  directory?: boolean;
  /** An empty name means what dirfd leads to (AT_EMPTY_PATH). */
  emptyPath?: boolean;
}

/** The directory in which a name is to be made or removed, and the name. */
export interface Parent {
  path: Path;
  last: string;
  /** `.`, `..` and `/` are no names to make or remove. */
  kind: 'name' | 'dot' | 'dotdot' | 'root';
  /** The name ended in slashes: only a directory will do. */
  trailing: boolean;
  /** Links followed so far. */
  links: number;
}

/** Where a walk of `name` begins: the root, the working directory or an open directory. */
export function startPath(k: Kernel, task: Task, dirfd: number, name: string): Path | number {
  if (name.charCodeAt(0) === 47) return task.fs.root;
  if (dirfd === At.FDCWD) return task.fs.cwd;
  const file = getFileRaw(task, dirfd);
  if (!file) return -Errno.EBADF;
  if (name === '') return pathOfFile(k, file);
  if (!file.path || !isDir(file.inode.mode)) return -Errno.ENOTDIR;
  return file.path;
}

/** The path of an open file; one is made up for pipes and sockets, so that /proc/PID/fd can lead to them. */
export function pathOfFile(k: Kernel, file: { path: Path | null; label: string; inode: Inode }): Path {
  return (
    file.path ?? {
      mnt: k.fs.anonMount,
      dentry: newDentry(file.label, null, file.inode),
    }
  );
}

/** The child `name` of a directory, from the cache or the file system; mounts on it are not crossed. -ENOENT. */
export function lookupChild(k: Kernel, task: Task | null, dir: Dentry, name: string): Dentry | number {
  const cached = dir.children?.get(name);
  if (cached) {
    if (cached.mounted > 0 || (cached.inode as Inode).nlink > 0) return cached;
    markDeleted(k, cached);
  }
  if (name.length > NAME_MAX) return -Errno.ENAMETOOLONG;
  const inode = dir.inode as Inode;
  const type = findFsType(inode.sb.type);
  if (!type) return -Errno.ENOENT;
  const found = type.lookup(k, task, inode, name);
  if (typeof found === 'number') return found;
  return childDentry(k, dir, name, found);
}

/** Search permission on a directory; most directories are open to all. */
function maySearch(k: Kernel, task: Task, inode: Inode): number {
  if ((inode.mode & 0o111) === 0o111) return 0;
  return permission(k, task, inode, May.EXEC);
}

/** sysctl fs.protected_symlinks: links in sticky world-writable directories are for their owners (may_follow_link). */
function mayFollow(k: Kernel, task: Task, dir: Inode, link: Inode): boolean {
  if (k.sysctl['fs.protected_symlinks'] === '0') return true;
  if (task.cred.fsuid === link.uid || dir.uid === link.uid) return true;
  return (dir.mode & (S.ISVTX | 2)) !== (S.ISVTX | 2);
}

/** The text of a symbolic link. */
export function linkText(k: Kernel, task: Task | null, inode: Inode): string | number {
  if (inode.link !== null) return inode.link;
  return findFsType(inode.sb.type)?.readlink?.(k, task, inode) ?? -Errno.EINVAL;
}

/** Walks `name` from `start`. With `parent` it stops before the last component and leaves it there. */
function walk(
  k: Kernel,
  task: Task,
  start: Path,
  name: string,
  follow: boolean,
  parent: Parent | null,
  linksBefore = 0,
): Path | number {
  let path = start;
  let rest = name;
  let at = 0;
  let links = linksBefore;
  for (;;) {
    while (rest.charCodeAt(at) === 47) at++;
    if (at >= rest.length) {
      if (parent) {
        parent.kind = 'root';
        parent.path = path;
      }
      return path;
    }
    const slash = rest.indexOf('/', at);
    const end = slash < 0 ? rest.length : slash;
    const component = rest.slice(at, end);
    at = end;
    while (rest.charCodeAt(at) === 47) at++;
    const isLast = at >= rest.length;
    const trailing = isLast && end < rest.length;
    const dir = path.dentry.inode as Inode;
    if (!isDir(dir.mode)) return -Errno.ENOTDIR;
    const denied = maySearch(k, task, dir);
    if (denied < 0) return denied;
    if (isLast && parent) {
      parent.path = path;
      parent.last = component;
      parent.kind = component === '.' ? 'dot' : component === '..' ? 'dotdot' : 'name';
      parent.trailing = trailing;
      parent.links = links;
      return component.length > NAME_MAX ? -Errno.ENAMETOOLONG : path;
    }
    if (component === '.') continue;
    if (component === '..') {
      path = upFrom(k, path, task.fs.root);
      continue;
    }
    const child = lookupChild(k, task, path.dentry, component);
    if (typeof child === 'number') return child;
    const inode = child.inode as Inode;
    if (isLink(inode.mode) && child.mounted === 0 && (!isLast || follow || trailing)) {
      if (++links > MAXSYMLINKS) return -Errno.ELOOP;
      if (isLast && !mayFollow(k, task, dir, inode)) return -Errno.EACCES;
      const type = findFsType(inode.sb.type);
      const jump = type?.followLink?.(k, task, inode);
      if (typeof jump === 'object') {
        path = jump;
        if (isLast && trailing && !isDir((path.dentry.inode as Inode).mode)) return -Errno.ENOTDIR;
        continue;
      }
      if (typeof jump === 'number' && jump !== -Errno.EINVAL) return jump;
      const text = linkText(k, task, inode);
      if (typeof text === 'number') return text;
      if (text === '') return -Errno.ENOENT;
      touchAccessed(k, path.mnt, inode);
      rest = isLast && !trailing ? text : `${text}/${rest.slice(at)}`;
      at = 0;
      if (text.charCodeAt(0) === 47) path = task.fs.root;
      continue;
    }
    path = crossMounts(k, { mnt: path.mnt, dentry: child });
    if (trailing && !isDir((path.dentry.inode as Inode).mode)) return -Errno.ENOTDIR;
  }
}

/** From a name to what it leads to, or -errno. `dirfd` may be AT_FDCWD. */
export function lookupPath(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: string,
  options: LookupOptions = {},
): Path | number {
  if (name === '' && !options.emptyPath) return -Errno.ENOENT;
  const start = startPath(k, task, dirfd, name);
  if (typeof start === 'number') return start;
  const path = walk(k, task, start, name, options.follow ?? true, null);
  if (typeof path === 'number') return path;
  if (options.directory && !isDir((path.dentry.inode as Inode).mode)) return -Errno.ENOTDIR;
  return path;
}

/** The directory in which the last component of `name` lies, whether or not that exists. */
export function lookupParent(k: Kernel, task: Task, dirfd: number, name: string): Parent | number {
  if (name === '') return -Errno.ENOENT;
  const start = startPath(k, task, dirfd, name);
  if (typeof start === 'number') return start;
  return parentFrom(k, task, start, name, 0);
}

/** The same from a directory at hand: how open(O_CREAT) goes on along a dangling link. */
export function parentFrom(k: Kernel, task: Task, start: Path, name: string, links: number): Parent | number {
  const parent: Parent = {
    path: start,
    last: '',
    kind: 'root',
    trailing: false,
    links,
  };
  const from = name.charCodeAt(0) === 47 ? task.fs.root : start;
  const walked = walk(k, task, from, name, false, parent, links);
  return typeof walked === 'number' ? walked : parent;
}
