/* The driver book's pipe device: readers and writers that block, poll, fasync; beside it a device of one owner at a time. */
#include <linux/cdev.h>
#include <linux/cred.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#define SIZE 64
static DECLARE_WAIT_QUEUE_HEAD(inq);
static DECLARE_WAIT_QUEUE_HEAD(outq);
static char ring[SIZE];
static int rp, wp;
static DEFINE_MUTEX(lock);
static struct fasync_struct *async_queue;

static int spacefree(void) { return rp == wp ? SIZE - 1 : ((rp + SIZE - wp) % SIZE) - 1; }

static ssize_t pipe_read(struct file *filp, char __user *buf, size_t count, loff_t *f_pos)
{
	if (mutex_lock_interruptible(&lock))
		return -ERESTARTSYS;
	while (rp == wp) {
		mutex_unlock(&lock);
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(inq, (rp != wp)))
			return -ERESTARTSYS;
		if (mutex_lock_interruptible(&lock))
			return -ERESTARTSYS;
	}
	count = min(count, (size_t)(wp > rp ? wp - rp : SIZE - rp));
	if (copy_to_user(buf, ring + rp, count)) {
		mutex_unlock(&lock);
		return -EFAULT;
	}
	rp = (rp + count) % SIZE;
	mutex_unlock(&lock);
	wake_up_interruptible(&outq);
	return count;
}

static int getwritespace(struct file *filp)
{
	while (spacefree() == 0) {
		DEFINE_WAIT(wait);

		mutex_unlock(&lock);
		if (filp->f_flags & O_NONBLOCK)
			return -EAGAIN;
		prepare_to_wait(&outq, &wait, TASK_INTERRUPTIBLE);
		if (spacefree() == 0)
			schedule();
		finish_wait(&outq, &wait);
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (mutex_lock_interruptible(&lock))
			return -ERESTARTSYS;
	}
	return 0;
}

static ssize_t pipe_write(struct file *filp, const char __user *buf, size_t count, loff_t *f_pos)
{
	int result;

	if (mutex_lock_interruptible(&lock))
		return -ERESTARTSYS;
	result = getwritespace(filp);
	if (result)
		return result;
	count = min(count, (size_t)spacefree());
	count = min(count, (size_t)(wp >= rp ? SIZE - wp : rp - wp - 1));
	if (copy_from_user(ring + wp, buf, count)) {
		mutex_unlock(&lock);
		return -EFAULT;
	}
	wp = (wp + count) % SIZE;
	mutex_unlock(&lock);
	wake_up_interruptible(&inq);
	if (async_queue)
		kill_fasync(&async_queue, SIGIO, POLL_IN);
	return count;
}

static __poll_t pipe_poll(struct file *filp, poll_table *wait)
{
	__poll_t mask = 0;

	mutex_lock(&lock);
	poll_wait(filp, &inq, wait);
	poll_wait(filp, &outq, wait);
	if (rp != wp)
		mask |= POLLIN | POLLRDNORM;
	if (spacefree())
		mask |= POLLOUT | POLLWRNORM;
	mutex_unlock(&lock);
	return mask;
}
static int pipe_fasync(int fd, struct file *filp, int mode) { return fasync_helper(fd, filp, mode, &async_queue); }
static int pipe_release(struct inode *inode, struct file *filp)
{
	pipe_fasync(-1, filp, 0);
	return 0;
}
static const struct file_operations pipe_fops = {
	.owner = THIS_MODULE,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.fasync = pipe_fasync,
	.release = pipe_release,
};

static int users;
static kuid_t owner;
static DEFINE_SPINLOCK(owner_lock);
static int uid_open(struct inode *inode, struct file *filp)
{
	spin_lock(&owner_lock);
	if (users && !uid_eq(owner, current_uid()) && !uid_eq(owner, current_euid()) && !capable(CAP_DAC_OVERRIDE)) {
		spin_unlock(&owner_lock);
		return -EBUSY;
	}
	if (users == 0)
		owner = current_uid();
	users++;
	spin_unlock(&owner_lock);
	return 0;
}
static int uid_release(struct inode *inode, struct file *filp)
{
	spin_lock(&owner_lock);
	users--;
	spin_unlock(&owner_lock);
	return 0;
}
static ssize_t uid_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	char text[40];

	return simple_read_from_buffer(buf, count, pos, text, sprintf(text, "owner %u users %d\n", from_kuid(current_user_ns(), owner), users));
}
static const struct file_operations uid_fops = { .owner = THIS_MODULE, .open = uid_open, .release = uid_release, .read = uid_read };

static struct miscdevice pipe_misc = { .minor = MISC_DYNAMIC_MINOR, .name = "scullpipe", .fops = &pipe_fops, .mode = 0666 };
static struct miscdevice uid_misc = { .minor = MISC_DYNAMIC_MINOR, .name = "sculluid", .fops = &uid_fops, .mode = 0666 };

static int __init pipe_init(void)
{
	int ret = misc_register(&pipe_misc);

	return ret ? ret : misc_register(&uid_misc);
}
static void __exit pipe_exit(void)
{
	misc_deregister(&uid_misc);
	misc_deregister(&pipe_misc);
}
module_init(pipe_init);
module_exit(pipe_exit);
MODULE_LICENSE("GPL");
