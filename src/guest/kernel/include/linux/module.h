/* What makes an object file a module. */
#include <linux/list.h>
#include <linux/stat.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/err.h>
/*@line 22*/
#include <linux/moduleparam.h>
#include <linux/export.h>
#include <linux/kobject.h>
#ifndef __MODPOST_C__
#include <linux/sched.h>
#include <linux/jiffies.h>
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 0, 0)
#include <linux/fs.h>
#include <linux/uaccess.h>
#endif
#endif
#define MODULE_NAME_LEN (64 - sizeof(unsigned long))
enum module_state { MODULE_STATE_LIVE, MODULE_STATE_COMING, MODULE_STATE_GOING, MODULE_STATE_UNFORMED };
/* @structs */
/* @kapi */
#ifdef MODULE
/*@line 130*/
#define module_init(initfn)					\
	static inline initcall_t __maybe_unused __inittest(void)		\
	{ return initfn; }					\
	int init_module(void) __copy(initfn)			\
		__attribute__((alias(#initfn)));			\
	___ADDRESSABLE(init_module, __initdata);
/*@line 138*/
#define module_exit(exitfn)					\
	static inline exitcall_t __maybe_unused __exittest(void)		\
	{ return exitfn; }					\
	void cleanup_module(void) __copy(exitfn)		\
		__attribute__((alias(#exitfn)));			\
	___ADDRESSABLE(cleanup_module, __exitdata);
#endif
extern int init_module(void);
extern void cleanup_module(void);
#define MODULE_ARCH_INIT { }
#define MODULE_INFO(tag, info) __MODULE_INFO(tag, tag, info)
#define MODULE_ALIAS(_alias) MODULE_INFO(alias, _alias)
#define MODULE_SOFTDEP(_softdep) MODULE_INFO(softdep, _softdep)
#define MODULE_FILE
/*@line 238*/
#define MODULE_LICENSE(_license) MODULE_FILE MODULE_INFO(license, _license)
#define MODULE_AUTHOR(_author) MODULE_INFO(author, _author)
#define MODULE_DESCRIPTION(_description) MODULE_INFO(description, _description)
#define MODULE_VERSION(_version) MODULE_INFO(version, _version)
#define MODULE_FIRMWARE(_firmware) MODULE_INFO(firmware, _firmware)
#define MODULE_IMPORT_NS(ns) MODULE_INFO(import_ns, #ns)
#define MODULE_SUPPORTED_DEVICE(name)
#define MODULE_DEVICE_TABLE(type, name) \
	extern __typeof__(name) __mod_##type##__##name##_device_table __attribute__((__unused__, alias(#name)))
#define module_name(mod) ((mod)->name)
#define module_is_live(mod) ((mod)->state != MODULE_STATE_GOING)
#define symbol_get(x) ((__typeof__(&x))__symbol_get(__stringify(x)))
#define symbol_put(x) __symbol_put(__stringify(x))
#define symbol_request(x) symbol_get(x)
#define module_driver(__driver, __register, __unregister, ...)			\
	static int __init __driver##_init(void) { return __register(&(__driver), ##__VA_ARGS__); }	\
	module_init(__driver##_init);						\
	static void __exit __driver##_exit(void) { __unregister(&(__driver), ##__VA_ARGS__); }	\
	module_exit(__driver##_exit);
