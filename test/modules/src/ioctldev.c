/* A character device with ioctls of every direction, and one user at a time. */
#include <linux/atomic.h>
#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include "ioctldev.h"

#define SUCCESS 0
#define BUF_LEN 80
enum { CDEV_NOT_USED = 0, CDEV_EXCLUSIVE_OPEN = 1 };
static atomic_t already_open = ATOMIC_INIT(CDEV_NOT_USED);
static char message[BUF_LEN + 1] = "nothing yet";
static struct class *cls;

static int device_open(struct inode *inode, struct file *file)
{
	if (atomic_cmpxchg(&already_open, CDEV_NOT_USED, CDEV_EXCLUSIVE_OPEN))
		return -EBUSY;
	try_module_get(THIS_MODULE);
	return SUCCESS;
}

static int device_release(struct inode *inode, struct file *file)
{
	atomic_set(&already_open, CDEV_NOT_USED);
	module_put(THIS_MODULE);
	return SUCCESS;
}

static ssize_t device_read(struct file *file, char __user *buffer, size_t length, loff_t *offset)
{
	int bytes_read = 0;
	const char *message_ptr = message;

	if (!*(message_ptr + *offset)) {
		*offset = 0;
		return 0;
	}
	message_ptr += *offset;
	while (length && *message_ptr) {
		put_user(*(message_ptr++), buffer++);
		length--;
		bytes_read++;
	}
	*offset += bytes_read;
	return bytes_read;
}

static ssize_t device_write(struct file *file, const char __user *buffer, size_t length, loff_t *offset)
{
	int i;

	for (i = 0; i < length && i < BUF_LEN; i++)
		get_user(message[i], buffer + i);
	message[i] = 0;
	return i;
}

static long device_ioctl(struct file *file, unsigned int ioctl_num, unsigned long ioctl_param)
{
	struct answer answer = { .length = strlen(message) };
	long ret = SUCCESS;

	switch (ioctl_num) {
	case IOCTL_SET_MSG:
		ret = device_write(file, (const char __user *)ioctl_param, strnlen_user((const char __user *)ioctl_param, BUF_LEN) - 1, NULL);
		return ret < 0 ? ret : SUCCESS;
	case IOCTL_GET_MSG: {
		loff_t offset = 0;

		ret = device_read(file, (char __user *)ioctl_param, 99, &offset);
		put_user('\0', (char __user *)ioctl_param + ret);
		return SUCCESS;
	}
	case IOCTL_GET_NTH_BYTE:
		return ioctl_param < BUF_LEN ? message[ioctl_param] : -ERANGE;
	case IOCTL_EXCHANGE:
		if (copy_from_user(&answer, (void __user *)ioctl_param, sizeof(answer)))
			return -EFAULT;
		answer.length = strlen(message);
		answer.sum = answer.seed;
		for (ret = 0; ret < answer.length; ret++)
			answer.sum += message[ret];
		return copy_to_user((void __user *)ioctl_param, &answer, sizeof(answer)) ? -EFAULT : 0;
	}
	return -ENOTTY;
}

static struct file_operations fops = {
	.owner = THIS_MODULE,
	.read = device_read,
	.write = device_write,
	.unlocked_ioctl = device_ioctl,
	.open = device_open,
	.release = device_release,
};

static int __init chardev2_init(void)
{
	int ret_val = register_chrdev(MAJOR_NUM, DEVICE_NAME, &fops);

	if (ret_val < 0) {
		pr_alert("%s failed with %d\n", "Sorry, registering the character device ", ret_val);
		return ret_val;
	}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	cls = class_create(DEVICE_FILE_NAME);
#else
	cls = class_create(THIS_MODULE, DEVICE_FILE_NAME);
#endif
	device_create(cls, NULL, MKDEV(MAJOR_NUM, 0), NULL, DEVICE_FILE_NAME);
	pr_info("Device created on /dev/%s\n", DEVICE_FILE_NAME);
	return 0;
}

static void __exit chardev2_exit(void)
{
	device_destroy(cls, MKDEV(MAJOR_NUM, 0));
	class_destroy(cls);
	unregister_chrdev(MAJOR_NUM, DEVICE_NAME);
}

module_init(chardev2_init);
module_exit(chardev2_exit);
MODULE_LICENSE("GPL");
