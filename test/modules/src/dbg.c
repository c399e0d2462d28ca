/* debugfs: values of every form, a blob, a file with operations, a simple attribute, a seq_file, a directory that goes whole. */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

static struct dentry *dir;
static u8 small = 200;
static u16 middle = 1000;
static u32 hexa = 0xbeef;
static u64 big = 1ULL << 40;
static bool flag = true;
static atomic_t counter = ATOMIC_INIT(-3);
static char bytes[] = "blob of bytes";
static struct debugfs_blob_wrapper wrapper = { .data = bytes, .size = sizeof(bytes) - 1 };
static char text[128] = "initial\n";

static ssize_t text_read(struct file *file, char __user *buf, size_t count, loff_t *ppos)
{
	return simple_read_from_buffer(buf, count, ppos, text, strlen(text));
}
static ssize_t text_write(struct file *file, const char __user *buf, size_t count, loff_t *ppos)
{
	ssize_t n = simple_write_to_buffer(text, sizeof(text) - 1, ppos, buf, count);

	if (n > 0)
		text[n] = 0;
	return n;
}
static const struct file_operations text_fops = {
	.owner = THIS_MODULE, .open = simple_open, .read = text_read, .write = text_write, .llseek = default_llseek,
};

static int square_get(void *data, u64 *val)
{
	*val = *(u64 *)data * *(u64 *)data;
	return 0;
}
static int square_set(void *data, u64 val)
{
	if (val > 1000)
		return -ERANGE;
	*(u64 *)data = val;
	return 0;
}
static u64 root = 12;
DEFINE_SIMPLE_ATTRIBUTE(square_fops, square_get, square_set, "%llu\n");

static int list_show(struct seq_file *m, void *v)
{
	int i;

	for (i = 0; i < *(int *)m->private; i++)
		seq_printf(m, "%d ", i * i);
	seq_putc(m, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(list);
static int many = 5;

static int __init dbg_init(void)
{
	struct dentry *sub;

	dir = debugfs_create_dir("dbg", NULL);
	if (IS_ERR_OR_NULL(dir))
		return -ENODEV;
	debugfs_create_u8("u8", 0644, dir, &small);
	debugfs_create_u16("u16", 0644, dir, &middle);
	debugfs_create_x32("x32", 0644, dir, &hexa);
	debugfs_create_u64("u64", 0444, dir, &big);
	debugfs_create_bool("bool", 0644, dir, &flag);
	debugfs_create_atomic_t("atomic", 0644, dir, &counter);
	debugfs_create_blob("blob", 0444, dir, &wrapper);
	debugfs_create_file("text", 0600, dir, NULL, &text_fops);
	debugfs_create_file("square", 0644, dir, &root, &square_fops);
	sub = debugfs_create_dir("below", dir);
	debugfs_create_file("list", 0444, sub, &many, &list_fops);
	debugfs_create_symlink("link", dir, "below/list");
	return 0;
}

static void __exit dbg_exit(void)
{
	debugfs_remove_recursive(dir);
	pr_info("dbg: u8 %u bool %d atomic %d root %llu\n", small, flag, atomic_read(&counter), root);
}

module_init(dbg_init);
module_exit(dbg_exit);
MODULE_LICENSE("GPL");
