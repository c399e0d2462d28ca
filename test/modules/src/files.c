/* Files from kernel code: read, written, positions and errors; a helper program; a module asked for by name. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>

static int __init files_init(void)
{
	static char *envp[] = { "HOME=/", "PATH=/sbin:/bin:/usr/sbin:/usr/bin", NULL };
	static char *argv[] = { "/bin/sh", "-c", "echo helped by $HOME > /tmp/helped; exit 3", NULL };
	char buf[64] = "", *path;
	loff_t pos = 0;
	struct file *f = filp_open("/etc/hostname", O_RDONLY, 0);
	ssize_t n;

	if (IS_ERR(f))
		return PTR_ERR(f);
	n = kernel_read(f, buf, sizeof(buf) - 1, &pos);
	path = file_path(f, buf + 32, 32);
	pr_info("read %zd %.7s at %lld path %s\n", n, buf, pos, IS_ERR(path) ? "?" : path);
	filp_close(f, NULL);
	f = filp_open("/tmp/from-kernel", O_WRONLY | O_CREAT | O_TRUNC, 0640);
	if (IS_ERR(f))
		return PTR_ERR(f);
	pos = 0;
	n = kernel_write(f, "first line\n", 11, &pos);
	n += kernel_write(f, "second line\n", 12, &pos);
	pr_info("wrote %zd at %lld size %lld\n", n, pos, i_size_read(file_inode(f)));
	filp_close(f, NULL);
	f = filp_open("/no/such/file", O_RDONLY, 0);
	pr_info("missing %ld\n", PTR_ERR(f));
	n = call_usermodehelper(argv[0], argv, envp, UMH_WAIT_PROC);
	pr_info("helper %zd\n", n);
	argv[0] = "/no/such/helper";
	pr_info("no helper %d\n", call_usermodehelper(argv[0], argv, envp, UMH_WAIT_EXEC));
	n = request_module("crc7");
	pr_info("asked %zd\n", n);
	return 0;
}
static void __exit files_exit(void) { }
module_init(files_init);
module_exit(files_exit);
MODULE_LICENSE("GPL");
