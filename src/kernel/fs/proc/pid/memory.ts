/** /proc/PID/mem, environ, cmdline, auxv: bytes of a process's memory (fs/proc/base.c of 4.15). */
import { Errno } from '../../../abi/errno.ts';
import type { Kernel } from '../../../kernel.ts';
import { readMm, writeMm } from '../../../mm/remote.ts';
import { copyFromIo, copyToIo } from '../../../mm/uio.ts';
import type { Task } from '../../../task/types.ts';
import { resolve } from '../../kernfs.ts';
import { stringOf } from '../../kernfs-fs.ts';
import { defineFileOps } from '../../ops.ts';
import { targetOf } from '../target.ts';

/** The most one read or write of mem moves at once. */
const MEM_CHUNK = 65536;
/** The most of arguments or environment that is shown (what execve accepts). */
const MAX_ARGS = 2 * 1024 * 1024;

const read = (k: Kernel, task: Task, from: number, to: number): string =>
  task.mm && to > from ? stringOf(readMm(k, task.mm, from, Math.min(to - from, MAX_ARGS))) : '';

/** Arguments, each ended by a NUL; what a program wrote over them up to the first NUL (setproctitle). */
export function showCmdline(k: Kernel, task: Task): string {
  const { mm } = task;
  if (!mm || mm.argEnd <= mm.argStart) return '';
  const args = read(k, task, mm.argStart, mm.argEnd);
  if (args === '' || args.endsWith('\0')) return args;
  const more = args + (mm.envStart === mm.argEnd ? read(k, task, mm.envStart, mm.envEnd) : '');
  const end = more.indexOf('\0');
  return end < 0 ? more : more.slice(0, end + 1);
}

export const showEnviron = (k: Kernel, task: Task): string =>
  task.mm ? read(k, task, task.mm.envStart, task.mm.envEnd) : '';

export const showAuxv = (_k: Kernel, task: Task): string => (task.mm ? stringOf(task.mm.auxv) : '');

/** /proc/PID/mem: the file offset is the address. gdb and strace write breakpoints and read strings through it. */
defineFileOps('proc.mem', {
  seekable: true,
  read(k, task, file, buf, pos) {
    const found = resolve(k, file.data.ref, task);
    const target = found ? targetOf(k, found.ctx) : null;
    if (!target?.mm) return 0;
    const at = pos ?? file.pos;
    const want = Math.min(buf.length - buf.done, MEM_CHUNK);
    if (want <= 0) return 0;
    const bytes = readMm(k, target.mm, at, want);
    if (bytes.length === 0) return -Errno.EIO;
    const copied = copyToIo(k, task, buf, bytes);
    if (copied > 0 && pos === null) file.pos = at + copied;
    return copied;
  },
  write(k, task, file, buf, pos) {
    const found = resolve(k, file.data.ref, task);
    const target = found ? targetOf(k, found.ctx) : null;
    if (!target?.mm) return 0;
    const at = pos ?? file.pos;
    const bytes = copyFromIo(k, task, buf, MEM_CHUNK);
    if (typeof bytes === 'number') return bytes;
    const written = writeMm(k, target.mm, at, bytes);
    if (written <= 0) return -Errno.EIO;
    if (pos === null) file.pos = at + written;
    return written;
  },
  llseek(_k, _task, file, offset, whence) {
    if (whence !== 0 && whence !== 1) return -Errno.EINVAL;
    file.pos = whence === 0 ? offset : file.pos + offset;
    return file.pos;
  },
});
