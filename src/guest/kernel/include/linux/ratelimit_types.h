#include <linux/spinlock_types.h>
#include <asm/param.h>
/* @structs */
/* @kapi */
#define DEFAULT_RATELIMIT_INTERVAL (5 * HZ)
#define DEFAULT_RATELIMIT_BURST 10
#define RATELIMIT_STATE_INIT(name, interval_init, burst_init) { .interval = interval_init, .burst = burst_init }
#define DEFINE_RATELIMIT_STATE(name, interval_init, burst_init) \
	struct ratelimit_state name = RATELIMIT_STATE_INIT(name, interval_init, burst_init)
#define __ratelimit(state) ___ratelimit(state, __func__)
#define ratelimit_state_init(rs, i, b) (*(rs) = (struct ratelimit_state){ .interval = (i), .burst = (b) })
