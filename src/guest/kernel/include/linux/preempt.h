#include <linux/types.h>
/* @kapi */
#define PREEMPT_OFFSET 1
#define SOFTIRQ_OFFSET 0x100
#define SOFTIRQ_MASK 0xff00
#define HARDIRQ_OFFSET 0x10000
#define HARDIRQ_MASK 0xf0000
#define NMI_MASK 0xf00000
#define preempt_disable() preempt_count_add(1)
#define preempt_enable() preempt_count_sub(1)
#define preempt_enable_no_resched() preempt_count_sub(1)
#define hardirq_count() (preempt_count() & HARDIRQ_MASK)
#define softirq_count() (preempt_count() & SOFTIRQ_MASK)
#define irq_count() (preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_MASK))
#define in_irq() hardirq_count()
#define in_hardirq() hardirq_count()
#define in_softirq() softirq_count()
#define in_interrupt() irq_count()
#define in_serving_softirq() (softirq_count() & SOFTIRQ_OFFSET)
#define in_nmi() (preempt_count() & NMI_MASK)
#define in_task() (!(preempt_count() & (NMI_MASK | HARDIRQ_MASK | SOFTIRQ_OFFSET)))
#define in_atomic() (preempt_count() != 0)
#define preemptible() (preempt_count() == 0)
