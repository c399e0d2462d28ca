#include <linux/device.h>
#include <linux/ioport.h>
#include <linux/mod_devicetable.h>
/* @structs */
/* @kapi */
#define PLATFORM_DEVID_NONE (-1)
#define PLATFORM_DEVID_AUTO (-2)
#define to_platform_device(x) container_of((x), struct platform_device, dev)
#define platform_driver_register(drv) __platform_driver_register(drv, THIS_MODULE)
#define platform_device_register_simple(name, id, res, num) __platform_device_register_simple(name, id, res, num)
#define platform_driver_probe(drv, fn) ({ (drv)->probe = (fn); __platform_driver_register(drv, THIS_MODULE); })
#define platform_get_device_id(pdev) ((pdev)->id_entry)
#define module_platform_driver(__platform_driver) module_driver(__platform_driver, platform_driver_register, platform_driver_unregister)
static inline void *platform_get_drvdata(const struct platform_device *pdev) { return dev_get_drvdata(&pdev->dev); }
static inline void platform_set_drvdata(struct platform_device *pdev, void *data) { dev_set_drvdata(&pdev->dev, data); }
