/**
 * Notifier chains (kernel/notifier.c). Always true: a chain is the list in guest memory, by falling priority; a call goes through it one
 * notifier at a time and ends early when one says so.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { fieldOf } from '../abi/structs/declare.ts';
import '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { call } from '../module/runtime.ts';
import { type Activation, defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { arenaAlloc, isLive, load, loadInt, store } from './guest.ts';
import { kapi } from './registry.ts';

const CALL = fieldOf('notifier_block', 'notifier_call').offset;
const NEXT = fieldOf('notifier_block', 'next').offset;
const PRIORITY = fieldOf('notifier_block', 'priority').offset;
/** Where each kind of head keeps its first notifier. */
const HEADS = {
  atomic: fieldOf('atomic_notifier_head', 'head').offset,
  blocking: fieldOf('blocking_notifier_head', 'head').offset,
  raw: fieldOf('raw_notifier_head', 'head').offset,
} as const;
const NOTIFY_STOP_MASK = 0x8000;
const ENOENT = 2;
const EEXIST = 17;
const MAX_CHAIN = 10_000;

function register(k: Kernel, task: Task, head: Vaddr, block: Vaddr): number {
  const priority = loadInt(k, task, block + PRIORITY);
  let at = head;
  for (let i = 0; i < MAX_CHAIN && isLive(k, task); i++) {
    const next = load(k, task, at);
    if (next === block) return -EEXIST;
    if (next === 0 || priority > loadInt(k, task, next + PRIORITY)) break;
    at = next + NEXT;
  }
  if (!isLive(k, task)) return 0;
  store(k, task, block + NEXT, load(k, task, at));
  store(k, task, at, block);
  return 0;
}

function unregister(k: Kernel, task: Task, head: Vaddr, block: Vaddr): number {
  let at = head;
  for (let i = 0; i < MAX_CHAIN && isLive(k, task); i++) {
    const next = load(k, task, at);
    if (next === 0) break;
    if (next === block) {
      store(k, task, at, load(k, task, block + NEXT));
      return 0;
    }
    at = next + NEXT;
  }
  return isLive(k, task) ? -ENOENT : 0;
}

interface Walk {
  next: Vaddr;
  value: number;
  data: number;
  left: number;
  result: number;
}

/** Calls the notifiers from `walk.next` on; the answer is what the last one said. */
function callNext(k: Kernel, task: Task, walk: Walk): Outcome {
  if (walk.next === 0 || walk.left-- <= 0) return walk.result;
  const block = walk.next;
  const func = load(k, task, block + CALL);
  walk.next = load(k, task, block + NEXT);
  if (!isLive(k, task)) return 0;
  return call(func, [block, walk.value, walk.data], { step: 'kapi.notifier.called', state: walk });
}
defineStep('kapi.notifier.called', (k, task, walk: Walk, entry) => {
  walk.result = entry.by === 'result' ? entry.value : 0;
  return walk.result & NOTIFY_STOP_MASK ? walk.result : callNext(k, task, walk);
});

export function callChain(k: Kernel, task: Task, head: Vaddr, value: number, data: number): Outcome {
  const next = load(k, task, head);
  return isLive(k, task) ? callNext(k, task, { next, value, data, left: MAX_CHAIN, result: 0 }) : 0;
}

for (const [kind, offset] of Object.entries(HEADS)) {
  kapi(`${kind}_notifier_chain_register`, (k, task, [head, block]) =>
    register(k, task, head + offset, block),
  );
  kapi(`${kind}_notifier_chain_unregister`, (k, task, [head, block]) =>
    unregister(k, task, head + offset, block),
  );
  kapi(`${kind}_notifier_call_chain`, (k, task, [head, value, data]) =>
    callChain(k, task, head + offset, value, data),
  );
}

/** The head of a chain of the kernel's own. */
export function ownChain(k: Kernel, name: string): Vaddr {
  const key = `chain:${name}`;
  const known = k.tasking.objects.get(key);
  if (known !== undefined) return known;
  const made = arenaAlloc(k, 64);
  if (made !== 0) k.tasking.objects.set(key, made);
  return made;
}
for (const [name, chain] of [
  ['reboot_notifier', 'reboot'],
  ['keyboard_notifier', 'keyboard'],
  ['die_notifier', 'die'],
  ['module_notifier', 'module'],
] as const) {
  kapi(`register_${name}`, (k, task, [block]) => register(k, task, ownChain(k, chain), block));
  kapi(`unregister_${name}`, (k, task, [block]) => unregister(k, task, ownChain(k, chain), block));
}

/** Tells those who asked of a module's state (MODULE_STATE_*), then goes on with `then`; null: nobody asked. */
export function tellOfModule(
  k: Kernel,
  task: Task,
  module: Vaddr,
  state: number,
  then: Activation,
): Outcome | null {
  if (!k.tasking.objects.has('chain:module')) return null;
  const outcome = callChain(k, task, ownChain(k, 'module'), state, module);
  return typeof outcome === 'number' ? null : { ...outcome, then: [then, ...outcome.then] };
}
