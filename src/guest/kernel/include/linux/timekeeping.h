#include <linux/types.h>
#include <linux/time64.h>
/* @kapi */
enum { TK_OFFS_REAL, TK_OFFS_BOOT, TK_OFFS_TAI };
#define ktime_get_real() ktime_get_with_offset(TK_OFFS_REAL)
#define ktime_get_boottime() ktime_get_with_offset(TK_OFFS_BOOT)
#define ktime_get_clocktai() ktime_get_with_offset(TK_OFFS_TAI)
#define ktime_get_ns() ktime_get()
#define ktime_get_real_ns() ktime_get_real()
#define ktime_get_boottime_ns() ktime_get_boottime()
#define ktime_get_boot_ns() ktime_get_boottime()
#define ktime_get_raw_ns() ktime_get_raw()
#define ktime_get_boottime_ts64(ts) (*(ts) = ns_to_timespec64(ktime_get_boottime()))
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 6, 0)
#define getnstimeofday(ts) ktime_get_real_ts64(ts)
#define getnstimeofday64(ts) ktime_get_real_ts64(ts)
#define get_seconds() ktime_get_real_seconds()
#define current_kernel_time() ({ struct timespec64 __ts; ktime_get_coarse_real_ts64(&__ts); __ts; })
#endif
