#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/resource.h>
struct tty_struct;
/* @structs */
/* @kapi */
#define next_thread(p) list_entry((p)->thread_group.next, struct task_struct, thread_group)
#define for_each_thread(p, t) list_for_each_entry(t, &(p)->signal->thread_head, thread_node)
#define for_each_process_thread(p, t) for_each_process(p) for_each_thread(p, t)
#define do_each_thread(g, t) for (g = t = &init_task; (g = t = next_task(g)) != &init_task;) do
#define while_each_thread(g, t) while ((t = next_thread(t)) != g)
#define thread_group_leader(p) ((p)->exit_signal >= 0)
#define thread_group_empty(p) list_empty(&(p)->thread_group)
#define get_nr_threads(p) ((p)->signal->nr_threads)
#define fatal_signal_pending(p) (signal_pending(p) && sigismember(&(p)->pending.signal, SIGKILL))
#define kernel_sigaction(sig, action) allow_signal(sig)
static inline unsigned long rlimit(unsigned int limit) { return current->signal->rlim[limit].rlim_cur; }
