/* Bits in numbers and in arrays of longs. */
#include <linux/types.h>
#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BITS_PER_LONG_LONG 64
#define BITS_TO_LONGS(nr) (((nr) + 63) / 64)
#define BIT(nr) (1UL << (nr))
#define BIT_ULL(nr) (1ULL << (nr))
#define BIT_MASK(nr) (1UL << ((nr) % BITS_PER_LONG))
#define BIT_WORD(nr) ((nr) / BITS_PER_LONG)
#define GENMASK(h, l) ((~0UL << (l)) & (~0UL >> (63 - (h))))
#define GENMASK_ULL(h, l) ((~0ULL << (l)) & (~0ULL >> (63 - (h))))
#define __BITOP(op, nr, addr) __atomic_fetch_##op(&((unsigned long *)(addr))[BIT_WORD(nr)]
static inline void set_bit(unsigned long nr, volatile unsigned long *addr) { __BITOP(or, nr, addr), BIT_MASK(nr), __ATOMIC_RELAXED); }
static inline void clear_bit(unsigned long nr, volatile unsigned long *addr) { __BITOP(and, nr, addr), ~BIT_MASK(nr), __ATOMIC_RELAXED); }
static inline void change_bit(unsigned long nr, volatile unsigned long *addr) { __BITOP(xor, nr, addr), BIT_MASK(nr), __ATOMIC_RELAXED); }
static inline bool test_and_set_bit(unsigned long nr, volatile unsigned long *addr) { return (__BITOP(or, nr, addr), BIT_MASK(nr), __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0; }
static inline bool test_and_clear_bit(unsigned long nr, volatile unsigned long *addr) { return (__BITOP(and, nr, addr), ~BIT_MASK(nr), __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0; }
static inline bool test_and_change_bit(unsigned long nr, volatile unsigned long *addr) { return (__BITOP(xor, nr, addr), BIT_MASK(nr), __ATOMIC_SEQ_CST) & BIT_MASK(nr)) != 0; }
static inline bool test_bit(unsigned long nr, const volatile unsigned long *addr) { return (addr[BIT_WORD(nr)] >> (nr % BITS_PER_LONG)) & 1; }
#define __set_bit set_bit
#define __clear_bit clear_bit
#define __change_bit change_bit
#define __test_and_set_bit test_and_set_bit
#define __test_and_clear_bit test_and_clear_bit
#define test_and_set_bit_lock test_and_set_bit
#define clear_bit_unlock clear_bit
/* This processor has no instructions to count bits, and the kernel no library of the compiler's: constants are counted by it, the rest in steps. */
static inline unsigned long __count_low_zeros(unsigned long word)
{
	unsigned long n = 0;
	unsigned int step;

	for (step = 32; step; step >>= 1)
		if (!(word & (~0UL >> (64 - step)))) {
			n += step;
			word >>= step;
		}
	return n;
}
static inline unsigned long __highest_bit(unsigned long word)
{
	unsigned long n = 0;
	unsigned int step;

	for (step = 32; step; step >>= 1)
		if (word >> step) {
			n += step;
			word >>= step;
		}
	return n;
}
#define __ffs(x) (__builtin_constant_p(x) ? (unsigned long)__builtin_ctzl(x) : __count_low_zeros(x))
#define ffz(x) __ffs(~(x))
static inline int ffs(int x) { return x ? (int)__count_low_zeros((unsigned int)x) + 1 : 0; }
static inline int fls(unsigned int x) { return x ? (int)__highest_bit(x) + 1 : 0; }
static inline int fls64(u64 x) { return x ? (int)__highest_bit(x) + 1 : 0; }
static inline unsigned long __fls(unsigned long x) { return __highest_bit(x); }
static inline unsigned int __sw_hweight64(u64 w)
{
	w -= (w >> 1) & 0x5555555555555555ULL;
	w = (w & 0x3333333333333333ULL) + ((w >> 2) & 0x3333333333333333ULL);
	w = (w + (w >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (w * 0x0101010101010101ULL) >> 56;
}
#define hweight8(w) __sw_hweight64((u8)(w))
#define hweight16(w) __sw_hweight64((u16)(w))
#define hweight32(w) __sw_hweight64((u32)(w))
#define hweight64(w) __sw_hweight64(w)
#define hweight_long(w) __sw_hweight64(w)
static inline u32 rol32(u32 word, unsigned int shift) { return (word << (shift & 31)) | (word >> ((-shift) & 31)); }
static inline u32 ror32(u32 word, unsigned int shift) { return (word >> (shift & 31)) | (word << ((-shift) & 31)); }
