#include <linux/bitops.h>
static inline unsigned long __find_bit(const unsigned long *addr, unsigned long size, unsigned long offset, bool value)
{
	while (offset < size && test_bit(offset, addr) != value)
		offset++;
	return offset < size ? offset : size;
}
#define find_next_bit(addr, size, offset) __find_bit(addr, size, offset, true)
#define find_next_zero_bit(addr, size, offset) __find_bit(addr, size, offset, false)
#define find_first_bit(addr, size) __find_bit(addr, size, 0, true)
#define find_first_zero_bit(addr, size) __find_bit(addr, size, 0, false)
#define for_each_set_bit(bit, addr, size) \
	for ((bit) = find_first_bit((addr), (size)); (bit) < (size); (bit) = find_next_bit((addr), (size), (bit) + 1))
#define for_each_clear_bit(bit, addr, size) \
	for ((bit) = find_first_zero_bit((addr), (size)); (bit) < (size); (bit) = find_next_zero_bit((addr), (size), (bit) + 1))
