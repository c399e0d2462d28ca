// CRC ITU-T V.41 calculations
#include <linux/module.h>
#include "crc.h"

u16 crc_itu_t(u16 crc, const unsigned char *p, size_t len)
{
	while (len--)
		crc = crc_high(crc, 0x1021, *p++, 16);
	return crc;
}
EXPORT_SYMBOL(crc_itu_t);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("CRC ITU-T V.41 calculations");
MODULE_LICENSE("GPL");
