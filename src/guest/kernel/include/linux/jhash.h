/* A hash of bytes or words, after Bob Jenkins' lookup3 (public domain): the kernel's usual one. */
#include <linux/bitops.h>
#define JHASH_INITVAL 0xdeadbeef
#define __jhash_turn(x, y, z, n) do { x -= z; x ^= rol32(z, n); z += y; } while (0)
#define __jhash_final(a, b, c)						\
	do {								\
		c ^= b; c -= rol32(b, 14); a ^= c; a -= rol32(c, 11);	\
		b ^= a; b -= rol32(a, 25); c ^= b; c -= rol32(b, 16);	\
		a ^= c; a -= rol32(c, 4); b ^= a; b -= rol32(a, 14);	\
		c ^= b; c -= rol32(b, 24);				\
	} while (0)
static inline u32 jhash2(const u32 *k, u32 length, u32 initval)
{
	u32 a = JHASH_INITVAL + (length << 2) + initval, b = a, c = a;

	for (; length > 3; length -= 3, k += 3) {
		a += k[0];
		b += k[1];
		c += k[2];
		__jhash_turn(a, b, c, 4);
		__jhash_turn(b, c, a, 6);
		__jhash_turn(c, a, b, 8);
		__jhash_turn(a, b, c, 16);
		__jhash_turn(b, c, a, 19);
		__jhash_turn(c, a, b, 4);
	}
	if (length > 2)
		c += k[2];
	if (length > 1)
		b += k[1];
	if (length > 0) {
		a += k[0];
		__jhash_final(a, b, c);
	}
	return c;
}
static inline u32 jhash(const void *key, u32 length, u32 initval)
{
	const u8 *bytes = key;
	u32 words[3], a = JHASH_INITVAL + length + initval, b = a, c = a, i;

	for (;;) {
		for (i = 0; i < 3; i++)
			words[i] = 0;
		for (i = 0; i < 12 && i < length; i++)
			words[i / 4] |= (u32)bytes[i] << (8 * (i % 4));
		a += words[0];
		b += words[1];
		c += words[2];
		if (length <= 12)
			break;
		__jhash_turn(a, b, c, 4);
		__jhash_turn(b, c, a, 6);
		__jhash_turn(c, a, b, 8);
		__jhash_turn(a, b, c, 16);
		__jhash_turn(b, c, a, 19);
		__jhash_turn(c, a, b, 4);
		bytes += 12;
		length -= 12;
	}
	if (length)
		__jhash_final(a, b, c);
	return c;
}
static inline u32 jhash_3words(u32 a, u32 b, u32 c, u32 initval)
{
	a += JHASH_INITVAL + (3 << 2) + initval;
	b += JHASH_INITVAL + (3 << 2) + initval;
	c += JHASH_INITVAL + (3 << 2) + initval;
	__jhash_final(a, b, c);
	return c;
}
static inline u32 jhash_2words(u32 a, u32 b, u32 initval) { return jhash_3words(a, b, 0, initval); }
static inline u32 jhash_1word(u32 a, u32 initval) { return jhash_3words(a, 0, 0, initval); }
