#include <linux/types.h>
#include <linux/string.h>
#define UUID_SIZE 16
#define UUID_STRING_LEN 36
typedef struct { u8 b[UUID_SIZE]; } guid_t;
typedef struct { u8 b[UUID_SIZE]; } uuid_t;
static inline bool uuid_equal(const uuid_t *u1, const uuid_t *u2) { return memcmp(u1, u2, sizeof(uuid_t)) == 0; }
static inline void uuid_copy(uuid_t *dst, const uuid_t *src) { memcpy(dst, src, sizeof(uuid_t)); }
