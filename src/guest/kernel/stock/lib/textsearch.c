// Text search infrastructure: a list of algorithms by name.
#include <linux/module.h>
#include "textsearch.h"

static LIST_HEAD(algorithms);

static struct ts_ops *lookup(const char *name)
{
	struct ts_ops *ops;

	list_for_each_entry(ops, &algorithms, list)
		if (!strcmp(ops->name, name))
			return ops;
	return NULL;
}

int textsearch_register(struct ts_ops *ops)
{
	if (lookup(ops->name))
		return -EEXIST;
	list_add_tail(&ops->list, &algorithms);
	return 0;
}
EXPORT_SYMBOL(textsearch_register);

int textsearch_unregister(struct ts_ops *ops)
{
	if (!lookup(ops->name))
		return -ENOENT;
	list_del(&ops->list);
	return 0;
}
EXPORT_SYMBOL(textsearch_unregister);

long textsearch_find(const char *algorithm, const char *text, unsigned long len, const char *pattern, unsigned long plen)
{
	struct ts_ops *ops = lookup(algorithm);

	return ops ? ops->find(text, len, pattern, plen) : -ENOENT;
}
EXPORT_SYMBOL(textsearch_find);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("Text search infrastructure");
MODULE_LICENSE("GPL");
