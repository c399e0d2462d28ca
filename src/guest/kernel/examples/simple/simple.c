// The least that is a module: a function that runs when it is loaded, and one that runs when it is removed.
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>

// __init: the kernel gives this function's memory back once it has run.
static int __init simple_init(void)
{
	printk(KERN_INFO "simple: hello from the kernel\n");
	return 0;	// anything negative, such as -ENODEV, and the module is not loaded
}

static void __exit simple_exit(void)
{
	printk(KERN_INFO "simple: goodbye from the kernel\n");
}

module_init(simple_init);
module_exit(simple_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Says hello and goodbye");
MODULE_VERSION("1.0");
