#include <linux/compiler.h>
#include <linux/types.h>
/* @structs */
#define __EXPORT_SYMBOL(sym, sec, ns)							\
	extern __typeof__(sym) sym;							\
	static const char __kstrtab_##sym[] __section("__ksymtab_strings") __used __aligned(1) = #sym;	\
	static const char __kstrtabns_##sym[] __section("__ksymtab_strings") __used __aligned(1) = ns;	\
	static const struct kernel_symbol __ksymtab_##sym __section("___ksymtab" sec "+" #sym) __used	\
		= { (unsigned long)&sym, __kstrtab_##sym, __kstrtabns_##sym }
#define EXPORT_SYMBOL(sym) __EXPORT_SYMBOL(sym, "", "")
#define EXPORT_SYMBOL_GPL(sym) __EXPORT_SYMBOL(sym, "_gpl", "")
#define EXPORT_SYMBOL_NS(sym, ns) __EXPORT_SYMBOL(sym, "", #ns)
#define EXPORT_SYMBOL_NS_GPL(sym, ns) __EXPORT_SYMBOL(sym, "_gpl", #ns)
/* The version of an export, in the order of its table. */
#define SYMBOL_CRC(sym, crc, sec) static const unsigned int __crc_##sym __section("___kcrctab" sec "+" #sym) __used = crc
