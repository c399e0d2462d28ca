/** System calls of extended attributes: by name, by name without following a link, by descriptor. */
import { Errno } from '../abi/errno.ts';
import { getFile } from '../fs/file.ts';
import { At, PATH_MAX } from '../fs/flags.ts';
import { lookupPath, pathOfFile } from '../fs/namei.ts';
import type { Inode, Path } from '../fs/types.ts';
import { getXattr, listXattr, removeXattr, setXattr } from '../fs/xattr.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyInString, copyOut } from '../mm/uaccess.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

const XATTR_NAME_MAX = 255;
const XATTR_SIZE_MAX = 65536;

type Target = (k: Kernel, task: Task, arg: number) => Path | number;

const byName =
  (follow: boolean): Target =>
  (k, task, va) => {
    const name = copyInString(k, task, va, PATH_MAX);
    return typeof name === 'number' ? name : lookupPath(k, task, At.FDCWD, name, { follow });
  };
const byFd: Target = (k, task, fd) => {
  const file = getFile(task, fd | 0);
  return file ? pathOfFile(k, file) : -Errno.EBADF;
};
const TARGETS = [
  ['', byName(true)],
  ['l', byName(false)],
  ['f', byFd],
] as const;

function attributeName(k: Kernel, task: Task, va: number): string | number {
  const name = copyInString(k, task, va, XATTR_NAME_MAX + 1);
  if (name === -Errno.ENAMETOOLONG || name === '') return -Errno.ERANGE;
  return name;
}

/** Stores a result in a buffer of `size` bytes; size 0 only asks how long it is. */
function store(k: Kernel, task: Task, va: number, size: number, bytes: Uint8Array): number {
  if (size === 0) return bytes.length;
  if (size < bytes.length) return -Errno.ERANGE;
  const failed = copyOut(k, task, va, bytes);
  return failed < 0 ? failed : bytes.length;
}

TARGETS.forEach(([prefix, target], i) => {
  syscall(
    5 + i,
    `${prefix}setxattr`,
    ['ptr', 'ptr', 'ptr', 'size', 'int'],
    (k, task, arg, nameVa, va, size, flags) => {
      const name = attributeName(k, task, nameVa);
      if (typeof name === 'number') return name;
      if (size > XATTR_SIZE_MAX) return -Errno.E2BIG;
      const value = copyIn(k, task, va, size);
      if (!value) return -Errno.EFAULT;
      const path = target(k, task, arg);
      return typeof path === 'number' ? path : setXattr(k, task, path, name, value.slice(), flags);
    },
  );
  syscall(8 + i, `${prefix}getxattr`, ['ptr', 'ptr', 'ptr', 'size'], (k, task, arg, nameVa, va, size) => {
    const name = attributeName(k, task, nameVa);
    if (typeof name === 'number') return name;
    const path = target(k, task, arg);
    if (typeof path === 'number') return path;
    const value = getXattr(k, task, path.dentry.inode as Inode, name);
    return typeof value === 'number' ? value : store(k, task, va, size, value);
  });
  syscall(11 + i, `${prefix}listxattr`, ['ptr', 'ptr', 'size'], (k, task, arg, va, size) => {
    const path = target(k, task, arg);
    if (typeof path === 'number') return path;
    const text = listXattr(task, path.dentry.inode as Inode);
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    return store(k, task, va, size, bytes);
  });
  syscall(14 + i, `${prefix}removexattr`, ['ptr', 'ptr'], (k, task, arg, nameVa) => {
    const name = attributeName(k, task, nameVa);
    if (typeof name === 'number') return name;
    const path = target(k, task, arg);
    return typeof path === 'number' ? path : removeXattr(k, task, path, name);
  });
});
