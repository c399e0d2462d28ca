#include <linux/list.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
/* @structs */
#define TIMER_DEFERRABLE 0x00080000
#define TIMER_PINNED 0x00100000
#define TIMER_IRQSAFE 0x00200000
#define __TIMER_INITIALIZER(_function, _flags) { .function = (_function), .flags = (_flags) }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 15, 0)
#define DEFINE_TIMER(_name, _function) struct timer_list _name = __TIMER_INITIALIZER(_function, 0)
#endif
/* @kapi */
#define timer_setup(timer, callback, flags) \
	do { static struct lock_class_key __key; init_timer_key((timer), (callback), (flags), #timer, &__key); } while (0)
#define timer_setup_on_stack timer_setup
#define destroy_timer_on_stack(timer) do { } while (0)
#define from_timer(var, callback_timer, timer_fieldname) container_of(callback_timer, __typeof__(*var), timer_fieldname)
static inline int timer_pending(const struct timer_list *timer) { return timer->entry.pprev != NULL; }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static inline int del_timer_sync(struct timer_list *timer) { return timer_delete_sync(timer); }
static inline int del_timer(struct timer_list *timer) { return timer_delete(timer); }
#endif
#define del_singleshot_timer_sync(t) del_timer_sync(t)
