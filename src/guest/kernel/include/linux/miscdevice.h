#include <linux/major.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/device.h>
#define MISC_DYNAMIC_MINOR 255
/* @structs */
/* @kapi */
#define builtin_misc_device(d) module_misc_device(d)
#define module_misc_device(__misc_device) module_driver(__misc_device, misc_register, misc_deregister)
#define MODULE_ALIAS_MISCDEV(minor) MODULE_ALIAS("char-major-10-" __stringify(minor))
