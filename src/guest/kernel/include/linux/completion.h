#include <linux/wait.h>
/* @structs */
#define COMPLETION_INITIALIZER(work) { 0, __WAIT_QUEUE_HEAD_INITIALIZER((work).wait) }
#define DECLARE_COMPLETION(work) struct completion work = COMPLETION_INITIALIZER(work)
#define DECLARE_COMPLETION_ONSTACK(work) DECLARE_COMPLETION(work)
/* @kapi */
static inline void init_completion(struct completion *x) { x->done = 0; init_waitqueue_head(&x->wait); }
static inline void reinit_completion(struct completion *x) { x->done = 0; }
