#include <linux/types.h>
/* @structs */
#define instruction_pointer(regs) ((regs)->epc)
#define kernel_stack_pointer(regs) ((regs)->sp)
#define user_stack_pointer(regs) ((regs)->sp)
#define user_mode(regs) (((regs)->status & 0x100) == 0)
#define regs_return_value(regs) ((regs)->a0)
