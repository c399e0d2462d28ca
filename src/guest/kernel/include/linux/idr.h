#include <linux/gfp.h>
/* @structs */
#define DEFINE_IDR(name) struct idr name = { 0 }
#define DEFINE_IDA(name) struct ida name = { 0 }
#define IDR_INIT(name) { 0 }
/* @kapi */
static inline void idr_init(struct idr *idr) { *idr = (struct idr){ 0 }; }
static inline void ida_init(struct ida *ida) { *ida = (struct ida){ 0 }; }
#define idr_preload_end() do { } while (0)
#define idr_is_empty(idr) ((idr)->count == 0)
#define idr_for_each_entry(idr, entry, id) for (id = 0; ((entry) = idr_get_next(idr, &(id))) != NULL; id += 1U)
#define ida_alloc(ida, gfp) ida_alloc_range(ida, 0, ~0, gfp)
#define ida_alloc_min(ida, min, gfp) ida_alloc_range(ida, min, ~0, gfp)
#define ida_alloc_max(ida, max, gfp) ida_alloc_range(ida, 0, max, gfp)
#define ida_simple_get(ida, start, end, gfp) ida_alloc_range(ida, start, (end) - 1, gfp)
#define ida_simple_remove(ida, id) ida_free(ida, id)
