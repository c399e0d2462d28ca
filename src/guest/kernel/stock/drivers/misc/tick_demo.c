// Says in the log how time goes by: a timer that comes again every `period` seconds, `count` times.
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/timer.h>
#include <linux/jiffies.h>

static unsigned int period = 1;
module_param(period, uint, 0644);
MODULE_PARM_DESC(period, "seconds between two ticks");
static unsigned int count = 3;
module_param(count, uint, 0644);
MODULE_PARM_DESC(count, "how many ticks");

static struct timer_list timer;
static unsigned int ticks;

static void tick(struct timer_list *t)
{
	pr_info("tick_demo: tick %u\n", ++ticks);
	if (ticks < count)
		mod_timer(&timer, jiffies + period * HZ);
}

static int __init tick_init(void)
{
	timer_setup(&timer, tick, 0);
	mod_timer(&timer, jiffies + period * HZ);
	return 0;
}

static void __exit tick_exit(void)
{
	del_timer_sync(&timer);
}

module_init(tick_init);
module_exit(tick_exit);
MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("A timer that ticks into the log");
MODULE_LICENSE("GPL");
