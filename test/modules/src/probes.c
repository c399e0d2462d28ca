/* kprobes and kretprobes on exported functions, notifiers of modules, of reboots, and chains of our own. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/init.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static int before, returned;
static unsigned long last;
static int pre(struct kprobe *p, struct pt_regs *regs)
{
	before++;
	last = regs->a0;
	return 0;
}
static void post(struct kprobe *p, struct pt_regs *regs, unsigned long flags) { }
static struct kprobe kp = { .symbol_name = "vmalloc", .pre_handler = pre, .post_handler = post };

struct my_data { ktime_t entry_stamp; };
static int entry_handler(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	((struct my_data *)ri->data)->entry_stamp = ktime_get();
	return current->mm ? 0 : 1;
}
static int ret_handler(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	returned++;
	pr_info("kmalloc-like returned %s in %s\n", regs_return_value(regs) ? "memory" : "nothing",
		ktime_to_ns(ktime_sub(ktime_get(), ((struct my_data *)ri->data)->entry_stamp)) >= 0 ? "time" : "no time");
	return 0;
}
static struct kretprobe rp = { .handler = ret_handler, .entry_handler = entry_handler, .data_size = sizeof(struct my_data), .maxactive = 20 };

static int module_event(struct notifier_block *nb, unsigned long action, void *data)
{
	static const char *const names[] = { "live", "coming", "going" };

	pr_info("module %s is %s\n", ((struct module *)data)->name, action < 3 ? names[action] : "?");
	return NOTIFY_OK;
}
static struct notifier_block module_nb = { .notifier_call = module_event };

static int reboot_event(struct notifier_block *nb, unsigned long action, void *data)
{
	pr_info("reboot notifier %s\n", action == SYS_RESTART ? "restart" : action == SYS_POWER_OFF ? "power off" : "other");
	return NOTIFY_DONE;
}
static struct notifier_block reboot_nb = { .notifier_call = reboot_event };

static BLOCKING_NOTIFIER_HEAD(chain);
static int chained(struct notifier_block *nb, unsigned long action, void *data)
{
	pr_info("chain %lu %s priority %d\n", action, (char *)data, nb->priority);
	return nb->priority == 5 ? NOTIFY_OK : NOTIFY_STOP;
}
static struct notifier_block first = { .notifier_call = chained, .priority = 5 }, second = { .notifier_call = chained, .priority = 1 },
			     third = { .notifier_call = chained };

static int __init probes_init(void)
{
	int ret = register_kprobe(&kp);
	void *p;

	if (ret < 0)
		return ret;
	rp.kp.symbol_name = "vzalloc";
	ret = register_kretprobe(&rp);
	if (ret < 0)
		return ret;
	vfree(vmalloc(4096 * 3));
	p = vzalloc(100);
	vfree(p);
	pr_info("probed %d size %lu returned %d at %pS\n", before, last, returned, kp.addr);
	disable_kprobe(&kp);
	vfree(vmalloc(100));
	enable_kprobe(&kp);
	pr_info("probed %d\n", before);
	register_module_notifier(&module_nb);
	register_reboot_notifier(&reboot_nb);
	blocking_notifier_chain_register(&chain, &third);
	blocking_notifier_chain_register(&chain, &first);
	blocking_notifier_chain_register(&chain, &second);
	ret = blocking_notifier_call_chain(&chain, 9, "data");
	pr_info("chain said %x stop %d\n", ret, !!(ret & NOTIFY_STOP_MASK));
	return 0;
}
static void __exit probes_exit(void)
{
	unregister_kprobe(&kp);
	unregister_kretprobe(&rp);
	unregister_module_notifier(&module_nb);
	unregister_reboot_notifier(&reboot_nb);
}
module_init(probes_init);
module_exit(probes_exit);
MODULE_LICENSE("GPL");
