/**
 * How anything in the kernel goes on (DESIGN.md, "How a task waits").
 *
 * Always true: everything a sleeping task needs to go on is plain data in its {@link Task}: `activations`, a stack of
 * named continuations, and `syscall`, the call it is in. No function, promise or timer is ever stored.
 *
 * The engine (task/engine.ts) runs the top activation. What a step answers decides what happens:
 * - a number: the step is done. It is popped; the activation below it is entered with `{ by: 'result', value }`;
 *   when none is left the number is the result of the system call.
 * - a {@link Wait}: the task parks. On wake-up the activations of `then` (innermost last) replace the step; with
 *   an empty `then` the step itself is entered again (for a system call: its handler runs once more with the same
 *   arguments, and finds `task.syscall.deadlineNs` and `.scratch` as it left them).
 * - a {@link ModuleCall}: code on the hart in supervisor mode runs; `then` is entered with what it returned.
 */
import type { Vaddr } from '../cpu/machine.ts';
import type { Kernel } from './kernel.ts';
import type { Task } from './task/types.ts';

/** Plain data: what `structuredClone` copies. Sharing and cycles are fine, functions and class instances are not. */
// biome-ignore lint/suspicious/noExplicitAny: any plain data; each step knows the shape of its own state
export type Plain = any;

/** A named continuation: `step` is a key of the registry of steps. */
export interface Activation {
  readonly step: string;
  readonly state: Plain;
}

/** Tasks that wait for one thing. Embedded in whatever object they wait for. Holds tids, never tasks. */
export interface WaitQueue {
  readonly tids: number[];
}

export const newWaitQueue = (): WaitQueue => ({ tids: [] });

export interface Wait {
  readonly kind: 'wait';
  readonly queues: readonly WaitQueue[];
  /** Monotonic nanoseconds (`k.time.nowNs`) at which the wait times out; Infinity for never. */
  readonly untilNs: number;
  /** Whether a signal ends the wait. `killable` ends it only for fatal signals. */
  readonly interruptible: 'yes' | 'killable' | 'no';
  /** What an interrupted wait with an empty `then` answers: a negative errno, by default -ERESTARTSYS. */
  readonly onSignal: number;
  readonly then: readonly Activation[];
}

export interface ModuleCall {
  readonly kind: 'call';
  readonly entry: Vaddr;
  readonly args: readonly number[];
  readonly then: readonly Activation[];
}

/** What a step answers: a finished result (negative: -errno), a wait, or a call into code on the hart. */
export type Outcome = number | Wait | ModuleCall;

/** Why a step is entered. */
export type Entry =
  | { readonly by: 'start' }
  | { readonly by: 'event' }
  | { readonly by: 'timeout' }
  | { readonly by: 'signal' }
  | { readonly by: 'result'; readonly value: number };

export type Step = (k: Kernel, task: Task, state: Plain, entry: Entry) => Outcome;

const steps = new Map<string, Step>();

/** Registers a step under a name that stays valid in checkpoints, such as `pipe.write.more`. */
export function defineStep(name: string, step: Step): string {
  if (steps.has(name)) throw new Error(`step ${name} is defined twice`);
  steps.set(name, step);
  return name;
}

export function findStep(name: string): Step {
  const step = steps.get(name);
  if (!step) throw new Error(`no step is called ${name}`);
  return step;
}

const ERESTARTSYS = 512;

/**
 * Parks the task on `queues`. Without `then` the present step (usually the system call's handler) runs again when
 * woken or timed out; a signal makes it answer `onSignal`.
 */
export function wait(
  queues: readonly WaitQueue[],
  options: {
    untilNs?: number;
    interruptible?: Wait['interruptible'];
    onSignal?: number;
    then?: readonly Activation[];
  } = {},
): Wait {
  return {
    kind: 'wait',
    queues,
    untilNs: options.untilNs ?? Number.POSITIVE_INFINITY,
    interruptible: options.interruptible ?? 'yes',
    onSignal: options.onSignal ?? -ERESTARTSYS,
    then: options.then ?? [],
  };
}

/**
 * Goes on with `next` after `outcome`: at once when it is a number, else when the wait or call is over.
 * `again` is the activation that re-enters whatever answered `outcome`; it is needed when a bare retry may happen.
 */
export function andThen(
  k: Kernel,
  task: Task,
  outcome: Outcome,
  next: Activation,
  again?: Activation,
): Outcome {
  if (typeof outcome === 'number')
    return findStep(next.step)(k, task, next.state, { by: 'result', value: outcome });
  const inner = outcome.then.length > 0 ? outcome.then : again ? [again] : [];
  if (inner.length === 0) throw new Error(`${next.step} cannot follow a bare retry`);
  return { ...outcome, then: [next, ...inner] };
}
