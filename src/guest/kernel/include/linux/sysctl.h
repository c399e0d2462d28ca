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
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define register_sysctl(path, table) register_sysctl_sz(path, table, sizeof(table) / sizeof((table)[0]))
#endif

