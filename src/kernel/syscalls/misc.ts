/** System calls about the machine as a whole, and those that this kernel is configured without. */

import { Errno } from '../abi/errno.ts';
import { randomBytes } from '../drivers/random.ts';
import { getFile } from '../fs/file.ts';
import { kernelVersion, versionCode } from '../kapi/declarations/declare.ts';
import type { Kernel } from '../kernel.ts';
import { copyOut, readLong, writeLong } from '../mm/uaccess.ts';
import { CAP, capable } from '../task/capability.ts';
import { mayTrace } from '../task/cred.ts';
import { encodeSysinfo, encodeUtsname, personality, reboot, setNodeName } from '../task/misc.ts';
import { rseq } from '../task/rseq.ts';
import type { Task } from '../task/types.ts';
import { syscall } from './table.ts';

syscall(160, 'uname', ['ptr'], (k, task, va) => copyOut(k, task, va, encodeUtsname(k)));
syscall(161, 'sethostname', ['ptr', 'int'], (k, task, va, length) =>
  setNodeName(k, task, 'hostname', va, length),
);
syscall(162, 'setdomainname', ['ptr', 'int'], (k, task, va, length) =>
  setNodeName(k, task, 'domainname', va, length),
);
syscall(179, 'sysinfo', ['ptr'], (k, task, va) => copyOut(k, task, va, encodeSysinfo(k)));
syscall(142, 'reboot', ['uint', 'uint', 'uint', 'ptr'], (k, task, magic1, magic2, command, arg) =>
  reboot(k, task, magic1, magic2, command, arg),
);
syscall(92, 'personality', ['uint'], (_k, task, value) => personality(task, value));

const GRND_KNOWN = 7;
/** The most one call answers: longer requests come back short, as after an interruption. */
const GETRANDOM_MAX = 1 << 20;
syscall(278, 'getrandom', ['ptr', 'size', 'uint'], (k, task, va, length, flags) => {
  if (flags & ~GRND_KNOWN) return -Errno.EINVAL;
  const count = Math.min(length, GETRANDOM_MAX);
  for (let done = 0; done < count; ) {
    const chunk = randomBytes(k, Math.min(4096, count - done));
    if (copyOut(k, task, va + done, chunk) < 0) return done > 0 ? done : -Errno.EFAULT;
    done += chunk.length;
  }
  return count;
});

/** riscv_flush_icache(2): the hart drops decoded code whenever memory is written, so nothing is stale. */
syscall(259, 'riscv_flush_icache', ['ptr', 'ptr', 'flags'], (_k, _task, _start, _end, flags) =>
  flags & ~1 ? -Errno.EINVAL : 0,
);

/** kcmp(2): 0 when both tasks share the thing, else an order. */
syscall(272, 'kcmp', ['int', 'int', 'int', 'long', 'long'], (k, task, pid1, pid2, type, index1, index2) => {
  const a = k.task.tasks.get(pid1);
  const b = k.task.tasks.get(pid2);
  if (!a || !b) return -Errno.ESRCH;
  if (!mayTrace(task, a) || !mayTrace(task, b)) return -Errno.EPERM;
  switch (type) {
    case 0: {
      const [file1, file2] = [getFile(a, index1), getFile(b, index2)];
      if (!file1 || !file2) return -Errno.EBADF;
      return Math.sign(file1.id - file2.id) + (file1.id < file2.id ? 2 : 0);
    }
    case 1:
      return same(a.mm === b.mm, a, b);
    case 2:
      return same(a.files === b.files, a, b);
    case 3:
      return same(a.fs === b.fs, a, b);
    case 4:
      return same(a.group.actions === b.group.actions, a, b);
    case 5:
    case 6:
      return same(a === b, a, b);
    default:
      return -Errno.EINVAL;
  }
});
const same = (equal: boolean, a: Task, b: Task): number => (equal ? 0 : a.tid < b.tid ? 1 : 2);

/** ioprio_get(2) and ioprio_set(2): there is no I/O scheduler; the default class is told. */
syscall(31, 'ioprio_get', ['int', 'int'], () => 4, 'accepted', 'always best effort, 4');
syscall(30, 'ioprio_set', ['int', 'int', 'int'], () => 0, 'accepted', 'kept by nobody');

const permitted = (task: Task, cap: number, otherwise: number): number => {
  return capable(task.cred, cap) ? otherwise : -Errno.EPERM;
};
const absent = (nr: number, name: string): void => {
  syscall(nr, name, [], () => -Errno.ENOSYS, 'accepted', 'not configured: ENOSYS');
};

syscall(
  89,
  'acct',
  ['ptr'],
  (_k, task) => permitted(task, CAP.SYS_PACCT, -Errno.ENOSYS),
  'accepted',
  'ENOSYS',
);
syscall(
  224,
  'swapon',
  ['ptr', 'int'],
  (_k, task) => permitted(task, CAP.SYS_ADMIN, -Errno.EINVAL),
  'partial',
  'no block devices',
);
syscall(
  225,
  'swapoff',
  ['ptr'],
  (_k, task) => permitted(task, CAP.SYS_ADMIN, -Errno.EINVAL),
  'partial',
  'no block devices',
);
syscall(268, 'setns', ['fd', 'int'], () => -Errno.EINVAL, 'partial', 'no namespaces');

for (const [nr, name] of [
  [104, 'kexec_load'],
  [217, 'add_key'],
  [218, 'request_key'],
  [219, 'keyctl'],
  [241, 'perf_event_open'],
  [277, 'seccomp'],
  [280, 'bpf'],
  [282, 'userfaultfd'],
  [294, 'kexec_file_load'],
  [444, 'landlock_create_ruleset'],
] as const)
  absent(nr, name);

/** Whether the VM claims to be a kernel that has this (of 4.18 and 6.4), which 4.15 has not. */
const modern = (k: Kernel): boolean => versionCode(k.identity.release) >= kernelVersion(5, 0, 0);

/** rseq(2). */
syscall(293, 'rseq', ['ptr', 'uint', 'int', 'uint'], (k, task, at, size, flags, signature) =>
  modern(k) ? rseq(k, task, at, size, flags, signature) : -Errno.ENOSYS,
);

/** What the processor is, by key (asm/hwprobe.h): no vendor, IMA with F, D and C, misaligned access through the TLB's slow path. */
const HWPROBE: readonly number[] = [0, 0, 0, 1, 3, 0, 0];
const MAX_PAIRS = 4096;

/** riscv_hwprobe(2): Documentation/arch/riscv/hwprobe.rst. */
syscall(
  258,
  'riscv_hwprobe',
  ['ptr', 'size', 'size', 'ptr', 'uint'],
  (k, task, pairs, count, _cpuBytes, _cpus, flags) => {
    if (!modern(k)) return -Errno.ENOSYS;
    if (flags !== 0) return -Errno.EINVAL;
    for (let i = 0; i < Math.min(count, MAX_PAIRS); i++) {
      const at = pairs + 16 * i;
      const key = readLong(k, task, at);
      if (key === null) return -Errno.EFAULT;
      const value = HWPROBE[key];
      if (value === undefined && writeLong(k, task, at, -1) < 0) return -Errno.EFAULT;
      if (writeLong(k, task, at + 8, value ?? 0) < 0) return -Errno.EFAULT;
    }
    return 0;
  },
  'partial',
  'all processors are alike: the set of processors is not looked at',
);
