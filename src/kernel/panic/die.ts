/** How a report of a dying task goes on and what comes of it (arch/riscv/kernel/traps.c die, kernel/exit.c make_task_dead). */
import { randomBytes } from '../drivers/random.ts';
import type { Kernel } from '../kernel.ts';
import type { Fault } from '../module/fault.ts';
import { consoleVerbose, Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import { isModern } from './frames.ts';
import { placeCode } from './inside.ts';
import { panic } from './panic.ts';
import { codeText, printModules, printState, printTrace, record, type State } from './report.ts';
import { hex64 } from './trace.ts';
import type { CodePlace } from './types.ts';

const TAINT_DIE = 1 << 7;

/** The line that ends a trace; before 5.18 with a number that counts up from a random one. */
export function printTraceEnd(k: Kernel): void {
  let id = '0000000000000000';
  if (!isModern(k)) {
    if (k.panic.oopsId === '')
      k.panic.oopsId = [...randomBytes(k, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    k.panic.oopsId = hex64(BigInt(`0x${k.panic.oopsId}`) + 1n);
    id = k.panic.oopsId;
  }
  printk(k, Level.WARNING, `---[ end trace ${id} ]---`);
}

/** die(): everything about the fault, under a heading. `trace` and `code` when they are not to be read off the registers. */
export function die(
  k: Kernel,
  task: Task,
  heading: string,
  message: string,
  state: State,
  fault: Fault,
  trace: readonly CodePlace[],
): void {
  consoleVerbose(k);
  const number = k.module.oopses;
  printk(k, Level.EMERG, `${heading} [#${number}]`);
  printModules(k);
  printState(k, task, state);
  printTrace(k, trace, false);
  const code = placeCode(state.epc) ?? codeText(k, fault.pc);
  if (isModern(k)) printk(k, Level.EMERG, `Code: ${code}`);
  record(k, task, heading === 'Kernel BUG' ? 'bug' : 'oops', message, {
    state,
    cause: fault.cause,
    trace,
    code,
    number,
  });
  k.taint |= TAINT_DIE;
  printTraceEnd(k);
}

/** What follows a report that the task does not survive (make_task_dead). */
export function afterDie(k: Kernel, task: Task, inInterrupt: boolean): 'dies' | 'halted' {
  if (inInterrupt || task === k.module.swapper) {
    panic(k, 'Fatal exception in interrupt', task);
    return 'halted';
  }
  if ((k.sysctl['kernel.panic_on_oops'] ?? '0') !== '0') {
    panic(k, 'Fatal exception', task);
    return 'halted';
  }
  if (k.module.irqsOff > 0 && isModern(k))
    printk(k, Level.INFO, `note: ${task.comm}[${task.tid}] exited with irqs disabled`);
  k.panic.deaths++;
  const limit = Number(k.sysctl['kernel.oops_limit'] ?? '10000');
  if (isModern(k) && limit > 0 && k.panic.deaths >= limit) {
    panic(k, `Oopsed too often (kernel.oops_limit is ${limit})`, task);
    return 'halted';
  }
  return 'dies';
}
