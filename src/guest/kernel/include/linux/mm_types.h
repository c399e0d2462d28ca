#include <linux/types.h>
#include <linux/spinlock_types.h>
#include <linux/rwsem.h>
/* @structs */
#define VM_FAULT_OOM 0x1
#define VM_FAULT_SIGBUS 0x2
#define VM_FAULT_NOPAGE 0x100
#define VM_FAULT_LOCKED 0x200
