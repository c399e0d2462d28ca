#include <linux/sched.h>
#include <linux/err.h>
#include <linux/completion.h>
/* @structs */
/* @kapi */
#define kthread_create(threadfn, data, namefmt, arg...) kthread_create_on_node(threadfn, data, -1, namefmt, ##arg)
#define kthread_run(threadfn, data, namefmt, ...)			\
({									\
	struct task_struct *__k = kthread_create(threadfn, data, namefmt, ##__VA_ARGS__);	\
	if (!IS_ERR(__k))						\
		wake_up_process(__k);					\
	__k;								\
})
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 17, 0)
#define kthread_exit(code) kthread_complete_and_exit(NULL, code)
#endif
