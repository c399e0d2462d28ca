/* mmap of a driver's pages in each of the ways the books show: remap_pfn_range of an allocation, vm_insert_page, and a fault function. */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/version.h>

#define NPAGES 4
static char *kbuf;
static unsigned long block;
static struct page *pages[NPAGES];
static int opens, closes, faults;

static void vma_open(struct vm_area_struct *vma) { opens++; }
static void vma_close(struct vm_area_struct *vma) { closes++; }
#if LINUX_VERSION_CODE >= KERNEL_VERSION(4, 17, 0)
static vm_fault_t vma_fault(struct vm_fault *vmf)
#else
static int vma_fault(struct vm_fault *vmf)
#endif
{
	if (vmf->pgoff >= NPAGES)
		return VM_FAULT_SIGBUS;
	faults++;
	get_page(pages[vmf->pgoff]);
	vmf->page = pages[vmf->pgoff];
	return 0;
}
static const struct vm_operations_struct plain_ops = { .open = vma_open, .close = vma_close };
static const struct vm_operations_struct fault_ops = { .open = vma_open, .close = vma_close, .fault = vma_fault };

static int remap_mmap(struct file *filp, struct vm_area_struct *vma)
{
	unsigned long pfn = virt_to_phys((void *)block) >> PAGE_SHIFT;

	if (vma_pages(vma) + vma->vm_pgoff > NPAGES)
		return -EINVAL;
	if (remap_pfn_range(vma, vma->vm_start, pfn + vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot))
		return -EAGAIN;
	vma->vm_ops = &plain_ops;
	vma_open(vma);
	return 0;
}
static int insert_mmap(struct file *filp, struct vm_area_struct *vma)
{
	unsigned long at = vma->vm_start;
	int i, ret;

	for (i = 0; i < NPAGES && at < vma->vm_end; i++, at += PAGE_SIZE) {
		ret = vm_insert_page(vma, at, pages[i]);
		if (ret)
			return ret;
	}
	return 0;
}
static int fault_mmap(struct file *filp, struct vm_area_struct *vma)
{
	vma->vm_ops = &fault_ops;
	vma->vm_private_data = filp->private_data;
	vma_open(vma);
	return 0;
}
static int by_minor(struct file *filp, struct vm_area_struct *vma)
{
	const char *name = (const char *)filp->f_path.dentry->d_name.name;

	return !strcmp(name, "map_remap") ? remap_mmap(filp, vma) : !strcmp(name, "map_insert") ? insert_mmap(filp, vma) : fault_mmap(filp, vma);
}
static ssize_t dev_read(struct file *filp, char __user *buf, size_t count, loff_t *pos)
{
	char text[128];
	int n = sprintf(text, "block %.5s page1 %.5s opens %d closes %d faults %d\n", (char *)block, (char *)page_address(pages[1]), opens, closes, faults);

	return simple_read_from_buffer(buf, count, pos, text, n);
}
static const struct file_operations fops = { .owner = THIS_MODULE, .mmap = by_minor, .read = dev_read };
static struct miscdevice devs[] = {
	{ .minor = MISC_DYNAMIC_MINOR, .name = "map_remap", .fops = &fops },
	{ .minor = MISC_DYNAMIC_MINOR, .name = "map_insert", .fops = &fops },
	{ .minor = MISC_DYNAMIC_MINOR, .name = "map_fault", .fops = &fops },
};

static int __init mmapdev_init(void)
{
	int i, ret;

	block = __get_free_pages(GFP_KERNEL | __GFP_ZERO, get_order(NPAGES * PAGE_SIZE));
	if (!block)
		return -ENOMEM;
	strcpy((char *)block, "BLOCK");
	strcpy((char *)block + PAGE_SIZE, "SECOND");
	for (i = 0; i < NPAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		sprintf(page_address(pages[i]), "PAGE%d", i);
	}
	for (i = 0; i < ARRAY_SIZE(devs); i++) {
		ret = misc_register(&devs[i]);
		if (ret)
			return ret;
	}
	kbuf = kmalloc(10, GFP_KERNEL);
	return 0;
}
static void __exit mmapdev_exit(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(devs); i++)
		misc_deregister(&devs[i]);
	for (i = 0; i < NPAGES; i++) {
		pr_info("mmapdev: page %d count %d\n", i, page_count(pages[i]));
		__free_page(pages[i]);
	}
	free_pages(block, get_order(NPAGES * PAGE_SIZE));
	kfree(kbuf);
}
module_init(mmapdev_init);
module_exit(mmapdev_exit);
MODULE_LICENSE("GPL");
