#include <linux/mm_types.h>
#include <asm/page.h>
#define VM_IOREMAP 1
#define VM_ALLOC 2
#define VM_MAP 4
#define VM_USERMAP 8
/* @kapi */
