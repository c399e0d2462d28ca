/**
 * What exported functions do, by name (their C prototypes are in declarations/). Always true: a handler gets plain numbers, keeps
 * nothing of its own between entries but what {@link kapiState} holds, and answers an Outcome as a system call does; the number
 * it answers is what the C caller finds in a0.
 */
import type { Kernel } from '../kernel.ts';
import type { Activation, Outcome, Plain } from '../outcome.ts';
import type { Task } from '../task/types.ts';

/** `args`: a0..a7 as signed numbers, exact below 2^53 in magnitude (see {@link wideArg} for the rest). */
export type KapiHandler = (k: Kernel, task: Task, args: readonly number[]) => Outcome;

const handlers = new Map<string, KapiHandler>();

/** Registers what an exported function does. Throws when it is registered already (a programming error). */
export function kapi(name: string, handler: KapiHandler): void {
  if (handlers.has(name)) throw new Error(`exported function ${name} is implemented twice`);
  handlers.set(name, handler);
}

/** Replaces a handler: for a room that does better what another one began. */
export function overrideKapi(name: string, handler: KapiHandler): void {
  handlers.set(name, handler);
}

export const findKapi = (name: string): KapiHandler | undefined => handlers.get(name);
export const implementedKapi = (): IterableIterator<string> => handlers.keys();

/** What a call that waits finds again when its handler is entered anew: like `task.syscall` for system calls. */
export interface KapiState {
  name: string;
  args: number[];
  deadlineNs: number | null;
  scratch: Plain;
  /** Why the handler is entered: `start` at first, then what ended its wait. */
  entered: 'start' | 'event' | 'timeout' | 'signal';
}

export const KAPI_STEP = 'kapi.call';

/** The state of the exported call that the task is in; the handler that runs may write to it. */
export function kapiState(task: Task): KapiState {
  return task.kernelMode!.call!;
}

/** The activation that stands for a call which could not answer at once. */
export const kapiActivation = (state: KapiState): Activation => ({ step: KAPI_STEP, state });

/** Argument `i` of the running handler with all its 64 bits. Valid until the handler answers. */
export const wideArg = (k: Kernel, i: number): bigint => BigInt.asUintN(64, k.hart.xBig(10 + i));

/** Answers a value that needs all 64 bits: `return wide(task, value)`. */
export function wide(task: Task, value: bigint): number {
  task.kernelMode!.wideResult = BigInt.asIntN(64, value);
  return 0;
}
