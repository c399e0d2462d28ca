#include <linux/irqreturn.h>
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>
typedef irqreturn_t (*irq_handler_t)(int, void *);
#define IRQF_TRIGGER_RISING 1
#define IRQF_TRIGGER_FALLING 2
#define IRQF_SHARED 0x80
#define IRQF_ONESHOT 0x2000
enum { HI_SOFTIRQ, TIMER_SOFTIRQ, NET_TX_SOFTIRQ, NET_RX_SOFTIRQ, BLOCK_SOFTIRQ, IRQ_POLL_SOFTIRQ, TASKLET_SOFTIRQ };
enum { TASKLET_STATE_SCHED, TASKLET_STATE_RUN };
enum irqchip_irq_state { IRQCHIP_STATE_PENDING, IRQCHIP_STATE_ACTIVE, IRQCHIP_STATE_MASKED, IRQCHIP_STATE_LINE_LEVEL };
/* @structs */
/* @kapi */
#define request_irq(irq, handler, flags, name, dev) request_threaded_irq(irq, handler, NULL, flags, name, dev)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 9, 0)
#define DECLARE_TASKLET(name, _callback) struct tasklet_struct name = { .use_callback = true, .func = (void (*)(unsigned long))(void *)(_callback) }
#define DECLARE_TASKLET_OLD(name, _func) struct tasklet_struct name = { .func = (void (*)(unsigned long))(void *)(_func) }
#define from_tasklet(var, callback_tasklet, field) container_of(callback_tasklet, __typeof__(*var), field)
#else
#define DECLARE_TASKLET(name, _func, _data) struct tasklet_struct name = { .func = _func, .data = _data }
#define DECLARE_TASKLET_DISABLED(name, _func, _data) struct tasklet_struct name = { .count = ATOMIC_INIT(1), .func = _func, .data = _data }
#endif
static inline void tasklet_schedule(struct tasklet_struct *t) { if (!(__atomic_fetch_or(&t->state, 1, __ATOMIC_SEQ_CST) & 1)) __tasklet_schedule(t); }
static inline void tasklet_hi_schedule(struct tasklet_struct *t) { if (!(__atomic_fetch_or(&t->state, 1, __ATOMIC_SEQ_CST) & 1)) __tasklet_hi_schedule(t); }
static inline void tasklet_disable(struct tasklet_struct *t) { atomic_inc(&t->count); }
static inline void tasklet_enable(struct tasklet_struct *t) { atomic_dec(&t->count); }
