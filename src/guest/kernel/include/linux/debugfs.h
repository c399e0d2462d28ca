#include <linux/fs.h>
#include <linux/seq_file.h>
/* @structs */
/* @kapi */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 7, 0)
#define debugfs_remove_recursive debugfs_remove
#endif
#define debugfs_create_file_unsafe debugfs_create_file
#define DEFINE_DEBUGFS_ATTRIBUTE(__fops, __get, __set, __fmt) DEFINE_SIMPLE_ATTRIBUTE(__fops, __get, __set, __fmt)
