/** Lists, atomic counters, locks and wait queues as C sees them. Always true: initialisers in the headers fill them whole. */
import { struct, typedef, union } from './declare.ts';

const types = 'linux/types.h';
struct('list_head', types, { next: 'struct list_head *', prev: 'struct list_head *' });
struct('hlist_node', types, { next: 'struct hlist_node *', pprev: 'struct hlist_node **' });
struct('hlist_head', types, { first: 'struct hlist_node *' });
struct('callback_head', types, {
  next: 'struct callback_head *',
  func: 'void (*)(struct callback_head *head)',
});
typedef('atomic_t', 'atomic_counter');
struct('atomic_counter', types, { counter: 'int' });
typedef('atomic64_t', 'atomic64_counter');
typedef('atomic_long_t', 'atomic64_counter');
struct('atomic64_counter', types, { counter: 's64' });
typedef('refcount_t', 'refcount_struct');
struct('refcount_struct', types, { refs: 'atomic_t' });
struct('kref', 'linux/kref.h', { refcount: 'refcount_t' });

const locks = 'linux/spinlock_types.h';
typedef('raw_spinlock_t', 'raw_spinlock');
struct('raw_spinlock', locks, { slock: 'unsigned int', owner: 'unsigned int' });
typedef('spinlock_t', 'spinlock');
struct('spinlock', locks, { rlock: 'struct raw_spinlock' });
typedef('rwlock_t', 'rwlock');
struct('rwlock', locks, { cnts: 'int', owner: 'unsigned int' });

typedef('wait_queue_head_t', 'wait_queue_head');
struct('wait_queue_head', 'linux/wait.h', { lock: 'spinlock_t', head: 'struct list_head' });
typedef('wait_queue_entry_t', 'wait_queue_entry');
struct('wait_queue_entry', 'linux/wait.h', {
  flags: 'unsigned int',
  private: 'void *',
  func: 'wait_queue_func_t',
  entry: 'struct list_head',
});
struct('swait_queue_head', 'linux/swait.h', { lock: 'raw_spinlock_t', task_list: 'struct list_head' });
struct('completion', 'linux/completion.h', { done: 'unsigned int', wait: 'wait_queue_head_t' });
struct('mutex', 'linux/mutex.h', {
  owner: 'atomic_long_t',
  wait_lock: 'spinlock_t',
  wait_list: 'struct list_head',
});
struct('semaphore', 'linux/semaphore.h', {
  lock: 'raw_spinlock_t',
  count: 'unsigned int',
  wait_list: 'struct list_head',
});
struct('rw_semaphore', 'linux/rwsem.h', {
  count: 'atomic_long_t',
  owner: 'atomic_long_t',
  wait_lock: 'raw_spinlock_t',
  wait_list: 'struct list_head',
});
typedef('seqcount_t', 'seqcount');
struct('seqcount', 'linux/seqlock.h', { sequence: 'unsigned int' });
typedef('seqlock_t', 'seqlock');
struct('seqlock', 'linux/seqlock.h', { seqcount: 'struct seqcount', lock: 'spinlock_t' });

struct('rb_node', 'linux/rbtree_types.h', {
  __rb_parent_color: 'unsigned long',
  rb_right: 'struct rb_node *',
  rb_left: 'struct rb_node *',
});
struct('rb_root', 'linux/rbtree_types.h', { rb_node: 'struct rb_node *' });
struct('rb_root_cached', 'linux/rbtree_types.h', {
  rb_root: 'struct rb_root',
  rb_leftmost: 'struct rb_node *',
});
struct('idr', 'linux/idr.h', {
  root: 'void *',
  count: 'unsigned int',
  idr_base: 'unsigned int',
  idr_next: 'unsigned int',
  flags: 'unsigned int',
});
struct('ida', 'linux/idr.h', { root: 'void *', count: 'unsigned int', flags: 'unsigned int' });
struct('xarray', 'linux/xarray.h', { xa_lock: 'spinlock_t', xa_flags: 'gfp_t', xa_head: 'void *' });
struct('radix_tree_root', 'linux/radix-tree.h', {
  gfp_mask: 'gfp_t',
  count: 'unsigned int',
  rnode: 'void *',
});
struct('__kfifo', 'linux/kfifo.h', {
  in: 'unsigned int',
  out: 'unsigned int',
  mask: 'unsigned int',
  esize: 'unsigned int',
  data: 'void *',
});
struct('ratelimit_state', 'linux/ratelimit_types.h', {
  lock: 'raw_spinlock_t',
  interval: 'int',
  burst: 'int',
  printed: 'int',
  missed: 'int',
  begin: 'unsigned long',
  flags: 'unsigned long',
});
struct('notifier_block', 'linux/notifier.h', {
  notifier_call: 'notifier_fn_t',
  next: 'struct notifier_block *',
  priority: 'int',
});
struct('atomic_notifier_head', 'linux/notifier.h', { lock: 'spinlock_t', head: 'struct notifier_block *' });
struct('blocking_notifier_head', 'linux/notifier.h', {
  rwsem: 'struct rw_semaphore',
  head: 'struct notifier_block *',
});
struct('raw_notifier_head', 'linux/notifier.h', { head: 'struct notifier_block *' });
struct('static_key', 'linux/jump_label.h', { enabled: 'atomic_t', type: 'unsigned long' });
struct('static_key_true', 'linux/jump_label.h', { key: 'struct static_key' });
struct('static_key_false', 'linux/jump_label.h', { key: 'struct static_key' });
union('sigval_pointer', 'linux/signal_types.h', { sival_int: 'int', sival_ptr: 'void *' });
