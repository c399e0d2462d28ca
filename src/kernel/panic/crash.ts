/** What `c` of sysrq does (drivers/tty/sysrq.c sysrq_handle_crash): 4.15 writes through NULL, later kernels panic. */
import { Trap } from '../../cpu/machine.ts';
import { provideCrash, provideShowCpu } from '../fs/proc/sysrq.ts';
import { Level, printk } from '../printk/printk.ts';
import { die } from './die.ts';
import { inWords, isModern, outerPlaces } from './frames.ts';
import { dumpStackBelow, panic } from './panic.ts';
import { printState, stateAt } from './report.ts';
import { hex64, kernelPlace, registersOf } from './trace.ts';

const PATH = ['__handle_sysrq+0xa4/0x188', 'write_sysrq_trigger+0xaa/0xc6', 'proc_reg_write+0x48/0x96'];

provideCrash((k) => {
  const task = k.task.tasks.get(k.sched.current) ?? k.module.swapper ?? [...k.task.tasks.values()][0];
  const outer = outerPlaces(k, task).map(kernelPlace);
  if (isModern(k)) {
    panic(k, 'sysrq triggered crash', task, ['sysrq_reset_seq_param_set+0x0/0x7e', ...PATH], outer);
    return;
  }
  const message = `Unable to handle kernel NULL pointer dereference at virtual address ${hex64(0)}`;
  printk(k, Level.ALERT, message);
  const at = kernelPlace('sysrq_handle_crash+0x1e/0x24');
  const fault = { cause: Trap.StorePageFault, tval: 0, pc: k.hart.pc };
  const path = inWords(k, PATH).map(kernelPlace);
  k.module.oopses++;
  const state = { ...stateAt(k, task, registersOf(k, task), fault), epc: at, ra: path[0] };
  die(k, task, 'Oops', message, state, fault, [at, ...path, ...outer]);
  panic(k, 'Fatal exception', task);
});

provideShowCpu((k, registers) => {
  const task = k.task.tasks.get(k.sched.current) ?? k.module.swapper;
  if (!task) return;
  const outer = outerPlaces(k, task).map(kernelPlace);
  if (registers) {
    printState(k, task, stateAt(k, task, registersOf(k, task), null));
    return;
  }
  const nmi = ['nmi_cpu_backtrace+0xde/0x11e', 'nmi_trigger_cpumask_backtrace+0x104/0x142'];
  printk(k, Level.WARNING, 'NMI backtrace for cpu 0');
  dumpStackBelow(k, task, [...nmi, 'sysrq_handle_showallcpus+0x22/0x2a', ...PATH], outer);
});
