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
#define KTHREAD_WORK_INIT(work, fn) { .node = LIST_HEAD_INIT((work).node), .func = (fn) }
#define DEFINE_KTHREAD_WORK(work, fn) struct kthread_work work = KTHREAD_WORK_INIT(work, fn)
#define KTHREAD_WORKER_INIT(worker) { .work_list = LIST_HEAD_INIT((worker).work_list), .delayed_work_list = LIST_HEAD_INIT((worker).delayed_work_list) }
#define DEFINE_KTHREAD_WORKER(worker) struct kthread_worker worker = KTHREAD_WORKER_INIT(worker)
#define kthread_init_worker(worker) do { *(worker) = (struct kthread_worker){ 0 }; INIT_LIST_HEAD(&(worker)->work_list); INIT_LIST_HEAD(&(worker)->delayed_work_list); } while (0)
#define kthread_init_work(work, fn) do { *(work) = (struct kthread_work){ .func = (fn) }; INIT_LIST_HEAD(&(work)->node); } while (0)
#define KTW_FREEZABLE 1
