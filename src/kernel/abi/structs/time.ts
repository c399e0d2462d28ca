/** Timers, deferred work and clocks as C sees them. */
import { struct } from './declare.ts';

struct('timespec64', 'linux/time64.h', { tv_sec: 'time64_t', tv_nsec: 'long' });
struct('timeval', 'linux/time64.h', { tv_sec: 'long', tv_usec: 'long' });
struct('tm', 'linux/time.h', {
  tm_sec: 'int',
  tm_min: 'int',
  tm_hour: 'int',
  tm_mday: 'int',
  tm_mon: 'int',
  tm_year: 'long',
  tm_wday: 'int',
  tm_yday: 'int',
});
struct('timer_list', 'linux/timer.h', {
  entry: 'struct hlist_node',
  expires: 'unsigned long',
  function: 'void (*)(struct timer_list *)',
  flags: 'u32',
  owner: 'u32',
});
struct('timerqueue_node', 'linux/hrtimer.h', { node: 'struct rb_node', expires: 'ktime_t' });
struct('hrtimer', 'linux/hrtimer.h', {
  node: 'struct timerqueue_node',
  _softexpires: 'ktime_t',
  function: 'enum hrtimer_restart (*)(struct hrtimer *)',
  base: 'struct hrtimer_clock_base *',
  clock_id: 'int',
  mode: 'int',
  state: 'u8',
  is_rel: 'u8',
  is_soft: 'u8',
  is_hard: 'u8',
});
struct('work_struct', 'linux/workqueue.h', {
  data: 'atomic_long_t',
  entry: 'struct list_head',
  func: 'work_func_t',
});
struct('delayed_work', 'linux/workqueue.h', {
  work: 'struct work_struct',
  timer: 'struct timer_list',
  wq: 'struct workqueue_struct *',
  cpu: 'int',
});
struct('rcu_work', 'linux/workqueue.h', {
  work: 'struct work_struct',
  rcu: 'struct callback_head',
  wq: 'struct workqueue_struct *',
});
struct('tasklet_struct', 'linux/interrupt.h', {
  next: 'struct tasklet_struct *',
  state: 'unsigned long',
  count: 'atomic_t',
  use_callback: 'bool',
  func: 'void (*)(unsigned long data)',
  data: 'unsigned long',
});
struct('kthread_work', 'linux/kthread.h', {
  node: 'struct list_head',
  func: 'void (*)(struct kthread_work *work)',
  worker: 'struct kthread_worker *',
  canceling: 'int',
});
struct('kthread_worker', 'linux/kthread.h', {
  flags: 'unsigned int',
  lock: 'raw_spinlock_t',
  work_list: 'struct list_head',
  delayed_work_list: 'struct list_head',
  task: 'struct task_struct *',
  current_work: 'struct kthread_work *',
});
