#include <linux/types.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
/* @kapi */
#define udelay(n) __udelay(n)
#define ndelay(n) __ndelay(n)
#define mdelay(n) __udelay((unsigned long)(n) * 1000)
static inline void usleep_range(unsigned long min, unsigned long max) { usleep_range_state(min, max, TASK_UNINTERRUPTIBLE); }
static inline void ssleep(unsigned int seconds) { msleep(seconds * 1000); }
static inline void fsleep(unsigned long usecs) { usleep_range(usecs, 2 * usecs); }
