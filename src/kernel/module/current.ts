/** `current`: the address of a task's struct task_struct in guest memory, which kernel code finds in tp. */
import type { Vaddr } from '../../cpu/machine.ts';
import type { Kernel } from '../kernel.ts';
import type { Task } from '../task/types.ts';
import { STACK_BYTES } from './memory.ts';

type Pointer = (k: Kernel, task: Task) => Vaddr;

/** The top of the task's stack is zeroed memory of its own. */
let pointer: Pointer = (k, task) => (k.module.stacks.get(task.tid) ?? 0) + STACK_BYTES - 256;

/** The room of tasks registers where its mirrors of tasks lie. */
export function provideCurrent(where: Pointer): void {
  pointer = where;
}

export const currentPointer: Pointer = (k, task) => pointer(k, task);
