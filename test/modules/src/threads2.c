/* Two threads in an order that a completion makes; locks of every kind that two threads share. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/version.h>
#include <linux/sched.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 11, 0)
#include <uapi/linux/sched/types.h>
#endif

static struct completion crank, flywheel;
static DEFINE_MUTEX(lock);
static DEFINE_SPINLOCK(spin);
static DEFINE_RWLOCK(rw);
static DECLARE_RWSEM(rwsem);
static DEFINE_SEQLOCK(seq);
static struct semaphore sem;
static int shared, writes;
static atomic_t sum = ATOMIC_INIT(0);
static struct task_struct *counters[3];

static int crank_fn(void *arg)
{
	msleep(20);
	pr_info("Turn the crank\n");
	complete_all(&crank);
	return 0;
}
static int flywheel_fn(void *arg)
{
	wait_for_completion(&crank);
	pr_info("Flywheel spins up, %s %s\n", current->comm, (char *)arg);
	complete(&flywheel);
	return 0;
}

static int count_fn(void *arg)
{
	unsigned long flags;
	unsigned int start;
	int i, seen;

	for (i = 0; i < 20; i++) {
		mutex_lock(&lock);
		seen = shared;
		if (i % 5 == 0)
			usleep_range(100, 200);
		shared = seen + 1;
		mutex_unlock(&lock);
		spin_lock_irqsave(&spin, flags);
		atomic_add(i, &sum);
		spin_unlock_irqrestore(&spin, flags);
		write_lock(&rw);
		writes++;
		write_unlock(&rw);
		read_lock(&rw);
		read_unlock(&rw);
		if (down_interruptible(&sem))
			return -EINTR;
		up(&sem);
		down_write(&rwsem);
		downgrade_write(&rwsem);
		up_read(&rwsem);
		write_seqlock(&seq);
		write_sequnlock(&seq);
		do {
			start = read_seqbegin(&seq);
		} while (read_seqretry(&seq, start));
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ / 10);
	return i;
}

static int __init threads_init(void)
{
	struct task_struct *a, *b;
	struct sched_param param = { .sched_priority = 50 };
	int i;

	init_completion(&crank);
	init_completion(&flywheel);
	sema_init(&sem, 2);
	a = kthread_create(flywheel_fn, "now", "KThread Flywheel");
	if (IS_ERR(a))
		return PTR_ERR(a);
	b = kthread_create(crank_fn, NULL, "KThread Crank");
	wake_up_process(a);
	wake_up_process(b);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		counters[i] = kthread_run(count_fn, NULL, "count/%d", i);
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 9, 0)
	pr_info("scheduler %d\n", sched_setscheduler(counters[0], SCHED_FIFO, &param));
#else
	sched_set_fifo(counters[0]);
	pr_info("scheduler %d\n", param.sched_priority - 50);
#endif
	if (!wait_for_completion_timeout(&flywheel, 5 * HZ))
		pr_info("the flywheel did not spin\n");
	return 0;
}

static void __exit threads_exit(void)
{
	int i, done = 0;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		done += kthread_stop(counters[i]);
	pr_info("shared %d writes %d sum %d done %d mutex free %d\n", shared, writes, atomic_read(&sum), done, mutex_trylock(&lock));
	mutex_unlock(&lock);
}
module_init(threads_init);
module_exit(threads_exit);
MODULE_LICENSE("GPL");
