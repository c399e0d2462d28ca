/* A raised interrupt line, the tasklet and the work that its handler asks for, an ordered queue, delayed work, a kthread worker. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#define LINE 11
static int cookie, handled, softly;
static struct workqueue_struct *queue;

static void work_handler(struct work_struct *w) { pr_info("work %s in %s\n", in_interrupt() ? "in interrupt" : "in task", current->flags & PF_KTHREAD ? "a kernel thread" : "a process"); }
static DECLARE_WORK(work, work_handler);

static void later_handler(struct work_struct *w)
{
	struct delayed_work *d = to_delayed_work(w);

	pr_info("delayed work, pending %d\n", delayed_work_pending(d));
}
static DECLARE_DELAYED_WORK(later, later_handler);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 9, 0)
static void tasklet_fn(struct tasklet_struct *t)
#else
static void tasklet_fn(unsigned long data)
#endif
{
	softly++;
	pr_info("tasklet, softirq %d\n", !!in_softirq());
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 9, 0)
static DECLARE_TASKLET(tasklet, tasklet_fn);
#else
static DECLARE_TASKLET(tasklet, tasklet_fn, 7L);
#endif

static irqreturn_t handler(int irq, void *dev)
{
	handled++;
	pr_info("irq %d dev %d hardirq %d\n", irq, *(int *)dev, !!in_irq());
	tasklet_schedule(&tasklet);
	queue_work(queue, &work);
	return IRQ_HANDLED;
}
static irqreturn_t quick(int irq, void *dev) { return IRQ_WAKE_THREAD; }
static irqreturn_t threaded(int irq, void *dev)
{
	msleep(1);
	pr_info("thread of irq %d runs as %s\n", irq, current->comm);
	return IRQ_HANDLED;
}

static struct kthread_worker *worker;
static void kwork_fn(struct kthread_work *w) { pr_info("kthread work in %s\n", current->comm); }
static DEFINE_KTHREAD_WORK(kwork, kwork_fn);

static int __init deferred_init(void)
{
	int ret;

	cookie = 5;
	queue = alloc_workqueue("deferred", WQ_UNBOUND, 1);
	if (!queue)
		return -ENOMEM;
	ret = request_irq(LINE, handler, IRQF_SHARED, "deferred", &cookie);
	if (ret)
		return ret;
	ret = request_irq(LINE, handler, 0, "another", NULL);
	pr_info("the line again: %d\n", ret);
	ret = request_threaded_irq(LINE + 1, quick, threaded, IRQF_ONESHOT, "threaded", &cookie);
	if (ret)
		return ret;
	irq_set_irqchip_state(LINE, IRQCHIP_STATE_PENDING, true);
	irq_set_irqchip_state(LINE + 1, IRQCHIP_STATE_PENDING, true);
	schedule_delayed_work(&later, msecs_to_jiffies(30));
	worker = kthread_create_worker(0, "kwork");
	kthread_queue_work(worker, &kwork);
	kthread_flush_worker(worker);
	return 0;
}

static void __exit deferred_exit(void)
{
	free_irq(LINE, &cookie);
	free_irq(LINE + 1, &cookie);
	tasklet_kill(&tasklet);
	cancel_delayed_work_sync(&later);
	destroy_workqueue(queue);
	kthread_destroy_worker(worker);
	pr_info("handled %d softly %d\n", handled, softly);
}
module_init(deferred_init);
module_exit(deferred_exit);
MODULE_LICENSE("GPL");
