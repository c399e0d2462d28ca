/** Exports for memory: slab, pages, vmalloc, user copies, mappings. */
import { exported, kernelVersion } from './declare.ts';

exported('linux/slab.h', {
  __kmalloc: 'void *__kmalloc(size_t size, gfp_t flags)',
  __kzalloc: 'void *__kzalloc(size_t size, gfp_t flags)',
  kmalloc_array: 'void *kmalloc_array(size_t n, size_t size, gfp_t flags)',
  kcalloc: 'void *kcalloc(size_t n, size_t size, gfp_t flags)',
  krealloc: 'void *krealloc(const void *p, size_t new_size, gfp_t flags)',
  kfree: 'void kfree(const void *p)',
  kfree_sensitive: ['void kfree_sensitive(const void *p)', { since: kernelVersion(5, 9, 0) }],
  kzfree: ['void kzfree(const void *p)', { until: kernelVersion(5, 9, 0) }],
  ksize: 'size_t ksize(const void *p)',
  kvmalloc_node: 'void *kvmalloc_node(size_t size, gfp_t flags, int node)',
  kvfree: 'void kvfree(const void *p)',
  __kmem_cache_create:
    'struct kmem_cache *__kmem_cache_create(const char *name, unsigned int size, unsigned int align, unsigned long flags, void (*ctor)(void *))',
  kmem_cache_destroy: 'void kmem_cache_destroy(struct kmem_cache *s)',
  kmem_cache_alloc: 'void *kmem_cache_alloc(struct kmem_cache *s, gfp_t flags)',
  kmem_cache_free: 'void kmem_cache_free(struct kmem_cache *s, void *p)',
  kmem_cache_size: 'unsigned int kmem_cache_size(struct kmem_cache *s)',
  kmem_cache_shrink: 'int kmem_cache_shrink(struct kmem_cache *s)',
});
exported('linux/mempool.h', {
  mempool_create:
    'struct mempool_s *mempool_create(int min_nr, void *(*alloc_fn)(gfp_t gfp, void *pool_data), void (*free_fn)(void *element, void *pool_data), void *pool_data)',
  mempool_destroy: 'void mempool_destroy(struct mempool_s *pool)',
  mempool_alloc: 'void *mempool_alloc(struct mempool_s *pool, gfp_t gfp)',
  mempool_free: 'void mempool_free(void *element, struct mempool_s *pool)',
  mempool_alloc_slab: 'void *mempool_alloc_slab(gfp_t gfp, void *pool_data)',
  mempool_free_slab: 'void mempool_free_slab(void *element, void *pool_data)',
});
exported('linux/vmalloc.h', {
  vmalloc: 'void *vmalloc(unsigned long size)',
  vzalloc: 'void *vzalloc(unsigned long size)',
  vmalloc_user: 'void *vmalloc_user(unsigned long size)',
  vmalloc_32: 'void *vmalloc_32(unsigned long size)',
  vfree: 'void vfree(const void *addr)',
  vmap: 'void *vmap(struct page **pages, unsigned int count, unsigned long flags, pgprot_t prot)',
  vunmap: 'void vunmap(const void *addr)',
  vmalloc_to_page: 'struct page *vmalloc_to_page(const void *addr)',
  vmalloc_to_pfn: 'unsigned long vmalloc_to_pfn(const void *addr)',
  remap_vmalloc_range: 'int remap_vmalloc_range(struct vm_area_struct *vma, void *addr, unsigned long pgoff)',
});
exported('linux/gfp.h', {
  alloc_pages: 'struct page *alloc_pages(gfp_t gfp, unsigned int order)',
  __get_free_pages: 'unsigned long __get_free_pages(gfp_t gfp, unsigned int order)',
  get_zeroed_page: 'unsigned long get_zeroed_page(gfp_t gfp)',
  __free_pages: 'void __free_pages(struct page *page, unsigned int order)',
  free_pages: 'void free_pages(unsigned long addr, unsigned int order)',
});
exported('linux/mm.h', {
  remap_pfn_range:
    'int remap_pfn_range(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn, unsigned long size, pgprot_t prot)',
  vm_insert_page: 'int vm_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)',
  vmf_insert_pfn: [
    'vm_fault_t vmf_insert_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn)',
    { since: kernelVersion(4, 20, 0) },
  ],
  vmf_insert_page: [
    'vm_fault_t vmf_insert_page(struct vm_area_struct *vma, unsigned long addr, struct page *page)',
    { since: kernelVersion(4, 18, 0) },
  ],
  vm_insert_pfn: [
    'int vm_insert_pfn(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn)',
    { until: kernelVersion(4, 20, 0) },
  ],
  vm_iomap_memory: 'int vm_iomap_memory(struct vm_area_struct *vma, phys_addr_t start, unsigned long len)',
  __put_page: 'void __put_page(struct page *page)',
  __virt_to_page: 'struct page *__virt_to_page(const void *addr)',
  __page_address: 'void *__page_address(const struct page *page)',
  __page_to_pfn: 'unsigned long __page_to_pfn(const struct page *page)',
  __pfn_to_page: 'struct page *__pfn_to_page(unsigned long pfn)',
  __virt_addr_valid: 'bool __virt_addr_valid(unsigned long addr)',
  is_vmalloc_addr: 'bool is_vmalloc_addr(const void *addr)',
  set_page_dirty: 'bool set_page_dirty(struct page *page)',
  get_user_pages_fast:
    'int get_user_pages_fast(unsigned long start, int nr_pages, unsigned int gup_flags, struct page **pages)',
  find_vma: 'struct vm_area_struct *find_vma(struct mm_struct *mm, unsigned long addr)',
  access_process_vm:
    'int access_process_vm(struct task_struct *task, unsigned long addr, void *buf, int len, unsigned int gup_flags)',
  si_meminfo: 'void si_meminfo(struct sysinfo *val)',
  get_task_mm: 'struct mm_struct *get_task_mm(struct task_struct *task)',
  mmput: 'void mmput(struct mm_struct *mm)',
  kmap_atomic: ['void *kmap_atomic(struct page *page)', {}],
});
exported('linux/uaccess.h', {
  _copy_to_user: 'unsigned long _copy_to_user(void __user *to, const void *from, unsigned long n)',
  _copy_from_user: 'unsigned long _copy_from_user(void *to, const void __user *from, unsigned long n)',
  __clear_user: 'unsigned long __clear_user(void __user *to, unsigned long n)',
  strncpy_from_user: 'long strncpy_from_user(char *dst, const char __user *src, long count)',
  strnlen_user: 'long strnlen_user(const char __user *s, long n)',
  /** As x86 has them: value in a0, address in a1; 0 or -EFAULT. */
  __put_user_1: 'int __put_user_1(unsigned long value, void __user *to)',
  __put_user_2: 'int __put_user_2(unsigned long value, void __user *to)',
  __put_user_4: 'int __put_user_4(unsigned long value, void __user *to)',
  __put_user_8: 'int __put_user_8(unsigned long value, void __user *to)',
  /** The value (zero after a fault) is stored at `to` with the size of the name. */
  __get_user_1: 'int __get_user_1(void *to, const void __user *from)',
  __get_user_2: 'int __get_user_2(void *to, const void __user *from)',
  __get_user_4: 'int __get_user_4(void *to, const void __user *from)',
  __get_user_8: 'int __get_user_8(void *to, const void __user *from)',
  copy_from_kernel_nofault: 'long copy_from_kernel_nofault(void *dst, const void *src, size_t size)',
});
exported('linux/io.h', {
  ioremap: 'void __iomem *ioremap(phys_addr_t addr, size_t size)',
  iounmap: 'void iounmap(volatile void __iomem *addr)',
  memremap: 'void *memremap(resource_size_t offset, size_t size, unsigned long flags)',
  memunmap: 'void memunmap(void *addr)',
});
exported('linux/dma-mapping.h', {
  dma_alloc_coherent:
    'void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle, gfp_t gfp)',
  dma_free_coherent:
    'void dma_free_coherent(struct device *dev, size_t size, void *cpu_addr, dma_addr_t handle)',
});
