/* Uses what exporter gives, directly and by name. */
#include <linux/init.h>
#include <linux/module.h>

extern int exported_sum(int a, int b);
extern int exported_value;
static int __init importer_init(void)
{
	int (*by_name)(int, int) = symbol_get(exported_sum);

	pr_info("importer: %d %d by name %d, missing %d\n", exported_sum(40, 2), exported_value, by_name ? by_name(1, 2) : -1, __symbol_get("no_such_symbol") != NULL);
	if (by_name)
		symbol_put(exported_sum);
	return 0;
}
static void __exit importer_exit(void) { }
module_init(importer_init);
module_exit(importer_exit);
MODULE_LICENSE("GPL");
