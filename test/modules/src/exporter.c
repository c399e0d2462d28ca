/* Exports for others, versioned where the kernel is. */
#include <linux/export.h>
#include <linux/init.h>
#include <linux/module.h>

int exported_sum(int a, int b);
int exported_sum(int a, int b) { return a + b; }
EXPORT_SYMBOL(exported_sum);
int exported_value = 41;
EXPORT_SYMBOL_GPL(exported_value);
static int __init exporter_init(void) { return 0; }
static void __exit exporter_exit(void) { }
module_init(exporter_init);
module_exit(exporter_exit);
MODULE_LICENSE("GPL");
