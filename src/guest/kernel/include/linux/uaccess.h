/* Copies between the kernel and the current process. */
#include <linux/types.h>
#include <linux/errno.h>
#include <linux/sched.h>
#include <linux/string.h>
#define VERIFY_READ 0
#define VERIFY_WRITE 1
#define TASK_SIZE 0x4000000000UL
#define __access_ok(addr, size) ((unsigned long)(size) <= TASK_SIZE && (unsigned long)(addr) <= TASK_SIZE - (unsigned long)(size))
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 0, 0)
#define access_ok(addr, size) likely(__access_ok(addr, size))
#endif
/* @kapi */
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 0, 0)
#define access_ok(type, addr, size) likely(__access_ok(addr, size) || get_addr_limit() == ~0UL)
#endif
static __always_inline unsigned long __must_check copy_to_user(void __user *to, const void *from, unsigned long n) { return _copy_to_user(to, from, n); }
static __always_inline unsigned long __must_check copy_from_user(void *to, const void __user *from, unsigned long n) { return _copy_from_user(to, from, n); }
#define __copy_to_user copy_to_user
#define __copy_from_user copy_from_user
#define __copy_to_user_inatomic copy_to_user
#define __copy_from_user_inatomic copy_from_user
#define clear_user(to, n) __clear_user(to, n)
extern int __put_user_bad(void), __get_user_bad(void);
#define put_user(x, ptr)					\
({								\
	__typeof__(ptr) __pu_p = (ptr);				\
	__typeof__(*(ptr)) __pu_v = (x);			\
	sizeof(*__pu_p) == 1 ? __put_user_1((unsigned long)__pu_v, __pu_p) :	\
	sizeof(*__pu_p) == 2 ? __put_user_2((unsigned long)__pu_v, __pu_p) :	\
	sizeof(*__pu_p) == 4 ? __put_user_4((unsigned long)__pu_v, __pu_p) :	\
	sizeof(*__pu_p) == 8 ? __put_user_8((unsigned long)__pu_v, __pu_p) : __put_user_bad();	\
})
#define get_user(x, ptr)					\
({								\
	const void __user *__gu_p = (ptr);			\
	union { __typeof__(*(ptr) + 0) v; u8 b; u16 h; u32 w; u64 d; } __gu_v = { .d = 0 };	\
	int __gu_e = sizeof(*(ptr)) == 1 ? __get_user_1(&__gu_v, __gu_p) :	\
		sizeof(*(ptr)) == 2 ? __get_user_2(&__gu_v, __gu_p) :		\
		sizeof(*(ptr)) == 4 ? __get_user_4(&__gu_v, __gu_p) :		\
		sizeof(*(ptr)) == 8 ? __get_user_8(&__gu_v, __gu_p) : __get_user_bad();	\
	(x) = (__typeof__(*(ptr)))(sizeof(*(ptr)) == 1 ? (u64)__gu_v.b : sizeof(*(ptr)) == 2 ? (u64)__gu_v.h :	\
		sizeof(*(ptr)) == 4 ? (u64)__gu_v.w : __gu_v.d);		\
	__gu_e;							\
})
#define __put_user put_user
#define __get_user get_user
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
typedef struct { unsigned long seg; } mm_segment_t;
#define KERNEL_DS ((mm_segment_t) { ~0UL })
#define USER_DS ((mm_segment_t) { TASK_SIZE })
#define get_ds() KERNEL_DS
#define get_fs() __get_fs()
#define set_fs(x) __set_fs(x)
#define segment_eq(a, b) ((a).seg == (b).seg)
static inline mm_segment_t __get_fs(void) { return (mm_segment_t) { get_addr_limit() }; }
static inline void __set_fs(mm_segment_t x) { set_addr_limit(x.seg); }
#endif
