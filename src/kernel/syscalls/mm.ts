/** System calls of memory: they decode, the mm room decides. */
import { Errno } from '../abi/errno.ts';
import { getFile } from '../fs/file.ts';
import type { Kernel } from '../kernel.ts';
import { settleAreas } from '../mm/area.ts';
import { pageOffset, pageUp, TASK_SIZE } from '../mm/layout.ts';
import { doBrk, doMmap, doMunmap } from '../mm/mmap.ts';
import { doMremap } from '../mm/mremap.ts';
import { findPte } from '../mm/pagetable.ts';
import { processVm } from '../mm/processvm.ts';
import { doMadvise, doMlock, doMlockall, doMprotect, doMsync } from '../mm/protect.ts';
import type { Mm } from '../mm/types.ts';
import { MapFlag } from '../mm/types.ts';
import { copyOut } from '../mm/uaccess.ts';
import { vmaAt } from '../mm/vma.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

/** A handler that needs an address space; a kernel thread has none and makes no system calls. */
const withMm =
  (handler: (k: Kernel, task: Task, mm: Mm, ...args: number[]) => Outcome) =>
  (k: Kernel, task: Task, ...args: number[]): Outcome =>
    task.mm ? handler(k, task, task.mm, ...args) : -Errno.EINVAL;

syscall(214, 'brk', ['ptr'], withMm(doBrk));

syscall(
  215,
  'munmap',
  ['ptr', 'size'],
  withMm((k, task, mm, addr, size) => settleAreas(k, task, doMunmap(k, mm, addr, size))),
);

syscall(
  216,
  'mremap',
  ['ptr', 'size', 'size', 'flags', 'ptr'],
  withMm((k, task, mm, from, oldSize, newSize, flags, to) =>
    settleAreas(k, task, doMremap(k, task, mm, from, oldSize, newSize, flags, to)),
  ),
);

syscall(
  222,
  'mmap',
  ['ptr', 'size', 'flags', 'flags', 'fd', 'long'],
  (k, task, addr, size, prot, flags, fd, offset) => {
    if (pageOffset(offset) !== 0) return -Errno.EINVAL;
    if ((flags & MapFlag.ANONYMOUS) !== 0) return doMmap(k, task, addr, size, prot, flags, null, 0);
    const file = getFile(task, fd);
    return file ? doMmap(k, task, addr, size, prot, flags, file, offset) : -Errno.EBADF;
  },
);

syscall(226, 'mprotect', ['ptr', 'size', 'flags'], withMm(doMprotect));

syscall(
  227,
  'msync',
  ['ptr', 'size', 'int'],
  withMm((k, _task, mm, addr, size, flags) => doMsync(k, mm, addr, size, flags)),
);

syscall(
  228,
  'mlock',
  ['ptr', 'size'],
  withMm((k, task, mm, addr, size) => doMlock(k, task, mm, addr, size, true)),
);

syscall(
  229,
  'munlock',
  ['ptr', 'size'],
  withMm((k, task, mm, addr, size) => doMlock(k, task, mm, addr, size, false)),
);

syscall(
  230,
  'mlockall',
  ['int'],
  withMm((k, task, mm, flags) => (flags === 0 ? -Errno.EINVAL : doMlockall(k, task, mm, flags))),
);

syscall(
  231,
  'munlockall',
  [],
  withMm((k, task, mm) => doMlockall(k, task, mm, 0)),
);

syscall(
  232,
  'mincore',
  ['ptr', 'size', 'ptr'],
  withMm((k, task, mm, addr, size, vec) => {
    if (pageOffset(addr) !== 0) return -Errno.EINVAL;
    if (addr < 0 || size > TASK_SIZE || addr + size > TASK_SIZE) return -Errno.ENOMEM;
    const pages = pageUp(size) / 4096;
    const chunk = new Uint8Array(Math.min(pages, 4096));
    for (let done = 0; done < pages; done += chunk.length) {
      const count = Math.min(chunk.length, pages - done);
      for (let i = 0; i < count; i++) {
        const va = addr + (done + i) * 4096;
        const vma = vmaAt(mm, va);
        if (!vma) return -Errno.ENOMEM;
        const at = findPte(k, mm.root, va);
        const index = vma.inode ? (vma.offset + (va - vma.start)) / 4096 : 0;
        chunk[i] = (at >= 0 && (k.guest.load32(at) & 1) !== 0) || vma.inode?.pages?.has(index) ? 1 : 0;
      }
      const failed = copyOut(k, task, vec + done, chunk.subarray(0, count));
      if (failed < 0) return failed;
    }
    return 0;
  }),
);

syscall(
  233,
  'madvise',
  ['ptr', 'size', 'int'],
  withMm((k, _task, mm, addr, size, advice) => doMadvise(k, mm, addr, size, advice)),
);

syscall(
  284,
  'mlock2',
  ['ptr', 'size', 'int'],
  withMm((k, task, mm, addr, size, flags) =>
    (flags & ~1) !== 0 ? -Errno.EINVAL : doMlock(k, task, mm, addr, size, true, flags === 1),
  ),
);

const MEMBARRIER_SUPPORTED = 1 | 8 | 16;

syscall(
  283,
  'membarrier',
  ['int', 'int'],
  (_k, _task, command, flags) => {
    if (flags !== 0) return -Errno.EINVAL;
    if (command === 0) return MEMBARRIER_SUPPORTED;
    return (command & MEMBARRIER_SUPPORTED) === command ? 0 : -Errno.EINVAL;
  },
  'full',
  'one hart: every barrier has happened',
);

syscall(
  270,
  'process_vm_readv',
  ['int', 'ptr', 'size', 'ptr', 'size', 'flags'],
  (k, task, pid, local, localCount, remote, remoteCount, flags) =>
    processVm(k, task, pid, local, localCount, remote, remoteCount, flags, false),
);

syscall(
  271,
  'process_vm_writev',
  ['int', 'ptr', 'size', 'ptr', 'size', 'flags'],
  (k, task, pid, local, localCount, remote, remoteCount, flags) =>
    processVm(k, task, pid, local, localCount, remote, remoteCount, flags, true),
);
