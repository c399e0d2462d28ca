/**
 * Names of AF_UNIX sockets (man 7 unix): paths, abstract names, none. Always true: a bound socket is found in `unixPaths` by its
 * inode or in `unixNames` by its name until it is released; a stale path leads to nobody.
 */
import { Errno } from '../../abi/errno.ts';
import { createIn } from '../../fs/dirops.ts';
import { At, isSock, May, S } from '../../fs/flags.ts';
import { getInode, permission, putInode } from '../../fs/inode.ts';
import { lookupChild, lookupParent, lookupPath } from '../../fs/namei.ts';
import type { Inode } from '../../fs/types.ts';
import type { Kernel } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';
import { Af } from '../flags.ts';
import type { Socket, UnixState } from '../types.ts';

const MAX_LENGTH = 110;

/** sockaddr_un of a name; null: unnamed. */
export function unixAddress(name: string | null): Uint8Array {
  const path = name === null ? '' : name.charCodeAt(0) === 0 ? name : `${name}\0`;
  const bytes = new Uint8Array(2 + path.length);
  bytes[0] = Af.UNIX;
  for (let i = 0; i < path.length; i++) bytes[2 + i] = path.charCodeAt(i);
  return bytes;
}

/** The name in a sockaddr_un: '' asks for an automatic one. -EINVAL. */
export function parseUnixAddress(address: Uint8Array): string | number {
  if (address.length < 2 || address.length > MAX_LENGTH) return -Errno.EINVAL;
  if ((address[0] | (address[1] << 8)) !== Af.UNIX) return -Errno.EINVAL;
  const raw = String.fromCharCode(...address.subarray(2));
  if (raw === '' || raw.charCodeAt(0) === 0) return raw;
  const end = raw.indexOf('\0');
  return end < 0 ? raw : raw.slice(0, end);
}

const inodeKey = (inode: Inode): string => `${inode.sb.id}:${inode.ino}`;

/** Binds to an abstract name of the kernel's choice: five hexadecimal digits. */
export function autobind(k: Kernel, socket: Socket): number {
  const state = socket.unix as UnixState;
  if (state.name !== null) return 0;
  for (let tries = 0; tries <= 0xfffff; tries++) {
    k.net.nextAutobind = (k.net.nextAutobind + 1) & 0xfffff;
    const name = `\0${k.net.nextAutobind.toString(16).padStart(5, '0')}`;
    if (k.net.unixNames.has(name)) continue;
    k.net.unixNames.set(name, socket);
    state.name = name;
    return 0;
  }
  return -Errno.ENOSPC;
}

/** bind(2). */
export function bindUnix(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number {
  const state = socket.unix as UnixState;
  const name = parseUnixAddress(address);
  if (typeof name === 'number') return name;
  if (name === '') return autobind(k, socket);
  if (state.name !== null) {
    const taken = name.charCodeAt(0) !== 0 && typeof lookupPath(k, task, At.FDCWD, name) !== 'number';
    return taken ? -Errno.EADDRINUSE : -Errno.EINVAL;
  }
  if (name.charCodeAt(0) === 0) {
    if (k.net.unixNames.has(name)) return -Errno.EADDRINUSE;
    k.net.unixNames.set(name, socket);
    state.name = name;
    return 0;
  }
  const inode = makeName(k, task, socket, name);
  if (typeof inode === 'number') return inode === -Errno.EEXIST ? -Errno.EADDRINUSE : inode;
  state.name = name;
  state.bound = getInode(inode);
  k.net.unixPaths.set(inodeKey(inode), socket);
  return 0;
}

/** Makes the socket's entry in the file system. */
function makeName(k: Kernel, task: Task, socket: Socket, name: string): Inode | number {
  const parent = lookupParent(k, task, At.FDCWD, name);
  if (typeof parent === 'number') return parent;
  if (parent.kind !== 'name') return -Errno.EEXIST;
  const existing = lookupChild(k, task, parent.path.dentry, parent.last);
  if (typeof existing !== 'number') return -Errno.EEXIST;
  if (existing !== -Errno.ENOENT) return existing;
  if (parent.trailing) return -Errno.ENOENT;
  const mode = S.IFSOCK | (socket.inode.mode & 0o777 & ~task.fs.umask);
  const made = createIn(k, task, parent.path, parent.last, { mode, rdev: 0, link: null });
  return typeof made === 'number' ? made : (made.inode as Inode);
}

/** The socket behind an address: -ECONNREFUSED when nobody has it, -EPROTOTYPE for one of another type. */
export function findUnix(k: Kernel, task: Task, address: Uint8Array, type: number): Socket | number {
  const name = parseUnixAddress(address);
  if (typeof name === 'number') return name;
  let found: Socket | undefined;
  if (name === '' || name.charCodeAt(0) === 0) found = k.net.unixNames.get(name);
  else {
    const path = lookupPath(k, task, At.FDCWD, name);
    if (typeof path === 'number') return path;
    const inode = path.dentry.inode as Inode;
    const denied = permission(k, task, inode, May.WRITE);
    if (denied < 0) return denied;
    if (!isSock(inode.mode)) return -Errno.ECONNREFUSED;
    found = k.net.unixPaths.get(inodeKey(inode));
  }
  if (!found) return -Errno.ECONNREFUSED;
  return found.type === type ? found : -Errno.EPROTOTYPE;
}

/** The name becomes free; a path stays behind as a stale entry. */
export function unbind(k: Kernel, socket: Socket): void {
  const state = socket.unix as UnixState;
  if (state.bound) {
    k.net.unixPaths.delete(inodeKey(state.bound));
    putInode(k, state.bound);
    state.bound = null;
  } else if (state.name !== null && k.net.unixNames.get(state.name) === socket)
    k.net.unixNames.delete(state.name);
}
