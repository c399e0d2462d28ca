#include <linux/list.h>
#include <asm/ptrace.h>
struct kprobe;
struct kretprobe_instance;
typedef u32 kprobe_opcode_t;
typedef int (*kprobe_pre_handler_t)(struct kprobe *, struct pt_regs *);
typedef void (*kprobe_post_handler_t)(struct kprobe *, struct pt_regs *, unsigned long flags);
typedef int (*kretprobe_handler_t)(struct kretprobe_instance *, struct pt_regs *);
/* @structs */
/* @kapi */
#define NOKPROBE_SYMBOL(fname)
