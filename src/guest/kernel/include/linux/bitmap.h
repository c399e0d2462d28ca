#include <linux/bitops.h>
#include <linux/find.h>
#include <linux/string.h>
static inline void bitmap_zero(unsigned long *dst, unsigned int nbits) { memset(dst, 0, BITS_TO_LONGS(nbits) * 8); }
static inline void bitmap_fill(unsigned long *dst, unsigned int nbits) { memset(dst, 0xff, BITS_TO_LONGS(nbits) * 8); }
static inline void bitmap_set(unsigned long *map, unsigned int start, unsigned int n) { while (n--) set_bit(start++, map); }
static inline void bitmap_clear(unsigned long *map, unsigned int start, unsigned int n) { while (n--) clear_bit(start++, map); }
static inline unsigned int bitmap_weight(const unsigned long *src, unsigned int nbits)
{
	unsigned int i, w = 0;

	for (i = 0; i < nbits; i++)
		w += test_bit(i, src);
	return w;
}
static inline bool bitmap_empty(const unsigned long *src, unsigned int nbits) { return find_first_bit(src, nbits) >= nbits; }
static inline bool bitmap_full(const unsigned long *src, unsigned int nbits) { return find_first_zero_bit(src, nbits) >= nbits; }
