/** System calls about tasks: birth, death, waiting, sessions, limits. Decode, then delegate to the task room. */
import { Errno } from '../abi/errno.ts';
import { getFile } from '../fs/file.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, readU64, writeLong, writeU32, writeU64 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { wait } from '../outcome.ts';
import { NSIG, newSigInfo, SIGCHLD } from '../signal/bits.ts';
import { decodeSigInfo, encodeSigInfo, SIGINFO_SIZE } from '../signal/siginfo.ts';
import { exitOutcome, exitProcess, exitTask } from '../task/exit.ts';
import { Clone, clone, unshare } from '../task/fork.ts';
import { groupOfPidfd, pidfdGetfd, pidfdOpen, pidfdSendSignal } from '../task/pidfd.ts';
import { prctl } from '../task/prctl.ts';
import { prlimitTarget, RLIM_NLIMITS, setRlimit } from '../task/rlimit.ts';
import { encodeRusage, usageOfChildren, usageOfGroup, usageOfTask } from '../task/rusage.ts';
import { processOf, setpgid, setsid } from '../task/session.ts';
import type { Rlimit, Task } from '../task/types.ts';
import type { WaitResult, Who } from '../task/wait4.ts';
import { findWaitable, WaitOption } from '../task/wait4.ts';
import { syscall } from './table.ts';

/** exit(2) and exit_group(2). The task is gone afterwards: nobody sees the result. */
syscall(93, 'exit', ['int'], (k, task, status) => {
  exitTask(k, task, (status & 0xff) << 8);
  return exitOutcome(k, task);
});
syscall(94, 'exit_group', ['int'], (k, task, status) => {
  exitProcess(k, task, (status & 0xff) << 8);
  return exitOutcome(k, task);
});

/** clone(2) in riscv's order of arguments (CONFIG_CLONE_BACKWARDS). */
syscall(
  220,
  'clone',
  ['flags', 'ptr', 'ptr', 'ptr', 'ptr'],
  (k, task, flags, stack, parentTid, tls, childTid) => {
    if (flags & Clone.PIDFD && flags & Clone.PARENT_SETTID) return -Errno.EINVAL;
    return clone(k, task, {
      flags: (flags & ~Clone.CSIGNAL) >>> 0,
      clearHandlers: false,
      exitSignal: flags & Clone.CSIGNAL,
      stack,
      tls,
      parentTid,
      childTid,
      pidfd: parentTid,
    });
  },
);

const CLONE_ARGS_SIZE_VER0 = 64;
const CLEAR_SIGHAND = 1n << 32n;

/** clone3(2). */
syscall(435, 'clone3', ['ptr', 'size'], (k, task, va, size) => {
  if (size < CLONE_ARGS_SIZE_VER0) return -Errno.EINVAL;
  if (size > 4096) return -Errno.E2BIG;
  const bytes = copyIn(k, task, va, size);
  if (!bytes) return -Errno.EFAULT;
  if (bytes.subarray(88).some((byte) => byte !== 0)) return -Errno.E2BIG;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const field = (index: number): number => (8 * index < size ? Number(view.getBigInt64(8 * index, true)) : 0);
  const allFlags = view.getBigUint64(0, true);
  const flags = Number(allFlags & 0xffffffffn);
  if (allFlags >> 33n || flags & (Clone.DETACHED | Clone.CSIGNAL)) return -Errno.EINVAL;
  if (field(9) !== 0) return -Errno.EPERM;
  const [stack, stackSize, exitSignal] = [field(5), field(6), field(4)];
  if ((stack === 0) !== (stackSize === 0) || exitSignal < 0 || exitSignal > NSIG) return -Errno.EINVAL;
  if (flags & (Clone.THREAD | Clone.PARENT) && exitSignal !== 0) return -Errno.EINVAL;
  return clone(k, task, {
    flags,
    clearHandlers: (allFlags & CLEAR_SIGHAND) !== 0n,
    exitSignal,
    stack: stack + stackSize,
    tls: field(7),
    parentTid: field(3),
    childTid: field(2),
    pidfd: field(1),
  });
});

syscall(97, 'unshare', ['flags'], (k, task, flags) => unshare(k, task, flags), 'partial', 'no namespaces');

const WAIT4_OPTIONS =
  WaitOption.NOHANG |
  WaitOption.UNTRACED |
  WaitOption.CONTINUED |
  WaitOption.NOTHREAD |
  WaitOption.CLONE |
  WaitOption.ALL;

/** Waits until `found` has something: its result, 0 for WNOHANG with nothing to report, or -errno. */
function waitFor(
  k: Kernel,
  task: Task,
  who: Who,
  options: number,
  report: (found: WaitResult | null) => number,
): Outcome {
  const found = findWaitable(k, task, who, options);
  if (typeof found === 'number') return found;
  if (found || options & WaitOption.NOHANG) return report(found);
  return wait([task.group.childWait]);
}

syscall(260, 'wait4', ['int', 'ptr', 'uint', 'ptr'], (k, task, pid, status, options, rusage) => {
  if (options & ~WAIT4_OPTIONS) return -Errno.EINVAL;
  if (pid === -2147483648) return -Errno.ESRCH;
  let who: Who = { kind: 'pid', pid };
  if (pid === -1) who = { kind: 'all' };
  else if (pid <= 0) who = { kind: 'pgid', pgid: pid === 0 ? task.group.pgid : -pid };
  return waitFor(k, task, who, options | WaitOption.EXITED, (found) => {
    if (!found) return 0;
    if (status !== 0 && writeU32(k, task, status, found.status) < 0) return -Errno.EFAULT;
    if (rusage !== 0 && copyOut(k, task, rusage, encodeRusage(found.usage)) < 0) return -Errno.EFAULT;
    return found.pid;
  });
});

const WAITID_KINDS = WaitOption.EXITED | WaitOption.UNTRACED | WaitOption.CONTINUED;
const WAITID_OPTIONS = WAIT4_OPTIONS | WaitOption.NOWAIT | WaitOption.EXITED;

/** P_ALL, P_PID, P_PGID, P_PIDFD of waitid(2). */
function idOf(k: Kernel, task: Task, which: number, id: number): Who | number {
  switch (which) {
    case 0:
      return { kind: 'all' };
    case 1:
      return id <= 0 ? -Errno.EINVAL : { kind: 'pid', pid: id };
    case 2:
      return id < 0 ? -Errno.EINVAL : { kind: 'pgid', pgid: id === 0 ? task.group.pgid : id };
    case 3: {
      const file = getFile(task, id);
      const group = groupOfPidfd(k, file);
      if (typeof group === 'number') return group === -Errno.ESRCH ? -Errno.ECHILD : group;
      return { kind: 'pid', pid: group.pid };
    }
    default:
      return -Errno.EINVAL;
  }
}

syscall(95, 'waitid', ['int', 'int', 'ptr', 'uint', 'ptr'], (k, task, which, id, infop, options, rusage) => {
  if (options & ~WAITID_OPTIONS || !(options & WAITID_KINDS)) return -Errno.EINVAL;
  const who = idOf(k, task, which, id);
  if (typeof who === 'number') return who;
  return waitFor(k, task, who, options, (found) => {
    if (found && rusage !== 0 && copyOut(k, task, rusage, encodeRusage(found.usage)) < 0)
      return -Errno.EFAULT;
    if (infop === 0) return 0;
    const info = found
      ? newSigInfo(SIGCHLD, found.code, {
          pid: found.pid,
          uid: found.uid,
          status: found.siStatus,
        })
      : newSigInfo(0, 0);
    return copyOut(k, task, infop, encodeSigInfo(info).subarray(0, 28)) < 0 ? -Errno.EFAULT : 0;
  });
});

syscall(96, 'set_tid_address', ['ptr'], (_k, task, va) => {
  task.clearChildTid = va;
  return task.tid;
});

syscall(172, 'getpid', [], (_k, task) => task.group.pid);
syscall(173, 'getppid', [], (_k, task) => task.group.parentPid);
syscall(178, 'gettid', [], (_k, task) => task.tid);

syscall(154, 'setpgid', ['int', 'int'], (k, task, pid, pgid) => setpgid(k, task, pid, pgid));
syscall(155, 'getpgid', ['int'], (k, task, pid) => processOf(k, task, pid)?.pgid ?? -Errno.ESRCH);
syscall(156, 'getsid', ['int'], (k, task, pid) => processOf(k, task, pid)?.sid ?? -Errno.ESRCH);
syscall(157, 'setsid', [], (k, task) => setsid(k, task));

const RLIM_INFINITY = 0xffffffffffffffffn;
const limitOf = (value: bigint): number =>
  value === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(value);
const limitBits = (value: number): bigint =>
  value === Number.POSITIVE_INFINITY ? RLIM_INFINITY : BigInt(value);

function readRlimit(k: Kernel, task: Task, va: number): Rlimit | null {
  const cur = readU64(k, task, va);
  const max = readU64(k, task, va + 8);
  return cur === null || max === null ? null : { cur: limitOf(cur), max: limitOf(max) };
}

function writeRlimit(k: Kernel, task: Task, va: number, limit: Rlimit): number {
  const wrote = writeU64(k, task, va, limitBits(limit.cur));
  return wrote < 0 ? wrote : writeU64(k, task, va + 8, limitBits(limit.max));
}

syscall(163, 'getrlimit', ['uint', 'ptr'], (k, task, resource, va) =>
  resource >= RLIM_NLIMITS ? -Errno.EINVAL : writeRlimit(k, task, va, task.group.rlimits[resource]),
);
syscall(164, 'setrlimit', ['uint', 'ptr'], (k, task, resource, va) => {
  const limit = readRlimit(k, task, va);
  return limit ? setRlimit(task, task.group, resource, limit) : -Errno.EFAULT;
});
syscall(261, 'prlimit64', ['int', 'uint', 'ptr', 'ptr'], (k, task, pid, resource, newLimit, oldLimit) => {
  const limit = newLimit === 0 ? undefined : readRlimit(k, task, newLimit);
  if (limit === null) return -Errno.EFAULT;
  const group = prlimitTarget(k, task, pid);
  if (typeof group === 'number') return group;
  if (resource >= RLIM_NLIMITS) return -Errno.EINVAL;
  const old = group.rlimits[resource];
  if (limit) {
    const done = setRlimit(task, group, resource, limit);
    if (done < 0) return done;
  }
  return oldLimit === 0 ? 0 : writeRlimit(k, task, oldLimit, old);
});

/** getrusage(2): RUSAGE_SELF 0, RUSAGE_CHILDREN -1, RUSAGE_THREAD 1. */
syscall(165, 'getrusage', ['int', 'ptr'], (k, task, who, va) => {
  if (who !== 0 && who !== -1 && who !== 1) return -Errno.EINVAL;
  const usage =
    who === 0 ? usageOfGroup(k, task.group) : who === 1 ? usageOfTask(k, task) : usageOfChildren(task.group);
  return copyOut(k, task, va, encodeRusage(usage));
});

const TICK_NS = 10_000_000;
syscall(153, 'times', ['ptr'], (k, task, va) => {
  const { group } = task;
  const values = [group.utimeNs, group.stimeNs, group.cutimeNs, group.cstimeNs];
  if (va !== 0)
    for (let i = 0; i < 4; i++)
      if (writeLong(k, task, va + 8 * i, Math.floor(values[i] / TICK_NS)) < 0) return -Errno.EFAULT;
  return Math.floor(k.time.nowNs / TICK_NS);
});

syscall(167, 'prctl', ['int', 'long', 'long', 'long', 'long'], (k, task, option, a2, a3, a4, a5) =>
  prctl(k, task, option, a2, a3, a4, a5),
);

syscall(434, 'pidfd_open', ['int', 'uint'], (k, task, pid, flags) => pidfdOpen(k, task, pid, flags));
syscall(424, 'pidfd_send_signal', ['fd', 'int', 'ptr', 'uint'], (k, task, fd, signo, info, flags) => {
  if (flags !== 0) return -Errno.EINVAL;
  if (info === 0) return pidfdSendSignal(k, task, fd, signo, null);
  const bytes = copyIn(k, task, info, SIGINFO_SIZE);
  return bytes ? pidfdSendSignal(k, task, fd, signo, decodeSigInfo(bytes)) : -Errno.EFAULT;
});
syscall(438, 'pidfd_getfd', ['fd', 'fd', 'uint'], (k, task, pidfd, fd, flags) =>
  pidfdGetfd(k, task, pidfd, fd, flags),
);
