/* Device model: a platform device and its driver, a bus of our own with a device and a driver that match by name, attributes of each. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/device.h>
#include <linux/init.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/version.h>

struct devicemodel_data { char *greeting; int number; };

static ssize_t number_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct devicemodel_data *pd = dev_get_platdata(dev);

	return sprintf(buf, "%d\n", pd->number);
}
static DEVICE_ATTR_RO(number);

static int devicemodel_probe(struct platform_device *dev)
{
	struct devicemodel_data *pd = (struct devicemodel_data *)(dev->dev.platform_data);
	struct resource *res = platform_get_resource(dev, IORESOURCE_MEM, 0);
	int *mine = devm_kzalloc(&dev->dev, sizeof(int), GFP_KERNEL);

	if (!mine)
		return -ENOMEM;
	*mine = 99;
	platform_set_drvdata(dev, mine);
	pr_info("devicemodel probe: %s; %d id %d res %llx irq %d\n", pd->greeting, pd->number, dev->id, res ? (unsigned long long)res->start : 0,
		platform_get_irq(dev, 0));
	dev_info(&dev->dev, "hello from %s\n", dev_name(&dev->dev));
	return device_create_file(&dev->dev, &dev_attr_number);
}
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static void devicemodel_remove(struct platform_device *dev)
#else
static int devicemodel_remove(struct platform_device *dev)
#endif
{
	device_remove_file(&dev->dev, &dev_attr_number);
	pr_info("devicemodel remove: %d\n", *(int *)platform_get_drvdata(dev));
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 11, 0)
	return 0;
#endif
}
static struct platform_driver devicemodel_driver = {
	.driver = { .name = "devicemodel_example" },
	.probe = devicemodel_probe,
	.remove = devicemodel_remove,
};

static struct devicemodel_data data = { .greeting = "Hello", .number = 7 };
static struct resource resources[] = {
	{ .start = 0x10001000, .end = 0x10001fff, .name = "regs", .flags = IORESOURCE_MEM },
	{ .start = 9, .end = 9, .name = "irq", .flags = IORESOURCE_IRQ },
};
static void device_release(struct device *dev) { pr_info("%s released\n", dev_name(dev)); }
static struct platform_device device = {
	.name = "devicemodel_example",
	.id = 3,
	.resource = resources,
	.num_resources = ARRAY_SIZE(resources),
	.dev = { .platform_data = &data, .release = device_release },
};

/* A bus of our own, as the driver book has it. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
static int lddbus_match(struct device *dev, const struct device_driver *driver)
#else
static int lddbus_match(struct device *dev, struct device_driver *driver)
#endif
{
	return !strncmp(dev_name(dev), driver->name, strlen(driver->name));
}
static struct bus_type lddbus = { .name = "lddbus", .match = lddbus_match };
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
static ssize_t version_show(const struct bus_type *bus, char *buf)
#else
static ssize_t version_show(struct bus_type *bus, char *buf)
#endif
{
	return snprintf(buf, PAGE_SIZE, "%s\n", "1.9");
}
static BUS_ATTR_RO(version);
static struct device ldd_device = { .bus = &lddbus, .release = device_release };
static int ldd_probe(struct device *dev) { pr_info("probe of %s by %s\n", dev_name(dev), dev->driver->name); return 0; }
static int ldd_remove(struct device *dev) { pr_info("remove of %s\n", dev_name(dev)); return 0; }
static struct device_driver ldd_driver = { .name = "sculld", .bus = &lddbus, .probe = ldd_probe, .remove = ldd_remove };
static ssize_t debug_show(struct device_driver *driver, char *buf) { return sprintf(buf, "driver %s\n", driver->name); }
static DRIVER_ATTR_RO(debug);

static int each(struct device *dev, void *data)
{
	++*(int *)data;
	return 0;
}

static int __init devicemodel_init(void)
{
	int ret, count = 0;

	ret = platform_driver_register(&devicemodel_driver);
	if (ret)
		return ret;
	ret = platform_device_register(&device);
	if (ret) {
		platform_driver_unregister(&devicemodel_driver);
		return ret;
	}
	ret = bus_register(&lddbus);
	if (ret)
		return ret;
	if (bus_create_file(&lddbus, &bus_attr_version))
		pr_info("no bus attribute\n");
	dev_set_name(&ldd_device, "sculld%d", 0);
	ret = device_register(&ldd_device);
	ret |= driver_register(&ldd_driver);
	ret |= driver_create_file(&ldd_driver, &driver_attr_debug);
	bus_for_each_dev(&lddbus, NULL, &count, each);
	pr_info("bus %d devices %d bound %d\n", ret, count, ldd_device.driver == &ldd_driver);
	return ret;
}

static void __exit devicemodel_exit(void)
{
	driver_unregister(&ldd_driver);
	device_unregister(&ldd_device);
	bus_remove_file(&lddbus, &bus_attr_version);
	bus_unregister(&lddbus);
	platform_device_unregister(&device);
	platform_driver_unregister(&devicemodel_driver);
}
module_init(devicemodel_init);
module_exit(devicemodel_exit);
MODULE_LICENSE("GPL");
