/* Static keys: a branch that is switched by writing to a device. */
#include <linux/atomic.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>

DEFINE_STATIC_KEY_FALSE(fkey);
static DEFINE_STATIC_KEY_TRUE(tkey);

static ssize_t device_read(struct file *filp, char __user *buffer, size_t length, loff_t *offset)
{
	char text[80];
	int n = scnprintf(text, sizeof(text), "fastpath %d %s\n", static_branch_likely(&tkey) ? 2 : 1,
			  static_branch_unlikely(&fkey) ? "do unlikely thing" : "usual");

	return simple_read_from_buffer(buffer, length, offset, text, n);
}

static ssize_t device_write(struct file *filp, const char __user *buffer, size_t length, loff_t *offset)
{
	char command[10] = "";

	if (length > 9)
		return -EINVAL;
	if (copy_from_user(command, buffer, length))
		return -EFAULT;
	if (strncmp(command, "enable", strlen("enable")) == 0) {
		static_branch_enable(&fkey);
		static_branch_dec(&tkey);
	} else if (strncmp(command, "disable", strlen("disable")) == 0) {
		static_branch_disable(&fkey);
		static_branch_inc(&tkey);
	} else
		return -EINVAL;
	return length;
}

static const struct file_operations ops = { .owner = THIS_MODULE, .read = device_read, .write = device_write };
static struct miscdevice misc = { .minor = MISC_DYNAMIC_MINOR, .name = "key_state", .fops = &ops, .mode = 0666 };
module_misc_device(misc);
MODULE_LICENSE("GPL");
