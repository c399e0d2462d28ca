/* A reserve of elements: allocation from it does not fail while the reserve lasts. */
#include <linux/slab.h>
#include <linux/wait.h>
struct kmem_cache;
typedef void *(mempool_alloc_t)(gfp_t gfp_mask, void *pool_data);
typedef void (mempool_free_t)(void *element, void *pool_data);
/* @structs */
typedef struct mempool_s mempool_t;
/* @kapi */
#define mempool_create_slab_pool(min_nr, kc) mempool_create((min_nr), mempool_alloc_slab, mempool_free_slab, (void *)(kc))
#define mempool_create_kmalloc_pool(min_nr, size) mempool_create((min_nr), mempool_kmalloc, mempool_kfree, (void *)(size))
#define mempool_create_page_pool(min_nr, order) mempool_create((min_nr), mempool_alloc_pages, mempool_free_pages, (void *)(long)(order))
