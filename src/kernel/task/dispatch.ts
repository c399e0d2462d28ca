/**
 * System calls: from number and arguments to the handler that the table names. Always true: a call's state is `task.syscall`; it is
 * performed again from its registers when a tracer has changed them, or when a driver has given a page that it lacked.
 */
import { Access } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { hookedCall, provideDispatch } from '../kapi/hook.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { askDriver } from '../mm/area.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { hasFatal } from '../signal/send.ts';
import { Arg, findSyscall, type SyscallEntry } from '../syscalls/table.ts';
import { chargeKernel } from './account.ts';
import { getReg } from './regs.ts';
import type { Task } from './types.ts';

/** What entering and leaving the kernel counts for. */
export const SYSCALL_WORK = 100;

/** Performs the task's system call. `filled`: the page a driver was asked for when it was last performed. */
export function performCall(k: Kernel, task: Task, filled = -1): Outcome {
  k.mm.areaFault = null;
  return withDriver(k, task, dispatch(k, task), filled);
}

/** A system call that failed for a page only a driver can give is made again once the driver has been asked. */
function withDriver(k: Kernel, task: Task, outcome: Outcome, last: number): Outcome {
  const wanted = k.mm.areaFault;
  if (outcome !== -Errno.EFAULT || !wanted || wanted.va === last) return outcome;
  const asked = askDriver(k, task, wanted.va, wanted.write ? Access.Write : Access.Read);
  if (asked === null || typeof asked === 'number') return outcome;
  return { ...asked, then: [{ step: dispatchStep, state: { filled: wanted.va } }, ...asked.then] };
}

/** Goes on with a call that a tracer has looked at; it may have changed number and arguments. */
export const dispatchStep = defineStep('engine.dispatch', (k, task, state: { filled: number } | null) => {
  if (hasFatal(task)) return -Errno.EINTR;
  const call = task.syscall!;
  call.nr = getReg(k, task, 17);
  for (let i = 0; i < 6; i++) call.args[i] = getReg(k, task, 10 + i);
  const outcome = performCall(k, task, state?.filled);
  // Before the exit stop, so that a tracer that looks at the times sees what the call took.
  chargeKernel(k, task, SYSCALL_WORK);
  return outcome;
});

type Decoder = (a: number) => number;
const decoders = new WeakMap<SyscallEntry, readonly Decoder[]>();

function decodersOf(entry: SyscallEntry): readonly Decoder[] {
  let list = decoders.get(entry);
  if (!list) {
    list = entry.args.map((kind) => Arg[kind]);
    decoders.set(entry, list);
  }
  return list;
}

/** Runs the task's system call: what a module put in its place, or its handler. */
function dispatch(k: Kernel, task: Task): Outcome {
  return (k.tasking.syscallTable !== 0 ? hookedCall(k, task) : null) ?? callHandler(k, task);
}
provideDispatch(callHandler);

/** Runs the handler of the task's system call, for the first time or again. */
export function callHandler(k: Kernel, task: Task): Outcome {
  const call = task.syscall!;
  const entry = findSyscall(call.nr);
  if (!entry) {
    if (call.nr !== -1) unsupported(k, `system call ${call.nr}`);
    return -Errno.ENOSYS;
  }
  const d = decodersOf(entry);
  const a = call.args;
  const { handler } = entry;
  let outcome: Outcome;
  switch (d.length) {
    case 0:
      outcome = handler(k, task);
      break;
    case 1:
      outcome = handler(k, task, d[0](a[0]));
      break;
    case 2:
      outcome = handler(k, task, d[0](a[0]), d[1](a[1]));
      break;
    case 3:
      outcome = handler(k, task, d[0](a[0]), d[1](a[1]), d[2](a[2]));
      break;
    case 4:
      outcome = handler(k, task, d[0](a[0]), d[1](a[1]), d[2](a[2]), d[3](a[3]));
      break;
    default:
      outcome = handler(k, task, ...d.map((decode, i) => decode(a[i])));
  }
  if (k.host.traceSyscall)
    k.host.traceSyscall(task.tid, task.comm, entry.name, a, typeof outcome === 'number' ? outcome : null);
  return outcome;
}
