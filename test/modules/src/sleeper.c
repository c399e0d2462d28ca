/* A /proc file that one may hold: others sleep until it is closed, or hear EAGAIN. */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/wait.h>

#define MESSAGE_LENGTH 80
static char message[MESSAGE_LENGTH];
static DECLARE_WAIT_QUEUE_HEAD(waitq);
static atomic_t already_open = ATOMIC_INIT(0);

static ssize_t module_output(struct file *file, char __user *buf, size_t len, loff_t *offset)
{
	static int finished;
	char output[MESSAGE_LENGTH + 30];
	int i;

	if (finished) {
		finished = 0;
		return 0;
	}
	sprintf(output, "Last input:%s\n", message);
	for (i = 0; i < len && output[i]; i++)
		put_user(output[i], buf + i);
	finished = 1;
	return i;
}

static ssize_t module_input(struct file *file, const char __user *buf, size_t length, loff_t *offset)
{
	int i;

	for (i = 0; i < MESSAGE_LENGTH - 1 && i < length; i++)
		get_user(message[i], buf + i);
	message[i] = '\0';
	return i;
}

static int module_open(struct inode *inode, struct file *file)
{
	if ((file->f_flags & O_NONBLOCK) && atomic_read(&already_open))
		return -EAGAIN;
	try_module_get(THIS_MODULE);
	while (atomic_cmpxchg(&already_open, 0, 1)) {
		int i, is_sig = 0;

		wait_event_interruptible(waitq, !atomic_read(&already_open));
		for (i = 0; i < _NSIG_WORDS && !is_sig; i++)
			is_sig = current->pending.signal.sig[i] & ~current->blocked.sig[i];
		if (is_sig || signal_pending(current)) {
			module_put(THIS_MODULE);
			return -EINTR;
		}
	}
	return 0;
}

static int module_close(struct inode *inode, struct file *file)
{
	atomic_set(&already_open, 0);
	wake_up(&waitq);
	module_put(THIS_MODULE);
	return 0;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops ops = { .proc_read = module_output, .proc_write = module_input, .proc_open = module_open, .proc_release = module_close };
#else
static const struct file_operations ops = { .owner = THIS_MODULE, .read = module_output, .write = module_input, .open = module_open, .release = module_close };
#endif

static int __init sleep_init(void)
{
	struct proc_dir_entry *entry = proc_create("sleep", 0644, NULL, &ops);

	if (!entry)
		return -ENOMEM;
	proc_set_size(entry, 80);
	proc_set_user(entry, GLOBAL_ROOT_UID, GLOBAL_ROOT_GID);
	return 0;
}
static void __exit sleep_exit(void) { remove_proc_entry("sleep", NULL); }
module_init(sleep_init);
module_exit(sleep_exit);
MODULE_LICENSE("GPL");
