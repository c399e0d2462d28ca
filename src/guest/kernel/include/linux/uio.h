#include <linux/types.h>
#include <linux/stddef.h>
/* @structs */
/* @kapi */
#define copy_to_iter(addr, bytes, i) _copy_to_iter((addr), (bytes), (i))
#define copy_from_iter(addr, bytes, i) _copy_from_iter((addr), (bytes), (i))
#define copy_from_iter_full(addr, bytes, i) (_copy_from_iter((addr), (bytes), (i)) == (size_t)(bytes))
#define iov_iter_count(i) ((i)->count)
#define iov_iter_truncate(i, n) do { if ((i)->count > (size_t)(n)) (i)->count = (size_t)(n); } while (0)
