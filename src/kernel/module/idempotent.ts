/**
 * One load for one file at a time (kernel/module/main.c idempotent_init_module, 6.5 and later): who loads a file that is being loaded
 * waits for that load and takes its result. Always true: the entry of a load lies on the loader's stack, so that after an oops in
 * init the next loader of the file follows a pointer into a stack that is gone, and dies with the lock held.
 */
import { Trap } from '../../cpu/machine.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { andThen, defineStep, newWaitQueue, type Outcome, wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { oops } from './fault.ts';
import { STACK_BYTES } from './memory.ts';
import type { PendingLoad } from './types.ts';

const EINTR = 4;
/** Where in its loader's stack an entry lies. */
const ENTRY_DEPTH = 0x4d8;

/**
 * Loads a file unless somebody is at it. `load` does it; `again` re-enters it after a wait without a continuation.
 */
export function loadOnce(
  k: Kernel,
  task: Task,
  file: File,
  load: () => Outcome,
  again: { step: string; state: unknown },
): Outcome {
  const { loads } = k.module;
  if (k.module.loadsLocked) return wait([k.module.wait], { interruptible: 'no' });
  const key = `${file.inode.sb.dev}:${file.inode.ino}`;
  const known = loads.find((entry) => entry.file === key);
  if (!known) {
    const entry: PendingLoad = { file: key, tid: task.tid, result: null, done: newWaitQueue() };
    loads.push(entry);
    return andThen(k, task, load(), { step: 'module.load.done', state: entry }, again);
  }
  if (k.task.tasks.has(known.tid))
    return wait([known.done], { then: [{ step: 'module.load.shared', state: known }] });
  const stack = k.module.stacks.get(known.tid) ?? k.module.nextStack;
  k.module.loadsLocked = true;
  oops(k, task, {
    cause: Trap.LoadPageFault,
    tval: stack + STACK_BYTES - ENTRY_DEPTH,
    pc: k.hart.pc,
  });
  return 0;
}

defineStep('module.load.done', (k, _task, entry: PendingLoad, { by, ...rest }) => {
  entry.result = by === 'result' && 'value' in rest ? Number(rest.value) : -EINTR;
  k.module.loads = k.module.loads.filter((other) => other !== entry);
  wakeUp(k, entry.done);
  return entry.result;
});

defineStep('module.load.shared', (_k, _task, entry: PendingLoad, { by }) => {
  if (entry.result !== null) return entry.result;
  return by === 'signal'
    ? -EINTR
    : wait([entry.done], { then: [{ step: 'module.load.shared', state: entry }] });
});
