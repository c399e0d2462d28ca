// Knuth, Morris and Pratt: no character of the text is looked at twice.
#include <linux/module.h>
#include "textsearch.h"

static long kmp_find(const char *text, unsigned long len, const char *pattern, unsigned long plen)
{
	unsigned char back[64] = { 0 };
	unsigned long i, matched = 0;

	if (plen == 0 || plen > sizeof(back))
		return -EINVAL;
	for (i = 1; i < plen; i++) {
		while (matched && pattern[matched] != pattern[i])
			matched = back[matched - 1];
		matched += pattern[matched] == pattern[i];
		back[i] = matched;
	}
	for (i = 0, matched = 0; i < len; i++) {
		while (matched && pattern[matched] != text[i])
			matched = back[matched - 1];
		matched += pattern[matched] == text[i];
		if (matched == plen)
			return i + 1 - plen;
	}
	return -ENOENT;
}

static struct ts_ops kmp = { .name = "kmp", .find = kmp_find };

static int __init init_kmp(void)
{
	return textsearch_register(&kmp);
}

static void __exit exit_kmp(void)
{
	textsearch_unregister(&kmp);
}

module_init(init_kmp);
module_exit(exit_kmp);
MODULE_INFO(intree, "Y");
MODULE_ALIAS("ts-kmp");
MODULE_DESCRIPTION("Text search, Knuth-Morris-Pratt");
MODULE_LICENSE("GPL");
