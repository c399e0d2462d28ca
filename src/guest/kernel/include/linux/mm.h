#include <linux/mm_types.h>
#include <linux/gfp.h>
#include <linux/slab.h>
#include <linux/sched.h>
#include <asm/page.h>
#define MAX_ORDER 11
#define MAX_PAGE_ORDER 10
#define VM_READ 0x1
#define VM_WRITE 0x2
#define VM_EXEC 0x4
#define VM_SHARED 0x8
#define VM_MAYREAD 0x10
#define VM_MAYWRITE 0x20
#define VM_MAYSHARE 0x80
#define VM_GROWSDOWN 0x100
#define VM_PFNMAP 0x400
#define VM_LOCKED 0x2000
#define VM_IO 0x4000
#define VM_DONTCOPY 0x20000
#define VM_DONTEXPAND 0x40000
#define VM_DONTDUMP 0x4000000
#define VM_MIXEDMAP 0x10000000
#define VM_RESERVED (VM_DONTEXPAND | VM_DONTDUMP)
#define FAULT_FLAG_WRITE 1
#define FOLL_WRITE 1
#define FOLL_FORCE 0x10
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES };
/* @structs */
/* @kapi */
#define virt_to_page(addr) __virt_to_page((const void *)(unsigned long)(addr))
#define page_address(page) __page_address(page)
#define page_to_pfn(page) __page_to_pfn(page)
#define pfn_to_page(pfn) __pfn_to_page(pfn)
#define page_to_virt(page) __page_address(page)
#define page_to_phys(page) ((phys_addr_t)__page_to_pfn(page) << PAGE_SHIFT)
#define virt_addr_valid(addr) __virt_addr_valid((unsigned long)(addr))
#define virt_to_phys(addr) ((phys_addr_t)__page_to_pfn(virt_to_page(addr)) << PAGE_SHIFT | ((unsigned long)(addr) & ~PAGE_MASK))
#define __pa(addr) virt_to_phys(addr)
#define __va(phys) __page_address(__pfn_to_page((phys) >> PAGE_SHIFT))
#define phys_to_virt(phys) __va(phys)
#define virt_to_pfn(addr) __page_to_pfn(virt_to_page(addr))
#define get_page(page) ((void)__atomic_fetch_add(&(page)->_refcount.counter, 1, __ATOMIC_SEQ_CST))
#define put_page(page) do { if (__atomic_sub_fetch(&(page)->_refcount.counter, 1, __ATOMIC_SEQ_CST) == 0) __put_page(page); } while (0)
#define page_count(page) ((page)->_refcount.counter)
#define SetPageReserved(page) ((void)__atomic_fetch_or(&(page)->flags, 1UL << 12, __ATOMIC_RELAXED))
#define ClearPageReserved(page) ((void)__atomic_fetch_and(&(page)->flags, ~(1UL << 12), __ATOMIC_RELAXED))
#define PageReserved(page) (((page)->flags >> 12) & 1)
#define kmap(page) __page_address(page)
#define kunmap(page) ((void)(page))
#define kmap_local_page(page) __page_address(page)
#define kunmap_local(addr) ((void)(addr))
#define kunmap_atomic(addr) ((void)(addr))
#define vma_pages(vma) (((vma)->vm_end - (vma)->vm_start) >> PAGE_SHIFT)
#define io_remap_pfn_range remap_pfn_range
#define offset_in_page(p) ((unsigned long)(p) & ~PAGE_MASK)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags) ((void)(*(unsigned long *)&(vma)->vm_flags |= (flags)))
#define vm_flags_clear(vma, flags) ((void)(*(unsigned long *)&(vma)->vm_flags &= ~(flags)))
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 8, 0)
#define mmap_read_lock(mm) down_read(&(mm)->mmap_lock)
#define mmap_read_unlock(mm) up_read(&(mm)->mmap_lock)
#define mmap_write_lock(mm) down_write(&(mm)->mmap_lock)
#define mmap_write_unlock(mm) up_write(&(mm)->mmap_lock)
#endif
#define get_mm_counter(mm, member) ((unsigned long)(mm)->rss_stat[member].counter)
#define get_mm_rss(mm) (get_mm_counter(mm, MM_FILEPAGES) + get_mm_counter(mm, MM_ANONPAGES) + get_mm_counter(mm, MM_SHMEMPAGES))
/* Walks over mappings: along the list in old kernels, by address in new ones. */
struct vma_iterator { struct mm_struct *mm; unsigned long addr; };
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define VMA_ITERATOR(name, __mm, __addr) struct vma_iterator name = { .mm = (__mm), .addr = (__addr) }
static inline void vma_iter_init(struct vma_iterator *vmi, struct mm_struct *mm, unsigned long addr) { vmi->mm = mm; vmi->addr = addr; }
static inline struct vm_area_struct *vma_next(struct vma_iterator *vmi)
{
	struct vm_area_struct *vma = find_vma(vmi->mm, vmi->addr);

	if (vma)
		vmi->addr = vma->vm_end;
	return vma;
}
#define for_each_vma(__vmi, __vma) while (((__vma) = vma_next(&(__vmi))) != NULL)
#endif
