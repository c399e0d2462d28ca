/**
 * A task's registers, wherever they are: in the hart while the task is the loaded one (`k.sched.loaded`), else in
 * `task.context` (laid out as CONTEXT of cpu/machine.ts says).
 */
import { CONTEXT } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from './types.ts';

/** Register numbers of the calling convention. */
export const Reg = {
  ra: 1,
  sp: 2,
  gp: 3,
  tp: 4,
  a0: 10,
  a1: 11,
  a2: 12,
  a7: 17,
} as const;

const view = (context: Uint8Array): DataView =>
  new DataView(context.buffer, context.byteOffset, context.byteLength);

/** The task's context, up to date. Call {@link contextChanged} after writing to it. */
export function loadedContext(k: Kernel, task: Task): Uint8Array {
  if (k.sched.loaded === task.tid) k.hart.saveContext(task.context);
  return task.context;
}

/** Tells the hart that `task.context` was written to. */
export function contextChanged(k: Kernel, task: Task): void {
  if (k.sched.loaded === task.tid) k.hart.loadContext(task.context);
}

/** Register x[i]: exact below 2^53 in magnitude. */
export function getReg(k: Kernel, task: Task, i: number): number {
  if (k.sched.loaded === task.tid) return k.hart.x(i);
  return i === 0 ? 0 : Number(view(task.context).getBigInt64(CONTEXT.x + 8 * i, true));
}

export function setReg(k: Kernel, task: Task, i: number, value: number): void {
  if (k.sched.loaded === task.tid) k.hart.setX(i, value);
  else if (i !== 0) view(task.context).setBigInt64(CONTEXT.x + 8 * i, BigInt(value), true);
}

export function getPc(k: Kernel, task: Task): number {
  if (k.sched.loaded === task.tid) return k.hart.pc;
  return Number(view(task.context).getBigInt64(CONTEXT.pc, true));
}

export function setPc(k: Kernel, task: Task, pc: number): void {
  if (k.sched.loaded === task.tid) k.hart.pc = pc;
  else view(task.context).setBigInt64(CONTEXT.pc, BigInt(pc), true);
}

/** Takes the loaded task's registers out of the hart: afterwards every task is plain data. */
export function saveLoaded(k: Kernel): void {
  if (k.sched.loaded === 0) return;
  const task = k.task.tasks.get(k.sched.loaded);
  if (task) k.hart.saveContext(task.context);
  k.sched.loaded = 0;
}
