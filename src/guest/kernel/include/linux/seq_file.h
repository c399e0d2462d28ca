#include <linux/types.h>
#include <linux/string.h>
#include <linux/mutex.h>
#include <linux/stdarg.h>
#include <linux/fs.h>
/* @structs */
#define SEQ_SKIP 1
#define SEQ_START_TOKEN ((void *)1)
/* @kapi */
#define seq_has_overflowed(m) ((m)->count == (m)->size)
#define DEFINE_SHOW_ATTRIBUTE(__name)					\
static int __name##_open(struct inode *inode, struct file *file) { return single_open(file, __name##_show, inode->i_private); }	\
static const struct file_operations __name##_fops = {			\
	.owner = THIS_MODULE, .open = __name##_open, .read = seq_read, .llseek = seq_lseek, .release = single_release,	\
}
#define DEFINE_SEQ_ATTRIBUTE(__name)					\
static int __name##_open(struct inode *inode, struct file *file)	\
{									\
	int ret = seq_open(file, &__name##_sops);			\
	if (!ret && inode->i_private)					\
		((struct seq_file *)file->private_data)->private = inode->i_private;	\
	return ret;							\
}									\
static const struct file_operations __name##_fops = {			\
	.owner = THIS_MODULE, .open = __name##_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release,	\
}
