// /dev/csum: write bytes, read the Internet checksum and the CRC32c of the last write.
#include <linux/module.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/uaccess.h>

u16 inet_csum(const u8 *data, size_t len);
u32 crc32c(u32 crc, const unsigned char *p, size_t len);

static char answer[64];
static size_t length;

static ssize_t csum_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	return simple_read_from_buffer(buf, count, pos, answer, length);
}

static ssize_t csum_write(struct file *file, const char __user *buf, size_t count, loff_t *pos)
{
	u8 data[256];

	count = min(count, sizeof(data));
	if (copy_from_user(data, buf, count))
		return -EFAULT;
	length = scnprintf(answer, sizeof(answer), "inet %04x crc32c %08x\n", inet_csum(data, count), ~crc32c(~0u, data, count));
	return count;
}

static const struct file_operations csum_fops = {
	.owner = THIS_MODULE,
	.read = csum_read,
	.write = csum_write,
};

static struct miscdevice csum_device = { .minor = MISC_DYNAMIC_MINOR, .name = "csum", .fops = &csum_fops, .mode = 0666 };

module_misc_device(csum_device);
MODULE_INFO(intree, "Y");
MODULE_DESCRIPTION("Checksums by device");
MODULE_LICENSE("GPL");
