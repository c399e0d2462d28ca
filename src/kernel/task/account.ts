/**
 * What running costs: the clock, CPU times and slices (kernel/sched/cputime.c). Always true: time moves only here while a task runs, by
 * the instructions it retired and by what the kernel's own work counts for.
 */
import type { Kernel } from '../kernel.ts';
import { Rlim } from './rlimit.ts';
import { LOAD_INTERVAL_NS, updateLoad } from './sched.ts';
import type { Task } from './types.ts';

/** An instruction's share of the clock: a 100 MIPS machine. In wall-clock mode it is an estimate between two looks. */
const NS_PER_INSTRUCTION = 10;

/** Moves the clock and every account by `instructions` of the task. */
export function account(k: Kernel, task: Task, instructions: number, user: boolean): void {
  const ns = instructions * nsPerInstruction(k);
  k.sched.retired += instructions;
  k.time.nowNs += ns;
  if (k.time.nowNs - k.task.loadavg.atNs >= LOAD_INTERVAL_NS) updateLoad(k);
  task.sliceLeft -= instructions;
  if (user) {
    task.utimeNs += ns;
    task.group.utimeNs += ns;
    k.sched.userNs += ns;
  } else {
    task.stimeNs += ns;
    task.group.stimeNs += ns;
    k.sched.systemNs += ns;
  }
}

/** Charges what the kernel did for the task since the last charge. */
export function chargeKernel(k: Kernel, task: Task, extra: number): void {
  const work = k.sched.kernelWork + extra;
  k.sched.kernelWork = 0;
  account(k, task, work, false);
}

/** What an instruction takes of the VM's time. */
export const nsPerInstruction = (k: Kernel): number => k.time.nsPerInstruction || NS_PER_INSTRUCTION;

/** Nanoseconds of CPU time until a timer or limit on it is due, so that it fires at the same instruction in every run. */
export function untilCpuTimer(task: Task): number {
  const { group } = task;
  const limit = group.rlimits[Rlim.CPU];
  if (!group.timers && limit.cur === Infinity && limit.max === Infinity) return Infinity;
  const used = group.utimeNs + group.stimeNs;
  const next = Math.min(group.timers?.cpuCheckNs ?? Infinity, limit.cur * 1e9, limit.max * 1e9);
  return Math.max(0, next - used);
}
