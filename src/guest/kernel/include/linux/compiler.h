/* Attributes and barriers. */
#include <linux/version.h>
#define __user
#define __kernel
#define __iomem
#define __percpu
#define __rcu
#define __force
#define __nocast
#define __bitwise
#define __safe
#define __private
#define __must_hold(x)
#define __acquires(x)
#define __releases(x)
#define __acquire(x) (void)0
#define __release(x) (void)0
#define __chk_user_ptr(x) (void)0

#define inline inline __attribute__((__gnu_inline__, __unused__))
#define __inline__ inline
#define __always_inline inline __attribute__((__always_inline__))
#define noinline __attribute__((__noinline__))
#define __noreturn __attribute__((__noreturn__))
#define __attribute_const__ __attribute__((__const__))
#define __pure __attribute__((__pure__))
#define __packed __attribute__((__packed__))
#define __aligned(x) __attribute__((__aligned__(x)))
#define __printf(a, b) __attribute__((__format__(printf, a, b)))
#define __scanf(a, b) __attribute__((__format__(scanf, a, b)))
#define __used __attribute__((__used__))
#define __maybe_unused __attribute__((__unused__))
#define __always_unused __attribute__((__unused__))
#define __must_check __attribute__((__warn_unused_result__))
#define __visible __attribute__((__externally_visible__))
#define __section(s) __attribute__((__section__(s)))
#define __weak __attribute__((__weak__))
#define __alias(symbol) __attribute__((__alias__(#symbol)))
#define __copy(symbol) __attribute__((__copy__(symbol)))
#define __cold __attribute__((__cold__))
#define __malloc __attribute__((__malloc__))
#define __designated_init __attribute__((__designated_init__))
#define __randomize_layout __designated_init
#define __deprecated
#define fallthrough __attribute__((__fallthrough__))
#define asmlinkage
#define notrace __attribute__((__patchable_function_entry__(0, 0)))
#define __visible_for_testing
#define __counted_by(m)
#define __nonstring

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define barrier() __asm__ __volatile__("" : : : "memory")
#define unreachable() __builtin_unreachable()
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile __typeof__(x) *)&(x) = (val))
#define ACCESS_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define mb() __asm__ __volatile__("fence iorw,iorw" : : : "memory")
#define rmb() __asm__ __volatile__("fence ir,ir" : : : "memory")
#define wmb() __asm__ __volatile__("fence ow,ow" : : : "memory")
#define smp_mb() __asm__ __volatile__("fence rw,rw" : : : "memory")
#define smp_rmb() __asm__ __volatile__("fence r,r" : : : "memory")
#define smp_wmb() __asm__ __volatile__("fence w,w" : : : "memory")
#define smp_store_mb(var, value) do { WRITE_ONCE(var, value); smp_mb(); } while (0)
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()

#define __same_type(a, b) __builtin_types_compatible_p(__typeof__(a), __typeof__(b))
#define BUILD_BUG_ON_ZERO(e) ((int)sizeof(struct { int : (-!!(e)); }))
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), "BUILD_BUG_ON failed: " #condition)
#define BUILD_BUG_ON_MSG(condition, msg) _Static_assert(!(condition), msg)
#define static_assert(expr, ...) __static_assert(expr, ##__VA_ARGS__, #expr)
#define __static_assert(expr, msg, ...) _Static_assert(expr, msg)
#define __must_be_array(a) BUILD_BUG_ON_ZERO(__same_type((a), &(a)[0]))
#define __stringify_1(x...) #x
#define __stringify(x...) __stringify_1(x)
#define ___PASTE(a, b) a##b
#define __PASTE(a, b) ___PASTE(a, b)
#define __UNIQUE_ID(prefix) __PASTE(__PASTE(__UNIQUE_ID_, prefix), __COUNTER__)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
#define ___ADDRESSABLE(sym, attributes) \
	static void *__used attributes __UNIQUE_ID(__PASTE(__addressable_, sym)) = (void *)(unsigned long)&sym
#else
#define ___ADDRESSABLE(sym, attributes)
#endif
#define OPTIMIZER_HIDE_VAR(var) __asm__("" : "=r"(var) : "0"(var))
#define data_race(expr) (expr)
#define _THIS_IP_ ({ __label__ __here; __here: (unsigned long)&&__here; })
#define _RET_IP_ (unsigned long)__builtin_return_address(0)

/* @kapi */
