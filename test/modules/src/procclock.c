/* /proc files of the textbook: jiffies, seconds since loading, and the command of a pid that was written. */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/jiffies.h>

#define BUFFER_SIZE 128
static unsigned long began;
static long l_pid;

static ssize_t once(char __user *usr_buf, size_t count, loff_t *pos, const char *text, int length)
{
	static int completed;

	if (completed) {
		completed = 0;
		return 0;
	}
	completed = 1;
	if (length > count)
		return -EINVAL;
	if (copy_to_user(usr_buf, text, length))
		return -EFAULT;
	return length;
}

static ssize_t jiffies_read(struct file *file, char __user *usr_buf, size_t count, loff_t *pos)
{
	char buffer[BUFFER_SIZE];

	return once(usr_buf, count, pos, buffer, sprintf(buffer, "%lu\n", jiffies));
}

static ssize_t seconds_read(struct file *file, char __user *usr_buf, size_t count, loff_t *pos)
{
	char buffer[BUFFER_SIZE];

	return once(usr_buf, count, pos, buffer, sprintf(buffer, "%lu s\n", (jiffies - began) / HZ));
}

static ssize_t pid_read(struct file *file, char __user *usr_buf, size_t count, loff_t *pos)
{
	char buffer[BUFFER_SIZE];
	struct task_struct *tsk = pid_task(find_vpid(l_pid), PIDTYPE_PID);
	int length;

	if (tsk)
		length = snprintf(buffer, BUFFER_SIZE, "command = [%s] pid = [%ld] state = [%c]\n", tsk->comm, l_pid,
				  task_state_to_char(tsk));
	else
		length = snprintf(buffer, BUFFER_SIZE, "%ld is nobody\n", l_pid);
	return once(usr_buf, count, pos, buffer, length);
}

static ssize_t pid_write(struct file *file, const char __user *usr_buf, size_t count, loff_t *pos)
{
	char *k_mem = kmalloc(count + 1, GFP_KERNEL);
	int failed;

	if (!k_mem)
		return -ENOMEM;
	if (copy_from_user(k_mem, usr_buf, count)) {
		kfree(k_mem);
		return -EFAULT;
	}
	k_mem[count] = 0;
	failed = kstrtol(strim(k_mem), 10, &l_pid);
	kfree(k_mem);
	return failed ? failed : count;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
#define OPS(name, r, w) static const struct proc_ops name = { .proc_read = r, .proc_write = w }
#else
#define OPS(name, r, w) static const struct file_operations name = { .owner = THIS_MODULE, .read = r, .write = w }
#endif
OPS(jiffies_ops, jiffies_read, NULL);
OPS(seconds_ops, seconds_read, NULL);
OPS(pid_ops, pid_read, pid_write);

static int __init proc_init(void)
{
	began = jiffies;
	proc_create("tick", 0444, NULL, &jiffies_ops);
	proc_create("seconds", 0444, NULL, &seconds_ops);
	proc_create("pid", 0666, NULL, &pid_ops);
	return 0;
}

static void __exit proc_exit(void)
{
	remove_proc_entry("tick", NULL);
	remove_proc_entry("seconds", NULL);
	remove_proc_entry("pid", NULL);
}

module_init(proc_init);
module_exit(proc_exit);
MODULE_LICENSE("GPL");
