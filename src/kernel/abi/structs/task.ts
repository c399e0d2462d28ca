/** struct task_struct and what hangs on it. Modules walk these lists; the kernel keeps them true (task mirrors). */
import { kernelVersion } from '../../kapi/declarations/declare.ts';
import { struct, variant } from './declare.ts';

struct('sigpending', 'linux/signal_types.h', { list: 'struct list_head', signal: 'sigset_t' });
struct('kernel_siginfo', 'linux/signal_types.h', {
  si_signo: 'int',
  si_errno: 'int',
  si_code: 'int',
  si_pid: 'int',
  si_uid: 'unsigned int',
  si_int: 'int',
  si_ptr: 'void *',
  _pad: 'char[96]',
});
struct('upid', 'linux/pid.h', { nr: 'int', ns: 'struct pid_namespace *' });
struct('pid', 'linux/pid.h', {
  count: 'refcount_t',
  level: 'unsigned int',
  lock: 'spinlock_t',
  tasks: 'struct hlist_head[4]',
  rcu: 'struct callback_head',
  numbers: 'struct upid[1]',
});
struct('group_info', 'linux/cred.h', { usage: 'refcount_t', ngroups: 'int', gid: 'kgid_t[32]' });
struct('user_struct', 'linux/cred.h', { __count: 'refcount_t', uid: 'kuid_t', processes: 'atomic_t' });
struct('cred', 'linux/cred.h', {
  usage: 'atomic_long_t',
  uid: 'kuid_t',
  gid: 'kgid_t',
  suid: 'kuid_t',
  sgid: 'kgid_t',
  euid: 'kuid_t',
  egid: 'kgid_t',
  fsuid: 'kuid_t',
  fsgid: 'kgid_t',
  securebits: 'unsigned int',
  cap_inheritable: 'kernel_cap_t',
  cap_permitted: 'kernel_cap_t',
  cap_effective: 'kernel_cap_t',
  cap_bset: 'kernel_cap_t',
  cap_ambient: 'kernel_cap_t',
  user: 'struct user_struct *',
  user_ns: 'struct user_namespace *',
  group_info: 'struct group_info *',
});
struct('user_namespace', 'linux/user_namespace.h', {
  parent: 'struct user_namespace *',
  level: 'int',
  owner: 'kuid_t',
  group: 'kgid_t',
});
struct('pid_namespace', 'linux/pid_namespace.h', {
  child_reaper: 'struct task_struct *',
  level: 'unsigned int',
  parent: 'struct pid_namespace *',
  pid_allocated: 'unsigned int',
});
struct('new_utsname', 'linux/utsname.h', {
  sysname: 'char[65]',
  nodename: 'char[65]',
  release: 'char[65]',
  version: 'char[65]',
  machine: 'char[65]',
  domainname: 'char[65]',
});
struct('uts_namespace', 'linux/utsname.h', {
  name: 'struct new_utsname',
  user_ns: 'struct user_namespace *',
});
struct('nsproxy', 'linux/nsproxy.h', {
  count: 'refcount_t',
  uts_ns: 'struct uts_namespace *',
  ipc_ns: 'struct ipc_namespace *',
  mnt_ns: 'struct mnt_namespace *',
  pid_ns_for_children: 'struct pid_namespace *',
  net_ns: 'struct net *',
});
struct('thread_info', 'linux/thread_info.h', {
  flags: 'unsigned long',
  preempt_count: 'int',
  cpu: 'int',
  kernel_sp: 'long',
  user_sp: 'long',
});
struct('pt_regs', 'asm/ptrace.h', {
  epc: 'unsigned long',
  ra: 'unsigned long',
  sp: 'unsigned long',
  gp: 'unsigned long',
  tp: 'unsigned long',
  t0: 'unsigned long',
  t1: 'unsigned long',
  t2: 'unsigned long',
  s0: 'unsigned long',
  s1: 'unsigned long',
  a0: 'unsigned long',
  a1: 'unsigned long',
  a2: 'unsigned long',
  a3: 'unsigned long',
  a4: 'unsigned long',
  a5: 'unsigned long',
  a6: 'unsigned long',
  a7: 'unsigned long',
  s2: 'unsigned long',
  s3: 'unsigned long',
  s4: 'unsigned long',
  s5: 'unsigned long',
  s6: 'unsigned long',
  s7: 'unsigned long',
  s8: 'unsigned long',
  s9: 'unsigned long',
  s10: 'unsigned long',
  s11: 'unsigned long',
  t3: 'unsigned long',
  t4: 'unsigned long',
  t5: 'unsigned long',
  t6: 'unsigned long',
  status: 'unsigned long',
  badaddr: 'unsigned long',
  cause: 'unsigned long',
  orig_a0: 'unsigned long',
});

const sched = 'linux/sched.h';
struct('load_weight', sched, { weight: 'unsigned long', inv_weight: 'u32' });
struct('sched_entity', sched, {
  load: 'struct load_weight',
  on_rq: 'unsigned int',
  exec_start: 'u64',
  sum_exec_runtime: 'u64',
  vruntime: 'u64',
  prev_sum_exec_runtime: 'u64',
  nr_migrations: 'u64',
});
struct('thread_struct', sched, { ra: 'unsigned long', sp: 'unsigned long', s: 'unsigned long[12]' });
struct('task_struct', sched, {
  thread_info: 'struct thread_info',
  state: 'volatile long',
  stack: 'void *',
  usage: 'refcount_t',
  flags: 'unsigned int',
  ptrace: 'unsigned int',
  on_cpu: 'int',
  on_rq: 'int',
  prio: 'int',
  static_prio: 'int',
  normal_prio: 'int',
  rt_priority: 'unsigned int',
  sched_class: 'const struct sched_class *',
  se: 'struct sched_entity',
  policy: 'unsigned int',
  nr_cpus_allowed: 'int',
  cpus_mask: 'cpumask_t',
  tasks: 'struct list_head',
  mm: 'struct mm_struct *',
  active_mm: 'struct mm_struct *',
  exit_state: 'int',
  exit_code: 'int',
  exit_signal: 'int',
  pdeath_signal: 'int',
  jobctl: 'unsigned long',
  personality: 'unsigned int',
  in_execve: 'unsigned int',
  atomic_flags: 'unsigned long',
  pid: 'pid_t',
  tgid: 'pid_t',
  stack_canary: 'unsigned long',
  real_parent: 'struct task_struct *',
  parent: 'struct task_struct *',
  children: 'struct list_head',
  sibling: 'struct list_head',
  group_leader: 'struct task_struct *',
  ptraced: 'struct list_head',
  ptrace_entry: 'struct list_head',
  thread_pid: 'struct pid *',
  thread_group: 'struct list_head',
  thread_node: 'struct list_head',
  vfork_done: 'struct completion *',
  set_child_tid: 'int *',
  clear_child_tid: 'int *',
  utime: 'u64',
  stime: 'u64',
  gtime: 'u64',
  nvcsw: 'unsigned long',
  nivcsw: 'unsigned long',
  start_time: 'u64',
  real_start_time: 'u64',
  min_flt: 'unsigned long',
  maj_flt: 'unsigned long',
  real_cred: 'const struct cred *',
  cred: 'const struct cred *',
  comm: 'char[16]',
  nameidata: 'void *',
  last_switch_count: 'unsigned long',
  fs: 'struct fs_struct *',
  files: 'struct files_struct *',
  nsproxy: 'struct nsproxy *',
  signal: 'struct signal_struct *',
  sighand: 'struct sighand_struct *',
  blocked: 'sigset_t',
  real_blocked: 'sigset_t',
  saved_sigmask: 'sigset_t',
  pending: 'struct sigpending',
  sas_ss_sp: 'unsigned long',
  sas_ss_size: 'size_t',
  loginuid: 'kuid_t',
  sessionid: 'unsigned int',
  alloc_lock: 'spinlock_t',
  pi_lock: 'raw_spinlock_t',
  journal_info: 'void *',
  io_context: 'void *',
  last_siginfo: 'struct kernel_siginfo *',
  trace: 'unsigned long',
  trace_recursion: 'unsigned long',
  thread: 'struct thread_struct',
});
variant(
  'task_struct',
  'state',
  kernelVersion(5, 14, 0),
  '\tunsigned int __state;\n\tunsigned int saved_state;',
);
variant('task_struct', 'real_start_time', kernelVersion(5, 5, 0), '\tu64 start_boottime;');
variant('task_struct', 'cpus_mask', 0, '\tcpumask_t cpus_allowed;');
variant('task_struct', 'cpus_mask', kernelVersion(5, 3, 0), '\tcpumask_t cpus_mask;');
variant('task_struct', 'usage', 0, '\tatomic_t usage;');
variant('task_struct', 'usage', kernelVersion(5, 0, 0), '\trefcount_t usage;');

struct('rlimit', 'linux/resource.h', { rlim_cur: 'unsigned long', rlim_max: 'unsigned long' });
const signal = 'linux/sched/signal.h';
struct('signal_struct', signal, {
  sigcnt: 'refcount_t',
  live: 'atomic_t',
  nr_threads: 'int',
  group_exit_code: 'int',
  thread_head: 'struct list_head',
  wait_chldexit: 'wait_queue_head_t',
  shared_pending: 'struct sigpending',
  flags: 'unsigned int',
  oom_score_adj: 'short',
  oom_score_adj_min: 'short',
  leader: 'int',
  pids: 'struct pid *[4]',
  tty: 'struct tty_struct *',
  utime: 'u64',
  stime: 'u64',
  cutime: 'u64',
  cstime: 'u64',
  nvcsw: 'unsigned long',
  nivcsw: 'unsigned long',
  maxrss: 'unsigned long',
  rlim: 'struct rlimit[16]',
});
variant('signal_struct', 'pids', 0, '\tstruct pid *pids[4];');
struct('sighand_struct', signal, { siglock: 'spinlock_t', count: 'refcount_t' });
struct('sched_param', 'linux/sched/types.h', { sched_priority: 'int' });
struct('sched_attr', 'linux/sched/types.h', {
  size: 'u32',
  sched_policy: 'u32',
  sched_flags: 'u64',
  sched_nice: 's32',
  sched_priority: 'u32',
  sched_runtime: 'u64',
  sched_deadline: 'u64',
  sched_period: 'u64',
});
