/** futex(2) and its kin. Decode, then delegate to task/futex.ts. */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { unsupported } from '../kernel.ts';
import { writeLong } from '../mm/uaccess.ts';
import { mayTrace } from '../task/cred.ts';
import { futexRequeue, futexWait, futexWake, futexWakeOp, MATCH_ANY } from '../task/futex.ts';
import type { Task } from '../task/types.ts';
import { isValidTimespec, readTimespec, realtimeToMonotonic, toNs } from '../time/clocks.ts';
import { syscall } from './table.ts';

const PRIVATE_FLAG = 128;
const CLOCK_REALTIME_FLAG = 256;
const Op = {
  WAIT: 0,
  WAKE: 1,
  REQUEUE: 3,
  CMP_REQUEUE: 4,
  WAKE_OP: 5,
  WAIT_BITSET: 9,
  WAKE_BITSET: 10,
} as const;
const ROBUST_LIST_HEAD_SIZE = 24;

/** The deadline of a wait: relative for FUTEX_WAIT, absolute for FUTEX_WAIT_BITSET; Infinity without one, or -errno. */
function deadlineOf(k: Kernel, task: Task, op: number, flags: number, timeout: number): number {
  if (timeout === 0) return Number.POSITIVE_INFINITY;
  const time = readTimespec(k, task, timeout);
  if (!time) return -Errno.EFAULT;
  if (!isValidTimespec(time)) return -Errno.EINVAL;
  if (op === Op.WAIT) return k.time.nowNs + toNs(time);
  return Math.max(0, flags & CLOCK_REALTIME_FLAG ? realtimeToMonotonic(k, time) : toNs(time));
}

/** What REQUEUE and WAKE_OP find in the fourth argument: a count in the register of the timeout. */
const countOf = (argument: number): number => argument | 0;

syscall(
  98,
  'futex',
  ['ptr', 'int', 'uint', 'ptr', 'ptr', 'uint'],
  (k, task, va, opcode, value, timeout, va2, value3) => {
    const op = opcode & ~(PRIVATE_FLAG | CLOCK_REALTIME_FLAG);
    const isPrivate = (opcode & PRIVATE_FLAG) !== 0;
    switch (op) {
      case Op.WAIT:
      case Op.WAIT_BITSET: {
        const untilNs = deadlineOf(k, task, op, opcode, timeout);
        if (untilNs < 0) return untilNs;
        const bitset = op === Op.WAIT ? MATCH_ANY : value3;
        return futexWait(k, task, {
          timed: timeout !== 0,
          va,
          isPrivate,
          value,
          bitset,
          untilNs,
        });
      }
      case Op.WAKE:
        return futexWake(k, task, va, isPrivate, value | 0, MATCH_ANY);
      case Op.WAKE_BITSET:
        return futexWake(k, task, va, isPrivate, value | 0, value3);
      case Op.REQUEUE:
        return futexRequeue(k, task, va, isPrivate, value | 0, countOf(timeout), va2, null);
      case Op.CMP_REQUEUE:
        return futexRequeue(k, task, va, isPrivate, value | 0, countOf(timeout), va2, value3);
      case Op.WAKE_OP:
        return futexWakeOp(k, task, va, isPrivate, value | 0, countOf(timeout), va2, value3);
      default:
        unsupported(k, `futex operation ${op}`);
        return -Errno.ENOSYS;
    }
  },
  'partial',
  'no priority inheritance',
);

syscall(99, 'set_robust_list', ['ptr', 'size'], (_k, task, head, size) => {
  if (size !== ROBUST_LIST_HEAD_SIZE) return -Errno.EINVAL;
  task.robustList = head;
  task.robustListSize = size;
  return 0;
});
syscall(100, 'get_robust_list', ['int', 'ptr', 'ptr'], (k, task, pid, headPtr, sizePtr) => {
  const target = pid === 0 ? task : k.task.tasks.get(pid);
  if (!target) return -Errno.ESRCH;
  if (!mayTrace(task, target)) return -Errno.EPERM;
  if (writeLong(k, task, sizePtr, ROBUST_LIST_HEAD_SIZE) < 0) return -Errno.EFAULT;
  return writeLong(k, task, headPtr, target.robustList);
});
