/* First machine problem: processes register their pid; a timer wakes work that keeps each one's CPU time; /proc/mp1/status tells. */
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/cputime.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#define DIRECTORY "mp1"
#define FILENAME "status"
struct entry { struct list_head list; int pid; u64 cpu_time; };
static LIST_HEAD(entries);
static DEFINE_MUTEX(entries_lock);
static DEFINE_SPINLOCK(work_lock);
static struct proc_dir_entry *dir;
static struct timer_list timer;
static struct workqueue_struct *wq;
static struct work_struct *work;

static struct task_struct *find_task_by_pid(unsigned int nr)
{
	struct task_struct *task;

	rcu_read_lock();
	task = pid_task(find_vpid(nr), PIDTYPE_PID);
	rcu_read_unlock();
	return task;
}
static int get_cpu_use(int pid, u64 *cpu_use)
{
	struct task_struct *task;

	rcu_read_lock();
	task = find_task_by_pid(pid);
	if (task != NULL) {
		*cpu_use = task->utime;
		rcu_read_unlock();
		return 0;
	}
	rcu_read_unlock();
	return -1;
}
static void update(struct work_struct *w)
{
	struct entry *e, *next;
	unsigned long flags;
	int left;

	mutex_lock(&entries_lock);
	list_for_each_entry_safe(e, next, &entries, list)
		if (get_cpu_use(e->pid, &e->cpu_time)) {
			list_del(&e->list);
			printk(KERN_INFO "mp1: a process went\n");
			kfree(e);
		}
	left = !list_empty(&entries);
	mutex_unlock(&entries_lock);
	spin_lock_irqsave(&work_lock, flags);
	if (left)
		mod_timer(&timer, jiffies + msecs_to_jiffies(500));
	spin_unlock_irqrestore(&work_lock, flags);
}
static void timer_callback(struct timer_list *t) { queue_work(wq, work); }

static ssize_t mp1_read(struct file *file, char __user *buffer, size_t count, loff_t *data)
{
	struct entry *e;
	char *buf = kzalloc(PAGE_SIZE, GFP_KERNEL);
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	mutex_lock(&entries_lock);
	list_for_each_entry(e, &entries, list)
		n += scnprintf(buf + n, PAGE_SIZE - n, "%d: %s\n", e->pid, e->cpu_time > 100000000ULL ? "busy" : "fresh");
	mutex_unlock(&entries_lock);
	n = simple_read_from_buffer(buffer, count, data, buf, n);
	kfree(buf);
	return n;
}
static ssize_t mp1_write(struct file *file, const char __user *buffer, size_t count, loff_t *data)
{
	struct entry *e = kmalloc(sizeof(*e), GFP_KERNEL);
	int failed;

	if (!e)
		return -ENOMEM;
	INIT_LIST_HEAD(&e->list);
	e->cpu_time = 0;
	failed = kstrtoint_from_user(buffer, count, 10, &e->pid);
	if (failed) {
		kfree(e);
		return failed;
	}
	mutex_lock(&entries_lock);
	list_add(&e->list, &entries);
	mutex_unlock(&entries_lock);
	mod_timer(&timer, jiffies + msecs_to_jiffies(500));
	return count;
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops mp1_ops = { .proc_read = mp1_read, .proc_write = mp1_write };
#else
static const struct file_operations mp1_ops = { .owner = THIS_MODULE, .read = mp1_read, .write = mp1_write };
#endif

static int __init mp1_init(void)
{
	dir = proc_mkdir(DIRECTORY, NULL);
	proc_create(FILENAME, 0666, dir, &mp1_ops);
	timer_setup(&timer, timer_callback, 0);
	wq = create_workqueue("mp1_workqueue");
	work = kmalloc(sizeof(*work), GFP_KERNEL);
	if (!wq || !work)
		return -ENOMEM;
	INIT_WORK(work, update);
	printk(KERN_ALERT "MP1 MODULE LOADED\n");
	return 0;
}
static void __exit mp1_exit(void)
{
	struct entry *e, *next;

	remove_proc_entry(FILENAME, dir);
	remove_proc_entry(DIRECTORY, NULL);
	del_timer_sync(&timer);
	flush_workqueue(wq);
	destroy_workqueue(wq);
	list_for_each_entry_safe(e, next, &entries, list) {
		list_del(&e->list);
		kfree(e);
	}
	kfree(work);
	printk(KERN_ALERT "MP1 MODULE UNLOADED\n");
}
module_init(mp1_init);
module_exit(mp1_exit);
MODULE_LICENSE("GPL");
