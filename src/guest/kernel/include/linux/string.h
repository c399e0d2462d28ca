#include <linux/types.h>
#include <linux/stddef.h>
#include <linux/version.h>
/* @kapi */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define __strscpy0(dst, src, ...) sized_strscpy(dst, src, sizeof(dst))
#define __strscpy1(dst, src, size) sized_strscpy(dst, src, size)
#define __strscpy_pick(a, b, name, ...) name
#define strscpy(dst, src, ...) __strscpy_pick(0, ##__VA_ARGS__, __strscpy1, __strscpy0)(dst, src, ##__VA_ARGS__)
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 2, 0)
#define strscpy_pad(dst, src, ...) (memset(dst, 0, sizeof(dst)), strscpy(dst, src, ##__VA_ARGS__))
#endif
static inline const char *kbasename(const char *path) { const char *tail = strrchr(path, '/'); return tail ? tail + 1 : path; }
static inline bool strstarts(const char *str, const char *prefix) { return strncmp(str, prefix, strlen(prefix)) == 0; }
#define strstrip(s) strim(s)
#define memzero_explicit(s, n) memset(s, 0, n)
#define str_has_prefix(str, prefix) ({ size_t __len = strlen(prefix); strncmp(str, prefix, __len) == 0 ? __len : 0; })
