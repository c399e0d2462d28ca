/* kmem_cache with a constructor, mempool over it, page allocation, vmalloc, vmap, krealloc, percpu variables. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/gfp.h>
#include <linux/init.h>
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/string.h>

struct thing { int id; char name[60]; };
static void construct(void *p) { ((struct thing *)p)->id = 77; }
static DEFINE_PER_CPU(int, hits);

static int __init caches_init(void)
{
	struct kmem_cache *cache = kmem_cache_create("things", sizeof(struct thing), 0, SLAB_HWCACHE_ALIGN, construct);
	struct thing *a, *b;
	mempool_t *pool;
	struct page *pages[3], *page;
	char *v, *w;
	int __percpu *dynamic;
	int i, order = get_order(3 * PAGE_SIZE);

	if (!cache)
		return -ENOMEM;
	a = kmem_cache_alloc(cache, GFP_KERNEL);
	b = kmem_cache_alloc(cache, GFP_KERNEL);
	pr_info("made %d %d size %u apart %d\n", a->id, b->id, kmem_cache_size(cache), a != b);
	kmem_cache_free(cache, a);
	kmem_cache_free(cache, b);
	pool = mempool_create_slab_pool(4, cache);
	a = mempool_alloc(pool, GFP_KERNEL);
	pr_info("pool gave %d\n", a->id);
	mempool_free(a, pool);
	mempool_destroy(pool);
	kmem_cache_destroy(cache);

	page = alloc_pages(GFP_KERNEL, order);
	v = page_address(page);
	memset(v, 'x', PAGE_SIZE << order);
	pr_info("order %d count %d same page %d pfn %d phys %d\n", order, page_count(page), virt_to_page(v) == page,
		page_to_pfn(page) == virt_to_phys(v) >> PAGE_SHIFT, __va(__pa(v)) == v);
	get_page(page);
	SetPageReserved(page);
	pr_info("held %d reserved %d\n", page_count(page), !!PageReserved(page));
	ClearPageReserved(page);
	put_page(page);
	__free_pages(page, order);

	for (i = 0; i < 3; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		((char *)page_address(pages[i]))[0] = 'a' + i;
	}
	w = vmap(pages, 3, VM_MAP, PAGE_KERNEL);
	w[PAGE_SIZE + 1] = 'Z';
	pr_info("vmap %c%c%c seen %c vmalloc address %d\n", w[0], w[PAGE_SIZE], w[2 * PAGE_SIZE], ((char *)page_address(pages[1]))[1], is_vmalloc_addr(w));
	vunmap(w);
	for (i = 0; i < 3; i++)
		__free_page(pages[i]);

	v = vmalloc(5 * PAGE_SIZE);
	v[4 * PAGE_SIZE + 7] = 'q';
	page = vmalloc_to_page(v + 4 * PAGE_SIZE);
	pr_info("vmalloc page %c pfn %d\n", ((char *)page_address(page))[7], vmalloc_to_pfn(v + 4 * PAGE_SIZE) == page_to_pfn(page));
	vfree(v);

	v = kstrdup("grow", GFP_KERNEL);
	v = krealloc(v, 200, GFP_KERNEL);
	strcat(v, "n larger");
	pr_info("%s %zu\n", v, ksize(v));
	kfree(v);

	get_cpu_var(hits)++;
	put_cpu_var(hits);
	this_cpu_inc(hits);
	this_cpu_add(hits, 5);
	dynamic = alloc_percpu(int);
	for_each_possible_cpu(i)
		*per_cpu_ptr(dynamic, i) = 100 + i;
	pr_info("per cpu %d %d dynamic %d cpus %d online %d\n", per_cpu(hits, 0), this_cpu_read(hits), *this_cpu_ptr(dynamic), num_possible_cpus(), num_online_cpus());
	free_percpu(dynamic);
	return 0;
}
static void __exit caches_exit(void) { }
module_init(caches_init);
module_exit(caches_exit);
MODULE_LICENSE("GPL");
