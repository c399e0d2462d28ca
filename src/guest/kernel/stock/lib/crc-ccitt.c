// CRC-CCITT calculations
#include <linux/module.h>
#include "crc.h"

u16 crc_ccitt(u16 crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc_low(crc, 0x8408, *p++);
	return crc;
}
EXPORT_SYMBOL(crc_ccitt);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("CRC-CCITT calculations");
MODULE_LICENSE("GPL");
