/**
 * Tasks as modules ask for them (kernel/pid.c, kernel/cred.c, kernel/sched/core.c). Always true: pointers that are handed out are
 * those of mirrors (mirror.ts); a change that a module makes through these functions is made to the task itself.
 */
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import { sizeOf } from '../abi/structs/declare.ts';
import type { Kernel } from '../kernel.ts';
import { isInterrupt } from '../module/interrupt.ts';
import { fillK, readK, readK32, readKBig, readKString, writeK, writeKString } from '../module/kmem.ts';
import { capable } from '../task/capability.ts';
import { rootCred } from '../task/cred.ts';
import type { Cred, Task } from '../task/types.ts';
import { arenaAlloc, bad, isLive, loadInt, loadU32, store } from './guest.ts';
import {
  mirrorOf,
  pidPointer,
  preemptCount,
  refreshCurrent,
  taskAt,
  taskOfPid,
  taskPointer,
  vmaOf,
} from './mirror.ts';
import { kapi } from './registry.ts';

const ESRCH = 3;
const EINVAL = 22;

/** The task a module's pointer means; a pointer to none is a fault of the caller. */
function target(k: Kernel, task: Task, address: number): Task | null {
  const found = taskAt(k, address);
  if (found) return found;
  // A task that is gone but whose page is kept is no fault: it is simply nobody.
  if (readK(k, address, 8) === null) bad(k, task, address, false);
  return null;
}

const findPid = (k: Kernel, nr: number): number => {
  const found = k.task.tasks.get(nr | 0);
  return found ? pidPointer(k, found) : 0;
};
for (const name of ['find_vpid', 'find_get_pid']) kapi(name, (k, _task, [nr]) => findPid(k, nr));
kapi('find_pid_ns', (k, _task, [nr]) => findPid(k, nr));
for (const name of ['pid_task', 'get_pid_task'])
  kapi(name, (k, _task, [pid]) => {
    const found = taskOfPid(k, pid);
    return found ? taskPointer(k, found) : 0;
  });
kapi('get_task_pid', (k, task, [address]) => {
  const found = target(k, task, address);
  return found ? pidPointer(k, found) : 0;
});
for (const name of ['put_pid', '__put_task_struct', 'mmput', 'mmdrop', '__put_cred']) kapi(name, () => 0);
kapi('find_vma', (k, _task, [mm, address]) => vmaOf(k, mm, address < 0 ? 2 ** 64 + address : address));
kapi('pid_vnr', (k, _task, [pid]) => taskOfPid(k, pid)?.tid ?? 0);
kapi('get_task_mm', (k, task, [address]) => {
  const found = target(k, task, address);
  return found?.mm
    ? readKBig(k, address + fieldOf('task_struct', 'mm').offset) === null
      ? 0
      : mmOf(k, address)
    : 0;
});
const mmOf = (k: Kernel, address: number): number => {
  const value = readKBig(k, address + fieldOf('task_struct', 'mm').offset) ?? 0n;
  return Number(BigInt.asIntN(64, value));
};

const PidType = { PID: 0, TGID: 1, PGID: 2, SID: 3 } as const;
kapi('__task_pid_nr_ns', (k, task, [address, type]) => {
  const found = address === 0 ? task : target(k, task, address);
  if (!found) return 0;
  if (type === PidType.TGID) return found.group.pid;
  if (type === PidType.PGID) return found.group.pgid;
  return type === PidType.SID ? found.group.sid : found.tid;
});

kapi('__get_task_comm', (k, task, [to, size, address]) => {
  const found = target(k, task, address);
  if (!writeKString(k, to, (found?.comm ?? '').slice(0, Math.min(15, Math.max(0, size - 1)))))
    return bad(k, task, to, true);
  return to;
});
kapi('__set_task_comm', (k, task, [address, from]) => {
  const found = target(k, task, address);
  const name = readKString(k, from, 16);
  if (name === null) return bad(k, task, from, false);
  if (found) {
    found.comm = name.slice(0, 15);
    refreshCurrent(k, found);
  }
  return 0;
});

// Scheduling attributes.

function setPolicy(k: Kernel, task: Task, address: number, policy: number, priority: number): number {
  const found = target(k, task, address);
  if (!found) return isLive(k, task) ? -ESRCH : 0;
  const rt = policy === 1 || policy === 2;
  if (policy < 0 || policy > 6 || policy === 4) return -EINVAL;
  if (rt ? priority < 1 || priority > 99 : priority !== 0) return -EINVAL;
  found.policy = policy;
  found.rtPriority = priority;
  refreshCurrent(k, found);
  return 0;
}
for (const name of ['sched_setscheduler', 'sched_setscheduler_nocheck'])
  kapi(name, (k, task, [address, policy, param]) => {
    const priority = loadInt(k, task, param);
    return isLive(k, task) ? setPolicy(k, task, address, policy & 0xff, priority) : 0;
  });
kapi('sched_set_fifo', (k, task, [address]) => setPolicy(k, task, address, 1, 50));
kapi('sched_set_fifo_low', (k, task, [address]) => setPolicy(k, task, address, 1, 1));
function setNice(k: Kernel, task: Task, address: number, nice: number): number {
  const found = target(k, task, address);
  if (found && nice >= -20 && nice <= 19) {
    found.nice = nice;
    refreshCurrent(k, found);
  }
  return 0;
}
kapi('sched_set_normal', (k, task, [address, nice]) => {
  setPolicy(k, task, address, 0, 0);
  return isLive(k, task) ? setNice(k, task, address, nice) : 0;
});
kapi('set_user_nice', (k, task, [address, nice]) => setNice(k, task, address, nice));
kapi('sched_setattr_nocheck', (k, task, [address, attr]) => {
  const policy = loadU32(k, task, attr + fieldOf('sched_attr', 'sched_policy').offset);
  const priority = loadU32(k, task, attr + fieldOf('sched_attr', 'sched_priority').offset);
  const nice = loadInt(k, task, attr + fieldOf('sched_attr', 'sched_nice').offset);
  if (!isLive(k, task)) return 0;
  const result = setPolicy(k, task, address, policy, priority);
  if (result === 0 && policy === 0) setNice(k, task, address, nice);
  return result;
});
kapi('set_cpus_allowed_ptr', (k, task, [, mask]) => {
  const bits = loadU32(k, task, mask);
  return isLive(k, task) && (bits & 1) === 0 ? -EINVAL : 0;
});

// Which context code runs in.

const IN_INTERRUPT = 0x1fff00;
kapi('preempt_count', (k, task) => (isInterrupt(k, task) ? preemptCount(k, task) : 0));
kapi('in_task_context', (k, task) => (isInterrupt(k, task) && preemptCount(k, task) & IN_INTERRUPT ? 0 : 1));
for (const name of ['preempt_count_add', 'preempt_count_sub', '__local_bh_enable_ip', 'preempt_schedule'])
  kapi(name, () => 0);

// Credentials.

const CRED_IDS = ['uid', 'gid', 'suid', 'sgid', 'euid', 'egid', 'fsuid', 'fsgid', 'securebits'] as const;
const CAPS = {
  capInheritable: 'cap_inheritable',
  capPermitted: 'cap_permitted',
  capEffective: 'cap_effective',
  capBounding: 'cap_bset',
  capAmbient: 'cap_ambient',
} as const;

/** A copy of a task's struct cred that the module may change before it commits it. */
function copyCred(k: Kernel, source: number): number {
  const bytes = readK(k, source, sizeOf('cred'));
  const copy = arenaAlloc(k, sizeOf('cred'));
  if (!bytes || copy === 0) return 0;
  writeK(k, copy, bytes);
  return copy;
}
const credOf = (k: Kernel, subject: Task): number => {
  const mirror = mirrorOf(k, subject);
  const value = mirror && readKBig(k, mirror.address + fieldOf('task_struct', 'cred').offset);
  return value ? Number(BigInt.asIntN(64, value)) : 0;
};

kapi('prepare_creds', (k, task) => copyCred(k, credOf(k, task)));
kapi('prepare_kernel_cred', (k, task, [daemon]) => {
  const copy = copyCred(k, credOf(k, (daemon !== 0 && taskAt(k, daemon)) || task));
  if (copy === 0) return 0;
  for (const id of CRED_IDS) fillK(k, copy + fieldOf('cred', id).offset, 4, 0);
  for (const [own, member] of Object.entries(CAPS))
    store(k, task, copy + fieldOf('cred', member).offset, Number(rootCred[own as keyof typeof CAPS]));
  return copy;
});

/** What a struct cred says. */
function readCred(k: Kernel, address: number, from: Cred): Cred | null {
  if (readK(k, address, sizeOf('cred')) === null) return null;
  const id = (name: string): number => readK32(k, address + fieldOf('cred', name).offset)!;
  const caps = (name: string): bigint => readKBig(k, address + fieldOf('cred', name).offset)!;
  return {
    ...from,
    uid: id('uid'),
    gid: id('gid'),
    suid: id('suid'),
    sgid: id('sgid'),
    euid: id('euid'),
    egid: id('egid'),
    fsuid: id('fsuid'),
    fsgid: id('fsgid'),
    securebits: id('securebits'),
    capInheritable: caps('cap_inheritable'),
    capPermitted: caps('cap_permitted'),
    capEffective: caps('cap_effective'),
    capBounding: caps('cap_bset'),
    capAmbient: caps('cap_ambient'),
  };
}
function takeCred(k: Kernel, task: Task, address: number): boolean {
  const cred = readCred(k, address, task.cred);
  if (!cred) {
    bad(k, task, address, false);
    return false;
  }
  task.cred = cred;
  refreshCurrent(k, task);
  return true;
}
kapi('commit_creds', (k, task, [address]) => {
  takeCred(k, task, address);
  return 0;
});
kapi('abort_creds', () => 0);
kapi('override_creds', (k, task, [address]) => {
  const old = copyCred(k, credOf(k, task));
  return takeCred(k, task, address) ? old : 0;
});
kapi('revert_creds', (k, task, [address]) => {
  takeCred(k, task, address);
  return 0;
});
const inGroup = (cred: Cred, gid: number, own: number): number =>
  own === gid || cred.groups.includes(gid) ? 1 : 0;
kapi('in_group_p', (_k, task, [gid]) => inGroup(task.cred, gid >>> 0, task.cred.fsgid));
kapi('in_egroup_p', (_k, task, [gid]) => inGroup(task.cred, gid >>> 0, task.cred.egid));
kapi('capable', (_k, task, [cap]) => (capable(task.cred, cap) ? 1 : 0));
kapi('ns_capable', (_k, task, [, cap]) => (capable(task.cred, cap) ? 1 : 0));
