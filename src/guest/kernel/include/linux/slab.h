#include <linux/gfp.h>
#include <linux/types.h>
#define KMALLOC_MAX_SIZE (1UL << 22)
#define KMALLOC_MAX_CACHE_SIZE (1UL << 13)
#define KMALLOC_MAX_ORDER 10
#define KMALLOC_MIN_SIZE 8
#define ARCH_KMALLOC_MINALIGN 8
#define SLAB_HWCACHE_ALIGN 0x2000U
#define SLAB_CACHE_DMA 0x4000U
#define SLAB_PANIC 0x40000U
#define SLAB_RECLAIM_ACCOUNT 0x20000U
#define SLAB_MEM_SPREAD 0
#define SLAB_ACCOUNT 0x4000000U
#define SLAB_POISON 0x800U
#define SLAB_RED_ZONE 0x400U
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(x) ((unsigned long)(x) <= (unsigned long)ZERO_SIZE_PTR)
/* @kapi */
#define kmalloc(size, flags) __kmalloc(size, flags)
#define kzalloc(size, flags) __kzalloc(size, flags)
#define kmalloc_node(size, flags, node) __kmalloc(size, flags)
#define kzalloc_node(size, flags, node) __kzalloc(size, flags)
#define krealloc_array(p, n, size, flags) krealloc(p, (n) * (size), flags)
#define kvmalloc(size, flags) kvmalloc_node(size, flags, -1)
#define kvzalloc(size, flags) kvmalloc_node(size, (flags) | __GFP_ZERO, -1)
#define kvmalloc_array(n, size, flags) kvmalloc((n) * (size), flags)
#define kvcalloc(n, size, flags) kvzalloc((n) * (size), flags)
#define kmem_cache_create(name, size, align, flags, ctor) __kmem_cache_create(name, size, align, flags, ctor)
#define kmem_cache_zalloc(s, flags) kmem_cache_alloc(s, (flags) | __GFP_ZERO)
#define KMEM_CACHE(__struct, __flags) kmem_cache_create(#__struct, sizeof(struct __struct), __alignof__(struct __struct), (__flags), NULL)
