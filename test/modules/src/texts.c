/* Strings, numbers and formats. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uuid.h>
#include <linux/version.h>
#include <linux/jhash.h>
#include <linux/crc32.h>

static int __init texts_init(void)
{
	int a = 0, b = 0, n, options[4];
	unsigned int hex = 0;
	char word[16] = "", set[16] = "", c = 0, line[80], *cursor = line, *piece;
	unsigned long ul;
	long l;
	bool yes;
	u8 raw[4];
	unsigned long long ull;
	static const char *const names[] = { "red", "green", "blue" };

	n = sscanf("12 -7 0xff word [abc] z", "%d %d %x %15s [%15[a-z]] %c", &a, &b, &hex, word, set, &c);
	pr_info("scan %d: %d %d %x %s %s %c\n", n, a, b, hex, word, set, c);
	n = sscanf("3,4;rest", "%i,%u;%n", &a, &hex, &b);
	pr_info("scan %d: %d %u %d\n", n, a, hex, b);
	strcpy(line, "one,two,,four");
	while ((piece = strsep(&cursor, ",")))
		pr_cont("[%s]", piece);
	pr_cont("\n");
	pr_info("kstrto %d %d %d %d %d\n", kstrtoul("123", 0, &ul), kstrtol("-0x10", 0, &l), kstrtoint("12x", 10, &a), kstrtou8("300", 10, raw), kstrtobool("on", &yes));
	pr_info("values %lu %ld %d simple %lu\n", ul, l, yes, simple_strtoul("077rest", &piece, 0));
	pr_info("rest %s\n", piece);
	strscpy(line, "truncated text", 6);
	pr_info("strscpy %s\n", line);
	pr_info("strlcat %zu\n", strlcat(line, "+more", sizeof(line)));
	pr_info("now %s\n", line);
	strcpy(line, "  trim me \n");
	pr_info("'%s' '%s' %d %d\n", strim(line), skip_spaces("   x"), strncasecmp("ABCx", "abcy", 3), sysfs_streq("on\n", "on"));
	pr_info("chr %s rchr %s str %s pbrk %s span %zu\n", strchr("a/b/c", '/'), strrchr("a/b/c", '/'), strstr("needle in hay", "in"), strpbrk("key=value", "=:"), strspn("aab", "a"));
	pr_info("match %d none %d\n", match_string(names, 3, "blue"), match_string(names, 3, "pink"));
	piece = get_options("3,5-6;", 4, options);
	pr_info("options %s %d: %d %d %d\n", piece, options[0], options[1], options[2], options[3]);
	n = hex2bin(raw, "beef", 2);
	bin2hex(line, raw, 2);
	line[4] = 0;
	pr_info("memparse %llu hex %d %02x%02x bin %s\n", memparse("64K", NULL), n, raw[0], raw[1], line);
	pr_info("upper %c digit %d xdigit %d space %d\n", toupper('q'), isdigit('4'), isxdigit('g'), isspace('\t'));
	pr_info("%5d|%-5d|%05d|%+d|%x|%#X|%o|%c|%%|%5.2s|%-6s|\n", 42, 42, 42, 42, 255, 255, 8, 'c', "abc", "ab");
	pr_info("%hhd %hd %ld %lld %zu %zd %llx\n", (char)-1, (short)-2, -3L, -4LL, sizeof(int), (ssize_t)-5, 0x1122334455667788ULL);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 5, 0)
	pr_info("%pe\n", ERR_PTR(-ENOENT));
#else
	pr_info("-ENOENT\n");
#endif
	pr_info("%pM %pI4 %pUb %*phC %*phN\n", "\x01\x02\x03\x04\x05\x06", "\x7f\0\0\1", "0123456789abcdef", 3, "abc", 2, "xy");
	pr_info("%ps %pB\n", kfree, (void *)(unsigned long)kfree);
	pr_info("null %s\n", (char *)NULL);
	ull = 1000000000007ULL;
	n = do_div(ull, 1000);
	pr_info("div %llu rem %d %llu %lld mul %llu\n", ull, n, div_u64(1000, 7), div_s64(-1000, 7), mul_u32_u32(100000, 100000));
	pr_info("min %d max %d clamp %d abs %d round %d %d align %lu swap-free\n", min(3, 5), max_t(int, 3, 5), clamp(15, 1, 10), abs(-4), DIV_ROUND_UP(7, 2), roundup(13, 5), ALIGN(4097UL, 4096));
	piece = kasprintf(GFP_KERNEL, "%s-%d", "made", 5);
	pr_info("%s %zu jhash %x crc %x\n", piece, strlen(piece), jhash("abc", 3, 0) != 0, crc32(0, "abc", 3) != 0);
	kfree(piece);
	get_random_bytes(raw, sizeof(raw));
	print_hex_dump(KERN_INFO, "dump: ", DUMP_PREFIX_OFFSET, 16, 1, "sixteen bytes ok!more", 20, true);
	return 0;
}
static void __exit texts_exit(void) { }
module_init(texts_init);
module_exit(texts_exit);
MODULE_LICENSE("GPL");
