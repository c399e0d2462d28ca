/* A module of two source files: this one ends. */
#include <linux/kernel.h>
#include <linux/module.h>

int twofiles_started(void);
int twofiles_started(void) { return 7; }
void cleanup_module(void) { pr_info("Short is the life of a kernel module\n"); }
