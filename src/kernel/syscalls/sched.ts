/** System calls about scheduling. Decode, then delegate to task/sched.ts. */
import { Errno } from '../abi/errno.ts';
import { copyIn, copyOut, readI32, readU8, writeI32, writeLong, writeU32 } from '../mm/uaccess.ts';
import {
  getPriority,
  priorityRange,
  SCHED_RR,
  schedTarget,
  setAffinity,
  setPriority,
  setScheduler,
} from '../task/sched.ts';
import { syscall } from './table.ts';

/** sched_yield(2): the rest of the slice is given up; the engine puts the task last. */
syscall(124, 'sched_yield', [], (_k, task) => {
  task.sliceLeft = 0;
  return 0;
});

syscall(118, 'sched_setparam', ['int', 'ptr'], (k, task, pid, va) => {
  const priority = readI32(k, task, va);
  if (priority === null) return -Errno.EFAULT;
  const target = schedTarget(k, task, pid);
  return typeof target === 'number' ? target : setScheduler(task, target, -1, priority);
});
syscall(119, 'sched_setscheduler', ['int', 'int', 'ptr'], (k, task, pid, policy, va) => {
  if (policy < 0) return -Errno.EINVAL;
  const priority = readI32(k, task, va);
  if (priority === null) return -Errno.EFAULT;
  const target = schedTarget(k, task, pid);
  return typeof target === 'number' ? target : setScheduler(task, target, policy, priority);
});
syscall(120, 'sched_getscheduler', ['int'], (k, task, pid) => {
  const target = schedTarget(k, task, pid);
  return typeof target === 'number' ? target : target.policy;
});
syscall(121, 'sched_getparam', ['int', 'ptr'], (k, task, pid, va) => {
  if (va === 0) return -Errno.EINVAL;
  const target = schedTarget(k, task, pid);
  return typeof target === 'number' ? target : writeI32(k, task, va, target.rtPriority);
});

syscall(122, 'sched_setaffinity', ['int', 'uint', 'ptr'], (k, task, pid, size, va) => {
  const mask = size === 0 ? 0 : readU8(k, task, va);
  if (mask === null) return -Errno.EFAULT;
  const target = schedTarget(k, task, pid);
  return typeof target === 'number' ? target : setAffinity(task, target, mask);
});
syscall(123, 'sched_getaffinity', ['int', 'uint', 'ptr'], (k, task, pid, size, va) => {
  if (size === 0 || size % 8 !== 0) return -Errno.EINVAL;
  const target = schedTarget(k, task, pid);
  if (typeof target === 'number') return target;
  return writeLong(k, task, va, target.cpuMask) < 0 ? -Errno.EFAULT : 8;
});

syscall(
  125,
  'sched_get_priority_max',
  ['int'],
  (_k, _task, policy) => priorityRange(policy)?.max ?? -Errno.EINVAL,
);
syscall(
  126,
  'sched_get_priority_min',
  ['int'],
  (_k, _task, policy) => priorityRange(policy)?.min ?? -Errno.EINVAL,
);
syscall(127, 'sched_rr_get_interval', ['int', 'ptr'], (k, task, pid, va) => {
  const target = schedTarget(k, task, pid);
  if (typeof target === 'number') return target;
  const ns = target.policy === SCHED_RR ? 100_000_000 : target.policy === 0 ? 4_000_000 : 0;
  return writeLong(k, task, va, 0) < 0 ? -Errno.EFAULT : writeLong(k, task, va + 8, ns);
});

/** struct sched_attr, first version: size, policy, flags, nice, priority, and three deadline fields. */
const SCHED_ATTR_SIZE = 48;
syscall(275, 'sched_getattr', ['int', 'ptr', 'uint', 'uint'], (k, task, pid, va, size, flags) => {
  if (va === 0 || size < SCHED_ATTR_SIZE || size > 4096 || flags !== 0) return -Errno.EINVAL;
  const target = schedTarget(k, task, pid);
  if (typeof target === 'number') return target;
  const bytes = new Uint8Array(SCHED_ATTR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, SCHED_ATTR_SIZE, true);
  view.setUint32(4, target.policy, true);
  view.setInt32(16, target.nice, true);
  view.setUint32(20, target.rtPriority, true);
  return copyOut(k, task, va, bytes);
});
syscall(274, 'sched_setattr', ['int', 'ptr', 'uint'], (k, task, pid, va, flags) => {
  if (va === 0 || flags !== 0) return -Errno.EINVAL;
  const bytes = copyIn(k, task, va, SCHED_ATTR_SIZE);
  if (!bytes) return -Errno.EFAULT;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const target = schedTarget(k, task, pid);
  if (typeof target === 'number') return target;
  const done = setScheduler(task, target, view.getInt32(4, true), view.getInt32(20, true));
  return done < 0 ? done : setPriority(k, task, 0, target.tid, view.getInt32(16, true));
});

syscall(140, 'setpriority', ['int', 'int', 'int'], (k, task, which, who, nice) =>
  setPriority(k, task, which, who, nice),
);
syscall(141, 'getpriority', ['int', 'int'], (k, task, which, who) => getPriority(k, task, which, who));

syscall(168, 'getcpu', ['ptr', 'ptr', 'ptr'], (k, task, cpu, node) => {
  if (cpu !== 0 && writeU32(k, task, cpu, 0) < 0) return -Errno.EFAULT;
  return node === 0 ? 0 : writeU32(k, task, node, 0);
});
