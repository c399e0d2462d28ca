#include <linux/types.h>
/* @kapi */
static inline int __must_check kstrtoul(const char *s, unsigned int base, unsigned long *res) { return kstrtoull(s, base, (unsigned long long *)res); }
static inline int __must_check kstrtol(const char *s, unsigned int base, long *res) { return kstrtoll(s, base, (long long *)res); }
#define kstrtou32 kstrtouint
#define kstrtos32 kstrtoint
#define kstrtou64(s, base, res) kstrtoull(s, base, res)
#define kstrtos64(s, base, res) kstrtoll(s, base, res)
#define strtobool kstrtobool
