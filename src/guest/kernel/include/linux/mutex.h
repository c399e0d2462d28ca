#include <linux/list.h>
#include <linux/spinlock_types.h>
/* @structs */
#define __MUTEX_INITIALIZER(lockname) { .wait_list = LIST_HEAD_INIT(lockname.wait_list) }
#define DEFINE_MUTEX(mutexname) struct mutex mutexname = __MUTEX_INITIALIZER(mutexname)
/* @kapi */
#define mutex_init(mutex) do { static struct lock_class_key __key; __mutex_init((mutex), #mutex, &__key); } while (0)
#define mutex_destroy(lock) do { } while (0)
#define mutex_lock_nested(lock, sub) mutex_lock(lock)
