/* Third machine problem: a page-fault profiler. Work samples the registered process twenty times a second into a vmalloc'd buffer that
 * a character device hands to a monitor by mmap. */
#include <linux/cdev.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#define PAGES 16
#define MAJOR_NUMBER 423
static unsigned long *buffer;
static int at, watched;
static dev_t devno = MKDEV(MAJOR_NUMBER, 0);
static struct cdev cdev;
static struct workqueue_struct *wq;
static void sample(struct work_struct *w);
static DECLARE_DELAYED_WORK(work, sample);

static void sample(struct work_struct *w)
{
	struct task_struct *task;
	unsigned long min_flt = 0, maj_flt = 0, cpu = 0;

	rcu_read_lock();
	task = pid_task(find_vpid(watched), PIDTYPE_PID);
	if (task) {
		min_flt = task->min_flt;
		maj_flt = task->maj_flt;
		cpu = task->utime + task->stime;
		task->maj_flt = task->min_flt = 0;
		task->utime = task->stime = 0;
	}
	rcu_read_unlock();
	if (at + 4 <= PAGES * PAGE_SIZE / sizeof(long)) {
		buffer[at++] = jiffies;
		buffer[at++] = min_flt;
		buffer[at++] = maj_flt;
		buffer[at++] = cpu;
	}
	queue_delayed_work(wq, &work, msecs_to_jiffies(50));
}

static ssize_t mp3_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	char text[32] = "";

	if (count >= sizeof(text) || copy_from_user(text, buf, count))
		return -EINVAL;
	if (text[0] == 'R' && sscanf(text + 1, " %d", &watched) == 1)
		queue_delayed_work(wq, &work, msecs_to_jiffies(50));
	else if (text[0] == 'U') {
		cancel_delayed_work_sync(&work);
		buffer[at] = -1;
	} else
		return -EINVAL;
	return count;
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 6, 0)
static const struct proc_ops mp3_ops = { .proc_write = mp3_write };
#else
static const struct file_operations mp3_ops = { .owner = THIS_MODULE, .write = mp3_write };
#endif

static int mp3_mmap(struct file *file, struct vm_area_struct *vma)
{
	unsigned long size = vma->vm_end - vma->vm_start, done, pfn;
	int ret;

	if (size > PAGES * PAGE_SIZE)
		return -EINVAL;
	for (done = 0; done < size; done += PAGE_SIZE) {
		pfn = vmalloc_to_pfn((char *)buffer + done);
		ret = remap_pfn_range(vma, vma->vm_start + done, pfn, PAGE_SIZE, PAGE_SHARED);
		if (ret < 0)
			return ret;
	}
	return 0;
}
static int mp3_open(struct inode *inode, struct file *file) { return 0; }
static const struct file_operations dev_ops = { .owner = THIS_MODULE, .open = mp3_open, .release = mp3_open, .mmap = mp3_mmap };
static struct proc_dir_entry *dir;

static int __init mp3_init(void)
{
	int i;

	dir = proc_mkdir("mp3", NULL);
	proc_create("status", 0666, dir, &mp3_ops);
	wq = create_singlethread_workqueue("mp3");
	buffer = vmalloc(PAGES * PAGE_SIZE);
	memset(buffer, 0xff, PAGES * PAGE_SIZE);
	for (i = 0; i < PAGES; i++)
		SetPageReserved(vmalloc_to_page((char *)buffer + i * PAGE_SIZE));
	if (register_chrdev_region(devno, 1, "mp3"))
		return -EBUSY;
	cdev_init(&cdev, &dev_ops);
	return cdev_add(&cdev, devno, 1);
}
static void __exit mp3_exit(void)
{
	int i;

	cancel_delayed_work_sync(&work);
	destroy_workqueue(wq);
	cdev_del(&cdev);
	unregister_chrdev_region(devno, 1);
	for (i = 0; i < PAGES; i++)
		ClearPageReserved(vmalloc_to_page((char *)buffer + i * PAGE_SIZE));
	vfree(buffer);
	remove_proc_subtree("mp3", NULL);
}
module_init(mp3_init);
module_exit(mp3_exit);
MODULE_LICENSE("GPL");
