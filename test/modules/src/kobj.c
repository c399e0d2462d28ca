/* Attributes of a kobject one by one and in a named group, a kset with kobjects of a type of our own, a binary attribute. */
#include <linux/init.h>
#include <linux/kobject.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/version.h>

static struct kobject *mymodule;
static int myvariable;
static int foo = 1;

static ssize_t myvariable_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%d\n", myvariable);
}

static ssize_t myvariable_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	return sscanf(buf, "%d", &myvariable) == 1 ? count : -EINVAL;
}
static struct kobj_attribute myvariable_attribute = __ATTR(myvariable, 0660, myvariable_show, myvariable_store);

static ssize_t b_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sprintf(buf, "%s=%d\n", attr->attr.name, foo);
}
static ssize_t b_store(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)
{
	int ret = kstrtoint(buf, 10, &foo);

	return ret < 0 ? ret : count;
}
static struct kobj_attribute baz_attribute = __ATTR(baz, 0664, b_show, b_store);
static struct kobj_attribute bar_attribute = __ATTR(bar, 0444, b_show, NULL);
static struct attribute *attrs[] = { &baz_attribute.attr, &bar_attribute.attr, NULL };
static struct attribute_group attr_group = { .name = "group", .attrs = attrs };

/* A type of its own, as samples/kobject/kset-example has it. */
struct obj {
	struct kobject kobj;
	int value;
};
struct obj_attribute {
	struct attribute attr;
	ssize_t (*show)(struct obj *obj, char *buf);
	ssize_t (*store)(struct obj *obj, const char *buf, size_t count);
};
static ssize_t obj_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct obj_attribute *a = container_of(attr, struct obj_attribute, attr);

	return a->show ? a->show(container_of(kobj, struct obj, kobj), buf) : -EIO;
}
static ssize_t obj_attr_store(struct kobject *kobj, struct attribute *attr, const char *buf, size_t len)
{
	struct obj_attribute *a = container_of(attr, struct obj_attribute, attr);

	return a->store ? a->store(container_of(kobj, struct obj, kobj), buf, len) : -EIO;
}
static const struct sysfs_ops obj_sysfs_ops = { .show = obj_attr_show, .store = obj_attr_store };
static void obj_release(struct kobject *kobj)
{
	pr_info("kobj: %s released\n", kobject_name(kobj));
	kfree(container_of(kobj, struct obj, kobj));
}
static ssize_t value_show(struct obj *obj, char *buf) { return sprintf(buf, "%d\n", obj->value); }
static ssize_t value_store(struct obj *obj, const char *buf, size_t count)
{
	int ret = kstrtoint(buf, 0, &obj->value);

	return ret ? ret : count;
}
static struct obj_attribute value_attribute = __ATTR(value, 0664, value_show, value_store);
static struct attribute *obj_attrs[] = { &value_attribute.attr, NULL };
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 2, 0)
ATTRIBUTE_GROUPS(obj);
#endif
static const struct kobj_type obj_ktype = {
	.sysfs_ops = &obj_sysfs_ops,
	.release = obj_release,
#if LINUX_VERSION_CODE >= KERNEL_VERSION(5, 2, 0)
	.default_groups = obj_groups,
#else
	.default_attrs = obj_attrs,
#endif
};
static struct kset *kset;
static struct obj *one, *two;

static struct obj *create(const char *name, int value)
{
	struct obj *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return NULL;
	o->kobj.kset = kset;
	o->value = value;
	if (kobject_init_and_add(&o->kobj, (struct kobj_type *)&obj_ktype, NULL, "%s", name)) {
		kobject_put(&o->kobj);
		return NULL;
	}
	kobject_uevent(&o->kobj, KOBJ_ADD);
	return o;
}

static char blob[64] = "binary\0data";
static ssize_t blob_read(struct file *f, struct kobject *k, struct bin_attribute *a, char *buf, loff_t off, size_t n)
{
	return memory_read_from_buffer(buf, n, &off, blob, sizeof(blob));
}
static ssize_t blob_write(struct file *f, struct kobject *k, struct bin_attribute *a, char *buf, loff_t off, size_t n)
{
	if (off + n > sizeof(blob))
		return -EFBIG;
	memcpy(blob + off, buf, n);
	return n;
}
static BIN_ATTR_RW(blob, sizeof(blob));

static int __init kobj_init(void)
{
	char *path;

	mymodule = kobject_create_and_add("mymodule", kernel_kobj);
	if (!mymodule)
		return -ENOMEM;
	if (sysfs_create_file(mymodule, &myvariable_attribute.attr) || sysfs_create_group(mymodule, &attr_group) ||
	    sysfs_create_bin_file(mymodule, &bin_attr_blob)) {
		kobject_put(mymodule);
		return -EINVAL;
	}
	kset = kset_create_and_add("kset_example", NULL, kernel_kobj);
	one = create("one", 1);
	two = create("two", 2);
	pr_info("kobj: %d in the set, path %s\n", (int)list_count_nodes(&kset->list), path = kobject_get_path(&two->kobj, GFP_KERNEL));
	kfree(path);
	return sysfs_create_link(mymodule, &one->kobj, "first");
}

static void __exit kobj_exit(void)
{
	sysfs_remove_bin_file(mymodule, &bin_attr_blob);
	kobject_put(&one->kobj);
	kobject_put(&two->kobj);
	kset_unregister(kset);
	kobject_put(mymodule);
	pr_info("kobj: myvariable was %d\n", myvariable);
}

module_init(kobj_init);
module_exit(kobj_exit);
MODULE_LICENSE("GPL");
