/* Atomic counters: the compiler's own atomic operations (amoadd, lr/sc). */
#include <linux/types.h>
#define ATOMIC_INIT(i) { (i) }
#define ATOMIC64_INIT(i) { (i) }
#define ATOMIC_LONG_INIT(i) { (i) }
#define xchg(ptr, v) __atomic_exchange_n(ptr, v, __ATOMIC_SEQ_CST)
#define cmpxchg(ptr, o, n) ({ __typeof__(*(ptr)) __o = (o); __atomic_compare_exchange_n(ptr, &__o, n, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); __o; })
#define try_cmpxchg(ptr, oldp, n) __atomic_compare_exchange_n(ptr, oldp, n, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define __ATOMIC_OPS(prefix, T, type)									\
static inline type prefix##_read(const T *v) { return READ_ONCE(v->counter); }				\
static inline void prefix##_set(T *v, type i) { WRITE_ONCE(v->counter, i); }				\
static inline type prefix##_add_return(type i, T *v) { return __atomic_add_fetch(&v->counter, i, __ATOMIC_SEQ_CST); }	\
static inline type prefix##_cmpxchg(T *v, type o, type n) { return cmpxchg(&v->counter, o, n); }	\
static inline bool prefix##_add_unless(T *v, type a, type u)						\
{													\
	type c = prefix##_read(v);									\
	while (c != u && !__atomic_compare_exchange_n(&v->counter, &c, c + a, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))	\
		;											\
	return c != u;											\
}
__ATOMIC_OPS(atomic, atomic_t, int)
__ATOMIC_OPS(atomic64, atomic64_t, s64)
#define __atomic_more(v, op, i) __atomic_fetch_##op(&(v)->counter, i, __ATOMIC_SEQ_CST)
#define atomic_add(i, v) ((void)atomic_add_return(i, v))
#define atomic_sub(i, v) ((void)atomic_add_return(-(i), v))
#define atomic_inc(v) ((void)atomic_add_return(1, v))
#define atomic_dec(v) ((void)atomic_add_return(-1, v))
#define atomic_sub_return(i, v) atomic_add_return(-(i), v)
#define atomic_inc_return(v) atomic_add_return(1, v)
#define atomic_dec_return(v) atomic_add_return(-1, v)
#define atomic_fetch_add(i, v) __atomic_more(v, add, i)
#define atomic_fetch_sub(i, v) __atomic_more(v, sub, i)
#define atomic_fetch_inc(v) __atomic_more(v, add, 1)
#define atomic_fetch_dec(v) __atomic_more(v, sub, 1)
#define atomic_or(i, v) ((void)__atomic_more(v, or, i))
#define atomic_and(i, v) ((void)__atomic_more(v, and, i))
#define atomic_xor(i, v) ((void)__atomic_more(v, xor, i))
#define atomic_andnot(i, v) atomic_and(~(i), v)
#define atomic_inc_and_test(v) (atomic_inc_return(v) == 0)
#define atomic_dec_and_test(v) (atomic_dec_return(v) == 0)
#define atomic_sub_and_test(i, v) (atomic_sub_return(i, v) == 0)
#define atomic_add_negative(i, v) (atomic_add_return(i, v) < 0)
#define atomic_xchg(v, n) xchg(&(v)->counter, n)
#define atomic_inc_not_zero(v) atomic_add_unless(v, 1, 0)
#define atomic_try_cmpxchg(v, oldp, n) try_cmpxchg(&(v)->counter, oldp, n)
#define atomic_read_acquire(v) smp_load_acquire(&(v)->counter)
#define atomic_set_release(v, i) smp_store_release(&(v)->counter, i)
#define atomic_dec_if_positive(v) ({ int __c = atomic_read(v); while (__c > 0 && !atomic_try_cmpxchg(v, &__c, __c - 1)); __c - 1; })
#define atomic64_add(i, v) ((void)atomic64_add_return(i, v))
#define atomic64_sub(i, v) ((void)atomic64_add_return(-(i), v))
#define atomic64_inc(v) ((void)atomic64_add_return(1, v))
#define atomic64_dec(v) ((void)atomic64_add_return(-1, v))
#define atomic64_inc_return(v) atomic64_add_return(1, v)
#define atomic64_dec_return(v) atomic64_add_return(-1, v)
#define atomic64_dec_and_test(v) (atomic64_dec_return(v) == 0)
#define atomic64_xchg(v, n) xchg(&(v)->counter, n)
#define atomic_long_read atomic64_read
#define atomic_long_set atomic64_set
#define atomic_long_add atomic64_add
#define atomic_long_sub atomic64_sub
#define atomic_long_inc atomic64_inc
#define atomic_long_dec atomic64_dec
#define atomic_long_inc_return atomic64_inc_return
#define atomic_long_cmpxchg atomic64_cmpxchg
