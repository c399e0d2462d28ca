// Boyer and Moore (the bad character rule): the longer the pattern, the less of the text is looked at.
#include <linux/module.h>
#include "textsearch.h"

static long bm_find(const char *text, unsigned long len, const char *pattern, unsigned long plen)
{
	unsigned char skip[256];
	unsigned long i, at;

	if (plen == 0 || plen > 255)
		return -EINVAL;
	for (i = 0; i < sizeof(skip); i++)
		skip[i] = plen;
	for (i = 0; i + 1 < plen; i++)
		skip[(unsigned char)pattern[i]] = plen - 1 - i;
	for (at = 0; at + plen <= len; at += skip[(unsigned char)text[at + plen - 1]]) {
		for (i = plen; i && text[at + i - 1] == pattern[i - 1]; i--)
			;
		if (i == 0)
			return at;
	}
	return -ENOENT;
}

static struct ts_ops bm = { .name = "bm", .find = bm_find };

static int __init init_bm(void)
{
	return textsearch_register(&bm);
}

static void __exit exit_bm(void)
{
	textsearch_unregister(&bm);
}

module_init(init_bm);
module_exit(exit_bm);
MODULE_INFO(intree, "Y");
MODULE_ALIAS("ts-bm");
MODULE_DESCRIPTION("Text search, Boyer-Moore");
MODULE_LICENSE("GPL");
