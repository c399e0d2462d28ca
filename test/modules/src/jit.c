/* The driver book's clocks: ways to wait, and timers, tasklets and high resolution timers that write a /proc file. */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/time.h>
#include <linux/timer.h>
#include <linux/version.h>
#include <linux/wait.h>

static int delay = HZ / 10;
module_param(delay, int, 0);
enum { JIT_BUSY, JIT_SCHED, JIT_QUEUE, JIT_SCHEDTO };

static int jit_fn_show(struct seq_file *m, void *v)
{
	unsigned long j0 = jiffies, j1 = j0 + delay;
	wait_queue_head_t wait;
	long data = (long)m->private;

	init_waitqueue_head(&wait);
	switch (data) {
	case JIT_BUSY:
		while (time_before(jiffies, j1))
			cpu_relax();
		break;
	case JIT_SCHED:
		while (time_before(jiffies, j1))
			schedule();
		break;
	case JIT_QUEUE:
		wait_event_interruptible_timeout(wait, 0, delay);
		break;
	case JIT_SCHEDTO:
		set_current_state(TASK_INTERRUPTIBLE);
		schedule_timeout(delay);
		break;
	}
	j1 = jiffies;
	seq_printf(m, "%ld %s\n", data, j1 - j0 >= delay && j1 - j0 < delay + 5 ? "in time" : "late");
	return 0;
}

static int currenttime_show(struct seq_file *m, void *v)
{
	struct timespec64 ts;
	struct tm tm;

	ktime_get_real_ts64(&ts);
	time64_to_tm(ts.tv_sec, 0, &tm);
	seq_printf(m, "year %ld jiffies %d j64 %d raw %d\n", tm.tm_year + 1900, (u32)jiffies == (u32)get_jiffies_64(), time_after64(jiffies_64 + 1, jiffies_64),
		   ktime_to_ns(ktime_get()) > 0);
	return 0;
}

struct jit_data {
	struct timer_list timer;
	struct hrtimer hr;
	struct tasklet_struct tlet;
	wait_queue_head_t wait;
	unsigned long prevjiffies;
	int loops, hrloops, tlets;
};
static struct jit_data shared;

static void jit_timer_fn(struct timer_list *t)
{
	struct jit_data *data = from_timer(data, t, timer);

	if (--data->loops) {
		mod_timer(&data->timer, data->timer.expires + 5);
	} else
		wake_up_interruptible(&data->wait);
}
static enum hrtimer_restart jit_hr_fn(struct hrtimer *timer)
{
	struct jit_data *data = container_of(timer, struct jit_data, hr);

	if (++data->hrloops >= 4) {
		wake_up_interruptible(&data->wait);
		return HRTIMER_NORESTART;
	}
	hrtimer_forward_now(timer, ms_to_ktime(3));
	return HRTIMER_RESTART;
}
static void jit_tasklet_fn(unsigned long arg)
{
	struct jit_data *data = (struct jit_data *)arg;

	if (++data->tlets < 6)
		tasklet_schedule(&data->tlet);
	else
		wake_up_interruptible(&data->wait);
}
static int jitimer_show(struct seq_file *m, void *v)
{
	struct jit_data *data = &shared;
	unsigned long j = jiffies;
	ktime_t began = ktime_get();
	s64 took;

	data->loops = 5;
	data->hrloops = data->tlets = 0;
	init_waitqueue_head(&data->wait);
	timer_setup(&data->timer, jit_timer_fn, 0);
	data->timer.expires = j + 5;
	add_timer(&data->timer);
	seq_printf(m, "pending %d\n", timer_pending(&data->timer));
	wait_event_interruptible(data->wait, !data->loops);
	seq_printf(m, "timer %s in_interrupt %d\n", jiffies - j >= 25 && jiffies - j < 35 ? "in time" : "late", !!in_interrupt());
	hrtimer_init(&data->hr, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	data->hr.function = jit_hr_fn;
	began = ktime_get();
	hrtimer_start(&data->hr, ktime_set(0, 3 * NSEC_PER_MSEC), HRTIMER_MODE_REL);
	wait_event_interruptible(data->wait, data->hrloops >= 4);
	took = ktime_to_us(ktime_sub(ktime_get(), began));
	seq_printf(m, "hrtimer %d %s\n", data->hrloops, took >= 12000 && took < 20000 ? "in time" : "late");
	tasklet_init(&data->tlet, jit_tasklet_fn, (unsigned long)data);
	tasklet_schedule(&data->tlet);
	wait_event_interruptible(data->wait, data->tlets >= 6);
	seq_printf(m, "tasklet %d\n", data->tlets);
	del_timer_sync(&data->timer);
	hrtimer_cancel(&data->hr);
	tasklet_kill(&data->tlet);
	return 0;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 17, 0)
#define DATA pde_data
#else
#define DATA PDE_DATA
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
#define OPS(name) static int name##_open(struct inode *i, struct file *f) { return single_open(f, name##_show, DATA(i)); } \
	static const struct proc_ops name##_ops = { .proc_open = name##_open, .proc_read = seq_read, .proc_lseek = seq_lseek, .proc_release = single_release }
#else
#define OPS(name) static int name##_open(struct inode *i, struct file *f) { return single_open(f, name##_show, DATA(i)); } \
	static const struct file_operations name##_ops = { .open = name##_open, .read = seq_read, .llseek = seq_lseek, .release = single_release }
#endif
OPS(jit_fn);
OPS(currenttime);
OPS(jitimer);

static int __init jit_init(void)
{
	proc_create_data("currentime", 0, NULL, &currenttime_ops, NULL);
	proc_create_data("jitbusy", 0, NULL, &jit_fn_ops, (void *)JIT_BUSY);
	proc_create_data("jitsched", 0, NULL, &jit_fn_ops, (void *)JIT_SCHED);
	proc_create_data("jitqueue", 0, NULL, &jit_fn_ops, (void *)JIT_QUEUE);
	proc_create_data("jitschedto", 0, NULL, &jit_fn_ops, (void *)JIT_SCHEDTO);
	proc_create_data("jitimer", 0, NULL, &jitimer_ops, NULL);
	return 0;
}
static void __exit jit_cleanup(void)
{
	static const char *const names[] = { "currentime", "jitbusy", "jitsched", "jitqueue", "jitschedto", "jitimer" };
	int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		remove_proc_entry(names[i], NULL);
}
module_init(jit_init);
module_exit(jit_cleanup);
MODULE_LICENSE("Dual BSD/GPL");
