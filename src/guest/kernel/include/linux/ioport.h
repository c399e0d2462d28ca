#include <linux/types.h>
#define IORESOURCE_IO 0x100
#define IORESOURCE_MEM 0x200
#define IORESOURCE_IRQ 0x400
/* @structs */
#define resource_size(res) ((res)->end - (res)->start + 1)
