/**
 * fork, vfork, clone and clone3 (kernel/fork.c). Always true: when a new task becomes ready everything it shares has one more
 * user and everything else is a copy; a clone that fails leaves nothing behind.
 */
import { CONTEXT } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { dupTable, putTable, unshareTable } from '../fs/file.ts';
import type { Kernel } from '../kernel.ts';
import { unsupported } from '../kernel.ts';
import { settleAreas } from '../mm/area.ts';
import { forkMm, putMm } from '../mm/mm.ts';
import { writeMm } from '../mm/remote.ts';
import { writeU32 } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { defineStep, wait } from '../outcome.ts';
import { NSIG, SIG_DFL, SIG_IGN, SIGCHLD } from '../signal/bits.ts';
import { followChild, PtraceEvent, ptraceEvent, wantsEvent } from '../signal/ptrace.ts';
import { hasPending } from '../signal/send.ts';
import { CAP, capable } from './capability.ts';
import { dupFsContext, putFsContext, unshareFsContext } from './context.ts';
import { copyActions, newTask, startTask } from './create.ts';
import { installPidfd } from './pidfd.ts';
import { loadedContext, Reg } from './regs.ts';
import { Rlim, tasksOfUser } from './rlimit.ts';
import type { Task } from './types.ts';

/** CLONE_* (linux/sched.h). */
export const Clone = {
  CSIGNAL: 0xff,
  VM: 0x100,
  FS: 0x200,
  FILES: 0x400,
  SIGHAND: 0x800,
  PIDFD: 0x1000,
  PTRACE: 0x2000,
  VFORK: 0x4000,
  PARENT: 0x8000,
  THREAD: 0x10000,
  NEWNS: 0x20000,
  SYSVSEM: 0x40000,
  SETTLS: 0x80000,
  PARENT_SETTID: 0x100000,
  CHILD_CLEARTID: 0x200000,
  DETACHED: 0x400000,
  UNTRACED: 0x800000,
  CHILD_SETTID: 0x1000000,
  NEWCGROUP: 0x2000000,
  NEWUTS: 0x4000000,
  NEWIPC: 0x8000000,
  NEWUSER: 0x10000000,
  NEWPID: 0x20000000,
  NEWNET: 0x40000000,
  IO: 0x80000000,
} as const;
const NAMESPACES =
  Clone.NEWNS | Clone.NEWCGROUP | Clone.NEWUTS | Clone.NEWIPC | Clone.NEWUSER | Clone.NEWPID | Clone.NEWNET;

/** What clone(2) and clone3(2) have in common. */
export interface CloneArgs {
  flags: number;
  /** CLONE_CLEAR_SIGHAND, which lies above 32 bits. */
  clearHandlers: boolean;
  exitSignal: number;
  /** Top of the new stack; 0: the caller's. */
  stack: number;
  tls: number;
  parentTid: number;
  childTid: number;
  /** Where CLONE_PIDFD puts the descriptor. */
  pidfd: number;
}

function checkFlags(k: Kernel, task: Task, flags: number): number {
  if (flags & Clone.THREAD && !(flags & Clone.SIGHAND)) return -Errno.EINVAL;
  if (flags & Clone.SIGHAND && !(flags & Clone.VM)) return -Errno.EINVAL;
  if (flags & Clone.NEWNS && flags & Clone.FS) return -Errno.EINVAL;
  if (flags & Clone.PIDFD && flags & (Clone.THREAD | Clone.DETACHED)) return -Errno.EINVAL;
  if (flags & NAMESPACES) {
    if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
    unsupported(k, `clone namespaces 0x${(flags & NAMESPACES).toString(16)}`);
    return -Errno.EINVAL;
  }
  return 0;
}

function overProcessLimit(k: Kernel, task: Task): boolean {
  const { cred } = task;
  const limit = task.group.rlimits[Rlim.NPROC].cur;
  if (limit === Number.POSITIVE_INFINITY || cred.uid === 0) return false;
  if (capable(cred, CAP.SYS_RESOURCE) || capable(cred, CAP.SYS_ADMIN)) return false;
  return tasksOfUser(k, cred.uid) >= limit;
}

/** The event that tells a tracer of this clone. */
function cloneEvent(args: CloneArgs): number {
  if (args.flags & Clone.VFORK) return PtraceEvent.VFORK;
  return args.exitSignal === SIGCHLD ? PtraceEvent.FORK : PtraceEvent.CLONE;
}

/** Creates the child, not yet ready. A negative number: -errno. */
function copyTask(k: Kernel, task: Task, args: CloneArgs): Task | number {
  const { flags } = args;
  const parent = task.group;
  const mm = task.mm && !(flags & Clone.VM) ? forkMm(k, task.mm) : task.mm;
  if (task.mm && !mm) return -Errno.ENOMEM;
  if (mm && flags & Clone.VM) mm.users++;
  const files = flags & Clone.FILES ? task.files : dupTable(k, task.files);
  if (flags & Clone.FILES) files.users++;
  const fs = flags & Clone.FS ? task.fs : dupFsContext(task.fs);
  if (flags & Clone.FS) fs.users++;
  const isThread = (flags & Clone.THREAD) !== 0;
  const sibling = (flags & Clone.PARENT) !== 0;
  const child = newTask(k, {
    group: isThread ? parent : null,
    comm: task.comm,
    mm,
    files,
    fs,
    cred: task.cred,
    parentPid: sibling ? parent.parentPid : parent.pid,
    pgid: parent.pgid,
    sid: parent.sid,
    tty: parent.tty,
    exitSignal: sibling ? parent.exitSignal : args.exitSignal,
    rlimits: isThread ? parent.rlimits : parent.rlimits.map((limit) => ({ ...limit })),
    actions: flags & Clone.SIGHAND ? parent.actions : copyActions(parent.actions),
  });
  if (typeof child === 'number') {
    putFsContext(k, fs);
    putTable(k, files, task);
    if (mm) putMm(k, mm);
    return child;
  }
  inherit(task, child, args);
  return child;
}

function inherit(task: Task, child: Task, args: CloneArgs): void {
  const { flags } = args;
  child.blocked = task.blocked;
  child.nice = task.nice;
  child.policy = task.policy;
  child.rtPriority = task.rtPriority;
  child.cpuMask = task.cpuMask;
  child.timerSlackNs = task.timerSlackNs;
  if (!(flags & Clone.VM)) child.rseq = task.rseq;
  if (!(flags & Clone.VM) || flags & Clone.VFORK) child.altStack = { ...task.altStack };
  if (flags & Clone.CHILD_CLEARTID) child.clearChildTid = args.childTid;
  if (flags & Clone.CHILD_SETTID) child.setChildTid = args.childTid;
  if (flags & Clone.THREAD) return;
  child.group.dumpable = task.group.dumpable;
  child.group.personality = task.group.personality;
  child.group.oomScoreAdj = task.group.oomScoreAdj;
  if (args.clearHandlers)
    for (let signo = 1; signo <= NSIG; signo++)
      if (child.group.actions[signo].handler !== SIG_IGN)
        child.group.actions[signo] = { handler: SIG_DFL, flags: 0, mask: 0n };
}

/** The child's registers: the parent's, with a result of 0. */
function copyRegisters(k: Kernel, task: Task, child: Task, args: CloneArgs): void {
  child.context.set(loadedContext(k, task));
  const regs = new DataView(child.context.buffer, child.context.byteOffset, child.context.byteLength);
  regs.setBigInt64(CONTEXT.x + 8 * Reg.a0, 0n, true);
  if (args.stack !== 0) regs.setBigInt64(CONTEXT.x + 8 * Reg.sp, BigInt(args.stack), true);
  if (args.flags & Clone.SETTLS) regs.setBigInt64(CONTEXT.x + 8 * Reg.tp, BigInt(args.tls), true);
}

/** clone(2): the new tid, or -errno. With CLONE_VFORK the caller waits until the child execs or exits. */
export function clone(k: Kernel, task: Task, args: CloneArgs): Outcome {
  const { flags } = args;
  const refused = checkFlags(k, task, flags);
  if (refused < 0) return refused;
  if (hasPending(task)) return -Errno.ERESTARTNOINTR;
  if (overProcessLimit(k, task)) return -Errno.EAGAIN;
  const child = copyTask(k, task, args);
  if (typeof child === 'number') return child;
  copyRegisters(k, task, child, args);
  k.task.forks++;
  const { tid } = child;
  if (flags & Clone.CHILD_SETTID && child.mm) {
    const word = new Uint8Array(4);
    new DataView(word.buffer).setUint32(0, tid, true);
    writeMm(k, child.mm, args.childTid, word);
  }
  if (flags & Clone.PARENT_SETTID) writeU32(k, task, args.parentTid, tid);
  if (flags & Clone.PIDFD) {
    const fd = installPidfd(k, task, child.group, 0);
    if (fd >= 0) writeU32(k, task, args.pidfd, fd);
  }
  const event = cloneEvent(args);
  const traced = !(flags & Clone.UNTRACED) && wantsEvent(task, event);
  if (traced || (task.ptrace && flags & Clone.PTRACE)) followChild(k, task, child);
  if (traced) ptraceEvent(k, task, event, tid);
  startTask(k, child);
  if (!(flags & Clone.VFORK)) return settleAreas(k, task, tid);
  child.vforkParent = task.tid;
  return wait([child.vforkDone], {
    interruptible: 'killable',
    then: [{ step: vforkDone, state: { tid } }],
  });
}

const vforkDone = defineStep('fork.vfork.done', (k, task, state: { tid: number }) => {
  const child = k.task.tasks.get(state.tid);
  if (child && child.vforkParent === task.tid) child.vforkParent = 0;
  ptraceEvent(k, task, PtraceEvent.VFORK_DONE, state.tid);
  return state.tid;
});

/** unshare(2): tables and contexts; namespaces are not there. */
export function unshare(k: Kernel, task: Task, flags: number): number {
  const known = Clone.FS | Clone.FILES | Clone.SYSVSEM | Clone.VM | Clone.SIGHAND | Clone.THREAD | NAMESPACES;
  if (flags & ~known) return -Errno.EINVAL;
  if (flags & NAMESPACES) {
    if (!capable(task.cred, CAP.SYS_ADMIN) && !(flags & Clone.NEWUSER)) return -Errno.EPERM;
    unsupported(k, `unshare 0x${(flags & NAMESPACES).toString(16)}`);
    return -Errno.EINVAL;
  }
  const threaded = task.group.threads.length > 1;
  if (threaded && flags & (Clone.VM | Clone.SIGHAND | Clone.THREAD)) return -Errno.EINVAL;
  if (flags & Clone.FS) unshareFsContext(task);
  if (flags & Clone.FILES) unshareTable(k, task);
  return 0;
}
