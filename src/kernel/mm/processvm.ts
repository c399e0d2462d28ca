/** process_vm_readv(2) and process_vm_writev(2) (mm/process_vm_access.c): bytes between two address spaces, page by page. */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { mayTrace } from '../task/cred.ts';
import type { Task } from '../task/types.ts';
import { readMm, writeMm } from './remote.ts';
import { copyFromIo, copyToIo, importIovec, ioRemaining } from './uio.ts';

const CHUNK = 65536;

/** Answers the bytes moved, or -errno when that is none. */
export function processVm(
  k: Kernel,
  task: Task,
  pid: number,
  local: Vaddr,
  localCount: number,
  remote: Vaddr,
  remoteCount: number,
  flags: number,
  write: boolean,
): number {
  if (flags !== 0) return -Errno.EINVAL;
  const here = importIovec(k, task, local, localCount);
  if (typeof here === 'number') return here;
  const there = importIovec(k, task, remote, remoteCount);
  if (typeof there === 'number') return there;
  const target = k.task.tasks.get(pid);
  if (!target?.mm) return -Errno.ESRCH;
  if (!mayTrace(task, target)) return -Errno.EPERM;
  let total = 0;
  for (const { base, length } of there.segments) {
    for (let done = 0; done < length && ioRemaining(here) > 0; ) {
      const count = Math.min(CHUNK, length - done, ioRemaining(here));
      let moved: number;
      if (write) {
        const bytes = copyFromIo(k, task, here, count);
        moved = typeof bytes === 'number' ? bytes : writeMm(k, target.mm, base + done, bytes);
      } else moved = copyToIo(k, task, here, readMm(k, target.mm, base + done, count));
      if (moved <= 0) return total > 0 ? total : -Errno.EFAULT;
      total += moved;
      done += moved;
      if (moved < count) return total;
    }
  }
  return total;
}
