/* BUG() and WARN(): an ebreak that __bug_table describes. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/printk.h>
/* @structs */
#define BUGFLAG_WARNING 1
#define BUGFLAG_ONCE 2
#define BUGFLAG_NO_CUT_HERE 8
#define BUGFLAG_TAINT(taint) ((taint) << 8)
#define __BUG_FLAGS(flags)						\
	__asm__ __volatile__(						\
		"1:\n\tebreak\n"					\
		"\t.pushsection __bug_table,\"aw\"\n"			\
		"\t.align 3\n"						\
		"\t.dword 1b\n\t.dword %0\n\t.half %1\n\t.half %2\n\t.word 0\n"	\
		"\t.popsection"						\
		: : "i"(__FILE__), "i"(__LINE__), "i"(flags))
/* @kapi */
#define BUG() do { __BUG_FLAGS(0); unreachable(); } while (0)
#define BUG_ON(condition) do { if (unlikely(condition)) BUG(); } while (0)
#define __WARN_FLAGS(flags) __BUG_FLAGS(BUGFLAG_WARNING | (flags))
#define __WARN() __WARN_FLAGS(BUGFLAG_TAINT(9))
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 4, 0)
#define __WARN_printf(arg...) do { __warn_printk(arg); __WARN_FLAGS(BUGFLAG_NO_CUT_HERE | BUGFLAG_TAINT(9)); } while (0)
#else
#define __WARN_printf(arg...) warn_slowpath_fmt(__FILE__, __LINE__, arg)
#endif
#define WARN_ON(condition) ({ int __ret_warn_on = !!(condition); if (unlikely(__ret_warn_on)) __WARN(); unlikely(__ret_warn_on); })
#define WARN(condition, format...) ({ int __ret_warn_on = !!(condition); if (unlikely(__ret_warn_on)) __WARN_printf(format); unlikely(__ret_warn_on); })
#define WARN_ON_ONCE(condition) ({ static bool __warned; int __once = !!(condition); if (unlikely(__once && !__warned)) { __warned = true; __WARN(); } unlikely(__once); })
#define WARN_ONCE(condition, format...) ({ static bool __warned; int __once = !!(condition); if (unlikely(__once && !__warned)) { __warned = true; __WARN_printf(format); } unlikely(__once); })
#define WARN_TAINT(condition, taint, format...) WARN(condition, format)
#define TAINT_PROPRIETARY_MODULE 0
#define TAINT_USER 6
#define TAINT_DIE 7
#define TAINT_WARN 9
#define TAINT_OOT_MODULE 12
enum { LOCKDEP_STILL_OK, LOCKDEP_NOW_UNRELIABLE };
