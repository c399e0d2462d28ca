/* The textbook's first project: a constant of the hash functions at the beginning, a gcd at the end. */
#include <linux/gcd.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <asm/param.h>
#include <linux/jiffies.h>

static unsigned long began;

static int simple_init(void)
{
	began = jiffies;
	printk(KERN_INFO "hashgcd: golden ratio %llx, HZ %d\n", (unsigned long long)GOLDEN_RATIO_PRIME, HZ);
	return 0;
}

static void simple_exit(void)
{
	printk(KERN_INFO "hashgcd: gcd(3300, 24) = %lu, %s\n", gcd(3300, 24),
	       time_after_eq(jiffies, began) ? "time went on" : "time ran back");
}

module_init(simple_init);
module_exit(simple_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Simple Module");
MODULE_AUTHOR("SGG");
