/* Entries of /proc/sys: an integer with limits, a few integers, a string, and one with a handler of our own. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/sysctl.h>
#include <linux/version.h>

static int level = 3, low = 0, high = 10, several[3] = { 1, 2, 3 }, told;
static char name[16] = "nobody";

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static int own(const struct ctl_table *table, int write, void *buffer, size_t *lenp, loff_t *ppos)
#else
static int own(struct ctl_table *table, int write, void __user *buffer, size_t *lenp, loff_t *ppos)
#endif
{
	int ret = proc_dointvec(table, write, buffer, lenp, ppos);

	if (!ret && write)
		pr_info("sysctls: told %d\n", told);
	return ret;
}
static struct ctl_table entries[] = {
	{ .procname = "level", .data = &level, .maxlen = sizeof(int), .mode = 0644, .proc_handler = proc_dointvec_minmax, .extra1 = &low, .extra2 = &high },
	{ .procname = "several", .data = several, .maxlen = sizeof(several), .mode = 0644, .proc_handler = proc_dointvec },
	{ .procname = "name", .data = name, .maxlen = sizeof(name), .mode = 0600, .proc_handler = proc_dostring },
	{ .procname = "told", .data = &told, .maxlen = sizeof(int), .mode = 0644, .proc_handler = own },
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
	{ }
#endif
};
static struct ctl_table_header *header;

static int __init sysctls_init(void)
{
	header = register_sysctl("dev/course", entries);
	return header ? 0 : -ENOMEM;
}
static void __exit sysctls_exit(void) { unregister_sysctl_table(header); }
module_init(sysctls_init);
module_exit(sysctls_exit);
MODULE_LICENSE("GPL");
