#include <linux/types.h>
#define MSEC_PER_SEC 1000L
#define USEC_PER_MSEC 1000L
#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define USEC_PER_SEC 1000000L
#define NSEC_PER_SEC 1000000000L
#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_BOOTTIME 7
/* @structs */
#define itimerspec64_valid(x) 1
static inline s64 timespec64_to_ns(const struct timespec64 *ts) { return (s64)ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec; }
static inline struct timespec64 ns_to_timespec64(s64 nsec) { return (struct timespec64){ nsec / NSEC_PER_SEC, nsec % NSEC_PER_SEC }; }
static inline struct timespec64 timespec64_sub(struct timespec64 a, struct timespec64 b) { return ns_to_timespec64(timespec64_to_ns(&a) - timespec64_to_ns(&b)); }
#define timespec timespec64
