/** System calls of kernel modules: decode, then delegate to the module room. */
import { Errno } from '../abi/errno.ts';
import { getFile, isReadable } from '../fs/file.ts';
import type { File } from '../fs/types.ts';
import { hasModversions } from '../kapi/vermagic.ts';
import type { Kernel } from '../kernel.ts';
import { readKernel } from '../mm/filemap.ts';
import { copyIn, copyInString } from '../mm/uaccess.ts';
import { loadOnce } from '../module/idempotent.ts';
import { InitFlag, loadModule } from '../module/load.ts';
import { deleteModule } from '../module/unload.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

/** The largest file taken: several times what the biggest module of a distribution has. */
const MAX_FILE = 16 * 2 ** 20;
const MAX_ARGS = 65536;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

const permitted = (k: Kernel, task: Task): boolean =>
  capable(task.cred, CAP.SYS_MODULE) && (k.sysctl['kernel.modules_disabled'] ?? '0') === '0';

/** strndup_user. */
function argsOf(k: Kernel, task: Task, at: number): string | number {
  const text = copyInString(k, task, at, MAX_ARGS);
  return text === -Errno.ENAMETOOLONG ? -Errno.EINVAL : text;
}

/** init_module(2). */
syscall(105, 'init_module', ['ptr', 'size', 'ptr'], (k, task, image, length, uargs) => {
  if (!permitted(k, task)) return -Errno.EPERM;
  if (length < 64) return -Errno.ENOEXEC;
  if (length > MAX_FILE) return -Errno.ENOMEM;
  const bytes = copyIn(k, task, image, length);
  if (!bytes) return -Errno.EFAULT;
  const args = argsOf(k, task, uargs);
  return typeof args === 'number' ? args : loadModule(k, task, bytes, args, 0);
});

interface FileLoad {
  file: File;
  uargs: number;
  flags: number;
}

/** Reads the file and loads it (init_module_from_file). */
function loadFile(k: Kernel, task: Task, { file, uargs, flags }: FileLoad): Outcome {
  const { size } = file.inode;
  if (size <= 0) return -Errno.EINVAL;
  if (size > MAX_FILE) return -Errno.EFBIG;
  const bytes = readKernel(k, file.inode, 0, size);
  if ((flags & InitFlag.COMPRESSED_FILE) !== 0) {
    printk(k, Level.ERR, 'decompression failed with status 6');
    return -Errno.EINVAL;
  }
  const args = argsOf(k, task, uargs);
  if (typeof args === 'number') return args;
  k.sched.kernelWork += Math.floor(bytes.length / 8);
  return loadModule(k, task, bytes, args, flags);
}
defineStep('module.load.again', (k, task, load: FileLoad, entry) =>
  entry.by === 'signal' ? -Errno.EINTR : loadFile(k, task, load),
);

/** finit_module(2). */
syscall(273, 'finit_module', ['fd', 'ptr', 'int'], (k, task, fd, uargs, flags) => {
  if (!permitted(k, task)) return -Errno.EPERM;
  const modern = hasModversions(k.identity.release);
  if ((flags & ~(modern ? 7 : 3)) !== 0) return -Errno.EINVAL;
  const file = getFile(task, fd);
  if (!file || !isReadable(file)) return -Errno.EBADF;
  if ((file.inode.mode & S_IFMT) !== S_IFREG) return -Errno.EINVAL;
  const load: FileLoad = { file, uargs, flags };
  if (!modern) return loadFile(k, task, load);
  const again = { step: 'module.load.again', state: load };
  return loadOnce(k, task, file, () => loadFile(k, task, load), again);
});

/** delete_module(2). */
syscall(106, 'delete_module', ['ptr', 'flags'], (k, task, at, flags) => {
  if (!permitted(k, task)) return -Errno.EPERM;
  const name = copyInString(k, task, at, 56);
  if (name === -Errno.ENAMETOOLONG) return -Errno.ENOENT;
  return typeof name === 'number' ? name : deleteModule(k, task, name, flags);
});
