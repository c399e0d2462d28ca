/* Wait queues. */
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/sched.h>
#include <linux/jiffies.h>
struct wait_queue_entry;
typedef int (*wait_queue_func_t)(struct wait_queue_entry *wq_entry, unsigned mode, int flags, void *key);
/* @structs */
typedef struct wait_queue_entry wait_queue_t;
#define WQ_FLAG_EXCLUSIVE 1
/* @kapi */
#define __WAITQUEUE_INITIALIZER(name, tsk) { .private = tsk, .func = default_wake_function, .entry = { NULL, NULL } }
#define DECLARE_WAITQUEUE(name, tsk) struct wait_queue_entry name = __WAITQUEUE_INITIALIZER(name, tsk)
#define __WAIT_QUEUE_HEAD_INITIALIZER(name) { .head = LIST_HEAD_INIT(name.head) }
#define DECLARE_WAIT_QUEUE_HEAD(name) struct wait_queue_head name = __WAIT_QUEUE_HEAD_INITIALIZER(name)
#define DECLARE_WAIT_QUEUE_HEAD_ONSTACK(name) DECLARE_WAIT_QUEUE_HEAD(name)
#define init_waitqueue_head(wq_head) do { static struct lock_class_key __key; __init_waitqueue_head((wq_head), #wq_head, &__key); } while (0)
#define DEFINE_WAIT_FUNC(name, function) \
	struct wait_queue_entry name = { .private = current, .func = function, .entry = LIST_HEAD_INIT((name).entry) }
#define DEFINE_WAIT(name) DEFINE_WAIT_FUNC(name, autoremove_wake_function)
#define init_wait(wait) do { (wait)->private = current; (wait)->func = autoremove_wake_function; INIT_LIST_HEAD(&(wait)->entry); (wait)->flags = 0; } while (0)
static inline void init_waitqueue_entry(struct wait_queue_entry *e, struct task_struct *p) { e->flags = 0; e->private = p; e->func = default_wake_function; }
static inline int waitqueue_active(struct wait_queue_head *wq_head) { return !list_empty(&wq_head->head); }
#define wq_has_sleeper(wq_head) waitqueue_active(wq_head)
#define wake_up(x) __wake_up(x, TASK_NORMAL, 1, NULL)
#define wake_up_nr(x, nr) __wake_up(x, TASK_NORMAL, nr, NULL)
#define wake_up_all(x) __wake_up(x, TASK_NORMAL, 0, NULL)
#define wake_up_interruptible(x) __wake_up(x, TASK_INTERRUPTIBLE, 1, NULL)
#define wake_up_interruptible_nr(x, nr) __wake_up(x, TASK_INTERRUPTIBLE, nr, NULL)
#define wake_up_interruptible_all(x) __wake_up(x, TASK_INTERRUPTIBLE, 0, NULL)
#define wake_up_interruptible_sync(x) __wake_up_sync((x), TASK_INTERRUPTIBLE)
#define wake_up_poll(x, m) __wake_up(x, TASK_NORMAL, 1, (void *)(unsigned long)(m))
#define wake_up_interruptible_poll(x, m) __wake_up(x, TASK_INTERRUPTIBLE, 1, (void *)(unsigned long)(m))
#define ___wait_event(wq_head, condition, state, exclusive, ret, cmd)	\
({									\
	__label__ __out;						\
	struct wait_queue_entry __wq_entry;				\
	long __ret = ret;						\
	init_wait_entry(&__wq_entry, exclusive ? WQ_FLAG_EXCLUSIVE : 0);	\
	for (;;) {							\
		long __int = prepare_to_wait_event(&wq_head, &__wq_entry, state);	\
		if (condition)						\
			break;						\
		if (((state) & (TASK_INTERRUPTIBLE | TASK_WAKEKILL)) && __int) {	\
			__ret = __int;					\
			goto __out;					\
		}							\
		cmd;							\
	}								\
	finish_wait(&wq_head, &__wq_entry);				\
__out:	__ret;								\
})
#define ___wait_cond_timeout(condition) ({ bool __cond = (condition); if (__cond && !__ret) __ret = 1; __cond || !__ret; })
#define wait_event(wq_head, condition) \
	do { if (!(condition)) (void)___wait_event(wq_head, condition, TASK_UNINTERRUPTIBLE, 0, 0, schedule()); } while (0)
#define wait_event_interruptible(wq_head, condition) \
	({ int __wret = 0; if (!(condition)) __wret = ___wait_event(wq_head, condition, TASK_INTERRUPTIBLE, 0, 0, schedule()); __wret; })
#define wait_event_interruptible_exclusive(wq_head, condition) \
	({ int __wret = 0; if (!(condition)) __wret = ___wait_event(wq_head, condition, TASK_INTERRUPTIBLE, 1, 0, schedule()); __wret; })
#define wait_event_killable(wq_head, condition) \
	({ int __wret = 0; if (!(condition)) __wret = ___wait_event(wq_head, condition, TASK_KILLABLE, 0, 0, schedule()); __wret; })
#define wait_event_timeout(wq_head, condition, timeout) \
	({ long __ret = (timeout); if (!___wait_cond_timeout(condition)) { \
		__ret = ___wait_event(wq_head, ___wait_cond_timeout(condition), TASK_UNINTERRUPTIBLE, 0, timeout, __ret = schedule_timeout(__ret)); } __ret; })
#define wait_event_interruptible_timeout(wq_head, condition, timeout) \
	({ long __ret = (timeout); if (!___wait_cond_timeout(condition)) { \
		__ret = ___wait_event(wq_head, ___wait_cond_timeout(condition), TASK_INTERRUPTIBLE, 0, timeout, __ret = schedule_timeout(__ret)); } __ret; })
#define wait_event_lock_irq(wq_head, condition, lock) \
	do { if (!(condition)) (void)___wait_event(wq_head, condition, TASK_UNINTERRUPTIBLE, 0, 0, \
		spin_unlock_irq(&lock); schedule(); spin_lock_irq(&lock)); } while (0)
#define wait_event_interruptible_lock_irq(wq_head, condition, lock) \
	({ int __wret = 0; if (!(condition)) __wret = ___wait_event(wq_head, condition, TASK_INTERRUPTIBLE, 0, 0, \
		spin_unlock_irq(&lock); schedule(); spin_lock_irq(&lock)); __wret; })
