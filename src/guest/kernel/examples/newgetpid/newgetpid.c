// /dev/newgetpid: reading it tells you your process id, as the getpid system call would.
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/version.h>

static int major;
static struct class *pid_class;

// current is the process that is in the kernel just now: the one that called read().
static ssize_t pid_read(struct file *file, char __user *buf, size_t len, loff_t *offset)
{
	char text[32];
	int n = scnprintf(text, sizeof(text), "Your PID is %d!\n", task_pid_nr(current));

	if (*offset > 0)
		return 0;	// the end of the file: cat stops here
	if (len < n)
		return -EINVAL;
	if (copy_to_user(buf, text, n))
		return -EFAULT;
	*offset = n;
	return n;
}

static const struct file_operations pid_fops = {
	.owner = THIS_MODULE,
	.read = pid_read,
};

// The mode of the node in /dev: everybody may read.
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
static char *pid_devnode(const struct device *dev, umode_t *mode)
#else
static char *pid_devnode(struct device *dev, umode_t *mode)
#endif
{
	if (mode)
		*mode = 0444;
	return NULL;
}

static int __init pid_init(void)
{
	struct device *device;

	major = register_chrdev(0, "newgetpid", &pid_fops);
	if (major < 0)
		return major;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	pid_class = class_create("newgetpid");
#else
	pid_class = class_create(THIS_MODULE, "newgetpid");
#endif
	if (IS_ERR(pid_class)) {
		unregister_chrdev(major, "newgetpid");
		return PTR_ERR(pid_class);
	}
	pid_class->devnode = pid_devnode;
	device = device_create(pid_class, NULL, MKDEV(major, 0), NULL, "newgetpid");
	if (IS_ERR(device)) {
		class_destroy(pid_class);
		unregister_chrdev(major, "newgetpid");
		return PTR_ERR(device);
	}
	return 0;
}

static void __exit pid_exit(void)
{
	device_destroy(pid_class, MKDEV(major, 0));
	class_destroy(pid_class);
	unregister_chrdev(major, "newgetpid");
}

module_init(pid_init);
module_exit(pid_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("getpid as a device");
