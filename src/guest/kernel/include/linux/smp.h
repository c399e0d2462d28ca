/* One processor, number 0. */
#include <linux/types.h>
#include <linux/preempt.h>
/* @kapi */
#define smp_processor_id() 0
#define raw_smp_processor_id() 0
#define get_cpu() ({ preempt_disable(); 0; })
#define put_cpu() preempt_enable()
#define smp_call_function_single(cpu, func, info, wait) ({ (void)(cpu); (func)(info); 0; })
#define nr_cpu_ids 1U
