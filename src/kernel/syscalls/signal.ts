/** System calls about signals and tracing. Decode, then delegate to the signal room. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, readI32, readLong, readU64, writeI32, writeLong, writeU64 } from '../mm/uaccess.ts';
import { findStep } from '../outcome.ts';
import {
  changeMask,
  currentAltStack,
  setAction,
  setAltStack,
  sigsuspend,
  sigtimedwait,
} from '../signal/action.ts';
import { NSIG, SIGSEGV, Si } from '../signal/bits.ts';
import { popFrame } from '../signal/frame.ts';
import { ptrace } from '../signal/ptrace-requests.ts';
import {
  forceSignal,
  kill,
  killThread,
  mayKill,
  pendingIn,
  sendSignal,
  userSigInfo,
} from '../signal/send.ts';
import { decodeSigInfo, encodeSigInfo, SIGINFO_SIZE } from '../signal/siginfo.ts';
import type { SigAction, SigInfo } from '../signal/types.ts';
import { leaderOf } from '../task/create.ts';
import { getReg, Reg } from '../task/regs.ts';
import type { Task } from '../task/types.ts';
import { isValidTimespec, readTimespec, toNs } from '../time/clocks.ts';
import { syscall } from './table.ts';

/** sizeof(sigset_t) of the kernel. */
const SIGSET_SIZE = 8;

syscall(129, 'kill', ['int', 'int'], (k, task, pid, signo) => kill(k, task, pid, signo));
syscall(130, 'tkill', ['int', 'int'], (k, task, tid, signo) =>
  tid <= 0 ? -Errno.EINVAL : killThread(k, task, 0, tid, userSigInfo(task, signo, Si.TKILL)),
);
syscall(131, 'tgkill', ['int', 'int', 'int'], (k, task, tgid, tid, signo) =>
  tid <= 0 || tgid <= 0 ? -Errno.EINVAL : killThread(k, task, tgid, tid, userSigInfo(task, signo, Si.TKILL)),
);

/** The siginfo that a program wants to send; kernel codes are refused unless it sends to itself. */
function queuedInfo(k: Kernel, task: Task, pid: number, signo: number, va: number): SigInfo | number {
  const bytes = copyIn(k, task, va, SIGINFO_SIZE);
  if (!bytes) return -Errno.EFAULT;
  const info = decodeSigInfo(bytes);
  info.signo = signo;
  if ((info.code >= 0 || info.code === Si.TKILL) && pid !== task.group.pid) return -Errno.EPERM;
  return info;
}

syscall(138, 'rt_sigqueueinfo', ['int', 'int', 'ptr'], (k, task, pid, signo, va) => {
  const info = queuedInfo(k, task, pid, signo, va);
  if (typeof info === 'number') return info;
  const group = k.task.tasks.get(pid)?.group;
  if (!group) return -Errno.ESRCH;
  if (signo < 0 || signo > NSIG) return -Errno.EINVAL;
  const allowed = mayKill(task, leaderOf(k, group), signo);
  return allowed < 0 || signo === 0 ? allowed : sendSignal(k, group, info);
});
syscall(240, 'rt_tgsigqueueinfo', ['int', 'int', 'int', 'ptr'], (k, task, tgid, tid, signo, va) => {
  if (tid <= 0 || tgid <= 0) return -Errno.EINVAL;
  const info = queuedInfo(k, task, tgid, signo, va);
  return typeof info === 'number' ? info : killThread(k, task, tgid, tid, info);
});

/** struct sigaction of riscv64: handler, flags, mask; no restorer. */
syscall(134, 'rt_sigaction', ['int', 'ptr', 'ptr', 'size'], (k, task, signo, act, old, size) => {
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  if (signo < 1 || signo > NSIG) return -Errno.EINVAL;
  const before = task.group.actions[signo];
  if (act !== 0) {
    const bytes = copyIn(k, task, act, 24);
    if (!bytes) return -Errno.EFAULT;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const action: SigAction = {
      handler: Number(view.getBigInt64(0, true)),
      flags: view.getUint32(8, true),
      mask: view.getBigUint64(16, true),
    };
    const done = setAction(k, task, signo, action);
    if (done < 0) return done;
  }
  if (old === 0) return 0;
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(before.handler), true);
  view.setUint32(8, before.flags, true);
  view.setBigUint64(16, before.mask, true);
  return copyOut(k, task, old, bytes);
});

syscall(135, 'rt_sigprocmask', ['int', 'ptr', 'ptr', 'size'], (k, task, how, set, old, size) => {
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  const before = task.blocked;
  if (set !== 0) {
    const mask = readU64(k, task, set);
    if (mask === null) return -Errno.EFAULT;
    const done = changeMask(task, how, mask);
    if (done < 0) return done;
  }
  return old === 0 ? 0 : writeU64(k, task, old, before);
});

syscall(136, 'rt_sigpending', ['ptr', 'size'], (k, task, va, size) => {
  if (size > SIGSET_SIZE) return -Errno.EINVAL;
  const set = new Uint8Array(8);
  new DataView(set.buffer).setBigUint64(0, pendingIn(task, task.blocked), true);
  return copyOut(k, task, va, set.subarray(0, size));
});

syscall(133, 'rt_sigsuspend', ['ptr', 'size'], (k, task, va, size) => {
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  const mask = readU64(k, task, va);
  return mask === null ? -Errno.EFAULT : sigsuspend(task, mask);
});

syscall(137, 'rt_sigtimedwait', ['ptr', 'ptr', 'ptr', 'size'], (k, task, set, info, timeout, size) => {
  if (size !== SIGSET_SIZE) return -Errno.EINVAL;
  const mask = readU64(k, task, set);
  if (mask === null) return -Errno.EFAULT;
  let timeoutNs: number | null = null;
  if (timeout !== 0) {
    const time = readTimespec(k, task, timeout);
    if (!time) return -Errno.EFAULT;
    if (!isValidTimespec(time)) return -Errno.EINVAL;
    timeoutNs = toNs(time);
  }
  const found = sigtimedwait(k, task, mask, timeoutNs);
  if (typeof found === 'number' || 'kind' in found) return found;
  if (info !== 0 && copyOut(k, task, info, encodeSigInfo(found)) < 0) return -Errno.EFAULT;
  return found.signo;
});

/** rt_sigreturn(2): the registers are those of the frame, a0 among them. */
syscall(139, 'rt_sigreturn', [], (k, task) => {
  task.restart = null;
  if (!popFrame(k, task)) {
    forceSignal(k, task, SIGSEGV, Si.KERNEL);
    return 0;
  }
  task.syscall = null;
  return getReg(k, task, Reg.a0);
});

/** restart_syscall(2): goes on with the interrupted sleep. */
syscall(128, 'restart_syscall', [], (k, task) =>
  task.restart ? findStep(task.restart.step)(k, task, task.restart.state, { by: 'start' }) : -Errno.EINTR,
);

/** stack_t: sp, flags, size. */
syscall(132, 'sigaltstack', ['ptr', 'ptr'], (k, task, set, old) => {
  const before = currentAltStack(k, task);
  if (set !== 0) {
    const sp = readLong(k, task, set);
    const flags = readI32(k, task, set + 8);
    const size = readLong(k, task, set + 16);
    if (sp === null || flags === null || size === null) return -Errno.EFAULT;
    const done = setAltStack(k, task, sp, flags >>> 0, size < 0 ? size + 2 ** 64 : size);
    if (done < 0) return done;
  }
  if (old === 0) return 0;
  if (writeLong(k, task, old, before.sp) < 0) return -Errno.EFAULT;
  if (writeI32(k, task, old + 8, before.flags) < 0) return -Errno.EFAULT;
  return writeLong(k, task, old + 16, before.size);
});

syscall(
  117,
  'ptrace',
  ['long', 'int', 'ptr', 'long'],
  (k, task, request, pid, addr, data) => ptrace(k, task, request, pid, addr, data),
  'full',
  'no single-stepping, as on riscv64',
);
