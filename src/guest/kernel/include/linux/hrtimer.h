#include <linux/rbtree_types.h>
#include <linux/timer.h>
#include <linux/ktime.h>
enum hrtimer_mode {
	HRTIMER_MODE_ABS, HRTIMER_MODE_REL, HRTIMER_MODE_PINNED = 2, HRTIMER_MODE_SOFT = 4,
	HRTIMER_MODE_ABS_PINNED = 2, HRTIMER_MODE_REL_PINNED = 3, HRTIMER_MODE_ABS_SOFT = 4, HRTIMER_MODE_REL_SOFT = 5,
};
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
/* @structs */
/* @kapi */
static inline void hrtimer_start(struct hrtimer *timer, ktime_t tim, const enum hrtimer_mode mode) { hrtimer_start_range_ns(timer, tim, 0, mode); }
static inline void hrtimer_set_expires(struct hrtimer *timer, ktime_t time) { timer->node.expires = time; timer->_softexpires = time; }
static inline ktime_t hrtimer_get_expires(const struct hrtimer *timer) { return timer->node.expires; }
static inline u64 hrtimer_forward_now(struct hrtimer *timer, ktime_t interval) { return hrtimer_forward(timer, ktime_get(), interval); }
#define hrtimer_restart(timer) hrtimer_start(timer, hrtimer_get_expires(timer), HRTIMER_MODE_ABS)
#define hrtimer_get_remaining(timer) __hrtimer_get_remaining(timer, false)
#define hrtimer_cb_get_time(timer) ktime_get()
#define hrtimer_is_queued(timer) hrtimer_active(timer)
