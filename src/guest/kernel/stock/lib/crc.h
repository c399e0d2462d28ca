/* One byte through a CRC whose polynomial is given with its lowest bit first (crc_low) or highest first (crc_high). */
static inline unsigned int crc_low(unsigned int crc, unsigned int poly, unsigned char byte)
{
	int bit;

	crc ^= byte;
	for (bit = 0; bit < 8; bit++)
		crc = crc & 1 ? crc >> 1 ^ poly : crc >> 1;
	return crc;
}

static inline unsigned int crc_high(unsigned int crc, unsigned int poly, unsigned char byte, int width)
{
	int bit;

	crc ^= (unsigned int)byte << (width - 8);
	for (bit = 0; bit < 8; bit++)
		crc = crc >> (width - 1) & 1 ? crc << 1 ^ poly : crc << 1;
	return crc;
}
u8 crc7_be(u8 crc, const unsigned char *p, size_t len);
u8 crc8(u8 crc, const unsigned char *p, size_t len);
u16 crc_itu_t(u16 crc, const unsigned char *p, size_t len);
u16 crc_ccitt(u16 crc, const unsigned char *p, size_t len);
u32 crc32c(u32 crc, const unsigned char *p, size_t len);
