// NLS ASCII (United States): the first 128 characters of Unicode, one byte each.
#include <linux/module.h>
#include "nls.h"

static int uni2char(unsigned int uni, unsigned char *out, int boundlen)
{
	if (boundlen <= 0)
		return -ENAMETOOLONG;
	if (uni >= 128)
		return -EINVAL;
	*out = uni;
	return 1;
}

static int char2uni(const unsigned char *rawstring, int boundlen, unsigned int *uni)
{
	if (*rawstring >= 128)
		return -EINVAL;
	*uni = *rawstring;
	return 1;
}

static struct nls_table table = { .charset = "ascii", .uni2char = uni2char, .char2uni = char2uni };

static int __init init_nls(void)
{
	return register_nls(&table);
}

static void __exit exit_nls(void)
{
	unregister_nls(&table);
}

module_init(init_nls);
module_exit(exit_nls);
MODULE_INFO(intree, "Y");
MODULE_ALIAS("nls_ascii");
MODULE_DESCRIPTION("NLS ASCII (United States)");
MODULE_LICENSE("Dual BSD/GPL");
