// CRC32c (Castagnoli) calculations
#include <linux/module.h>
#include "crc.h"

u32 crc32c(u32 crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc_low(crc, 0x82f63b78, *p++);
	return crc;
}
EXPORT_SYMBOL(crc32c);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("CRC32c (Castagnoli) calculations");
MODULE_LICENSE("GPL");
