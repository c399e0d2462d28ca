/* The driver book's memory device: four minors over a list of quanta that grows, ioctl, llseek, a /proc view of it. */
#include <linux/capability.h>
#include <linux/cdev.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/version.h>

#define SCULL_IOC_MAGIC 'k'
#define SCULL_IOCRESET _IO(SCULL_IOC_MAGIC, 0)
#define SCULL_IOCSQUANTUM _IOW(SCULL_IOC_MAGIC, 1, int)
#define SCULL_IOCGQUANTUM _IOR(SCULL_IOC_MAGIC, 5, int)

static int scull_major;
static int scull_nr_devs = 4;
static int scull_quantum = 400;
static int scull_qset = 10;
module_param(scull_major, int, S_IRUGO);
module_param(scull_nr_devs, int, S_IRUGO);
module_param(scull_quantum, int, S_IRUGO);

struct scull_qset { void **data; struct scull_qset *next; };
struct scull_dev {
	struct scull_qset *data;
	int quantum, qset;
	unsigned long size;
	struct mutex lock;
	struct cdev cdev;
};
static struct scull_dev *scull_devices;

static int scull_trim(struct scull_dev *dev)
{
	struct scull_qset *next, *dptr;
	int i;

	for (dptr = dev->data; dptr; dptr = next) {
		if (dptr->data) {
			for (i = 0; i < dev->qset; i++)
				kfree(dptr->data[i]);
			kfree(dptr->data);
		}
		next = dptr->next;
		kfree(dptr);
	}
	dev->size = 0;
	dev->quantum = scull_quantum;
	dev->qset = scull_qset;
	dev->data = NULL;
	return 0;
}

static struct scull_qset *scull_follow(struct scull_dev *dev, int n)
{
	struct scull_qset **at = &dev->data;

	for (;; n--, at = &(*at)->next) {
		if (!*at)
			*at = kzalloc(sizeof(struct scull_qset), GFP_KERNEL);
		if (!*at || !n)
			return *at;
	}
}

static int scull_open(struct inode *inode, struct file *filp)
{
	struct scull_dev *dev = container_of(inode->i_cdev, struct scull_dev, cdev);

	filp->private_data = dev;
	if ((filp->f_flags & O_ACCMODE) == O_WRONLY && !(filp->f_flags & O_APPEND)) {
		if (mutex_lock_interruptible(&dev->lock))
			return -ERESTARTSYS;
		scull_trim(dev);
		mutex_unlock(&dev->lock);
	}
	return 0;
}
static int scull_release(struct inode *inode, struct file *filp) { return 0; }

static ssize_t scull_move(struct file *filp, char __user *to, const char __user *from, size_t count, loff_t *f_pos)
{
	struct scull_dev *dev = filp->private_data;
	int itemsize, item, s_pos, q_pos, rest;
	struct scull_qset *dptr;
	ssize_t retval = to ? 0 : -ENOMEM;

	if (mutex_lock_interruptible(&dev->lock))
		return -ERESTARTSYS;
	itemsize = dev->quantum * dev->qset;
	if (to && *f_pos >= dev->size)
		goto out;
	if (to && *f_pos + count > dev->size)
		count = dev->size - *f_pos;
	item = (long)*f_pos / itemsize;
	rest = (long)*f_pos % itemsize;
	s_pos = rest / dev->quantum;
	q_pos = rest % dev->quantum;
	dptr = scull_follow(dev, item);
	if (!dptr || (to && (!dptr->data || !dptr->data[s_pos])))
		goto out;
	if (!dptr->data)
		dptr->data = kcalloc(dev->qset, sizeof(char *), GFP_KERNEL);
	if (dptr->data && !dptr->data[s_pos])
		dptr->data[s_pos] = kmalloc(dev->quantum, GFP_KERNEL);
	if (!dptr->data || !dptr->data[s_pos])
		goto out;
	if (count > dev->quantum - q_pos)
		count = dev->quantum - q_pos;
	if (to ? copy_to_user(to, dptr->data[s_pos] + q_pos, count) : copy_from_user(dptr->data[s_pos] + q_pos, from, count)) {
		retval = -EFAULT;
		goto out;
	}
	*f_pos += count;
	retval = count;
	if (dev->size < *f_pos)
		dev->size = *f_pos;
out:
	mutex_unlock(&dev->lock);
	return retval;
}
static ssize_t scull_read(struct file *filp, char __user *buf, size_t count, loff_t *f_pos) { return scull_move(filp, buf, NULL, count, f_pos); }
static ssize_t scull_write(struct file *filp, const char __user *buf, size_t count, loff_t *f_pos) { return scull_move(filp, NULL, buf, count, f_pos); }

static long scull_ioctl(struct file *filp, unsigned int cmd, unsigned long arg)
{
	if (_IOC_TYPE(cmd) != SCULL_IOC_MAGIC || _IOC_NR(cmd) > 5)
		return -ENOTTY;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 0, 0)
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && !access_ok((void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;
#else
	if ((_IOC_DIR(cmd) & _IOC_WRITE) && !access_ok(VERIFY_READ, (void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;
#endif
	switch (cmd) {
	case SCULL_IOCRESET:
		scull_quantum = 400;
		return 0;
	case SCULL_IOCSQUANTUM:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		return __get_user(scull_quantum, (int __user *)arg);
	case SCULL_IOCGQUANTUM:
		return __put_user(scull_quantum, (int __user *)arg);
	}
	return -ENOTTY;
}

static loff_t scull_llseek(struct file *filp, loff_t off, int whence)
{
	struct scull_dev *dev = filp->private_data;
	loff_t newpos;

	switch (whence) {
	case SEEK_SET: newpos = off; break;
	case SEEK_CUR: newpos = filp->f_pos + off; break;
	case SEEK_END: newpos = dev->size + off; break;
	default: return -EINVAL;
	}
	if (newpos < 0)
		return -EINVAL;
	filp->f_pos = newpos;
	return newpos;
}

static struct file_operations scull_fops = {
	.owner = THIS_MODULE,
	.llseek = scull_llseek,
	.read = scull_read,
	.write = scull_write,
	.unlocked_ioctl = scull_ioctl,
	.open = scull_open,
	.release = scull_release,
};

static void *scull_seq_start(struct seq_file *s, loff_t *pos) { return *pos < scull_nr_devs ? scull_devices + *pos : NULL; }
static void *scull_seq_next(struct seq_file *s, void *v, loff_t *pos) { ++*pos; return scull_seq_start(s, pos); }
static void scull_seq_stop(struct seq_file *s, void *v) { }
static int scull_seq_show(struct seq_file *s, void *v)
{
	struct scull_dev *dev = v;

	if (mutex_lock_interruptible(&dev->lock))
		return -ERESTARTSYS;
	seq_printf(s, "Device %i: qset %i, q %i, sz %li\n", (int)(dev - scull_devices), dev->qset, dev->quantum, dev->size);
	mutex_unlock(&dev->lock);
	return 0;
}
static const struct seq_operations scull_seq_ops = { .start = scull_seq_start, .next = scull_seq_next, .stop = scull_seq_stop, .show = scull_seq_show };
#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 18, 0)
static int scull_proc_open(struct inode *inode, struct file *file) { return seq_open(file, &scull_seq_ops); }
static const struct file_operations scull_proc_ops = { .owner = THIS_MODULE, .open = scull_proc_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release };
#endif

static void scull_cleanup_module(void)
{
	dev_t devno = MKDEV(scull_major, 0);
	int i;

	for (i = 0; scull_devices && i < scull_nr_devs; i++) {
		scull_trim(scull_devices + i);
		cdev_del(&scull_devices[i].cdev);
	}
	kfree(scull_devices);
	remove_proc_entry("scullseq", NULL);
	unregister_chrdev_region(devno, scull_nr_devs);
}

static int scull_init_module(void)
{
	dev_t dev = 0;
	int result, i;

	if (scull_major) {
		dev = MKDEV(scull_major, 0);
		result = register_chrdev_region(dev, scull_nr_devs, "scull");
	} else {
		result = alloc_chrdev_region(&dev, 0, scull_nr_devs, "scull");
		scull_major = MAJOR(dev);
	}
	if (result < 0) {
		printk(KERN_WARNING "scull: can't get major %d\n", scull_major);
		return result;
	}
	scull_devices = kcalloc(scull_nr_devs, sizeof(struct scull_dev), GFP_KERNEL);
	if (!scull_devices) {
		unregister_chrdev_region(dev, scull_nr_devs);
		return -ENOMEM;
	}
	for (i = 0; i < scull_nr_devs; i++) {
		scull_devices[i].quantum = scull_quantum;
		scull_devices[i].qset = scull_qset;
		mutex_init(&scull_devices[i].lock);
		cdev_init(&scull_devices[i].cdev, &scull_fops);
		scull_devices[i].cdev.owner = THIS_MODULE;
		if (cdev_add(&scull_devices[i].cdev, MKDEV(scull_major, i), 1))
			printk(KERN_NOTICE "Error adding scull%d", i);
	}
#if LINUX_VERSION_CODE < KERNEL_VERSION(4, 18, 0)
	proc_create("scullseq", 0, NULL, &scull_proc_ops);
#else
	proc_create_seq("scullseq", 0444, NULL, &scull_seq_ops);
#endif
	return 0;
}
module_init(scull_init_module);
module_exit(scull_cleanup_module);
MODULE_AUTHOR("A reader");
MODULE_LICENSE("Dual BSD/GPL");
