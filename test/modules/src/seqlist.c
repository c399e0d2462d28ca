/* seq_file by hand (start, next, stop, show over many pages of text) and single_open, below a directory of their own. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/fs.h>

static int limit = 1500;
module_param(limit, int, 0644);

static void *my_seq_start(struct seq_file *s, loff_t *pos)
{
	loff_t *spos;

	if (*pos >= limit)
		return NULL;
	spos = kmalloc(sizeof(loff_t), GFP_KERNEL);
	if (!spos)
		return NULL;
	*spos = *pos;
	return spos;
}

static void *my_seq_next(struct seq_file *s, void *v, loff_t *pos)
{
	loff_t *spos = v;

	*pos = ++*spos;
	if (*pos < limit)
		return spos;
	kfree(spos);
	return NULL;
}

static void my_seq_stop(struct seq_file *s, void *v)
{
	kfree(v);
}

static int my_seq_show(struct seq_file *s, void *v)
{
	loff_t *spos = v;

	if (*spos == 3)
		return SEQ_SKIP;
	seq_printf(s, "%lld", (long long)*spos);
	seq_putc(s, ' ');
	seq_puts(s, *spos % 2 ? "odd" : "even");
	seq_putc(s, '\n');
	return 0;
}

static const struct seq_operations my_seq_ops = {
	.start = my_seq_start, .next = my_seq_next, .stop = my_seq_stop, .show = my_seq_show,
};

static int my_open(struct inode *inode, struct file *file) { return seq_open(file, &my_seq_ops); }

static int state_show(struct seq_file *m, void *v)
{
	seq_printf(m, "limit %d data %s\n", limit, (char *)m->private);
	seq_printf(m, "%-8s|%8s|%*d\n", "left", "right", 6, 42);
	return 0;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 17, 0)
#define DATA pde_data
#else
#define DATA PDE_DATA
#endif
static int state_open(struct inode *inode, struct file *file) { return single_open(file, state_show, DATA(inode)); }

#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops my_ops = { .proc_open = my_open, .proc_read = seq_read, .proc_lseek = seq_lseek, .proc_release = seq_release };
static const struct proc_ops state_ops = { .proc_open = state_open, .proc_read = seq_read, .proc_lseek = seq_lseek, .proc_release = single_release };
#else
static const struct file_operations my_ops = { .owner = THIS_MODULE, .open = my_open, .read = seq_read, .llseek = seq_lseek, .release = seq_release };
static const struct file_operations state_ops = { .owner = THIS_MODULE, .open = state_open, .read = seq_read, .llseek = seq_lseek, .release = single_release };
#endif
static struct proc_dir_entry *dir;

static int __init seq_init(void)
{
	dir = proc_mkdir("seqdemo", NULL);
	if (!dir)
		return -ENOMEM;
	if (!proc_create("numbers", 0, dir, &my_ops) || !proc_create_data("state", 0444, dir, &state_ops, "hello")) {
		remove_proc_subtree("seqdemo", NULL);
		return -ENOMEM;
	}
	proc_symlink("again", dir, "state");
	return 0;
}

static void __exit seq_exit(void)
{
	proc_remove(dir);
}

module_init(seq_init);
module_exit(seq_exit);
MODULE_LICENSE("GPL");
