#include <linux/kobject.h>
#include <linux/err.h>
struct dev_pm_ops;
/* @structs */
/* @kapi */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define class_create(owner, name) ({ static struct lock_class_key __key; __class_create(owner, name, &__key); })
#define class_register(class) ({ static struct lock_class_key __key; __class_register(class, &__key); })
#else
/*@line 228*/
struct class * __must_check class_create(const char *name);
#endif
#define class_create_file(cls, attr) class_create_file_ns(cls, attr, NULL)
#define class_remove_file(cls, attr) class_remove_file_ns(cls, attr, NULL)
#define CLASS_ATTR_RW(_name) struct class_attribute class_attr_##_name = __ATTR_RW(_name)
#define CLASS_ATTR_RO(_name) struct class_attribute class_attr_##_name = __ATTR_RO(_name)
#define CLASS_ATTR_WO(_name) struct class_attribute class_attr_##_name = __ATTR_WO(_name)
