/* Terminals: the structures, for modules that mention them. */
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/device.h>
struct tty_struct;
struct tty_operations;
struct ktermios { unsigned int c_iflag, c_oflag, c_cflag, c_lflag; unsigned char c_line, c_cc[19]; unsigned int c_ispeed, c_ospeed; };
struct tty_port { struct tty_struct *tty; int count; struct mutex mutex; };
struct tty_driver {
	int magic, num, type, subtype;
	const char *driver_name, *name;
	int name_base, major, minor_start;
	unsigned long flags;
	struct ktermios init_termios;
	const struct tty_operations *ops;
};
struct tty_struct {
	int magic;
	struct tty_driver *driver;
	const struct tty_operations *ops;
	int index;
	char name[64];
	struct tty_port *port;
	void *disc_data, *driver_data;
};
struct tty_operations {
	int (*open)(struct tty_struct *tty, struct file *filp);
	void (*close)(struct tty_struct *tty, struct file *filp);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
	ssize_t (*write)(struct tty_struct *tty, const u8 *buf, size_t count);
#else
	int (*write)(struct tty_struct *tty, const unsigned char *buf, int count);
#endif
	unsigned int (*write_room)(struct tty_struct *tty);
	int (*ioctl)(struct tty_struct *tty, unsigned int cmd, unsigned long arg);
	void (*set_termios)(struct tty_struct *tty, const struct ktermios *old);
};
struct tty_struct *get_current_tty(void);
void tty_kref_put(struct tty_struct *tty);
int tty_register_driver(struct tty_driver *driver);
void tty_unregister_driver(struct tty_driver *driver);
