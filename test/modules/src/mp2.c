/* Second machine problem: a rate-monotonic scheduler. Tasks register period and work over /proc; a dispatching thread gives the
 * one with the shortest period a real time priority, and timers bring them back each period. */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <uapi/linux/sched/types.h>

enum mp2_state { READY, RUNNING, SLEEPING };
struct mp2_task {
	struct task_struct *linux_task;
	struct timer_list wakeup_timer;
	struct list_head list;
	pid_t pid;
	unsigned long period_ms, runtime_ms, deadline;
	enum mp2_state state;
	bool yielded;
};
static LIST_HEAD(tasks);
static DEFINE_MUTEX(tasks_lock);
static struct kmem_cache *cache;
static struct task_struct *dispatcher;
static struct mp2_task *running;
static int switches;

static struct mp2_task *by_pid(pid_t pid)
{
	struct mp2_task *t;

	list_for_each_entry(t, &tasks, list)
		if (t->pid == pid)
			return t;
	return NULL;
}
static void wakeup(struct timer_list *timer)
{
	struct mp2_task *t = from_timer(t, timer, wakeup_timer);

	t->state = READY;
	wake_up_process(dispatcher);
}
static void priority(struct task_struct *task, int high)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 9, 0)
	struct sched_param sparam = { .sched_priority = high ? 90 : 0 };

	sched_setscheduler(task, high ? SCHED_FIFO : SCHED_NORMAL, &sparam);
#else
	struct sched_attr attr = { .size = sizeof(attr), .sched_policy = high ? SCHED_FIFO : SCHED_NORMAL, .sched_priority = high ? 90 : 0 };

	sched_setattr_nocheck(task, &attr);
#endif
}
static int dispatch(void *unused)
{
	struct mp2_task *t, *next;

	while (!kthread_should_stop()) {
		mutex_lock(&tasks_lock);
		next = NULL;
		list_for_each_entry(t, &tasks, list)
			if (t->state == READY && (!next || t->period_ms < next->period_ms))
				next = t;
		if (next && (!running || running->state != RUNNING || next->period_ms < running->period_ms)) {
			if (running && running->state == RUNNING) {
				running->state = READY;
				priority(running->linux_task, 0);
			}
			next->state = RUNNING;
			running = next;
			switches++;
			wake_up_process(next->linux_task);
			priority(next->linux_task, 1);
		}
		mutex_unlock(&tasks_lock);
		set_current_state(TASK_INTERRUPTIBLE);
		schedule();
	}
	return 0;
}
static int admit(unsigned long period, unsigned long runtime)
{
	struct mp2_task *t;
	unsigned long sum = runtime * 1000 / period;

	list_for_each_entry(t, &tasks, list)
		sum += t->runtime_ms * 1000 / t->period_ms;
	return sum <= 693;
}
static ssize_t mp2_write(struct file *file, const char __user *buffer, size_t count, loff_t *pos)
{
	char *line = memdup_user_nul(buffer, count), op;
	unsigned long period = 0, runtime = 0;
	ssize_t ret = count;
	struct mp2_task *t;
	pid_t pid;

	if (IS_ERR(line))
		return PTR_ERR(line);
	if (sscanf(line, "%c,%d,%lu,%lu", &op, &pid, &period, &runtime) < 2) {
		kfree(line);
		return -EINVAL;
	}
	kfree(line);
	mutex_lock(&tasks_lock);
	t = by_pid(pid);
	switch (op) {
	case 'R':
		if (!period || !admit(period, runtime)) {
			ret = -EBUSY;
			break;
		}
		t = kmem_cache_zalloc(cache, GFP_KERNEL);
		t->pid = pid;
		t->period_ms = period;
		t->runtime_ms = runtime;
		t->state = SLEEPING;
		t->linux_task = pid_task(find_vpid(pid), PIDTYPE_PID);
		t->deadline = jiffies;
		timer_setup(&t->wakeup_timer, wakeup, 0);
		list_add_tail(&t->list, &tasks);
		break;
	case 'Y':
		if (!t) {
			ret = -ESRCH;
			break;
		}
		t->deadline += msecs_to_jiffies(t->period_ms);
		if (time_before(t->deadline, jiffies + 1))
			t->deadline = jiffies + 1;
		t->state = SLEEPING;
		mod_timer(&t->wakeup_timer, t->deadline);
		priority(t->linux_task, 0);
		if (running == t)
			running = NULL;
		wake_up_process(dispatcher);
		set_current_state(TASK_UNINTERRUPTIBLE);
		mutex_unlock(&tasks_lock);
		schedule();
		return ret;
	case 'D':
		if (!t) {
			ret = -ESRCH;
			break;
		}
		del_timer_sync(&t->wakeup_timer);
		if (running == t)
			running = NULL;
		list_del(&t->list);
		kmem_cache_free(cache, t);
		wake_up_process(dispatcher);
		break;
	default:
		ret = -EINVAL;
	}
	mutex_unlock(&tasks_lock);
	return ret;
}
static ssize_t mp2_read(struct file *file, char __user *buffer, size_t count, loff_t *pos)
{
	char text[256];
	int n = 0;
	struct mp2_task *t;

	mutex_lock(&tasks_lock);
	list_for_each_entry(t, &tasks, list)
		n += scnprintf(text + n, sizeof(text) - n, "%d: %lu, %lu\n", t->pid, t->period_ms, t->runtime_ms);
	mutex_unlock(&tasks_lock);
	return simple_read_from_buffer(buffer, count, pos, text, n);
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops mp2_ops = { .proc_read = mp2_read, .proc_write = mp2_write };
#else
static const struct file_operations mp2_ops = { .owner = THIS_MODULE, .read = mp2_read, .write = mp2_write };
#endif
static struct proc_dir_entry *dir;

static int __init mp2_init(void)
{
	cache = KMEM_CACHE(mp2_task, SLAB_PANIC);
	dispatcher = kthread_run(dispatch, NULL, "mp2_dispatch");
	if (IS_ERR(dispatcher))
		return PTR_ERR(dispatcher);
	dir = proc_mkdir("mp2", NULL);
	proc_create("status", 0666, dir, &mp2_ops);
	return 0;
}
static void __exit mp2_exit(void)
{
	remove_proc_entry("status", dir);
	remove_proc_entry("mp2", NULL);
	kthread_stop(dispatcher);
	kmem_cache_destroy(cache);
	printk(KERN_INFO "mp2: %s\n", switches >= 6 ? "switched" : "hardly switched");
}
module_init(mp2_init);
module_exit(mp2_exit);
MODULE_LICENSE("GPL");
