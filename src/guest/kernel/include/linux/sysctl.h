/* Entries of /proc/sys. */
#include <linux/types.h>
#include <linux/uaccess.h>
struct ctl_table;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
typedef int proc_handler(const struct ctl_table *ctl, int write, void *buffer, size_t *lenp, loff_t *ppos);
#else
typedef int proc_handler(struct ctl_table *ctl, int write, void __user *buffer, size_t *lenp, loff_t *ppos);
#endif
/* @structs */
/* @kapi */
