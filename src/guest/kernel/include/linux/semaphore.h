#include <linux/list.h>
#include <linux/spinlock_types.h>
/* @structs */
#define __SEMAPHORE_INITIALIZER(name, n) { .count = n, .wait_list = LIST_HEAD_INIT((name).wait_list) }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define DEFINE_SEMAPHORE(name, n) struct semaphore name = __SEMAPHORE_INITIALIZER(name, n)
#else
#define DEFINE_SEMAPHORE(name) struct semaphore name = __SEMAPHORE_INITIALIZER(name, 1)
#endif
static inline void sema_init(struct semaphore *sem, int val)
{
	*sem = (struct semaphore)__SEMAPHORE_INITIALIZER(*sem, val);
}
/* @kapi */
