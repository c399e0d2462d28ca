// CRC8 (by Williams, Ross N.) function
#include <linux/module.h>
#include "crc.h"

u8 crc8(u8 crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc_high(crc, 0x07, *p++, 8);
	return crc;
}
EXPORT_SYMBOL(crc8);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("CRC8 (by Williams, Ross N.) function");
MODULE_LICENSE("GPL");
