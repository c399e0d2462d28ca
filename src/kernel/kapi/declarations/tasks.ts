/** Exports for tasks, waiting, locks, time, deferred work, notifiers, probes, modules and parameters. */
import { exported, kernelVersion } from './declare.ts';

const gpl = { gpl: true } as const;

exported('linux/sched.h', {
  schedule: 'void schedule(void)',
  schedule_timeout: 'signed long schedule_timeout(signed long timeout)',
  schedule_timeout_interruptible: 'signed long schedule_timeout_interruptible(signed long timeout)',
  schedule_timeout_uninterruptible: 'signed long schedule_timeout_uninterruptible(signed long timeout)',
  schedule_timeout_killable: 'signed long schedule_timeout_killable(signed long timeout)',
  io_schedule: 'void io_schedule(void)',
  yield: 'void yield(void)',
  _cond_resched: 'int _cond_resched(void)',
  wake_up_process: 'int wake_up_process(struct task_struct *p)',
  wake_up_state: 'int wake_up_state(struct task_struct *p, unsigned int state)',
  set_user_nice: 'void set_user_nice(struct task_struct *p, long nice)',
  sched_setscheduler: [
    'int sched_setscheduler(struct task_struct *p, int policy, const struct sched_param *param)',
    { gpl: true, until: kernelVersion(5, 9, 0) },
  ],
  sched_set_fifo: [
    'void sched_set_fifo(struct task_struct *p)',
    { gpl: true, since: kernelVersion(5, 9, 0) },
  ],
  sched_set_fifo_low: [
    'void sched_set_fifo_low(struct task_struct *p)',
    { gpl: true, since: kernelVersion(5, 9, 0) },
  ],
  sched_set_normal: [
    'void sched_set_normal(struct task_struct *p, int nice)',
    { gpl: true, since: kernelVersion(5, 9, 0) },
  ],
  sched_setattr_nocheck: [
    'int sched_setattr_nocheck(struct task_struct *p, const struct sched_attr *attr)',
    { gpl: true, since: kernelVersion(4, 20, 0) },
  ],
  set_cpus_allowed_ptr: ['int set_cpus_allowed_ptr(struct task_struct *p, const cpumask_t *new_mask)', gpl],
  __get_task_comm: 'char *__get_task_comm(char *to, size_t len, struct task_struct *tsk)',
  __set_task_comm: 'void __set_task_comm(struct task_struct *tsk, const char *from, bool exec)',
  __put_task_struct: ['void __put_task_struct(struct task_struct *t)', gpl],
  init_task: ['struct task_struct init_task', { data: true, size: 816 }],
  __task_pid_nr_ns: [
    'pid_t __task_pid_nr_ns(struct task_struct *task, int type, struct pid_namespace *ns)',
    {},
  ],
  preempt_schedule: 'void preempt_schedule(void)',
  in_task_context: ['unsigned int in_task_context(void)', {}],
});
exported('linux/sched/signal.h', {
  send_sig: 'int send_sig(int sig, struct task_struct *p, int priv)',
  send_sig_info: 'int send_sig_info(int sig, struct kernel_siginfo *info, struct task_struct *p)',
  force_sig: ['void force_sig(int sig, struct task_struct *p)', { until: kernelVersion(5, 3, 0) }],
  kill_pid: 'int kill_pid(struct pid *pid, int sig, int priv)',
  kill_pgrp: 'int kill_pgrp(struct pid *pid, int sig, int priv)',
  allow_signal: 'void allow_signal(int sig)',
  disallow_signal: 'void disallow_signal(int sig)',
  flush_signals: 'void flush_signals(struct task_struct *t)',
  dequeue_signal: 'int dequeue_signal(struct task_struct *task, sigset_t *mask, struct kernel_siginfo *info)',
  sigprocmask: 'int sigprocmask(int how, sigset_t *set, sigset_t *oldset)',
});
exported('linux/pid.h', {
  find_vpid: ['struct pid *find_vpid(int nr)', gpl],
  find_get_pid: ['struct pid *find_get_pid(int nr)', gpl],
  find_pid_ns: ['struct pid *find_pid_ns(int nr, struct pid_namespace *ns)', gpl],
  get_task_pid: ['struct pid *get_task_pid(struct task_struct *task, enum pid_type type)', gpl],
  get_pid_task: ['struct task_struct *get_pid_task(struct pid *pid, enum pid_type type)', gpl],
  pid_task: 'struct task_struct *pid_task(struct pid *pid, enum pid_type type)',
  put_pid: ['void put_pid(struct pid *pid)', gpl],
  pid_vnr: ['pid_t pid_vnr(struct pid *pid)', gpl],
  init_pid_ns: ['struct pid_namespace init_pid_ns', { gpl: true, data: true, size: 32 }],
});
exported('linux/cred.h', {
  prepare_creds: 'struct cred *prepare_creds(void)',
  commit_creds: 'int commit_creds(struct cred *new)',
  abort_creds: 'void abort_creds(struct cred *new)',
  override_creds: 'const struct cred *override_creds(const struct cred *new)',
  revert_creds: 'void revert_creds(const struct cred *old)',
  prepare_kernel_cred: 'struct cred *prepare_kernel_cred(struct task_struct *daemon)',
  __put_cred: 'void __put_cred(struct cred *cred)',
  in_group_p: 'int in_group_p(kgid_t grp)',
  in_egroup_p: 'int in_egroup_p(kgid_t grp)',
});
exported('linux/capability.h', {
  capable: 'bool capable(int cap)',
  ns_capable: 'bool ns_capable(struct user_namespace *ns, int cap)',
});
exported('linux/user_namespace.h', {
  init_user_ns: ['struct user_namespace init_user_ns', { gpl: true, data: true, size: 24 }],
});
exported('linux/utsname.h', {
  init_uts_ns: ['struct uts_namespace init_uts_ns', { gpl: true, data: true, size: 400 }],
});
exported('linux/kthread.h', {
  kthread_create_on_node:
    '__printf(4, 5) struct task_struct *kthread_create_on_node(int (*threadfn)(void *data), void *data, int node, const char *fmt, ...)',
  kthread_create_on_cpu: [
    'struct task_struct *kthread_create_on_cpu(int (*threadfn)(void *data), void *data, unsigned int cpu, const char *fmt)',
    gpl,
  ],
  kthread_stop: 'int kthread_stop(struct task_struct *k)',
  kthread_should_stop: 'bool kthread_should_stop(void)',
  kthread_should_park: ['bool kthread_should_park(void)', gpl],
  kthread_park: ['int kthread_park(struct task_struct *k)', gpl],
  kthread_unpark: ['void kthread_unpark(struct task_struct *k)', gpl],
  kthread_parkme: ['void kthread_parkme(void)', gpl],
  kthread_bind: 'void kthread_bind(struct task_struct *k, unsigned int cpu)',
  kthread_data: ['void *kthread_data(struct task_struct *k)', gpl],
  do_exit: ['__noreturn void do_exit(long code)', { until: kernelVersion(5, 17, 0) }],
  kthread_complete_and_exit: [
    '__noreturn void kthread_complete_and_exit(struct completion *comp, long code)',
    { since: kernelVersion(5, 17, 0) },
  ],
  complete_and_exit: [
    '__noreturn void complete_and_exit(struct completion *comp, long code)',
    { until: kernelVersion(5, 17, 0) },
  ],
});
exported('linux/wait.h', {
  __init_waitqueue_head:
    'void __init_waitqueue_head(struct wait_queue_head *wq_head, const char *name, struct lock_class_key *key)',
  add_wait_queue: 'void add_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)',
  add_wait_queue_exclusive:
    'void add_wait_queue_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)',
  remove_wait_queue:
    'void remove_wait_queue(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)',
  prepare_to_wait:
    'void prepare_to_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)',
  prepare_to_wait_exclusive:
    'void prepare_to_wait_exclusive(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)',
  prepare_to_wait_event:
    'long prepare_to_wait_event(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry, int state)',
  init_wait_entry: 'void init_wait_entry(struct wait_queue_entry *wq_entry, int flags)',
  finish_wait: 'void finish_wait(struct wait_queue_head *wq_head, struct wait_queue_entry *wq_entry)',
  autoremove_wake_function:
    'int autoremove_wake_function(struct wait_queue_entry *wq_entry, unsigned mode, int sync, void *key)',
  default_wake_function:
    'int default_wake_function(struct wait_queue_entry *wq_entry, unsigned mode, int flags, void *key)',
  wait_woken: 'long wait_woken(struct wait_queue_entry *wq_entry, unsigned mode, long timeout)',
  woken_wake_function:
    'int woken_wake_function(struct wait_queue_entry *wq_entry, unsigned mode, int sync, void *key)',
  __wake_up: 'void __wake_up(struct wait_queue_head *wq_head, unsigned int mode, int nr, void *key)',
  __wake_up_sync: 'void __wake_up_sync(struct wait_queue_head *wq_head, unsigned int mode)',
});
exported('linux/completion.h', {
  wait_for_completion: 'void wait_for_completion(struct completion *x)',
  wait_for_completion_interruptible: 'int wait_for_completion_interruptible(struct completion *x)',
  wait_for_completion_killable: 'int wait_for_completion_killable(struct completion *x)',
  wait_for_completion_timeout:
    'unsigned long wait_for_completion_timeout(struct completion *x, unsigned long timeout)',
  wait_for_completion_interruptible_timeout:
    'long wait_for_completion_interruptible_timeout(struct completion *x, unsigned long timeout)',
  try_wait_for_completion: 'bool try_wait_for_completion(struct completion *x)',
  completion_done: 'bool completion_done(struct completion *x)',
  complete: 'void complete(struct completion *x)',
  complete_all: 'void complete_all(struct completion *x)',
});
exported('linux/mutex.h', {
  __mutex_init: 'void __mutex_init(struct mutex *lock, const char *name, struct lock_class_key *key)',
  mutex_lock: 'void mutex_lock(struct mutex *lock)',
  mutex_lock_interruptible: 'int __must_check mutex_lock_interruptible(struct mutex *lock)',
  mutex_lock_killable: 'int __must_check mutex_lock_killable(struct mutex *lock)',
  mutex_trylock: 'int mutex_trylock(struct mutex *lock)',
  mutex_unlock: 'void mutex_unlock(struct mutex *lock)',
  mutex_is_locked: 'bool mutex_is_locked(struct mutex *lock)',
  atomic_dec_and_mutex_lock: 'int atomic_dec_and_mutex_lock(atomic_t *cnt, struct mutex *lock)',
});
exported('linux/semaphore.h', {
  down: 'void down(struct semaphore *sem)',
  down_interruptible: 'int __must_check down_interruptible(struct semaphore *sem)',
  down_killable: 'int __must_check down_killable(struct semaphore *sem)',
  down_trylock: 'int __must_check down_trylock(struct semaphore *sem)',
  down_timeout: 'int __must_check down_timeout(struct semaphore *sem, long jiffies)',
  up: 'void up(struct semaphore *sem)',
});
exported('linux/rwsem.h', {
  __init_rwsem: 'void __init_rwsem(struct rw_semaphore *sem, const char *name, struct lock_class_key *key)',
  down_read: 'void down_read(struct rw_semaphore *sem)',
  down_read_interruptible: 'int __must_check down_read_interruptible(struct rw_semaphore *sem)',
  down_read_killable: 'int __must_check down_read_killable(struct rw_semaphore *sem)',
  down_read_trylock: 'int down_read_trylock(struct rw_semaphore *sem)',
  down_write: 'void down_write(struct rw_semaphore *sem)',
  down_write_killable: 'int __must_check down_write_killable(struct rw_semaphore *sem)',
  down_write_trylock: 'int down_write_trylock(struct rw_semaphore *sem)',
  up_read: 'void up_read(struct rw_semaphore *sem)',
  up_write: 'void up_write(struct rw_semaphore *sem)',
  downgrade_write: 'void downgrade_write(struct rw_semaphore *sem)',
});
exported('linux/spinlock.h', {
  _raw_spin_lock: 'void _raw_spin_lock(raw_spinlock_t *lock)',
  _raw_spin_lock_bh: 'void _raw_spin_lock_bh(raw_spinlock_t *lock)',
  _raw_spin_lock_irq: 'void _raw_spin_lock_irq(raw_spinlock_t *lock)',
  _raw_spin_lock_irqsave: 'unsigned long _raw_spin_lock_irqsave(raw_spinlock_t *lock)',
  _raw_spin_trylock: 'int _raw_spin_trylock(raw_spinlock_t *lock)',
  _raw_spin_unlock: 'void _raw_spin_unlock(raw_spinlock_t *lock)',
  _raw_spin_unlock_bh: 'void _raw_spin_unlock_bh(raw_spinlock_t *lock)',
  _raw_spin_unlock_irq: 'void _raw_spin_unlock_irq(raw_spinlock_t *lock)',
  _raw_spin_unlock_irqrestore: 'void _raw_spin_unlock_irqrestore(raw_spinlock_t *lock, unsigned long flags)',
  _raw_read_lock: 'void _raw_read_lock(rwlock_t *lock)',
  _raw_read_unlock: 'void _raw_read_unlock(rwlock_t *lock)',
  _raw_read_lock_irqsave: 'unsigned long _raw_read_lock_irqsave(rwlock_t *lock)',
  _raw_read_unlock_irqrestore: 'void _raw_read_unlock_irqrestore(rwlock_t *lock, unsigned long flags)',
  _raw_write_lock: 'void _raw_write_lock(rwlock_t *lock)',
  _raw_write_unlock: 'void _raw_write_unlock(rwlock_t *lock)',
  _raw_write_lock_irqsave: 'unsigned long _raw_write_lock_irqsave(rwlock_t *lock)',
  _raw_write_unlock_irqrestore: 'void _raw_write_unlock_irqrestore(rwlock_t *lock, unsigned long flags)',
  _raw_read_trylock: 'int _raw_read_trylock(rwlock_t *lock)',
  _raw_write_trylock: 'int _raw_write_trylock(rwlock_t *lock)',
});
exported('linux/irqflags.h', {
  arch_local_irq_save: 'unsigned long arch_local_irq_save(void)',
  arch_local_irq_restore: 'void arch_local_irq_restore(unsigned long flags)',
  arch_local_irq_disable: 'void arch_local_irq_disable(void)',
  arch_local_irq_enable: 'void arch_local_irq_enable(void)',
  arch_irqs_disabled: 'bool arch_irqs_disabled(void)',
});
exported('linux/preempt.h', {
  preempt_count_add: 'void preempt_count_add(int val)',
  preempt_count_sub: 'void preempt_count_sub(int val)',
  preempt_count: 'int preempt_count(void)',
  __local_bh_enable_ip: 'void __local_bh_enable_ip(unsigned long ip, unsigned int cnt)',
});
exported('linux/rcupdate.h', {
  __rcu_read_lock: ['void __rcu_read_lock(void)', gpl],
  __rcu_read_unlock: ['void __rcu_read_unlock(void)', gpl],
  synchronize_rcu: ['void synchronize_rcu(void)', gpl],
  rcu_barrier: ['void rcu_barrier(void)', gpl],
  call_rcu: ['void call_rcu(struct callback_head *head, rcu_callback_t func)', gpl],
  kvfree_call_rcu: ['void kvfree_call_rcu(struct callback_head *head, void *ptr)', gpl],
});
exported('linux/jiffies.h', {
  jiffies: ['unsigned long volatile jiffies', { data: true, size: 8 }],
  jiffies_64: ['u64 jiffies_64', { data: true, size: 8 }],
  get_jiffies_64: 'u64 get_jiffies_64(void)',
  __msecs_to_jiffies: 'unsigned long __msecs_to_jiffies(const unsigned int m)',
  __usecs_to_jiffies: 'unsigned long __usecs_to_jiffies(const unsigned int u)',
  jiffies_to_msecs: 'unsigned int jiffies_to_msecs(const unsigned long j)',
  jiffies_to_usecs: 'unsigned int jiffies_to_usecs(const unsigned long j)',
  nsecs_to_jiffies: ['unsigned long nsecs_to_jiffies(u64 n)', gpl],
  timespec64_to_jiffies: 'unsigned long timespec64_to_jiffies(const struct timespec64 *value)',
  jiffies_to_timespec64: 'void jiffies_to_timespec64(const unsigned long jiffies, struct timespec64 *value)',
});
exported('linux/timer.h', {
  init_timer_key:
    'void init_timer_key(struct timer_list *timer, void (*func)(struct timer_list *), unsigned int flags, const char *name, struct lock_class_key *key)',
  add_timer: 'void add_timer(struct timer_list *timer)',
  add_timer_on: ['void add_timer_on(struct timer_list *timer, int cpu)', gpl],
  mod_timer: 'int mod_timer(struct timer_list *timer, unsigned long expires)',
  mod_timer_pending: 'int mod_timer_pending(struct timer_list *timer, unsigned long expires)',
  timer_delete: ['int timer_delete(struct timer_list *timer)', { since: kernelVersion(6, 2, 0) }],
  timer_delete_sync: ['int timer_delete_sync(struct timer_list *timer)', { since: kernelVersion(6, 2, 0) }],
  timer_shutdown_sync: [
    'int timer_shutdown_sync(struct timer_list *timer)',
    { gpl: true, since: kernelVersion(6, 2, 0) },
  ],
  del_timer: ['int del_timer(struct timer_list *timer)', { until: kernelVersion(6, 2, 0) }],
  del_timer_sync: ['int del_timer_sync(struct timer_list *timer)', { until: kernelVersion(6, 2, 0) }],
});
exported('linux/hrtimer.h', {
  hrtimer_init: ['void hrtimer_init(struct hrtimer *timer, int clock_id, enum hrtimer_mode mode)', gpl],
  hrtimer_start_range_ns: [
    'void hrtimer_start_range_ns(struct hrtimer *timer, ktime_t tim, u64 range_ns, const enum hrtimer_mode mode)',
    gpl,
  ],
  hrtimer_cancel: ['int hrtimer_cancel(struct hrtimer *timer)', gpl],
  hrtimer_try_to_cancel: ['int hrtimer_try_to_cancel(struct hrtimer *timer)', gpl],
  hrtimer_forward: ['u64 hrtimer_forward(struct hrtimer *timer, ktime_t now, ktime_t interval)', gpl],
  hrtimer_active: ['bool hrtimer_active(const struct hrtimer *timer)', gpl],
  __hrtimer_get_remaining: ['ktime_t __hrtimer_get_remaining(const struct hrtimer *timer, bool adjust)', gpl],
  schedule_hrtimeout: ['int schedule_hrtimeout(ktime_t *expires, const enum hrtimer_mode mode)', gpl],
  schedule_hrtimeout_range: [
    'int schedule_hrtimeout_range(ktime_t *expires, u64 delta, const enum hrtimer_mode mode)',
    gpl,
  ],
});
exported('linux/delay.h', {
  msleep: 'void msleep(unsigned int msecs)',
  msleep_interruptible: 'unsigned long msleep_interruptible(unsigned int msecs)',
  usleep_range_state: 'void usleep_range_state(unsigned long min, unsigned long max, unsigned int state)',
  __udelay: 'void __udelay(unsigned long usecs)',
  __ndelay: 'void __ndelay(unsigned long nsecs)',
  loops_per_jiffy: ['unsigned long loops_per_jiffy', { data: true, size: 8 }],
});
exported('linux/timekeeping.h', {
  ktime_get: ['ktime_t ktime_get(void)', gpl],
  ktime_get_with_offset: ['ktime_t ktime_get_with_offset(int offs)', gpl],
  ktime_get_raw: ['ktime_t ktime_get_raw(void)', gpl],
  ktime_get_ts64: ['void ktime_get_ts64(struct timespec64 *ts)', gpl],
  ktime_get_real_ts64: 'void ktime_get_real_ts64(struct timespec64 *ts)',
  ktime_get_coarse_real_ts64: 'void ktime_get_coarse_real_ts64(struct timespec64 *ts)',
  ktime_get_real_seconds: ['time64_t ktime_get_real_seconds(void)', gpl],
  ktime_get_seconds: ['time64_t ktime_get_seconds(void)', gpl],
  ktime_get_mono_fast_ns: ['u64 ktime_get_mono_fast_ns(void)', gpl],
  do_gettimeofday: ['void do_gettimeofday(struct timeval *tv)', { until: kernelVersion(5, 0, 0) }],
});
exported('linux/time.h', {
  time64_to_tm: 'void time64_to_tm(time64_t totalsecs, int offset, struct tm *result)',
  mktime64:
    'time64_t mktime64(const unsigned int year, const unsigned int mon, const unsigned int day, const unsigned int hour, const unsigned int min, const unsigned int sec)',
});
exported('linux/sched/clock.h', {
  sched_clock: ['unsigned long long sched_clock(void)', gpl],
  local_clock: ['u64 local_clock(void)', gpl],
});
exported('linux/workqueue.h', {
  queue_work_on: 'bool queue_work_on(int cpu, struct workqueue_struct *wq, struct work_struct *work)',
  queue_delayed_work_on:
    'bool queue_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *work, unsigned long delay)',
  mod_delayed_work_on: [
    'bool mod_delayed_work_on(int cpu, struct workqueue_struct *wq, struct delayed_work *dwork, unsigned long delay)',
    gpl,
  ],
  delayed_work_timer_fn: 'void delayed_work_timer_fn(struct timer_list *t)',
  alloc_workqueue: [
    '__printf(1, 4) struct workqueue_struct *alloc_workqueue(const char *fmt, unsigned int flags, int max_active, ...)',
    gpl,
  ],
  destroy_workqueue: ['void destroy_workqueue(struct workqueue_struct *wq)', gpl],
  __flush_workqueue: 'void __flush_workqueue(struct workqueue_struct *wq)',
  drain_workqueue: ['void drain_workqueue(struct workqueue_struct *wq)', gpl],
  flush_work: ['bool flush_work(struct work_struct *work)', gpl],
  flush_delayed_work: 'bool flush_delayed_work(struct delayed_work *dwork)',
  cancel_work: ['bool cancel_work(struct work_struct *work)', {}],
  cancel_work_sync: ['bool cancel_work_sync(struct work_struct *work)', gpl],
  cancel_delayed_work: 'bool cancel_delayed_work(struct delayed_work *dwork)',
  cancel_delayed_work_sync: 'bool cancel_delayed_work_sync(struct delayed_work *dwork)',
  current_work: 'struct work_struct *current_work(void)',
  system_wq: ['struct workqueue_struct *system_wq', { data: true, size: 8 }],
  system_highpri_wq: ['struct workqueue_struct *system_highpri_wq', { gpl: true, data: true, size: 8 }],
  system_long_wq: ['struct workqueue_struct *system_long_wq', { gpl: true, data: true, size: 8 }],
  system_unbound_wq: ['struct workqueue_struct *system_unbound_wq', { gpl: true, data: true, size: 8 }],
});
exported('linux/interrupt.h', {
  request_threaded_irq:
    'int request_threaded_irq(unsigned int irq, irq_handler_t handler, irq_handler_t thread_fn, unsigned long flags, const char *name, void *dev)',
  free_irq: 'const void *free_irq(unsigned int irq, void *dev_id)',
  enable_irq: 'void enable_irq(unsigned int irq)',
  disable_irq: 'void disable_irq(unsigned int irq)',
  disable_irq_nosync: 'void disable_irq_nosync(unsigned int irq)',
  synchronize_irq: 'void synchronize_irq(unsigned int irq)',
  irq_set_irqchip_state: ['int irq_set_irqchip_state(unsigned int irq, int which, bool state)', gpl],
  generic_handle_irq: ['int generic_handle_irq(unsigned int irq)', gpl],
  __tasklet_schedule: 'void __tasklet_schedule(struct tasklet_struct *t)',
  __tasklet_hi_schedule: 'void __tasklet_hi_schedule(struct tasklet_struct *t)',
  tasklet_kill: 'void tasklet_kill(struct tasklet_struct *t)',
  tasklet_init:
    'void tasklet_init(struct tasklet_struct *t, void (*func)(unsigned long), unsigned long data)',
  tasklet_setup: [
    'void tasklet_setup(struct tasklet_struct *t, void (*callback)(struct tasklet_struct *))',
    { since: kernelVersion(5, 9, 0) },
  ],
});
exported('linux/notifier.h', {
  atomic_notifier_chain_register: [
    'int atomic_notifier_chain_register(struct atomic_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  atomic_notifier_chain_unregister: [
    'int atomic_notifier_chain_unregister(struct atomic_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  atomic_notifier_call_chain: [
    'int atomic_notifier_call_chain(struct atomic_notifier_head *nh, unsigned long val, void *v)',
    gpl,
  ],
  blocking_notifier_chain_register: [
    'int blocking_notifier_chain_register(struct blocking_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  blocking_notifier_chain_unregister: [
    'int blocking_notifier_chain_unregister(struct blocking_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  blocking_notifier_call_chain: [
    'int blocking_notifier_call_chain(struct blocking_notifier_head *nh, unsigned long val, void *v)',
    gpl,
  ],
  raw_notifier_chain_register: [
    'int raw_notifier_chain_register(struct raw_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  raw_notifier_chain_unregister: [
    'int raw_notifier_chain_unregister(struct raw_notifier_head *nh, struct notifier_block *nb)',
    gpl,
  ],
  raw_notifier_call_chain: [
    'int raw_notifier_call_chain(struct raw_notifier_head *nh, unsigned long val, void *v)',
    gpl,
  ],
});
exported('linux/reboot.h', {
  register_reboot_notifier: 'int register_reboot_notifier(struct notifier_block *nb)',
  unregister_reboot_notifier: 'int unregister_reboot_notifier(struct notifier_block *nb)',
  emergency_restart: ['void emergency_restart(void)', gpl],
  kernel_restart: ['void kernel_restart(char *cmd)', gpl],
  kernel_power_off: ['void kernel_power_off(void)', gpl],
  kernel_halt: ['void kernel_halt(void)', gpl],
  orderly_poweroff: ['void orderly_poweroff(bool force)', gpl],
});
exported('linux/keyboard.h', {
  register_keyboard_notifier: ['int register_keyboard_notifier(struct notifier_block *nb)', gpl],
  unregister_keyboard_notifier: ['int unregister_keyboard_notifier(struct notifier_block *nb)', gpl],
});
exported('linux/kprobes.h', {
  register_kprobe: ['int register_kprobe(struct kprobe *p)', gpl],
  unregister_kprobe: ['void unregister_kprobe(struct kprobe *p)', gpl],
  register_kretprobe: ['int register_kretprobe(struct kretprobe *rp)', gpl],
  unregister_kretprobe: ['void unregister_kretprobe(struct kretprobe *rp)', gpl],
  enable_kprobe: ['int enable_kprobe(struct kprobe *kp)', gpl],
  disable_kprobe: ['int disable_kprobe(struct kprobe *kp)', gpl],
});
exported('linux/kmod.h', {
  __request_module: '__printf(2, 3) int __request_module(bool wait, const char *name, ...)',
  call_usermodehelper: 'int call_usermodehelper(const char *path, char **argv, char **envp, int wait)',
});
exported('linux/module.h', {
  try_module_get: 'bool try_module_get(struct module *module)',
  module_put: 'void module_put(struct module *module)',
  __module_get: 'void __module_get(struct module *module)',
  module_refcount: 'int module_refcount(struct module *mod)',
  __symbol_get: ['void *__symbol_get(const char *symbol)', gpl],
  __symbol_put: 'void __symbol_put(const char *symbol)',
  register_module_notifier: 'int register_module_notifier(struct notifier_block *nb)',
  unregister_module_notifier: 'int unregister_module_notifier(struct notifier_block *nb)',
  module_layout:
    'void module_layout(struct module *mod, struct modversion_info *ver, struct kernel_param *kp, struct kernel_symbol *ks)',
});
const ops = (type: string) =>
  [`const struct kernel_param_ops param_ops_${type}`, { data: true, size: 32 }] as const;
const setter = (type: string) => `int param_set_${type}(const char *val, const struct kernel_param *kp)`;
const getter = (type: string) => `int param_get_${type}(char *buffer, const struct kernel_param *kp)`;
for (const type of [
  'byte',
  'short',
  'ushort',
  'int',
  'uint',
  'long',
  'ulong',
  'ullong',
  'charp',
  'bool',
  'invbool',
]) {
  exported('linux/moduleparam.h', {
    [`param_ops_${type}`]: ops(type),
    [`param_set_${type}`]: setter(type),
    [`param_get_${type}`]: getter(type),
  });
}
exported('linux/moduleparam.h', {
  param_ops_hexint: [
    'const struct kernel_param_ops param_ops_hexint',
    { data: true, size: 32, since: kernelVersion(5, 8, 0) },
  ],
  param_ops_string: ops('string'),
  param_ops_bint: ops('bint'),
  param_set_copystring: setter('copystring'),
  param_get_string: getter('string'),
  param_set_bint: setter('bint'),
  param_array_ops: ['const struct kernel_param_ops param_array_ops', { data: true, size: 32 }],
  kernel_param_lock: 'void kernel_param_lock(struct module *mod)',
  kernel_param_unlock: 'void kernel_param_unlock(struct module *mod)',
});
exported('linux/jump_label.h', {
  static_key_enable: ['void static_key_enable(struct static_key *key)', gpl],
  static_key_disable: ['void static_key_disable(struct static_key *key)', gpl],
  static_key_slow_inc: ['bool static_key_slow_inc(struct static_key *key)', gpl],
  static_key_slow_dec: ['void static_key_slow_dec(struct static_key *key)', gpl],
});
exported('linux/smp.h', {
  on_each_cpu: 'void on_each_cpu(void (*func)(void *info), void *info, int wait)',
});
