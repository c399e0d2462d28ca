/* Kernel-side names of system calls: declared, and exported to nobody. */
#include <linux/fs.h>
#include <linux/sched/signal.h>
ssize_t ksys_read(unsigned int fd, char __user *buf, size_t count);
ssize_t ksys_write(unsigned int fd, const char __user *buf, size_t count);
int ksys_sync_helper(struct file *file);
int ksys_fchown(unsigned int fd, uid_t user, gid_t group);
/* @structs */
/* @kapi */
