/** execve and execveat: argument vectors are copied in here, task/exec.ts does the rest. */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { At } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import { copyInString, readLong } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { execProgram } from '../task/exec.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

const PATH_MAX = 4096;
/** MAX_ARG_STRLEN: 32 pages. */
const MAX_ARG = 131072;
/** No vector may take more than this in all; the exact limit depends on the stack limit and is exec's. */
const MAX_TOTAL = 6 * 1024 * 1024;

/** A null-terminated vector of strings; a null vector is empty. -EFAULT, -E2BIG. */
function copyVector(k: Kernel, task: Task, va: Vaddr): string[] | number {
  const texts: string[] = [];
  if (va === 0) return texts;
  let total = 0;
  for (let at = va; ; at += 8) {
    const pointer = readLong(k, task, at);
    if (pointer === null) return -Errno.EFAULT;
    if (pointer === 0) return texts;
    const text = copyInString(k, task, pointer, MAX_ARG);
    if (typeof text === 'number') return text === -Errno.ENAMETOOLONG ? -Errno.E2BIG : text;
    total += text.length + 9;
    if (total > MAX_TOTAL) return -Errno.E2BIG;
    texts.push(text);
  }
}

function execAt(
  k: Kernel,
  task: Task,
  dirfd: number,
  name: Vaddr,
  argvAt: Vaddr,
  envAt: Vaddr,
  flags: number,
): Outcome {
  const filename = copyInString(k, task, name, PATH_MAX);
  if (typeof filename === 'number') return filename;
  const argv = copyVector(k, task, argvAt);
  if (typeof argv === 'number') return argv;
  const env = copyVector(k, task, envAt);
  if (typeof env === 'number') return env;
  return execProgram(k, task, { dirfd, filename, argv, env, flags });
}

syscall(221, 'execve', ['ptr', 'ptr', 'ptr'], (k, task, name, argv, env) =>
  execAt(k, task, At.FDCWD, name, argv, env, 0),
);

syscall(281, 'execveat', ['fd', 'ptr', 'ptr', 'ptr', 'flags'], (k, task, dirfd, name, argv, env, flags) =>
  (flags & ~(At.SYMLINK_NOFOLLOW | At.EMPTY_PATH)) !== 0
    ? -Errno.EINVAL
    : execAt(k, task, dirfd, name, argv, env, flags),
);
