/** Completions (kernel/sched/completion.c). Always true: `done` counts what was completed and not waited for; all ones: everything. */
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import type { Outcome, Wait } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { isLive, loadU32, store32 } from './guest.ts';
import { jiffiesNow, jiffyNs } from './jiffies.ts';
import { kapi, kapiState } from './registry.ts';
import { resumed, sleepAt, wakeWaitersAt } from './sleep.ts';

const DONE = fieldOf('completion', 'done').offset;
const ALL = 0xffffffff;
const ERESTARTSYS = 512;

/** Takes one completion if there is one. */
function tryWait(k: Kernel, task: Task, x: number): boolean {
  const done = loadU32(k, task, x + DONE);
  if (done === 0 || !isLive(k, task)) return false;
  if (done !== ALL) store32(k, task, x + DONE, done - 1);
  return true;
}

/** `timeout` in jiffies; null: none. Answers 0 without time-out, else the jiffies left (at least 1), or 0 when it is over. */
function waitFor(
  k: Kernel,
  task: Task,
  x: number,
  how: Wait['interruptible'],
  timeout: number | null,
): Outcome {
  const state = kapiState(task);
  if (state.entered !== 'start') resumed(k, task);
  const limited = timeout !== null && timeout < 2 ** 62;
  state.scratch ??= limited ? jiffiesNow(k) + timeout : Number.POSITIVE_INFINITY;
  const deadline: number = state.scratch;
  if (tryWait(k, task, x)) return limited ? Math.max(1, deadline - jiffiesNow(k)) : timeout === null ? 0 : 1;
  if (!isLive(k, task) || (limited && jiffiesNow(k) >= deadline)) return 0;
  return sleepAt(k, x, how, {
    untilNs: limited ? jiffyNs(deadline) : Number.POSITIVE_INFINITY,
    onSignal: -ERESTARTSYS,
  });
}

for (const [suffix, how] of [
  ['', 'no'],
  ['_io', 'no'],
  ['_interruptible', 'yes'],
  ['_killable', 'killable'],
] as const) {
  kapi(`wait_for_completion${suffix}`, (k, task, [x]) => waitFor(k, task, x, how, null));
  kapi(`wait_for_completion${suffix}_timeout`, (k, task, [x, timeout]) =>
    waitFor(k, task, x, how, timeout < 0 ? 2 ** 62 : timeout),
  );
}
kapi('try_wait_for_completion', (k, task, [x]) => (tryWait(k, task, x) ? 1 : 0));
kapi('completion_done', (k, task, [x]) => (loadU32(k, task, x + DONE) === 0 ? 0 : 1));

/** complete(): one waiter goes on, now or when it comes. */
export function complete(k: Kernel, task: Task, x: number): void {
  const done = loadU32(k, task, x + DONE);
  if (!isLive(k, task)) return;
  if (done !== ALL) store32(k, task, x + DONE, done + 1);
  wakeWaitersAt(k, x, 1);
}
kapi('complete', (k, task, [x]) => {
  complete(k, task, x);
  return 0;
});
kapi('complete_all', (k, task, [x]) => {
  if (store32(k, task, x + DONE, ALL)) wakeWaitersAt(k, x);
  return 0;
});
