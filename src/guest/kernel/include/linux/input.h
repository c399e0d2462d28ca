/* Input devices: the structures, for modules that mention them. The machine has no such device. */
#include <linux/device.h>
#include <linux/timer.h>
#define EV_SYN 0x00
#define EV_KEY 0x01
#define EV_REL 0x02
#define EV_ABS 0x03
#define REL_X 0x00
#define REL_Y 0x01
#define ABS_X 0x00
#define ABS_Y 0x01
#define BTN_LEFT 0x110
#define BTN_0 0x100
#define KEY_RESERVED 0
#define KEY_ESC 1
#define KEY_1 2
#define KEY_ENTER 28
#define KEY_A 30
#define KEY_SPACE 57
#define KEY_MAX 0x2ff
#define BUS_VIRTUAL 0x06
struct input_id { __u16 bustype, vendor, product, version; };
struct input_dev {
	const char *name, *phys, *uniq;
	struct input_id id;
	unsigned long evbit[1], keybit[12], relbit[1], absbit[1];
	int (*open)(struct input_dev *dev);
	void (*close)(struct input_dev *dev);
	int (*event)(struct input_dev *dev, unsigned int type, unsigned int code, int value);
	struct device dev;
};
struct input_dev *input_allocate_device(void);
void input_free_device(struct input_dev *dev);
int input_register_device(struct input_dev *dev);
void input_unregister_device(struct input_dev *dev);
void input_event(struct input_dev *dev, unsigned int type, unsigned int code, int value);
#define input_report_key(dev, code, value) input_event(dev, EV_KEY, code, !!(value))
#define input_report_rel(dev, code, value) input_event(dev, EV_REL, code, value)
#define input_report_abs(dev, code, value) input_event(dev, EV_ABS, code, value)
#define input_sync(dev) input_event(dev, EV_SYN, 0, 0)
#define input_set_drvdata(dev, data) dev_set_drvdata(&(dev)->dev, data)
#define input_get_drvdata(d) dev_get_drvdata(&(d)->dev)
#define input_set_capability(d, type, code) set_bit(code, (d)->keybit)
