#include <linux/types.h>
#include <linux/time64.h>
#include <linux/timekeeping.h>
#define KTIME_MAX ((s64)~((u64)1 << 63))
static inline ktime_t ktime_set(const s64 secs, const unsigned long nsecs) { return secs * NSEC_PER_SEC + (s64)nsecs; }
#define ktime_add(lhs, rhs) ((lhs) + (rhs))
#define ktime_sub(lhs, rhs) ((lhs) - (rhs))
#define ktime_add_ns(kt, nsval) ((kt) + (nsval))
#define ktime_add_us(kt, usec) ((kt) + (usec) * 1000LL)
#define ktime_add_ms(kt, msec) ((kt) + (msec) * 1000000LL)
#define ktime_sub_ns(kt, nsval) ((kt) - (nsval))
#define ktime_to_ns(kt) (kt)
#define ktime_to_us(kt) ((s64)(kt) / 1000)
#define ktime_to_ms(kt) ((s64)(kt) / 1000000)
#define ns_to_ktime(ns) ((ktime_t)(ns))
#define us_to_ktime(us) ((ktime_t)(us) * 1000)
#define ms_to_ktime(ms) ((ktime_t)(ms) * NSEC_PER_MSEC)
#define ktime_compare(a, b) ((a) < (b) ? -1 : (a) > (b))
#define ktime_before(a, b) ((a) < (b))
#define ktime_after(a, b) ((a) > (b))
#define ktime_us_delta(later, earlier) ktime_to_us(ktime_sub(later, earlier))
#define ktime_ms_delta(later, earlier) ktime_to_ms(ktime_sub(later, earlier))
#define ktime_to_timespec64(kt) ({ s64 __ns = (kt); (struct timespec64){ __ns / NSEC_PER_SEC, __ns % NSEC_PER_SEC }; })
#define timespec64_to_ktime(ts) ktime_set((ts).tv_sec, (ts).tv_nsec)
