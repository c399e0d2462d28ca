/** Sysctls below kernel.* (kernel/sysctl.c, kernel/utsname_sysctl.c, drivers/char/random.c of 4.15). */
import { Errno } from '../../../abi/errno.ts';
import { randomBytes } from '../../../drivers/random.ts';
import type { Kernel } from '../../../kernel.ts';
import { CAP, capable } from '../../../task/capability.ts';
import { parseIntegers } from '../format.ts';
import {
  firstLine,
  generationOf,
  integer,
  integers,
  only,
  owned,
  readOnly,
  stored,
  sysctl,
  text,
} from './sysctl.ts';

const UTS_LEN = 64;
const MAX_INT = 2147483647;

sysctl('kernel.hostname', {
  mode: 0o644,
  get: (k) => k.hostname,
  set(k, _task, value) {
    k.hostname = firstLine(value).slice(0, UTS_LEN);
    return 0;
  },
});
sysctl('kernel.domainname', {
  mode: 0o644,
  get: (k) => k.domainname,
  set(k, _task, value) {
    k.domainname = firstLine(value).slice(0, UTS_LEN);
    return 0;
  },
});
readOnly('kernel.ostype', () => 'Linux');
readOnly('kernel.osrelease', (k) => k.identity.release);
readOnly('kernel.version', (k) => k.identity.version);
readOnly('kernel.arch', (k) => k.identity.machine);

owned(
  'kernel.pid_max',
  (k) => k.task.pidMax,
  (k, value) => {
    k.task.pidMax = value;
  },
  301,
  4194304,
);
readOnly('kernel.threads-max', (k) => k.quotas.maxTasks);
readOnly('kernel.ngroups_max', () => 65536);
readOnly('kernel.cap_last_cap', () => 37);
owned(
  'kernel.ns_last_pid',
  (k) => Math.max(0, k.task.nextPid - 1),
  (k, value) => {
    k.task.nextPid = value + 1;
  },
  0,
  4194303,
  0o666,
);

integer('kernel.panic', 0);
integer('kernel.panic_on_oops', 0);
integer('kernel.panic_on_warn', 0, 0, 1);
integer('kernel.panic_on_rcu_stall', 0, 0, 1);
integer('kernel.panic_on_io_nmi', 0);
integer('kernel.hung_task_check_count', 4194304, 0);
integer('kernel.hung_task_panic', 0, 0, 1);
integer('kernel.hung_task_timeout_secs', 120, 0);
integer('kernel.hung_task_warnings', 10, -1);
integer('kernel.softlockup_panic', 0, 0, 1);
integer('kernel.softlockup_all_cpu_backtrace', 0, 0, 1);
integer('kernel.hardlockup_panic', 0, 0, 1);
integer('kernel.watchdog', 1, 0, 1);
integer('kernel.soft_watchdog', 1, 0, 1);
sysctl('kernel.nmi_watchdog', {
  mode: 0o644,
  get: (k) => stored(k, 'kernel.nmi_watchdog', generationOf(k) === '4' ? '0' : '1'),
  set(k, _task, value) {
    const values = parseIntegers(value);
    if (values?.length !== 1 || values[0] < 0 || values[0] > 1) return -Errno.EINVAL;
    k.sysctl['kernel.nmi_watchdog'] = String(values[0]);
    return 0;
  },
});
integer('kernel.watchdog_thresh', 10, 0, 60);
text('kernel.watchdog_cpumask', '0');
integer('kernel.sysrq', 176);
integer('kernel.ctrl-alt-del', 0);
integer('kernel.core_uses_pid', 0);
integer('kernel.core_pipe_limit', 0);
text('kernel.core_pattern', 'core', 127);
text('kernel.modprobe', '/sbin/modprobe', 255);
text('kernel.hotplug', '', 255);
text('kernel.poweroff_cmd', '/sbin/poweroff', 255);
integer('kernel.randomize_va_space', 2, 0, 2);
integer('kernel.print-fatal-signals', 0);
integer('kernel.unknown_nmi_panic', 0);
integer('kernel.perf_event_paranoid', 3);
integer('kernel.perf_event_max_sample_rate', 50000, 0);
integer('kernel.unprivileged_bpf_disabled', 0, 0, 1);
integer('kernel.unprivileged_userns_clone', 1, 0, 1);
integer('kernel.yama.ptrace_scope', 1, 0, 3);
integer('kernel.sched_child_runs_first', 0, 0, 1);
integer('kernel.sched_autogroup_enabled', 0, 0, 1);
integer('kernel.sched_rt_period_us', 1000000, 1);
integer('kernel.sched_rt_runtime_us', 950000, -1);
integer('kernel.sched_rr_timeslice_ms', 100);
integer('kernel.timer_migration', 1, 0, 1);
integer('kernel.ftrace_enabled', 1, 0, 1);
integer('kernel.auto_msgmni', 0);
integer('kernel.msgmax', 8192, 0);
integer('kernel.msgmnb', 16384, 0);
integer('kernel.msgmni', 32000, 0);
integers('kernel.sem', [32000, 1024000000, 500, 32000], 0);
integer('kernel.shmmni', 4096, 0, 32768);
text('kernel.shmall', '18446744073692774399');
text('kernel.shmmax', '18446744073692774399');
integer('kernel.shm_rmid_forced', 0, 0, 1);
integer('kernel.overflowuid', 65534, 0, 65535);
integer('kernel.overflowgid', 65534, 0, 65535);
integer('kernel.sysctl_writes_strict', 1, -1, 1);
integer('kernel.real-root-dev', 0);
integer('kernel.numa_balancing', 0, 0, 1);
integer('kernel.keys.maxkeys', 200);
integer('kernel.keys.maxbytes', 20000);
integer('kernel.keys.root_maxkeys', 1000000);
integer('kernel.keys.root_maxbytes', 25000000);
integer('kernel.pty.max', 4096, 0);
integer('kernel.pty.reserve', 1024, 0);
readOnly('kernel.pty.nr', (k) => k.tty.ptys.size);

/** A value that only who has `cap` may change, and a few only in one direction. */
function guarded(name: string, initial: (k: Kernel) => number, max: number, oneWay: boolean): void {
  sysctl(name, {
    mode: 0o644,
    get: (k) => stored(k, name, String(initial(k))),
    set(k, task, value) {
      const values = parseIntegers(value);
      if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
      if (values?.length !== 1 || values[0] < 0 || values[0] > max) return -Errno.EINVAL;
      if (oneWay && values[0] < Number(stored(k, name, String(initial(k))))) return -Errno.EINVAL;
      k.sysctl[name] = String(values[0]);
      return 0;
    },
  });
}
guarded('kernel.modules_disabled', () => 0, 1, true);
guarded('kernel.kexec_load_disabled', () => 0, 1, true);
guarded('kernel.kptr_restrict', (k) => (generationOf(k) === '4' ? 1 : 0), 2, false);

sysctl('kernel.dmesg_restrict', {
  mode: 0o644,
  get: (k) => (k.printk.dmesgRestrict ? '1' : '0'),
  set(k, task, value) {
    const values = parseIntegers(value);
    if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
    if (values?.length !== 1 || values[0] < 0 || values[0] > 1) return -Errno.EINVAL;
    k.printk.dmesgRestrict = values[0] === 1;
    return 0;
  },
});

sysctl('kernel.printk', {
  mode: 0o644,
  get: (k) => k.printk.levels.join('\t'),
  set(k, _task, value) {
    const values = parseIntegers(value);
    if (!values || values.length === 0 || values.length > 4) return -Errno.EINVAL;
    for (let i = 0; i < values.length; i++) k.printk.levels[i] = values[i];
    return 0;
  },
});
integer('kernel.printk_delay', 0, 0, 10000);
owned(
  'kernel.printk_ratelimit',
  (k) => Math.round(k.printk.ratelimit.intervalNs / 1e9),
  (k, value) => {
    k.printk.ratelimit.intervalNs = value * 1e9;
  },
  0,
  MAX_INT,
);
owned(
  'kernel.printk_ratelimit_burst',
  (k) => k.printk.ratelimit.burst,
  (k, value) => {
    k.printk.ratelimit.burst = value;
  },
  0,
  MAX_INT,
);
sysctl('kernel.printk_devkmsg', {
  mode: 0o644,
  get: (k) => k.printk.devkmsg,
  set(k, _task, value) {
    const word = firstLine(value);
    if (word !== 'on' && word !== 'off' && word !== 'ratelimit') return -Errno.EINVAL;
    k.printk.devkmsg = word;
    return 0;
  },
});

/** Taint bits can be set, never cleared. */
sysctl('kernel.tainted', {
  mode: 0o644,
  get: (k) => String(k.taint),
  set(k, task, value) {
    const values = parseIntegers(value);
    if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
    if (values?.length !== 1 || values[0] < 0) return -Errno.EINVAL;
    k.taint |= values[0] & 0x3ffff;
    return 0;
  },
});

function uuid(bytes: Uint8Array): string {
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function bootId(k: Kernel): string {
  k.sysctl['kernel.random.boot_id'] ??= uuid(randomBytes(k, 16));
  return k.sysctl['kernel.random.boot_id'];
}
readOnly('kernel.random.boot_id', bootId);
readOnly('kernel.random.uuid', (k) => uuid(randomBytes(k, 16)));
readOnly('kernel.random.entropy_avail', () => 3072);
readOnly('kernel.random.poolsize', () => 4096);
integer('kernel.random.read_wakeup_threshold', 64, 8, 4096);
integer('kernel.random.write_wakeup_threshold', 896, 0, 4096);
integer('kernel.random.urandom_min_reseed_secs', 60);

// What a modern kernel has beside these, and what it has no more.
integer('kernel.panic_print', 0, 0);
integer('kernel.hung_task_all_cpu_backtrace', 0, 0, 1);
integer('kernel.hung_task_check_interval_secs', 0, 0);
integer('kernel.oops_all_cpu_backtrace', 0, 0, 1);
integer('kernel.max_rcu_stall_to_panic', 0, 0);
integer('kernel.traceoff_on_warning', 0);
integer('kernel.io_uring_disabled', 0, 0, 2);
integer('kernel.io_uring_group', -1);
only(
  '6',
  'kernel.panic_print',
  'kernel.hung_task_all_cpu_backtrace',
  'kernel.hung_task_check_interval_secs',
  'kernel.oops_all_cpu_backtrace',
  'kernel.max_rcu_stall_to_panic',
  'kernel.traceoff_on_warning',
  'kernel.io_uring_disabled',
  'kernel.io_uring_group',
);
only(
  '4',
  'kernel.panic_on_io_nmi',
  'kernel.hotplug',
  'kernel.unknown_nmi_panic',
  'kernel.sched_child_runs_first',
);
