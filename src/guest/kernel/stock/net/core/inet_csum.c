// The Internet checksum of RFC 1071.
#include <linux/module.h>

u16 inet_csum(const u8 *data, size_t len);
u16 inet_csum(const u8 *data, size_t len)
{
	u32 sum = 0;

	for (; len > 1; len -= 2, data += 2)
		sum += data[0] << 8 | data[1];
	if (len)
		sum += data[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}
EXPORT_SYMBOL_GPL(inet_csum);

MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("Internet checksum (RFC 1071)");
MODULE_LICENSE("GPL");
