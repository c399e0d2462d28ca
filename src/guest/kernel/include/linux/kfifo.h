#include <linux/types.h>
#include <linux/gfp.h>
#include <linux/spinlock.h>
/* @structs */
struct kfifo { union { struct __kfifo kfifo; unsigned char *type; }; };
#define __KFIFO_PTR(datatype) union { struct __kfifo kfifo; datatype *type; const datatype *const_type; }
#define DECLARE_KFIFO_PTR(fifo, datatype) struct { __KFIFO_PTR(datatype); } fifo
#define STRUCT_KFIFO(datatype, size) struct { __KFIFO_PTR(datatype); datatype buf[((size) < 2 || ((size) & ((size) - 1))) ? -1 : (size)]; }
#define DECLARE_KFIFO(fifo, datatype, size) STRUCT_KFIFO(datatype, size) fifo
#define DEFINE_KFIFO(fifo, datatype, size) \
	STRUCT_KFIFO(datatype, size) fifo = { { .kfifo = { .mask = (size) - 1, .esize = sizeof(datatype), .data = fifo.buf } } }
/* @kapi */
#define INIT_KFIFO(fifo) ((fifo).kfifo = (struct __kfifo){ .mask = ARRAY_SIZE((fifo).buf) - 1, .esize = sizeof(*(fifo).type), .data = (fifo).buf })
#define __kf(fifo) (&(fifo)->kfifo)
#define kfifo_alloc(fifo, size, gfp) __kfifo_alloc(__kf(fifo), size, __kfifo_esize(fifo), gfp)
#define kfifo_init(fifo, buffer, size) __kfifo_init(__kf(fifo), buffer, size, __kfifo_esize(fifo))
#define __kfifo_esize(fifo) sizeof(*(fifo)->type)
#define kfifo_free(fifo) __kfifo_free(__kf(fifo))
#define kfifo_in(fifo, buf, n) __kfifo_in(__kf(fifo), buf, n)
#define kfifo_out(fifo, buf, n) __kfifo_out(__kf(fifo), buf, n)
#define kfifo_out_peek(fifo, buf, n) __kfifo_out_peek(__kf(fifo), buf, n)
#define kfifo_put(fifo, val) ({ __typeof__(*(fifo)->type) __val = (val); __kfifo_in(__kf(fifo), &__val, 1); })
#define kfifo_get(fifo, val) __kfifo_out(__kf(fifo), val, 1)
#define kfifo_peek(fifo, val) __kfifo_out_peek(__kf(fifo), val, 1)
#define kfifo_from_user(fifo, from, len, copied) __kfifo_from_user(__kf(fifo), from, len, copied)
#define kfifo_to_user(fifo, to, len, copied) __kfifo_to_user(__kf(fifo), to, len, copied)
#define kfifo_size(fifo) (__kf(fifo)->mask + 1)
#define kfifo_len(fifo) (__kf(fifo)->in - __kf(fifo)->out)
#define kfifo_avail(fifo) (kfifo_size(fifo) - kfifo_len(fifo))
#define kfifo_is_empty(fifo) (__kf(fifo)->in == __kf(fifo)->out)
#define kfifo_is_full(fifo) (kfifo_len(fifo) > __kf(fifo)->mask)
#define kfifo_reset(fifo) (__kf(fifo)->in = __kf(fifo)->out = 0)
#define kfifo_skip(fifo) (__kf(fifo)->out++)
#define kfifo_esize(fifo) (__kf(fifo)->esize)
#define kfifo_initialized(fifo) (__kf(fifo)->mask != 0)
#define kfifo_in_spinlocked(fifo, buf, n, lock) ({ unsigned long __flags; unsigned int __n; spin_lock_irqsave(lock, __flags); __n = kfifo_in(fifo, buf, n); spin_unlock_irqrestore(lock, __flags); __n; })
#define kfifo_out_spinlocked(fifo, buf, n, lock) ({ unsigned long __flags; unsigned int __n; spin_lock_irqsave(lock, __flags); __n = kfifo_out(fifo, buf, n); spin_unlock_irqrestore(lock, __flags); __n; })
