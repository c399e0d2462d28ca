/* Tasks: what runs, and how it waits. */
#include <linux/types.h>
#include <linux/list.h>
#include <linux/bitops.h>
#include <linux/refcount.h>
#include <linux/thread_info.h>
#include <linux/preempt.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/signal_types.h>
#include <linux/mm_types.h>
#include <linux/cred.h>
#include <linux/version.h>
#include <asm/processor.h>
#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_UNINTERRUPTIBLE 2
#define __TASK_STOPPED 4
#define __TASK_TRACED 8
#define EXIT_DEAD 16
#define EXIT_ZOMBIE 32
#define TASK_DEAD 64
#define TASK_WAKEKILL 128
#define TASK_WAKING 256
#define TASK_NOLOAD 1024
#define TASK_KILLABLE (TASK_WAKEKILL | TASK_UNINTERRUPTIBLE)
#define TASK_STOPPED (TASK_WAKEKILL | __TASK_STOPPED)
#define TASK_IDLE (TASK_UNINTERRUPTIBLE | TASK_NOLOAD)
#define TASK_NORMAL (TASK_INTERRUPTIBLE | TASK_UNINTERRUPTIBLE)
#define TASK_COMM_LEN 16
#define PF_EXITING 0x4
#define PF_FORKNOEXEC 0x40
#define PF_SUPERPRIV 0x100
#define PF_MEMALLOC 0x800
#define PF_KTHREAD 0x200000
#define SCHED_NORMAL 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5
#define MAX_RT_PRIO 100
#define MAX_USER_RT_PRIO 100
#define MAX_NICE 19
#define MIN_NICE -20
#define DEFAULT_PRIO 120
#define MAX_SCHEDULE_TIMEOUT LONG_MAX
/* @structs */
register struct task_struct *riscv_current_is_tp __asm__("tp");
#define current riscv_current_is_tp
struct sched_param;
struct sched_attr;
/* @kapi */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 14, 0)
#define __task_state __state
#else
#define __task_state state
#endif
#define __set_current_state(value) WRITE_ONCE(current->__task_state, (value))
#define set_current_state(value) smp_store_mb(current->__task_state, (value))
#define set_task_state(task, value) WRITE_ONCE((task)->__task_state, (value))
#define get_current_state() READ_ONCE(current->__task_state)
#define task_is_running(task) (READ_ONCE((task)->__task_state) == TASK_RUNNING)
#define cond_resched() _cond_resched()
#define for_each_process(p) \
	for (p = &init_task; (p = list_entry(p->tasks.next, struct task_struct, tasks)) != &init_task;)
#define next_task(p) list_entry((p)->tasks.next, struct task_struct, tasks)
#define get_task_comm(buf, tsk) ({ _Static_assert(sizeof(buf) == TASK_COMM_LEN, "get_task_comm() wants char[16]"); __get_task_comm(buf, sizeof(buf), tsk); })
#define set_task_comm(tsk, from) __set_task_comm(tsk, from, false)
#define task_pid_nr(tsk) ((tsk)->pid)
#define task_tgid_nr(tsk) ((tsk)->tgid)
#define task_ppid_nr(tsk) ((tsk)->real_parent->tgid)
#define task_pid_vnr(tsk) __task_pid_nr_ns(tsk, PIDTYPE_PID, NULL)
#define task_tgid_vnr(tsk) __task_pid_nr_ns(tsk, PIDTYPE_TGID, NULL)
#define task_pgrp_nr(tsk) __task_pid_nr_ns(tsk, PIDTYPE_PGID, NULL)
#define task_session_nr(tsk) __task_pid_nr_ns(tsk, PIDTYPE_SID, NULL)
#define task_pid(task) ((task)->thread_pid)
#define task_tgid(task) ((task)->group_leader->thread_pid)
#define is_global_init(tsk) ((tsk)->tgid == 1)
#define task_nice(p) ((p)->static_prio - 120)
#define task_cpu(p) ((p)->thread_info.cpu)
#define task_stack_page(task) ((task)->stack)
#define get_task_struct(t) ((void)__atomic_fetch_add((int *)&(t)->usage, 1, __ATOMIC_SEQ_CST))
#define put_task_struct(t) do { if (__atomic_sub_fetch((int *)&(t)->usage, 1, __ATOMIC_SEQ_CST) == 0) __put_task_struct(t); } while (0)
#define pid_alive(p) ((p)->thread_pid != NULL)
#define task_lock(p) ((void)(p))
#define task_unlock(p) ((void)(p))
#define signal_pending(p) unlikely(READ_ONCE((p)->thread_info.flags) & _TIF_SIGPENDING)
#define need_resched() (READ_ONCE(current->thread_info.flags) & _TIF_NEED_RESCHED)
#define __TASK_STATE_CHARS "RSDTtXZPI"
static inline char task_state_to_char(struct task_struct *tsk)
{
	unsigned int state = READ_ONCE(tsk->__task_state) | tsk->exit_state;

	return state == TASK_IDLE ? 'I' : __TASK_STATE_CHARS[ffs(state & 0x7f)];
}
