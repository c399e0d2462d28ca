#define cpu_relax() __asm__ __volatile__("nop" : : : "memory")
#define task_pt_regs(tsk) ((struct pt_regs *)((char *)(tsk)->stack + 16384 - sizeof(struct pt_regs)))
#define KSTK_EIP(tsk) (task_pt_regs(tsk)->epc)
#define KSTK_ESP(tsk) (task_pt_regs(tsk)->sp)
