/* A module of two source files: this one begins. */
#include <linux/kernel.h>
#include <linux/module.h>

int twofiles_started(void);
int init_module(void)
{
	pr_info("Hello, world - this is the kernel speaking, %s\n", KBUILD_MODNAME);
	return twofiles_started() - 7;
}
MODULE_LICENSE("GPL");
