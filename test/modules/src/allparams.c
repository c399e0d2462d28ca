/* Parameters of every standard type, arrays, strings, callbacks, other names, and invisible ones. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/kernel.h>
#include <linux/init.h>
#include <linux/stat.h>

static unsigned char p_byte = 1;
static short p_short = -2;
static unsigned short p_ushort = 3;
static int p_int = -4;
static unsigned int p_uint = 5;
static long p_long = -6;
static unsigned long p_ulong = 7;
static unsigned long long p_ullong = 8;
static char *p_charp = "text";
static bool p_bool;
static bool p_invbool;
static int p_bint;
static int numbers[4] = { 1, 2, 3, 4 };
static int count;
static char *words[3];
static int nwords;
static char text[12] = "short";
static int inner = 42;
static int volume = 5;

module_param(p_byte, byte, 0644);
module_param(p_short, short, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP);
module_param(p_ushort, ushort, 0444);
module_param(p_int, int, 0644);
MODULE_PARM_DESC(p_int, "An integer");
module_param(p_uint, uint, 0644);
module_param(p_long, long, S_IRUSR);
module_param(p_ulong, ulong, 0444);
module_param(p_ullong, ullong, 0444);
module_param(p_charp, charp, 0644);
MODULE_PARM_DESC(p_charp, "A character string");
module_param(p_bool, bool, 0644);
module_param(p_invbool, invbool, 0644);
module_param(p_bint, bint, 0644);
module_param_array(numbers, int, &count, 0644);
MODULE_PARM_DESC(numbers, "An array of integers");
module_param_array(words, charp, &nwords, 0444);
module_param_string(text, text, sizeof(text), 0644);
module_param_named(outer, inner, int, 0444);
module_param(volume, int, 0);

static int notify(const char *val, const struct kernel_param *kp)
{
	int n, failed = kstrtoint(val, 10, &n);

	if (failed || n < 0 || n > 10)
		return -EINVAL;
	pr_info("level becomes %d\n", n);
	return param_set_int(val, kp);
}
static int level = 3;
static const struct kernel_param_ops level_ops = { .set = notify, .get = param_get_int };
module_param_cb(level, &level_ops, &level, 0644);

static int __init params_init(void)
{
	int i;

	pr_info("%d %d %d %d %u %ld %lu %llu %s\n", p_byte, p_short, p_ushort, p_int, p_uint, p_long, p_ulong, p_ullong, p_charp);
	pr_info("bool %d invbool %d bint %d text %s inner %d volume %d level %d\n", p_bool, p_invbool, p_bint, text, inner, volume, level);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		pr_info("numbers[%d] = %d\n", i, numbers[i]);
	pr_info("got %d numbers, %d words%s%s\n", count, nwords, nwords ? ", first " : "", nwords ? words[0] : "");
	return 0;
}

static void __exit params_exit(void)
{
	pr_info("p_int %d p_charp %s p_bool %d numbers %d,%d\n", p_int, p_charp, p_bool, numbers[0], numbers[1]);
}

module_init(params_init);
module_exit(params_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Parameters");
MODULE_VERSION("1.2");
