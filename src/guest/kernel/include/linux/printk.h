/* The kernel log. */
#include <linux/stdarg.h>
#include <linux/types.h>
#include <linux/kern_levels.h>
#include <linux/ratelimit_types.h>
#include <linux/version.h>

/* @structs */
/* @kapi */
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 15, 0)
/*@line 465*/
#define printk_index_wrap(_p_func, _fmt, ...)				\
	({								\
									\
		_p_func(_fmt, ##__VA_ARGS__);				\
	})
/*@line 496*/
#define printk(fmt, ...) printk_index_wrap(_printk, fmt, ##__VA_ARGS__)
#endif
/*@line 556*/
#define pr_emerg(fmt, ...) \
	printk(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
/*@line 558*/
#define pr_alert(fmt, ...) \
	printk(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
/*@line 560*/
#define pr_crit(fmt, ...) \
	printk(KERN_CRIT pr_fmt(fmt), ##__VA_ARGS__)
/*@line 562*/
#define pr_err(fmt, ...) \
	printk(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
/*@line 564*/
#define pr_warn(fmt, ...) \
	printk(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
/*@line 566*/
#define pr_notice(fmt, ...) \
	printk(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
/*@line 568*/
#define pr_info(fmt, ...) \
	printk(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define pr_cont(fmt, ...) \
	printk(KERN_CONT fmt, ##__VA_ARGS__)
#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 9, 0)
#define pr_warning pr_warn
#endif
#define no_printk(fmt, ...) ({ if (0) printk(fmt, ##__VA_ARGS__); 0; })
#ifdef DEBUG
#define pr_devel(fmt, ...) printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...) printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#else
#define pr_devel(fmt, ...) no_printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_debug(fmt, ...) no_printk(KERN_DEBUG pr_fmt(fmt), ##__VA_ARGS__)
#endif
#define printk_once(fmt, ...) \
	({ static bool __print_once; if (!__print_once) { __print_once = true; printk(fmt, ##__VA_ARGS__); } })
#define pr_emerg_once(fmt, ...) printk_once(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_once(fmt, ...) printk_once(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) printk_once(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice_once(fmt, ...) printk_once(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info_once(fmt, ...) printk_once(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
#define printk_ratelimited(fmt, ...)					\
	({								\
		static DEFINE_RATELIMIT_STATE(_rs, DEFAULT_RATELIMIT_INTERVAL, DEFAULT_RATELIMIT_BURST); \
		if (__ratelimit(&_rs))					\
			printk(fmt, ##__VA_ARGS__);			\
	})
#define printk_ratelimit() __printk_ratelimit(__func__)
#define pr_emerg_ratelimited(fmt, ...) printk_ratelimited(KERN_EMERG pr_fmt(fmt), ##__VA_ARGS__)
#define pr_alert_ratelimited(fmt, ...) printk_ratelimited(KERN_ALERT pr_fmt(fmt), ##__VA_ARGS__)
#define pr_err_ratelimited(fmt, ...) printk_ratelimited(KERN_ERR pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn_ratelimited(fmt, ...) printk_ratelimited(KERN_WARNING pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice_ratelimited(fmt, ...) printk_ratelimited(KERN_NOTICE pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info_ratelimited(fmt, ...) printk_ratelimited(KERN_INFO pr_fmt(fmt), ##__VA_ARGS__)
enum { DUMP_PREFIX_NONE, DUMP_PREFIX_ADDRESS, DUMP_PREFIX_OFFSET };
#define console_loglevel (console_printk[0])
#define print_hex_dump_debug(prefix, type, row, group, buf, len, ascii) \
	print_hex_dump(KERN_DEBUG, prefix, type, row, group, buf, len, ascii)
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 2, 0)
#define print_hex_dump_bytes(prefix, type, buf, len) print_hex_dump_debug(prefix, type, 16, 1, buf, len, true)
#endif
