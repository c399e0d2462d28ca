// Native language support: character sets by name.
#include <linux/module.h>
#include "nls.h"

static LIST_HEAD(tables);

struct nls_table *find_nls(const char *charset)
{
	struct nls_table *table;

	list_for_each_entry(table, &tables, list)
		if (!strcmp(table->charset, charset) || (table->alias && !strcmp(table->alias, charset)))
			return table;
	return NULL;
}
EXPORT_SYMBOL(find_nls);

int register_nls(struct nls_table *table)
{
	if (find_nls(table->charset))
		return -EBUSY;
	list_add(&table->list, &tables);
	return 0;
}
EXPORT_SYMBOL(register_nls);

int unregister_nls(struct nls_table *table)
{
	if (find_nls(table->charset) != table)
		return -EINVAL;
	list_del(&table->list);
	return 0;
}
EXPORT_SYMBOL(unregister_nls);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("Base file system native language support");
MODULE_LICENSE("Dual BSD/GPL");
