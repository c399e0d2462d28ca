// NLS UTF-8: characters of one to four bytes.
#include <linux/module.h>
#include "nls.h"

static int uni2char(unsigned int uni, unsigned char *out, int boundlen)
{
	int n = uni < 0x80 ? 1 : uni < 0x800 ? 2 : uni < 0x10000 ? 3 : 4, i;

	if (boundlen < n)
		return -ENAMETOOLONG;
	if (uni > 0x10ffff)
		return -EINVAL;
	if (n == 1) {
		*out = uni;
		return 1;
	}
	for (i = n - 1; i > 0; i--, uni >>= 6)
		out[i] = 0x80 | (uni & 0x3f);
	out[0] = (0xf00 >> n) | uni;
	return n;
}

static int char2uni(const unsigned char *s, int boundlen, unsigned int *uni)
{
	int n = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : 4, i;

	if (n == 0 || boundlen < n)
		return -EINVAL;
	*uni = n == 1 ? *s : *s & (0x7f >> n);
	for (i = 1; i < n; i++)
		*uni = *uni << 6 | (s[i] & 0x3f);
	return n;
}

static struct nls_table table = { .charset = "utf8", .uni2char = uni2char, .char2uni = char2uni };

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
MODULE_DESCRIPTION("NLS UTF-8");
MODULE_LICENSE("Dual BSD/GPL");
