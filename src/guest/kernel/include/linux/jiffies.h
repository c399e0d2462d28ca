#include <linux/types.h>
#include <linux/time64.h>
#include <asm/param.h>
/* @kapi */
#define USEC_PER_JIFFY (1000000UL / HZ)
#define MAX_JIFFY_OFFSET ((LONG_MAX >> 1) - 1)
#define INITIAL_JIFFIES ((unsigned long)(unsigned int)(-300 * HZ))
#define typecheck(type, x) ({ type __dummy; __typeof__(x) __dummy2; (void)(&__dummy == &__dummy2); 1; })
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define time_before(a, b) time_after(b, a)
#define time_after_eq(a, b) ((long)((a) - (b)) >= 0)
#define time_before_eq(a, b) time_after_eq(b, a)
#define time_in_range(a, b, c) (time_after_eq(a, b) && time_before_eq(a, c))
#define time_is_before_jiffies(a) time_after(jiffies, a)
#define time_is_after_jiffies(a) time_before(jiffies, a)
#define msecs_to_jiffies(m) __msecs_to_jiffies(m)
#define usecs_to_jiffies(u) __usecs_to_jiffies(u)
#define secs_to_jiffies(s) ((unsigned long)(s) * HZ)
#define jiffies_to_nsecs(j) ((u64)jiffies_to_usecs(j) * 1000)
#define jiffies_to_clock_t(x) ((x) / (HZ / 100))
#define clock_t_to_jiffies(x) ((x) * (HZ / 100))
#define nsec_to_clock_t(x) ((u64)(x) / 10000000)
#define jiffies_delta_to_msecs(delta) jiffies_to_msecs(max(0L, delta))
