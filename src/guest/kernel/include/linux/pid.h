#include <linux/refcount.h>
#include <linux/spinlock_types.h>
enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };
/* @structs */
/* @kapi */
static inline int pid_nr(struct pid *pid) { return pid ? pid->numbers[0].nr : 0; }
