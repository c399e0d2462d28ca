/** prctl(2): attributes of a thread or process that have no call of their own. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { unsupported } from '../kernel.ts';
import { copyIn, copyOut, writeI32, writeLong } from '../mm/uaccess.ts';
import { NSIG } from '../signal/bits.ts';
import { CAP, CAP_LAST, capable, capBit, Secbit } from './capability.ts';
import { threadsOf } from './create.ts';
import { commitCred } from './cred.ts';
import type { Task } from './types.ts';

const Pr = {
  SET_PDEATHSIG: 1,
  GET_PDEATHSIG: 2,
  GET_DUMPABLE: 3,
  SET_DUMPABLE: 4,
  GET_KEEPCAPS: 7,
  SET_KEEPCAPS: 8,
  GET_TIMING: 13,
  SET_TIMING: 14,
  SET_NAME: 15,
  GET_NAME: 16,
  GET_SECCOMP: 21,
  SET_SECCOMP: 22,
  CAPBSET_READ: 23,
  CAPBSET_DROP: 24,
  GET_SECUREBITS: 27,
  SET_SECUREBITS: 28,
  SET_TIMERSLACK: 29,
  GET_TIMERSLACK: 30,
  MCE_KILL_GET: 34,
  SET_MM: 35,
  SET_CHILD_SUBREAPER: 36,
  GET_CHILD_SUBREAPER: 37,
  SET_NO_NEW_PRIVS: 38,
  GET_NO_NEW_PRIVS: 39,
  GET_TID_ADDRESS: 40,
  SET_THP_DISABLE: 41,
  GET_THP_DISABLE: 42,
  CAP_AMBIENT: 47,
  SET_PTRACER: 0x59616d61,
  SET_VMA: 0x53564d41,
} as const;

const TASK_COMM_LEN = 16;

/** prctl(2). */
export function prctl(
  k: Kernel,
  task: Task,
  option: number,
  a2: number,
  a3: number,
  a4: number,
  a5: number,
): number {
  const { group, cred } = task;
  switch (option) {
    case Pr.SET_PDEATHSIG:
      if (a2 < 0 || a2 > NSIG) return -Errno.EINVAL;
      task.pdeathSignal = a2;
      return 0;
    case Pr.GET_PDEATHSIG:
      return writeI32(k, task, a2, task.pdeathSignal);
    case Pr.GET_DUMPABLE:
      return group.dumpable ? 1 : 0;
    case Pr.SET_DUMPABLE:
      if (a2 !== 0 && a2 !== 1) return -Errno.EINVAL;
      group.dumpable = a2 === 1;
      return 0;
    case Pr.SET_NAME:
      return setName(k, task, a2);
    case Pr.GET_NAME:
      return getName(k, task, a2);
    case Pr.GET_TIMING:
      return 0;
    case Pr.SET_TIMING:
      return a2 === 0 ? 0 : -Errno.EINVAL;
    case Pr.GET_SECCOMP:
      return 0;
    case Pr.SET_TIMERSLACK:
      task.timerSlackNs = a2 > 0 ? a2 : 50_000;
      return 0;
    case Pr.GET_TIMERSLACK:
      return task.timerSlackNs;
    case Pr.SET_CHILD_SUBREAPER:
      group.isChildSubreaper = a2 !== 0;
      return 0;
    case Pr.GET_CHILD_SUBREAPER:
      return writeI32(k, task, a2, group.isChildSubreaper ? 1 : 0);
    case Pr.SET_NO_NEW_PRIVS:
      if (a2 !== 1 || a3 || a4 || a5) return -Errno.EINVAL;
      task.cred = { ...cred, noNewPrivs: true };
      return 0;
    case Pr.GET_NO_NEW_PRIVS:
      return a2 || a3 || a4 || a5 ? -Errno.EINVAL : cred.noNewPrivs ? 1 : 0;
    case Pr.GET_TID_ADDRESS:
      return writeLong(k, task, a2, task.clearChildTid);
    case Pr.GET_THP_DISABLE:
    case Pr.SET_THP_DISABLE:
    case Pr.SET_PTRACER:
      return 0;
    case Pr.MCE_KILL_GET:
      return 2;
    case Pr.SET_SECCOMP:
    case Pr.SET_VMA:
    case Pr.SET_MM:
      return -Errno.EINVAL;
    default:
      return capabilityOption(k, task, option, a2, a3, a4, a5);
  }
}

function capabilityOption(
  k: Kernel,
  task: Task,
  option: number,
  a2: number,
  a3: number,
  a4: number,
  a5: number,
): number {
  const { cred } = task;
  switch (option) {
    case Pr.CAPBSET_READ:
      return a2 < 0 || a2 > CAP_LAST ? -Errno.EINVAL : cred.capBounding & capBit(a2) ? 1 : 0;
    case Pr.CAPBSET_DROP:
      if (!capable(cred, CAP.SETPCAP)) return -Errno.EPERM;
      if (a2 < 0 || a2 > CAP_LAST) return -Errno.EINVAL;
      return commitCred(task, {
        ...cred,
        capBounding: cred.capBounding & ~capBit(a2),
      });
    case Pr.GET_SECUREBITS:
      return cred.securebits;
    case Pr.SET_SECUREBITS:
      return setSecurebits(task, a2);
    case Pr.GET_KEEPCAPS:
      return cred.securebits & Secbit.KEEP_CAPS ? 1 : 0;
    case Pr.SET_KEEPCAPS: {
      if (a2 !== 0 && a2 !== 1) return -Errno.EINVAL;
      if (cred.securebits & Secbit.KEEP_CAPS_LOCKED) return -Errno.EPERM;
      const others = cred.securebits & ~Secbit.KEEP_CAPS;
      return commitCred(task, {
        ...cred,
        securebits: a2 ? others | Secbit.KEEP_CAPS : others,
      });
    }
    case Pr.CAP_AMBIENT:
      return ambient(task, a2, a3, a4, a5);
    default:
      unsupported(k, `prctl ${option}`);
      return -Errno.EINVAL;
  }
}

function setSecurebits(task: Task, bits: number): number {
  const { cred } = task;
  const old = cred.securebits;
  const locked = (old & 0xaa) >> 1;
  if (bits & ~0xff || (locked & (old ^ bits)) !== 0 || (old & 0xaa & ~bits) !== 0) return -Errno.EPERM;
  if (!capable(cred, CAP.SETPCAP)) return -Errno.EPERM;
  return commitCred(task, { ...cred, securebits: bits });
}

/** PR_CAP_AMBIENT: is-set 1, raise 2, lower 3, clear all 4. */
function ambient(task: Task, what: number, cap: number, a4: number, a5: number): number {
  const { cred } = task;
  if (a4 !== 0 || a5 !== 0) return -Errno.EINVAL;
  if (what === 4) return cap !== 0 ? -Errno.EINVAL : commitCred(task, { ...cred, capAmbient: 0n });
  if (cap < 0 || cap > CAP_LAST) return -Errno.EINVAL;
  const bit = capBit(cap);
  if (what === 1) return cred.capAmbient & bit ? 1 : 0;
  if (what === 3) return commitCred(task, { ...cred, capAmbient: cred.capAmbient & ~bit });
  if (what !== 2) return -Errno.EINVAL;
  const may = (cred.capPermitted & cred.capInheritable & bit) !== 0n;
  if (!may || cred.securebits & Secbit.NO_CAP_AMBIENT_RAISE) return -Errno.EPERM;
  return commitCred(task, { ...cred, capAmbient: cred.capAmbient | bit });
}

function setName(k: Kernel, task: Task, va: number): number {
  let name = '';
  for (let i = 0; i < TASK_COMM_LEN - 1; i++) {
    const byte = copyIn(k, task, va + i, 1);
    if (!byte) return -Errno.EFAULT;
    if (byte[0] === 0) break;
    name += String.fromCharCode(byte[0]);
  }
  task.comm = name;
  return 0;
}

function getName(k: Kernel, task: Task, va: number): number {
  const bytes = new Uint8Array(TASK_COMM_LEN);
  for (let i = 0; i < task.comm.length && i < TASK_COMM_LEN - 1; i++) bytes[i] = task.comm.charCodeAt(i);
  return copyOut(k, task, va, bytes);
}

/** capget(2) and capset(2) look at any task; null: no such task. */
export function capTarget(k: Kernel, task: Task, pid: number): Task | null {
  if (pid === 0) return task;
  const group = k.task.groups.get(pid);
  return k.task.tasks.get(pid) ?? (group ? ([...threadsOf(k, group)][0] ?? null) : null);
}
