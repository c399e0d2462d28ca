/* Arrays with holes; entries are pointers or small integers marked in bit 0. */
#include <linux/spinlock.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
/* @structs */
typedef unsigned int xa_mark_t;
struct xa_limit { u32 max, min; };
#define xa_limit_32b XA_LIMIT(0, UINT_MAX)
#define xa_limit_31b XA_LIMIT(0, INT_MAX)
#define XA_LIMIT(_min, _max) (struct xa_limit) { .min = _min, .max = _max }
#define XA_PRESENT 8U
#define XA_FLAGS_ALLOC 4U
#define XA_FLAGS_ALLOC1 12U
#define XARRAY_INIT(name, flags) { .xa_flags = flags }
#define DEFINE_XARRAY_FLAGS(name, flags) struct xarray name = XARRAY_INIT(name, flags)
#define DEFINE_XARRAY(name) DEFINE_XARRAY_FLAGS(name, 0)
#define DEFINE_XARRAY_ALLOC(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC)
#define DEFINE_XARRAY_ALLOC1(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC1)
/* @kapi */
static inline void *xa_mk_value(unsigned long v) { return (void *)((v << 1) | 1); }
static inline unsigned long xa_to_value(const void *entry) { return (unsigned long)entry >> 1; }
static inline bool xa_is_value(const void *entry) { return (unsigned long)entry & 1; }
static inline bool xa_is_err(const void *entry) { return IS_ERR(entry); }
static inline int xa_err(void *entry) { return PTR_ERR_OR_ZERO(entry); }
static inline void xa_init_flags(struct xarray *xa, gfp_t flags) { *xa = (struct xarray){ .xa_flags = flags }; }
static inline void xa_init(struct xarray *xa) { xa_init_flags(xa, 0); }
#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define __xa_store xa_store
#define __xa_erase xa_erase
#define xa_alloc __xa_alloc
#define xa_insert __xa_insert
#define xa_empty(xa) ({ unsigned long __index = 0; xa_find(xa, &__index, ULONG_MAX, XA_PRESENT) == NULL; })
#define xa_for_each_range(xa, index, entry, start, last) \
	for (index = start, entry = xa_find(xa, &index, last, XA_PRESENT); entry; entry = xa_find_after(xa, &index, last, XA_PRESENT))
#define xa_for_each_start(xa, index, entry, start) xa_for_each_range(xa, index, entry, start, ULONG_MAX)
#define xa_for_each(xa, index, entry) xa_for_each_start(xa, index, entry, 0)
