// CRC7 calculations
#include <linux/module.h>
#include "crc.h"

u8 crc7_be(u8 crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc_high(crc, 0x12, *p++, 8);
	return crc;
}
EXPORT_SYMBOL(crc7_be);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("CRC7 calculations");
MODULE_LICENSE("GPL");
