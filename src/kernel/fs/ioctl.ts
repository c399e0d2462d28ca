/** ioctl(2): what every descriptor knows, then what its kind knows (fs/ioctl.c). */
import { Errno } from '../abi/errno.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { readI32 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { setAsync } from './async.ts';
import { getFile } from './file.ts';
import { O } from './flags.ts';
import { opsOf } from './ops.ts';

const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIONBIO = 0x5421;
const FIOASYNC = 0x5452;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;

/** ioctl(2). */
export function ioctl(k: Kernel, task: Task, fd: number, cmd: number, arg: number): Outcome {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  const entry = task.files.fds[fd];
  switch (cmd) {
    case FIOCLEX:
    case FIONCLEX:
      if (entry) entry.cloexec = cmd === FIOCLEX;
      return 0;
    case FIONBIO:
    case FIOASYNC: {
      const on = readI32(k, task, arg);
      if (on === null) return -Errno.EFAULT;
      if (cmd === FIOASYNC) return setAsync(k, task, fd, file, on !== 0);
      file.flags = on !== 0 ? file.flags | O.NONBLOCK : file.flags & ~O.NONBLOCK;
      return 0;
    }
    case FICLONE:
    case FICLONERANGE:
      return -Errno.EOPNOTSUPP;
  }
  const outcome = opsOf(file).ioctl?.(k, task, file, cmd, arg) ?? -Errno.ENOTTY;
  if (outcome !== -Errno.ENOIOCTLCMD) return outcome;
  unsupported(k, `ioctl 0x${cmd.toString(16)} on ${file.kind}`);
  return -Errno.ENOTTY;
}
