#include <linux/types.h>
#include <linux/fs.h>
struct proc_dir_entry;
struct seq_operations;
struct seq_file;
/* @structs */
/* @kapi */
#define proc_create_seq(name, mode, parent, ops) proc_create_seq_private(name, mode, parent, ops, 0, NULL)
#define proc_create_seq_data(name, mode, parent, ops, data) proc_create_seq_private(name, mode, parent, ops, 0, data)
#define proc_create_single(name, mode, parent, show) proc_create_single_data(name, mode, parent, show, NULL)
