#include <linux/bitops.h>
#define ilog2(n) (__builtin_constant_p(n) ? 63 - __builtin_clzll(n) : (int)__fls(n))
#define is_power_of_2(n) ((n) != 0 && (((n) & ((n) - 1)) == 0))
#define roundup_pow_of_two(n) ((n) <= 1 ? 1UL : 1UL << (ilog2((unsigned long)(n) - 1) + 1))
#define rounddown_pow_of_two(n) (1UL << ilog2((unsigned long)(n)))
#define order_base_2(n) ((n) > 1 ? ilog2((unsigned long)(n) - 1) + 1 : 0)
