#include <linux/types.h>
/* @structs */
#define TIF_SIGPENDING 2
#define TIF_NEED_RESCHED 3
#define _TIF_SIGPENDING (1 << TIF_SIGPENDING)
#define _TIF_NEED_RESCHED (1 << TIF_NEED_RESCHED)
#define THREAD_SIZE 16384
#define current_thread_info() (&current->thread_info)
