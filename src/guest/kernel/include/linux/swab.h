#include <linux/types.h>
#define swab16(x) ((u16)(((u16)(x) << 8) | ((u16)(x) >> 8)))
#define swab32(x) ((u32)((((u32)(x) & 0xffu) << 24) | (((u32)(x) & 0xff00u) << 8) | (((u32)(x) >> 8) & 0xff00u) | ((u32)(x) >> 24)))
#define swab64(x) ((u64)(((u64)swab32((u64)(x)) << 32) | swab32((u64)(x) >> 32)))
