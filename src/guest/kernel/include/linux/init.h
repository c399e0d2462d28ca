/* Sections of code that runs once, and where a module begins and ends. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/stringify.h>
#define __init __section(".init.text") __cold
#define __initdata __section(".init.data")
#define __initconst __section(".init.rodata")
#define __exit __section(".exit.text") __used __cold notrace
#define __exitdata __section(".exit.data")
#define __init_or_module
#define __initdata_or_module
#define __ro_after_init __section(".data..ro_after_init")
#define __read_mostly __section(".data..read_mostly")
#define __cacheline_aligned __aligned(64)
#define ____cacheline_aligned __aligned(64)
#define ____cacheline_aligned_in_smp __aligned(64)
#define __devinit
#define __devexit
#define __refdata
#define __ref
typedef int (*initcall_t)(void);
typedef void (*exitcall_t)(void);
extern struct module __this_module;
/*@line 180*/
#define THIS_MODULE (&__this_module)
#define early_initcall(fn) module_init(fn)
#define core_initcall(fn) module_init(fn)
#define subsys_initcall(fn) module_init(fn)
#define fs_initcall(fn) module_init(fn)
#define device_initcall(fn) module_init(fn)
#define late_initcall(fn) module_init(fn)
