#include <linux/list.h>
#include <linux/spinlock_types.h>
/* @structs */
#define __RWSEM_INITIALIZER(name) { .wait_list = LIST_HEAD_INIT((name).wait_list) }
#define DECLARE_RWSEM(name) struct rw_semaphore name = __RWSEM_INITIALIZER(name)
/* @kapi */
#define init_rwsem(sem) do { static struct lock_class_key __key; __init_rwsem((sem), #sem, &__key); } while (0)
#define rwsem_is_locked(sem) ((sem)->count.counter != 0)
