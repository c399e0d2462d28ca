// /dev/ones: an endless supply of the character 1. A character device from its number to its node.
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/version.h>

static int major;
static struct class *ones_class;
static struct device *ones_device;

static int ones_open(struct inode *inode, struct file *file)
{
	pr_info("ones: opened by %s, process %d\n", current->comm, current->pid);
	return 0;
}

static int ones_release(struct inode *inode, struct file *file)
{
	pr_info("ones: closed by %s, process %d\n", current->comm, current->pid);
	return 0;
}

// buf is an address in the reader's memory: only put_user and copy_to_user may write there.
static ssize_t ones_read(struct file *file, char __user *buf, size_t len, loff_t *offset)
{
	size_t done;

	for (done = 0; done < len; done++)
		if (put_user('1', buf++))
			return -EFAULT;
	return done;
}

// What the kernel calls for each system call on our device. There is no .write: writing is an error.
static const struct file_operations ones_fops = {
	.owner = THIS_MODULE,
	.open = ones_open,
	.release = ones_release,
	.read = ones_read,
};

// Each step can fail; then everything before it is undone in reverse order, for nobody else will do it.
static int __init ones_init(void)
{
	int err;

	major = register_chrdev(0, "ones", &ones_fops);	// 0: any free major number
	if (major < 0) {
		pr_alert("ones: no major number (%d)\n", major);
		return major;
	}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	ones_class = class_create("lecture");
#else
	ones_class = class_create(THIS_MODULE, "lecture");
#endif
	if (IS_ERR(ones_class)) {
		err = PTR_ERR(ones_class);
		goto failed_class;
	}
	ones_device = device_create(ones_class, NULL, MKDEV(major, 0), NULL, "ones");
	if (IS_ERR(ones_device)) {
		err = PTR_ERR(ones_device);
		goto failed_device;
	}
	pr_info("ones: ready, major number %d\n", major);
	return 0;

failed_device:
	class_destroy(ones_class);
failed_class:
	unregister_chrdev(major, "ones");
	return err;
}

static void __exit ones_exit(void)
{
	device_destroy(ones_class, MKDEV(major, 0));
	class_destroy(ones_class);
	unregister_chrdev(major, "ones");
	pr_info("ones: gone\n");
}

module_init(ones_init);
module_exit(ones_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A device full of ones");
