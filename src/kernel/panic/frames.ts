/**
 * Places inside the kernel that traces show: where our functions stand in for Linux's, a trace names the functions a riscv64 Linux
 * has there (6.12.107, recorded). Always true: a place has one address in every VM.
 */
import { kernelVersion } from '../kapi/declarations/declare.ts';
import { imageOf, kernelCode, SLOT_BYTES } from '../kapi/image.ts';
import type { Kernel } from '../kernel.ts';
import { findSyscall } from '../syscalls/table.ts';
import type { Task } from '../task/types.ts';

/** Offsets from the start of kernel text, by `function+offset/size`. */
const PLACES: Readonly<Record<string, number>> = {
  'do_one_initcall+0x62/0x256': 0x2912,
  'handle_break+0x8e/0xf8': 0x6b36,
  'walk_stackframe+0x0/0x16c': 0x6ce6,
  'dump_backtrace+0x28/0x30': 0x6f7c,
  'arch_do_signal_or_restart+0x344/0x55a': 0x5328,
  'check_panic_on_warn+0x52/0x64': 0x2276a,
  '__warn+0x92/0x132': 0x2294c,
  'do_exit+0x30e/0x95a': 0x27b56,
  'do_group_exit+0x30/0x80': 0x2832a,
  'handle_softirqs+0x110/0x2ec': 0x29cee,
  '__irq_exit_rcu+0xc8/0xea': 0x29fea,
  'irq_exit_rcu+0x18/0x20': 0x2a1aa,
  'get_signal+0x95e/0x982': 0x364e2,
  'try_module_get+0x14/0xac': 0xd27d4,
  'do_init_module+0x5e/0x23a': 0xd35b0,
  'do_init_module+0x238/0x23a': 0xd378a,
  'load_module+0x1982/0x1e1a': 0xd53a6,
  'init_module_from_file+0x82/0xca': 0xd5a36,
  '__riscv_sys_finit_module+0x106/0x3a6': 0xd5bd4,
  '__riscv_sys_finit_module+0x114/0x3a6': 0xd5be2,
  '__riscv_sys_finit_module+0x278/0x3a6': 0xd5d46,
  '__riscv_sys_delete_module+0x18c/0x2e4': 0xd60e2,
  '__run_timers+0xf8/0x2f8': 0xdd896,
  'run_timer_softirq+0x44/0x4c': 0xddb90,
  'timer_expire_remote+0x5a/0xac': 0xde8b2,
  '__walk_groups.isra.0+0x26/0x64': 0xf35f8,
  'tmigr_handle_remote_up+0x288/0x3e4': 0xf4bfc,
  'tmigr_handle_remote+0xb6/0x130': 0xf4eb8,
  '__vmalloc_node_range_noprof+0x70e/0x756': 0x284322,
  '__vmalloc_node_range_noprof+0x72c/0x756': 0x284340,
  'vmalloc_noprof+0x54/0x62': 0x284540,
  'warn_alloc+0x102/0x176': 0x290532,
  '__alloc_pages_noprof+0x2e0/0xd56': 0x290886,
  'virt_to_folio+0x5e/0xaa': 0x299b5c,
  '___kmalloc_large_node+0xe4/0x164': 0x29b9c4,
  '__kmalloc_large_node_noprof+0x2a/0xfe': 0x29bb66,
  'kfree+0x38/0x32a': 0x29df66,
  'kfree+0x2ba/0x32a': 0x29e1e8,
  '__kmalloc_noprof+0x32c/0x442': 0x2a2430,
  'alloc_pages_mpol_noprof+0xc4/0x1ba': 0x2c6fbc,
  'alloc_pages_noprof+0x60/0xa6': 0x2c7112,
  'filp_flush+0x1c/0x70': 0x310040,
  'filp_close+0x1e/0x38': 0x3100b2,
  'do_dentry_open+0x120/0x43c': 0x31086a,
  'vfs_open+0x2a/0xba': 0x31208c,
  'do_sys_openat2+0xa6/0xde': 0x312490,
  '__riscv_sys_openat+0x4c/0x94': 0x3127c8,
  'vfs_read+0x9a/0x2f6': 0x3146a0,
  'vfs_write+0xaa/0x3ba': 0x314de4,
  'ksys_read+0x6a/0xe8': 0x31515e,
  '__riscv_sys_read+0x20/0x28': 0x3151fc,
  'ksys_write+0x6a/0xe8': 0x31526e,
  '__riscv_sys_write+0x20/0x28': 0x31530c,
  'exact_lock+0x24/0x5a': 0x31b0a0,
  'chrdev_open+0x1e0/0x28a': 0x31b38e,
  'path_openat+0x89e/0xf96': 0x328df4,
  'do_filp_open+0x88/0x10e': 0x329574,
  'put_files_struct.part.0+0x68/0xd8': 0x33a634,
  'exit_files+0x9a/0xb0': 0x33bad6,
  'seq_read_iter+0xe0/0x358': 0x34736e,
  'proc_reg_write+0x48/0x96': 0x3b0458,
  'proc_register+0x142/0x1d6': 0x3b773a,
  'proc_create_single_data+0x42/0x50': 0x3b7c74,
  'sysfs_warn_dup+0x62/0x7a': 0x3c9064,
  'sysfs_create_dir_ns+0xbe/0xd8': 0x3c919c,
  'sysrq_handle_showallcpus+0x22/0x2a': 0x6f0e36,
  'sysrq_reset_seq_param_set+0x0/0x7e': 0x6f1064,
  '__handle_sysrq+0xa4/0x188': 0x6f1720,
  'write_sysrq_trigger+0xaa/0xc6': 0x6f1e50,
  'device_add+0xaa/0x7e0': 0x73f31c,
  'device_create_groups_vargs+0xbe/0xde': 0x73fc2e,
  'device_create+0x3a/0x58': 0x73fc88,
  'class_register+0x136/0x19a': 0x7455b8,
  'class_create+0x4a/0x78': 0x745666,
  'kobj_lookup+0xa2/0x126': 0x7484fc,
  'report_bug+0xfe/0x1a6': 0xa33974,
  'kobject_add_internal+0xe4/0x2e8': 0xa3c01a,
  'kset_register+0x4a/0x9e': 0xa3c268,
  'kobject_add+0x58/0xc0': 0xa3c74c,
  'nmi_cpu_backtrace+0xde/0x11e': 0xa4a51e,
  'nmi_trigger_cpumask_backtrace+0x104/0x142': 0xa4a662,
  '__memset+0x60/0xfe': 0xa5abc4,
  'show_stack+0x38/0x44': 0xa5b5ca,
  'panic+0x11a/0x35a': 0xa5b90c,
  'dump_stack_lvl+0x5a/0x7c': 0xa693fa,
  'dump_stack+0x18/0x20': 0xa69434,
  'handle_riscv_irq+0x64/0x74': 0xa694b8,
  'do_trap_break+0x5a/0x72': 0xa69cb4,
  'do_trap_ecall_u+0x94/0x1ea': 0xa69d60,
  'do_trap_ecall_u+0xce/0x1ea': 0xa69d9a,
  'msleep_interruptible+0x36/0x66': 0xdd4a2,
  'generic_handle_arch_irq+0x0/0x74': 0xa69f90,
  'syscall_exit_to_user_mode+0xea/0x1f2': 0xa6a1b0,
  '_raw_spin_lock+0x8a/0x8c': 0xa7586a,
  'handle_exception+0x14a/0x156': 0xa76776,
  'call_on_irq_stack+0x32/0x40': 0xa768ce,
};

const TEXT = -0x80000000;

/** Whether this kernel speaks as the recordings do (any 5.x or 6.x), and not as 4.15. */
export const isModern = (k: Kernel): boolean => kernelCode(k) >= kernelVersion(5, 0, 0);

/** A place that has no recorded address gets one from its name. */
function hashed(place: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < place.length; i++) hash = Math.imul(hash ^ place.charCodeAt(i), 0x01000193) >>> 0;
  return 0x100000 + (hash % 0x480000) * 2;
}

/** The address of `function+offset/size`. */
export const placeAddress = (place: string): number => TEXT + (PLACES[place] ?? hashed(place));

/** Where an exported function is when it calls something: as recorded, or inside our own slot. */
export function exportedPlace(k: Kernel, name: string): { place: string; address: number } {
  const known = Object.keys(PLACES).find((place) => place.startsWith(`${name}+`));
  if (known && isModern(k)) return { place: known, address: placeAddress(known) };
  const slot = imageOf(k).byName.get(name)?.address;
  const place = `${name}+0x1c/0x${SLOT_BYTES.toString(16)}`;
  return { place, address: slot === undefined ? placeAddress(place) : slot + 0x1c };
}

const ECALL = ['do_trap_ecall_u+0x94/0x1ea', 'handle_exception+0x14a/0x156'];
const INIT = ['do_one_initcall+0x62/0x256', 'do_init_module+0x5e/0x23a', 'load_module+0x1982/0x1e1a'];
const THREAD = ['kthread+0xc4/0xe2', 'ret_from_fork+0xe/0x1c'];
const SOFTIRQ = [
  '__run_timers+0x1d8/0x2f8',
  'run_timer_softirq+0x44/0x4c',
  'handle_softirqs+0x110/0x2ec',
  '__irq_exit_rcu+0xc8/0xea',
  'irq_exit_rcu+0x18/0x20',
  'handle_riscv_irq+0x64/0x74',
  'call_on_irq_stack+0x32/0x40',
];

/** What lies between a system call and the module function it came to, by the call's name. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  finit_module: [...INIT, 'init_module_from_file+0x82/0xca', '__riscv_sys_finit_module+0x278/0x3a6'],
  init_module: [...INIT, '__do_sys_init_module+0x1c8/0x20c', '__riscv_sys_init_module+0x1c/0x24'],
  delete_module: ['__riscv_sys_delete_module+0x18c/0x2e4'],
  read: ['vfs_read+0x9a/0x2f6', 'ksys_read+0x6a/0xe8', '__riscv_sys_read+0x20/0x28'],
  write: ['vfs_write+0xaa/0x3ba', 'ksys_write+0x6a/0xe8', '__riscv_sys_write+0x20/0x28'],
  openat: [
    'chrdev_open+0xb4/0x28a',
    'do_dentry_open+0x120/0x43c',
    'vfs_open+0x2a/0xba',
    'path_openat+0x89e/0xf96',
    'do_filp_open+0x88/0x10e',
    'do_sys_openat2+0xa6/0xde',
    '__riscv_sys_openat+0x4c/0x94',
  ],
  close: ['__fput+0xb8/0x260', '__fput_sync+0x2c/0x36', '__riscv_sys_close+0x3c/0x7c'],
  ioctl: ['vfs_ioctl+0x22/0x38', '__riscv_sys_ioctl+0x98/0xc6'],
  lseek: ['vfs_llseek+0x20/0x2e', '__riscv_sys_lseek+0x5c/0x8a'],
  mmap: [
    'mmap_region+0x5f2/0xa36',
    'do_mmap+0x3b2/0x5a0',
    'vm_mmap_pgoff+0xd8/0x1a0',
    '__riscv_sys_mmap+0x60/0x8e',
  ],
};

/** What lies between a page fault of user code and vm_ops->fault. */
const USER_FAULT = [
  '__do_fault+0x38/0xd6',
  'do_fault+0x220/0x494',
  '__handle_mm_fault+0x5ee/0xcd0',
  'handle_mm_fault+0xd8/0x266',
  'handle_page_fault+0x12e/0x59a',
  'do_page_fault+0x2c/0x42',
  'handle_exception+0x14a/0x156',
];

const GONE_IN_4_15 =
  /^(init_module_from_file|ksys_|do_trap_ecall_u|__do_sys_|dump_stack_lvl|handle_riscv_irq|call_on_irq)/;

/** The same places as 4.15 names them. */
export function inWords(k: Kernel, places: readonly string[]): string[] {
  if (isModern(k)) return [...places];
  return places
    .filter((place) => !GONE_IN_4_15.test(place))
    .map((place) =>
      place
        .replace('__riscv_sys_', 'SyS_')
        .replace(/^handle_exception.*/, 'check_syscall_nr+0x1e/0x22')
        .replace(/^dump_backtrace.*/, 'walk_stackframe+0x0/0xcc')
        .replace(/^handle_softirqs/, '__do_softirq')
        .replace(/_noprof\+/, '+'),
    );
}

/** The kernel's own frames below the outermost call of module code, innermost first. */
export function outerPlaces(k: Kernel, task: Task): string[] {
  if (task === k.module.swapper) return inWords(k, SOFTIRQ);
  if (task.kthread)
    return inWords(
      k,
      task.comm.startsWith('kworker')
        ? ['process_one_work+0x15c/0x332', 'worker_thread+0x2d2/0x3ba', ...THREAD]
        : THREAD,
    );
  if (task.activations.some(({ step }) => step === 'engine.instruction')) return inWords(k, USER_FAULT);
  const name = task.syscall ? (findSyscall(task.syscall.nr)?.name ?? null) : null;
  if (name === null) return inWords(k, ECALL);
  const places = CALLS[name] ?? [`__riscv_sys_${name}+0x26/0x3e`];
  // After init has returned the loader itself speaks.
  const loader = places[0] === INIT[0] && (task.kernelMode?.depth ?? 0) === 0;
  return inWords(k, [...(loader ? ['do_init_module+0x238/0x23a', ...places.slice(2)] : places), ...ECALL]);
}
