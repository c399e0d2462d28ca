/**
 * Faults inside the kernel's own functions: a module handed them a bad pointer, or left one behind. Always true: our functions have no
 * machine code, so the report names the places where the recorded kernel faults, with the code it has there.
 */
import { Trap } from '../../cpu/machine.ts';
import { functionAt } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import type { Fault } from '../module/fault.ts';
import { findSyscall } from '../syscalls/table.ts';
import { leavingStatus } from '../task/exit.ts';
import type { Task } from '../task/types.ts';
import { exportedPlace, inWords, isModern, outerPlaces } from './frames.ts';
import { backtrace, hex64, kernelPlace, type Registers } from './trace.ts';
import type { CodePlace } from './types.ts';

/** Where exported functions fault, innermost first, when it is not in themselves. */
const IN_EXPORTED: Readonly<Record<string, readonly string[]>> = {
  kfree: ['virt_to_folio+0x5e/0xaa', 'kfree+0x38/0x32a'],
  memset: ['__memset+0x60/0xfe'],
};

const EXITING = [
  'filp_flush+0x1c/0x70',
  'filp_close+0x1e/0x38',
  'put_files_struct.part.0+0x68/0xd8',
  'exit_files+0x9a/0xb0',
  'do_exit+0x30e/0x95a',
  'do_group_exit+0x30/0x80',
];
const SIGNALLED = [
  'get_signal+0x95e/0x982',
  'arch_do_signal_or_restart+0x344/0x55a',
  'syscall_exit_to_user_mode+0xea/0x1f2',
  'do_trap_ecall_u+0xce/0x1ea',
  'handle_exception+0x14a/0x156',
];

const EXIT_CALL = [
  '__riscv_sys_exit_group+0x1c/0x1c',
  'do_trap_ecall_u+0x94/0x1ea',
  'handle_exception+0x14a/0x156',
];

/** Where system calls fault on what a module left behind. The call's own frames follow. */
const IN_CALL: Readonly<Record<string, readonly string[]>> = {
  openat: [
    'try_module_get+0x14/0xac',
    'exact_lock+0x24/0x5a',
    'kobj_lookup+0xa2/0x126',
    'chrdev_open+0x1e0/0x28a',
  ],
  close: ['filp_flush+0x1c/0x70', 'filp_close+0x1e/0x38'],
  exit_group: EXITING,
  finit_module: ['__riscv_sys_finit_module+0x114/0x3a6'],
};

/** Frames of a call that are not below the place where it faults. */
const NOT_BELOW =
  /^(chrdev_open|do_one_initcall|do_init_module|load_module|init_module_from_file|__riscv_sys_finit)|fput/;

/** A timer whose struct is gone. */
const IN_TIMERS = [
  '__run_timers+0xf8/0x2f8',
  'timer_expire_remote+0x5a/0xac',
  'tmigr_handle_remote_up+0x288/0x3e4',
  '__walk_groups.isra.0+0x26/0x64',
  'tmigr_handle_remote+0xb6/0x130',
  'run_timer_softirq+0x44/0x4c',
  'handle_softirqs+0x110/0x2ec',
  '__irq_exit_rcu+0xc8/0xea',
  'irq_exit_rcu+0x18/0x20',
  'handle_riscv_irq+0x64/0x74',
  'call_on_irq_stack+0x32/0x40',
];

/** The code at places of the recorded kernel. */
const CODE: Readonly<Record<string, string>> = {
  'kfree+0x2ba/0x32a': '85ca c097 ffff 80e7 c8e0 79e2 b5d1 f456 f05a ec5e (9002) 1793 ',
  'virt_to_folio+0x5e/0xaa': '7a98 8d19 f717 0116 3703 b2c7 8131 8d19 051a 953e (651c) f713 ',
  '__run_timers+0xf8/0x2f8': '9381 ce99 078e 97f6 6398 0693 0088 3023 00e8 c319 (3423) 0107 ',
  'filp_flush+0x1c/0x70': '7179 f022 f406 ec26 e84a e44e 1800 6118 691c c329 (7bbc) 84aa ',
  'try_module_get+0x14/0xac': '0013 0000 0013 0000 c951 7179 f022 ec26 f406 1800 (4118) 4789 ',
  '__riscv_sys_finit_module+0x114/0x3a6': '009a 80e7 c140 94de 6098 0793 ff87 c36d 8a63 1407 (6394) 0763 ',
};

/** What `Code:` shows at a place of the kernel's own; null: read it off memory. */
export const placeCode = (place: CodePlace): string | null =>
  place.module === null ? (CODE[place.symbol] ?? null) : null;

const RETURNS: Readonly<Record<string, string>> = {
  'kfree+0x2ba/0x32a': 'kfree+0x38/0x32a',
  '__riscv_sys_finit_module+0x114/0x3a6': '__riscv_sys_finit_module+0x106/0x3a6',
};

/** Who called the place, where a report's `ra` is not the same place. */
export const callerOf = (place: string): string => RETURNS[place] ?? place;

/** The trace of a fault inside the kernel's own code, innermost first; null when it was module code that faulted. */
export function insideKernel(k: Kernel, task: Task, fault: Fault, registers: Registers): CodePlace[] | null {
  const places = (names: readonly string[]): CodePlace[] => inWords(k, names).map(kernelPlace);
  const exported = functionAt(k, fault.pc);
  if (exported) {
    const { place, address } = exportedPlace(k, exported.name);
    const known = isModern(k) ? IN_EXPORTED[exported.name] : undefined;
    const inner = known ? places(known) : [{ address: hex64(address), symbol: place, module: null }];
    return [...inner, ...backtrace(k, task, registers, true)];
  }
  if ((task.kernelMode?.depth ?? 0) > 0 || fault.cause === Trap.FetchPageFault) return null;
  if (task === k.module.swapper) return places(IN_TIMERS);
  if (task.kthread) return null;
  const leaving = leavingStatus(task);
  if (leaving !== null) {
    const killed = (leaving & 0x7f) !== 0;
    return places([...EXITING, ...(killed ? SIGNALLED : EXIT_CALL)]);
  }
  const name = task.syscall ? (findSyscall(task.syscall.nr)?.name ?? '') : '';
  const outer = outerPlaces(k, task);
  if (name === '' || !IN_CALL[name]) return places(task.syscall ? outer : [...EXITING, ...SIGNALLED]);
  return [...places(IN_CALL[name]), ...outer.filter((place) => !NOT_BELOW.test(place)).map(kernelPlace)];
}
