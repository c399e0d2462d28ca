/** Descriptors that stand for processes (man 2 pidfd_open). `file.data` holds the pid and the process itself, which may be gone. */
import { Errno } from '../abi/errno.ts';
import { getFile, installFd, newFile, putFile } from '../fs/file.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { NSIG, newSigInfo } from '../signal/bits.ts';
import { killGroup, mayKill, sendSignal } from '../signal/send.ts';
import type { SigInfo } from '../signal/types.ts';
import { leaderOf } from './create.ts';
import { mayTrace } from './cred.ts';
import { isReapable } from './exit.ts';
import type { Task, ThreadGroup } from './types.ts';

const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const POLLIN = 1;

interface PidfdData {
  pid: number;
  group: ThreadGroup;
}

/** Whether the process is a zombie of which only the leader is left, or gone. */
const hasEnded = (k: Kernel, group: ThreadGroup): boolean =>
  k.task.groups.get(group.pid) !== group || isReapable(k, group);

defineFileOps('pidfd', {
  poll: (k, file) => {
    const { group } = file.data as PidfdData;
    return {
      events: hasEnded(k, group) ? POLLIN : 0,
      queues: [group.exitWait],
    };
  },
  fdinfo: (k, file) => {
    const { pid, group } = file.data as PidfdData;
    return `Pid:\t${k.task.groups.get(pid) === group ? pid : -1}\n`;
  },
});

/** A new descriptor for a process: the fd or -errno. */
export function installPidfd(k: Kernel, task: Task, group: ThreadGroup, flags: number): number {
  const file = newFile(k, {
    kind: 'pidfd',
    inode: k.fs.anonfs.root,
    flags: O_RDWR | (flags & O_NONBLOCK),
    label: 'anon_inode:[pidfd]',
    data: { pid: group.pid, group } satisfies PidfdData,
  });
  if (typeof file === 'number') return file;
  const fd = installFd(k, task, file, true);
  if (fd < 0) putFile(k, file);
  return fd;
}

/** pidfd_open(2). */
export function pidfdOpen(k: Kernel, task: Task, pid: number, flags: number): number {
  if (pid <= 0 || flags & ~O_NONBLOCK) return -Errno.EINVAL;
  const group = k.task.groups.get(pid);
  if (!group) return k.task.tasks.has(pid) ? -Errno.EINVAL : -Errno.ESRCH;
  return installPidfd(k, task, group, flags);
}

/** The living process behind a pidfd, or -errno. */
export function groupOfPidfd(k: Kernel, file: File | null): ThreadGroup | number {
  if (file?.kind !== 'pidfd') return -Errno.EBADF;
  const { pid, group } = file.data as PidfdData;
  return k.task.groups.get(pid) === group ? group : -Errno.ESRCH;
}

/** pidfd_send_signal(2); `info` null: as kill(2) would. */
export function pidfdSendSignal(
  k: Kernel,
  task: Task,
  fd: number,
  signo: number,
  info: SigInfo | null,
): number {
  const group = groupOfPidfd(k, getFile(task, fd));
  if (typeof group === 'number') return group;
  if (signo < 0 || signo > NSIG) return -Errno.EINVAL;
  if (!info)
    return killGroup(k, task, group, newSigInfo(signo, 0, { pid: task.group.pid, uid: task.cred.uid }));
  if (info.signo !== signo) return -Errno.EINVAL;
  if (group !== task.group && (info.code >= 0 || info.code === -6)) return -Errno.EPERM;
  const allowed = mayKill(task, leaderOf(k, group), signo);
  return allowed < 0 || signo === 0 ? allowed : sendSignal(k, group, info);
}

/** pidfd_getfd(2): a descriptor of another process. */
export function pidfdGetfd(k: Kernel, task: Task, pidfd: number, fd: number, flags: number): number {
  if (flags !== 0) return -Errno.EINVAL;
  const group = groupOfPidfd(k, getFile(task, pidfd));
  if (typeof group === 'number') return group;
  const target = leaderOf(k, group);
  if (!mayTrace(task, target)) return -Errno.EPERM;
  const file = getFile(target, fd);
  if (!file) return -Errno.EBADF;
  file.refs++;
  const installed = installFd(k, task, file, true);
  if (installed < 0) putFile(k, file);
  return installed;
}
