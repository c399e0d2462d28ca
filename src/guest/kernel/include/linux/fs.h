/* Files and what drivers do with them. */
#include <linux/types.h>
#include <linux/list.h>
#include <linux/kdev_t.h>
#include <linux/dcache.h>
#include <linux/path.h>
#include <linux/stat.h>
#include <linux/fcntl.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/time64.h>
#include <linux/uidgid.h>
#include <linux/ioctl.h>
#include <linux/sched.h>
#include <linux/err.h>
struct file_lock;
/* @structs */
#define MAY_EXEC 1
#define MAY_WRITE 2
#define MAY_READ 4
#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_LSEEK 4
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define MINORMASK_ALL ((1U << 20) - 1)
#define CHRDEV_MAJOR_MAX 512
/* @kapi */
static inline int register_chrdev(unsigned int major, const char *name, const struct file_operations *fops)
{
	return __register_chrdev(major, 0, 256, name, fops);
}
static inline void unregister_chrdev(unsigned int major, const char *name) { __unregister_chrdev(major, 0, 256, name); }
static inline struct inode *file_inode(const struct file *f) { return f->f_inode; }
static inline struct dentry *file_dentry(const struct file *f) { return f->f_path.dentry; }
static inline unsigned iminor(const struct inode *inode) { return MINOR(inode->i_rdev); }
static inline unsigned imajor(const struct inode *inode) { return MAJOR(inode->i_rdev); }
static inline loff_t i_size_read(const struct inode *inode) { return inode->i_size; }
static inline void i_size_write(struct inode *inode, loff_t i_size) { inode->i_size = i_size; }
#define inode_lock(inode) down_write(&(inode)->i_rwsem)
#define inode_unlock(inode) up_write(&(inode)->i_rwsem)
#define get_file(f) ({ struct file *__f = (f); __atomic_fetch_add(&__f->f_count.counter, 1, __ATOMIC_SEQ_CST); __f; })
#define file_count(x) ((x)->f_count.counter)
#define DEFINE_SIMPLE_ATTRIBUTE(__fops, __get, __set, __fmt) \
	static int __fops##_open(struct inode *inode, struct file *file) { return simple_attr_open(inode, file, __get, __set, __fmt); } \
	static const struct file_operations __fops = { .owner = THIS_MODULE, .open = __fops##_open, .release = simple_attr_release, \
		.read = simple_attr_read, .write = simple_attr_write, .llseek = generic_file_llseek }
