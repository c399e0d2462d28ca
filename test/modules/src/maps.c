/* The mappings of a process, as /proc/PID/maps has them, and what its struct mm_struct says. */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/version.h>

static int pid = 1;
module_param(pid, int, 0);

static void tell(struct vm_area_struct *vma)
{
	pr_info("maps: %08lx-%08lx %c%c%c%c %08lx %s\n", vma->vm_start, vma->vm_end, vma->vm_flags & VM_READ ? 'r' : '-', vma->vm_flags & VM_WRITE ? 'w' : '-',
		vma->vm_flags & VM_EXEC ? 'x' : '-', vma->vm_flags & VM_SHARED ? 's' : 'p', vma->vm_pgoff << PAGE_SHIFT,
		vma->vm_file ? (const char *)vma->vm_file->f_path.dentry->d_iname : "-");
}

static int __init maps_init(void)
{
	struct task_struct *task = get_pid_task(find_get_pid(pid), PIDTYPE_PID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;
	struct vm_area_struct *vma;
	int count = 0;
	char head[4] = "";

	if (!mm)
		return -ESRCH;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
	{
		VMA_ITERATOR(vmi, mm, 0);

		mmap_read_lock(mm);
		for_each_vma(vmi, vma) {
			count++;
			tell(vma);
		}
		mmap_read_unlock(mm);
	}
#else
	down_read(&mm->mmap_sem);
	for (vma = mm->mmap; vma; vma = vma->vm_next) {
		count++;
		tell(vma);
	}
	up_read(&mm->mmap_sem);
#endif
	vma = find_vma(mm, mm->start_code);
	pr_info("maps: count %s code %d rss %d read %d %c%c%c\n", count == mm->map_count ? "right" : "wrong", vma && vma->vm_start <= mm->start_code, get_mm_rss(mm) > 0,
		access_process_vm(task, mm->start_code, head, 4, 0), head[1], head[2], head[3]);
	mmput(mm);
	put_task_struct(task);
	return 0;
}
static void __exit maps_exit(void) { }
module_init(maps_init);
module_exit(maps_exit);
MODULE_LICENSE("GPL");
