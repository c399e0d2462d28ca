/** System calls of the mount tree, and of file system features that Debian's programs probe for. */
import { Errno } from '../abi/errno.ts';
import { PATH_MAX } from '../fs/flags.ts';
import { doMount, umount } from '../fs/mount.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyInString } from '../mm/uaccess.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

const PAGE = 4096;

/** The data argument: a page of text that ends at its first NUL. */
function dataAt(k: Kernel, task: Task, va: number): string | number {
  if (va === 0) return '';
  for (let size = PAGE; size >= 1; size >>= 1) {
    const raw = copyIn(k, task, va, size);
    if (!raw) continue;
    let text = '';
    for (let i = 0; i < raw.length && raw[i] !== 0; i++) text += String.fromCharCode(raw[i]);
    return text;
  }
  return -Errno.EFAULT;
}

const optional = (k: Kernel, task: Task, va: number): string | number =>
  va === 0 ? '' : copyInString(k, task, va, PATH_MAX);

syscall(40, 'mount', ['ptr', 'ptr', 'ptr', 'flags', 'ptr'], (k, task, source, target, type, flags, data) => {
  const kind = optional(k, task, type);
  if (typeof kind === 'number') return kind;
  const from = optional(k, task, source);
  if (typeof from === 'number') return from;
  const text = dataAt(k, task, data);
  if (typeof text === 'number') return text;
  const at = copyInString(k, task, target, PATH_MAX);
  if (typeof at === 'number') return at;
  return doMount(k, task, from === '' ? 'none' : from, at, kind, flags, text);
});

syscall(39, 'umount2', ['ptr', 'int'], (k, task, target, flags) => {
  const name = copyInString(k, task, target, PATH_MAX);
  return typeof name === 'number' ? name : umount(k, task, name, flags);
});

const refuse =
  (error: number) =>
  (_k: Kernel, task: Task): number =>
    capable(task.cred, CAP.SYS_ADMIN) ? -error : -Errno.EPERM;
syscall(
  41,
  'pivot_root',
  ['ptr', 'ptr'],
  refuse(Errno.EINVAL),
  'partial',
  'the root of the tree cannot be exchanged',
);
syscall(
  60,
  'quotactl',
  ['uint', 'ptr', 'int', 'ptr'],
  () => -Errno.ENOSYS,
  'partial',
  'CONFIG_QUOTA is not set',
);
syscall(
  264,
  'name_to_handle_at',
  ['fd', 'ptr', 'ptr', 'ptr', 'int'],
  () => -Errno.EOPNOTSUPP,
  'partial',
  'no file system exports handles',
);
syscall(265, 'open_by_handle_at', ['fd', 'ptr', 'int'], refuse(Errno.EOPNOTSUPP), 'partial');
