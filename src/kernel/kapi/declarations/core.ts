/** Exports of the core: log, faults, strings, numbers, containers. */
import { exported, kernelVersion } from './declare.ts';

const modern = kernelVersion(5, 15, 0);

exported('linux/printk.h', {
  printk: ['__printf(1, 2) int printk(const char *fmt, ...)', { until: modern }],
  _printk: ['__printf(1, 2) int _printk(const char *fmt, ...)', { since: modern }],
  vprintk: '__printf(1, 0) int vprintk(const char *fmt, va_list args)',
  __printk_ratelimit: 'int __printk_ratelimit(const char *func)',
  printk_timed_ratelimit:
    'bool printk_timed_ratelimit(unsigned long *caller_jiffies, unsigned int interval_msec)',
  console_printk: ['int console_printk[4]', { data: true, size: 16 }],
  dump_stack: 'void dump_stack(void)',
  print_hex_dump:
    'void print_hex_dump(const char *level, const char *prefix_str, int prefix_type, int rowsize, int groupsize, const void *buf, size_t len, bool ascii)',
  print_hex_dump_bytes: [
    'void print_hex_dump_bytes(const char *prefix_str, int prefix_type, const void *buf, size_t len)',
    { until: kernelVersion(5, 2, 0) },
  ],
  hex_dump_to_buffer:
    'int hex_dump_to_buffer(const void *buf, size_t len, int rowsize, int groupsize, char *linebuf, size_t linebuflen, bool ascii)',
});
exported('linux/ratelimit_types.h', {
  ___ratelimit: 'int ___ratelimit(struct ratelimit_state *rs, const char *func)',
});
exported('linux/panic.h', {
  panic: '__printf(1, 2) __noreturn void panic(const char *fmt, ...)',
  add_taint: ['void add_taint(unsigned flag, int lockdep_ok)', {}],
  test_taint: 'int test_taint(unsigned flag)',
  get_taint: 'unsigned long get_taint(void)',
  panic_notifier_list: ['struct atomic_notifier_head panic_notifier_list', { data: true, size: 16 }],
  panic_timeout: ['int panic_timeout', { data: true, size: 4 }],
});
exported('asm/bug.h', {
  warn_slowpath_fmt: [
    '__printf(3, 4) void warn_slowpath_fmt(const char *file, const int line, const char *fmt, ...)',
    { until: kernelVersion(5, 4, 0) },
  ],
  __warn_printk: [
    '__printf(1, 2) void __warn_printk(const char *fmt, ...)',
    { since: kernelVersion(5, 4, 0) },
  ],
});
exported('linux/compiler.h', {
  __stack_chk_fail: '__noreturn void __stack_chk_fail(void)',
  __stack_chk_guard: ['unsigned long __stack_chk_guard', { data: true, size: 8 }],
});
exported('linux/sprintf.h', {
  sprintf: '__printf(2, 3) int sprintf(char *buf, const char *fmt, ...)',
  vsprintf: '__printf(2, 0) int vsprintf(char *buf, const char *fmt, va_list args)',
  snprintf: '__printf(3, 4) int snprintf(char *buf, size_t size, const char *fmt, ...)',
  vsnprintf: '__printf(3, 0) int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)',
  scnprintf: '__printf(3, 4) int scnprintf(char *buf, size_t size, const char *fmt, ...)',
  vscnprintf: '__printf(3, 0) int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)',
  kasprintf: '__printf(2, 3) char *kasprintf(gfp_t gfp, const char *fmt, ...)',
  kvasprintf: '__printf(2, 0) char *kvasprintf(gfp_t gfp, const char *fmt, va_list args)',
  sscanf: '__scanf(2, 3) int sscanf(const char *buf, const char *fmt, ...)',
  vsscanf: '__scanf(2, 0) int vsscanf(const char *buf, const char *fmt, va_list args)',
});
exported('linux/string.h', {
  strcpy: 'char *strcpy(char *dest, const char *src)',
  strncpy: 'char *strncpy(char *dest, const char *src, size_t n)',
  strlcpy: ['size_t strlcpy(char *dest, const char *src, size_t size)', { until: kernelVersion(6, 8, 0) }],
  strscpy: ['ssize_t strscpy(char *dest, const char *src, size_t count)', { until: kernelVersion(6, 8, 0) }],
  sized_strscpy: [
    'ssize_t sized_strscpy(char *dest, const char *src, size_t count)',
    { since: kernelVersion(6, 8, 0) },
  ],
  strcat: 'char *strcat(char *dest, const char *src)',
  strncat: 'char *strncat(char *dest, const char *src, size_t n)',
  strlcat: 'size_t strlcat(char *dest, const char *src, size_t count)',
  strcmp: 'int strcmp(const char *a, const char *b)',
  strncmp: 'int strncmp(const char *a, const char *b, size_t n)',
  strcasecmp: 'int strcasecmp(const char *a, const char *b)',
  strncasecmp: 'int strncasecmp(const char *a, const char *b, size_t n)',
  strchr: 'char *strchr(const char *s, int c)',
  strchrnul: 'char *strchrnul(const char *s, int c)',
  strnchr: 'char *strnchr(const char *s, size_t count, int c)',
  strrchr: 'char *strrchr(const char *s, int c)',
  skip_spaces: 'char *skip_spaces(const char *s)',
  strim: 'char *strim(char *s)',
  strstr: 'char *strstr(const char *a, const char *b)',
  strnstr: 'char *strnstr(const char *a, const char *b, size_t n)',
  strlen: 'size_t strlen(const char *s)',
  strnlen: 'size_t strnlen(const char *s, size_t n)',
  strpbrk: 'char *strpbrk(const char *s, const char *accept)',
  strsep: 'char *strsep(char **s, const char *delim)',
  strspn: 'size_t strspn(const char *s, const char *accept)',
  strcspn: 'size_t strcspn(const char *s, const char *reject)',
  strreplace: 'char *strreplace(char *str, char old, char new)',
  sysfs_streq: 'bool sysfs_streq(const char *a, const char *b)',
  match_string: 'int match_string(const char *const *array, size_t n, const char *string)',
  memset: 'void *memset(void *s, int c, size_t n)',
  memcpy: 'void *memcpy(void *dest, const void *src, size_t n)',
  memmove: 'void *memmove(void *dest, const void *src, size_t n)',
  memcmp: 'int memcmp(const void *a, const void *b, size_t n)',
  memchr: 'void *memchr(const void *s, int c, size_t n)',
  memchr_inv: 'void *memchr_inv(const void *s, int c, size_t n)',
  memscan: 'void *memscan(void *s, int c, size_t n)',
  memory_read_from_buffer:
    'ssize_t memory_read_from_buffer(void *to, size_t count, loff_t *ppos, const void *from, size_t available)',
  kstrdup: 'char *kstrdup(const char *s, gfp_t gfp)',
  kstrdup_const: 'const char *kstrdup_const(const char *s, gfp_t gfp)',
  kfree_const: 'void kfree_const(const void *x)',
  kstrndup: 'char *kstrndup(const char *s, size_t len, gfp_t gfp)',
  kmemdup: 'void *kmemdup(const void *src, size_t len, gfp_t gfp)',
  kmemdup_nul: 'char *kmemdup_nul(const char *s, size_t len, gfp_t gfp)',
  memdup_user: 'void *memdup_user(const void __user *src, size_t len)',
  memdup_user_nul: 'void *memdup_user_nul(const void __user *src, size_t len)',
  strndup_user: 'char *strndup_user(const char __user *s, long n)',
});
exported('linux/kstrtox.h', {
  simple_strtoul: 'unsigned long simple_strtoul(const char *cp, char **endp, unsigned int base)',
  simple_strtol: 'long simple_strtol(const char *cp, char **endp, unsigned int base)',
  simple_strtoull: 'unsigned long long simple_strtoull(const char *cp, char **endp, unsigned int base)',
  simple_strtoll: 'long long simple_strtoll(const char *cp, char **endp, unsigned int base)',
  kstrtoull: 'int kstrtoull(const char *s, unsigned int base, unsigned long long *res)',
  kstrtoll: 'int kstrtoll(const char *s, unsigned int base, long long *res)',
  kstrtouint: 'int kstrtouint(const char *s, unsigned int base, unsigned int *res)',
  kstrtoint: 'int kstrtoint(const char *s, unsigned int base, int *res)',
  kstrtou16: 'int kstrtou16(const char *s, unsigned int base, u16 *res)',
  kstrtos16: 'int kstrtos16(const char *s, unsigned int base, s16 *res)',
  kstrtou8: 'int kstrtou8(const char *s, unsigned int base, u8 *res)',
  kstrtos8: 'int kstrtos8(const char *s, unsigned int base, s8 *res)',
  kstrtobool: 'int kstrtobool(const char *s, bool *res)',
  kstrtoul_from_user:
    'int kstrtoul_from_user(const char __user *s, size_t count, unsigned int base, unsigned long *res)',
  kstrtol_from_user:
    'int kstrtol_from_user(const char __user *s, size_t count, unsigned int base, long *res)',
  kstrtouint_from_user:
    'int kstrtouint_from_user(const char __user *s, size_t count, unsigned int base, unsigned int *res)',
  kstrtoint_from_user:
    'int kstrtoint_from_user(const char __user *s, size_t count, unsigned int base, int *res)',
  kstrtoull_from_user:
    'int kstrtoull_from_user(const char __user *s, size_t count, unsigned int base, unsigned long long *res)',
  kstrtobool_from_user: 'int kstrtobool_from_user(const char __user *s, size_t count, bool *res)',
});
exported('linux/kernel.h', {
  get_option: 'int get_option(char **str, int *pint)',
  get_options: 'char *get_options(const char *str, int nints, int *ints)',
  memparse: 'unsigned long long memparse(const char *ptr, char **retp)',
  hex_to_bin: 'int hex_to_bin(unsigned char ch)',
  hex2bin: 'int hex2bin(u8 *dst, const char *src, size_t count)',
  bin2hex: 'char *bin2hex(char *dst, const void *src, size_t count)',
  hex_asc: ['const char hex_asc[17]', { data: true, size: 17 }],
  int_sqrt: 'unsigned long int_sqrt(unsigned long x)',
  system_state: ['enum system_states system_state', { data: true, size: 4 }],
});
exported('linux/ctype.h', { _ctype: ['const unsigned char _ctype[256]', { data: true, size: 256 }] });
exported('linux/gcd.h', { gcd: 'unsigned long gcd(unsigned long a, unsigned long b)' });
exported('linux/lcm.h', { lcm: 'unsigned long lcm(unsigned long a, unsigned long b)' });
exported('linux/sort.h', {
  sort: 'void sort(void *base, size_t num, size_t size, int (*cmp)(const void *, const void *), void (*swap)(void *, void *, int))',
});
exported('linux/bsearch.h', {
  bsearch:
    'void *bsearch(const void *key, const void *base, size_t num, size_t size, int (*cmp)(const void *key, const void *elt))',
});
exported('linux/list_sort.h', {
  list_sort: [
    'void list_sort(void *priv, struct list_head *head, int (*cmp)(void *priv, struct list_head *a, struct list_head *b))',
    { until: kernelVersion(5, 13, 0) },
  ],
});
exported('linux/list_sort.h', {
  list_sort: [
    'void list_sort(void *priv, struct list_head *head, int (*cmp)(void *priv, const struct list_head *a, const struct list_head *b))',
    { since: kernelVersion(5, 13, 0) },
  ],
});
exported('linux/list.h', {
  __list_add_valid: [
    'bool __list_add_valid(struct list_head *new, struct list_head *prev, struct list_head *next)',
    { until: kernelVersion(6, 6, 0) },
  ],
  __list_del_entry_valid: [
    'bool __list_del_entry_valid(struct list_head *entry)',
    { until: kernelVersion(6, 6, 0) },
  ],
  __list_add_valid_or_report: [
    'bool __list_add_valid_or_report(struct list_head *new, struct list_head *prev, struct list_head *next)',
    { since: kernelVersion(6, 6, 0) },
  ],
  __list_del_entry_valid_or_report: [
    'bool __list_del_entry_valid_or_report(struct list_head *entry)',
    { since: kernelVersion(6, 6, 0) },
  ],
});
exported('linux/rbtree.h', {
  rb_insert_color: 'void rb_insert_color(struct rb_node *node, struct rb_root *root)',
  rb_erase: 'void rb_erase(struct rb_node *node, struct rb_root *root)',
  rb_next: 'struct rb_node *rb_next(const struct rb_node *node)',
  rb_prev: 'struct rb_node *rb_prev(const struct rb_node *node)',
  rb_first: 'struct rb_node *rb_first(const struct rb_root *root)',
  rb_last: 'struct rb_node *rb_last(const struct rb_root *root)',
  rb_first_postorder: 'struct rb_node *rb_first_postorder(const struct rb_root *root)',
  rb_next_postorder: 'struct rb_node *rb_next_postorder(const struct rb_node *node)',
  rb_replace_node: 'void rb_replace_node(struct rb_node *victim, struct rb_node *new, struct rb_root *root)',
});
exported('linux/idr.h', {
  idr_preload: 'void idr_preload(gfp_t gfp)',
  idr_alloc: 'int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)',
  idr_alloc_cyclic: 'int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)',
  idr_remove: 'void *idr_remove(struct idr *idr, unsigned long id)',
  idr_find: 'void *idr_find(const struct idr *idr, unsigned long id)',
  idr_for_each: 'int idr_for_each(const struct idr *idr, int (*fn)(int id, void *p, void *data), void *data)',
  idr_get_next: 'void *idr_get_next(struct idr *idr, int *nextid)',
  idr_replace: 'void *idr_replace(struct idr *idr, void *ptr, unsigned long id)',
  idr_destroy: 'void idr_destroy(struct idr *idr)',
  ida_alloc_range: 'int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int max, gfp_t gfp)',
  ida_free: 'void ida_free(struct ida *ida, unsigned int id)',
  ida_destroy: 'void ida_destroy(struct ida *ida)',
});
exported('linux/kfifo.h', {
  __kfifo_alloc: 'int __kfifo_alloc(struct __kfifo *fifo, unsigned int size, size_t esize, gfp_t gfp)',
  __kfifo_free: 'void __kfifo_free(struct __kfifo *fifo)',
  __kfifo_init: 'int __kfifo_init(struct __kfifo *fifo, void *buffer, unsigned int size, size_t esize)',
  __kfifo_in: 'unsigned int __kfifo_in(struct __kfifo *fifo, const void *buf, unsigned int len)',
  __kfifo_out: 'unsigned int __kfifo_out(struct __kfifo *fifo, void *buf, unsigned int len)',
  __kfifo_out_peek: 'unsigned int __kfifo_out_peek(struct __kfifo *fifo, void *buf, unsigned int len)',
  __kfifo_from_user:
    'int __kfifo_from_user(struct __kfifo *fifo, const void __user *from, unsigned long len, unsigned int *copied)',
  __kfifo_to_user:
    'int __kfifo_to_user(struct __kfifo *fifo, void __user *to, unsigned long len, unsigned int *copied)',
});
exported('linux/random.h', {
  get_random_bytes: 'void get_random_bytes(void *buf, size_t len)',
  get_random_u32: 'u32 get_random_u32(void)',
  get_random_u64: 'u64 get_random_u64(void)',
  prandom_u32: ['u32 prandom_u32(void)', { until: kernelVersion(6, 1, 0) }],
  __get_random_u32_below: ['u32 __get_random_u32_below(u32 ceil)', { since: kernelVersion(6, 2, 0) }],
});
exported('linux/crc32.h', {
  crc32_le: 'u32 crc32_le(u32 crc, unsigned char const *p, size_t len)',
});
exported('linux/kallsyms.h', {
  kallsyms_lookup_name: [
    'unsigned long kallsyms_lookup_name(const char *name)',
    { gpl: true, until: kernelVersion(5, 7, 0) },
  ],
  sprint_symbol: ['int sprint_symbol(char *buffer, unsigned long address)', { gpl: true }],
});
