/* Variables of each processor: there is one. */
#include <linux/smp.h>
#include <linux/cpumask.h>
#include <linux/preempt.h>
/* @kapi */
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define EXPORT_PER_CPU_SYMBOL(var) EXPORT_SYMBOL(var)
#define per_cpu_ptr(ptr, cpu) ({ (void)(cpu); (ptr); })
#define per_cpu(var, cpu) (*per_cpu_ptr(&(var), cpu))
#define this_cpu_ptr(ptr) (ptr)
#define raw_cpu_ptr(ptr) (ptr)
#define get_cpu_var(var) (*({ preempt_disable(); &(var); }))
#define put_cpu_var(var) do { (void)&(var); preempt_enable(); } while (0)
#define get_cpu_ptr(var) ({ preempt_disable(); (var); })
#define put_cpu_ptr(var) do { (void)(var); preempt_enable(); } while (0)
#define this_cpu_read(pcp) READ_ONCE(pcp)
#define this_cpu_write(pcp, val) WRITE_ONCE(pcp, val)
#define this_cpu_add(pcp, val) ((void)__atomic_fetch_add(&(pcp), val, __ATOMIC_RELAXED))
#define this_cpu_sub(pcp, val) ((void)__atomic_fetch_sub(&(pcp), val, __ATOMIC_RELAXED))
#define this_cpu_inc(pcp) this_cpu_add(pcp, 1)
#define this_cpu_dec(pcp) this_cpu_sub(pcp, 1)
#define this_cpu_inc_return(pcp) __atomic_add_fetch(&(pcp), 1, __ATOMIC_RELAXED)
#define __this_cpu_read this_cpu_read
#define __this_cpu_write this_cpu_write
#define __this_cpu_inc this_cpu_inc
#define __this_cpu_add this_cpu_add
#define alloc_percpu(type) ((__typeof__(type) __percpu *)__alloc_percpu(sizeof(type), __alignof__(type)))
#define alloc_percpu_gfp(type, gfp) alloc_percpu(type)
