/* Names of the system. */
#include <linux/sched.h>
#include <linux/nsproxy.h>
/* @structs */
/* @kapi */
static inline struct new_utsname *utsname(void) { return &current->nsproxy->uts_ns->name; }
static inline struct new_utsname *init_utsname(void) { return &init_uts_ns.name; }
