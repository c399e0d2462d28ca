#include <linux/list.h>
#include <linux/sysfs.h>
#include <linux/spinlock_types.h>
#include <linux/kref.h>
struct kset_uevent_ops;
/* @structs */
enum kobject_action { KOBJ_ADD, KOBJ_REMOVE, KOBJ_CHANGE, KOBJ_MOVE, KOBJ_ONLINE, KOBJ_OFFLINE, KOBJ_BIND, KOBJ_UNBIND };
#ifndef __MODPOST_C__
/* @kapi */
static inline const char *kobject_name(const struct kobject *kobj) { return kobj->name; }
#endif
