#include <linux/types.h>
/* @kapi */
#define crc32(seed, data, length) crc32_le(seed, (unsigned char const *)(data), length)
