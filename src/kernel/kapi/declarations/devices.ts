/** Exports for devices, files, /proc, sysfs and debugfs. */
import { exported, kernelVersion } from './declare.ts';

const gpl = { gpl: true } as const;
const v64 = kernelVersion(6, 4, 0);

exported('linux/fs.h', {
  __register_chrdev:
    'int __register_chrdev(unsigned int major, unsigned int baseminor, unsigned int count, const char *name, const struct file_operations *fops)',
  __unregister_chrdev:
    'void __unregister_chrdev(unsigned int major, unsigned int baseminor, unsigned int count, const char *name)',
  register_chrdev_region: 'int register_chrdev_region(dev_t from, unsigned count, const char *name)',
  alloc_chrdev_region:
    'int alloc_chrdev_region(dev_t *dev, unsigned baseminor, unsigned count, const char *name)',
  unregister_chrdev_region: 'void unregister_chrdev_region(dev_t from, unsigned count)',
  simple_read_from_buffer:
    'ssize_t simple_read_from_buffer(void __user *to, size_t count, loff_t *ppos, const void *from, size_t available)',
  simple_write_to_buffer:
    'ssize_t simple_write_to_buffer(void *to, size_t available, loff_t *ppos, const void __user *from, size_t count)',
  default_llseek: 'loff_t default_llseek(struct file *file, loff_t offset, int whence)',
  generic_file_llseek: 'loff_t generic_file_llseek(struct file *file, loff_t offset, int whence)',
  no_llseek: [
    'loff_t no_llseek(struct file *file, loff_t offset, int whence)',
    { until: kernelVersion(6, 12, 0) },
  ],
  noop_llseek: 'loff_t noop_llseek(struct file *file, loff_t offset, int whence)',
  fixed_size_llseek: 'loff_t fixed_size_llseek(struct file *file, loff_t offset, int whence, loff_t size)',
  nonseekable_open: 'int nonseekable_open(struct inode *inode, struct file *filp)',
  stream_open: ['int stream_open(struct inode *inode, struct file *filp)', { since: kernelVersion(5, 1, 0) }],
  simple_attr_open: [
    'int simple_attr_open(struct inode *inode, struct file *file, int (*get)(void *, u64 *), int (*set)(void *, u64), const char *fmt)',
    gpl,
  ],
  simple_attr_release: ['int simple_attr_release(struct inode *inode, struct file *file)', gpl],
  simple_attr_read: [
    'ssize_t simple_attr_read(struct file *file, char __user *buf, size_t len, loff_t *ppos)',
    gpl,
  ],
  simple_attr_write: [
    'ssize_t simple_attr_write(struct file *file, const char __user *buf, size_t len, loff_t *ppos)',
    gpl,
  ],
  simple_open: 'int simple_open(struct inode *inode, struct file *file)',
  fasync_helper: 'int fasync_helper(int fd, struct file *filp, int on, struct fasync_struct **fapp)',
  kill_fasync: 'void kill_fasync(struct fasync_struct **fp, int sig, int band)',
  filp_open: 'struct file *filp_open(const char *name, int flags, umode_t mode)',
  filp_close: 'int filp_close(struct file *file, fl_owner_t id)',
  kernel_read: 'ssize_t kernel_read(struct file *file, void *buf, size_t count, loff_t *pos)',
  kernel_write: 'ssize_t kernel_write(struct file *file, const void *buf, size_t count, loff_t *pos)',
  fput: 'void fput(struct file *file)',
  fget: 'struct file *fget(unsigned int fd)',
  iput: 'void iput(struct inode *inode)',
  file_path: 'char *file_path(struct file *file, char *buf, int len)',
  d_path: 'char *d_path(const struct path *path, char *buf, int len)',
});
exported('linux/uio.h', {
  _copy_to_iter: 'size_t _copy_to_iter(const void *addr, size_t bytes, struct iov_iter *i)',
  _copy_from_iter: 'size_t _copy_from_iter(void *addr, size_t bytes, struct iov_iter *i)',
  iov_iter_zero: 'size_t iov_iter_zero(size_t bytes, struct iov_iter *i)',
  iov_iter_advance: 'void iov_iter_advance(struct iov_iter *i, size_t bytes)',
  iov_iter_revert: 'void iov_iter_revert(struct iov_iter *i, size_t bytes)',
});
exported('linux/poll.h', {
  __pollwait: 'void __pollwait(struct file *filp, wait_queue_head_t *wait_address, poll_table *p)',
});
exported('linux/cdev.h', {
  cdev_init: 'void cdev_init(struct cdev *p, const struct file_operations *fops)',
  cdev_alloc: 'struct cdev *cdev_alloc(void)',
  cdev_add: 'int cdev_add(struct cdev *p, dev_t dev, unsigned count)',
  cdev_del: 'void cdev_del(struct cdev *p)',
  cdev_put: 'void cdev_put(struct cdev *p)',
  cdev_device_add: 'int cdev_device_add(struct cdev *cdev, struct device *dev)',
  cdev_device_del: 'void cdev_device_del(struct cdev *cdev, struct device *dev)',
});
exported('linux/miscdevice.h', {
  misc_register: 'int misc_register(struct miscdevice *misc)',
  misc_deregister: 'void misc_deregister(struct miscdevice *misc)',
});
exported('linux/device/class.h', {
  __class_create: [
    'struct class *__class_create(struct module *owner, const char *name, struct lock_class_key *key)',
    { gpl: true, until: v64 },
  ],
  __class_register: [
    'int __class_register(struct class *class, struct lock_class_key *key)',
    { gpl: true, until: v64 },
  ],
  class_create: ['struct class * __must_check class_create(const char *name)', { gpl: true, since: v64 }],
  class_register: ['int __must_check class_register(const struct class *class)', { gpl: true, since: v64 }],
  class_destroy: ['void class_destroy(const struct class *cls)', gpl],
  class_unregister: ['void class_unregister(const struct class *class)', gpl],
  class_create_file_ns: [
    'int class_create_file_ns(const struct class *cls, const struct class_attribute *attr, const void *ns)',
    gpl,
  ],
  class_remove_file_ns: [
    'void class_remove_file_ns(const struct class *cls, const struct class_attribute *attr, const void *ns)',
    gpl,
  ],
  class_find_device: [
    'struct device *class_find_device(const struct class *class, const struct device *start, const void *data, int (*match)(struct device *, const void *))',
    gpl,
  ],
});
const cls = (text: string, until: string) =>
  [
    [text, { gpl: true, since: v64 }],
    [until, { gpl: true, until: v64 }],
  ] as const;
const [deviceCreate, deviceCreateOld] = cls(
  '__printf(5, 6) struct device *device_create(const struct class *class, struct device *parent, dev_t devt, void *drvdata, const char *fmt, ...)',
  '__printf(5, 6) struct device *device_create(struct class *class, struct device *parent, dev_t devt, void *drvdata, const char *fmt, ...)',
);
const [deviceDestroy, deviceDestroyOld] = cls(
  'void device_destroy(const struct class *cls, dev_t devt)',
  'void device_destroy(struct class *cls, dev_t devt)',
);
exported('linux/device.h', { device_create: deviceCreate, device_destroy: deviceDestroy });
exported('linux/device.h', { device_create: deviceCreateOld, device_destroy: deviceDestroyOld });
exported('linux/device.h', {
  device_create_with_groups: [
    '__printf(6, 7) struct device *device_create_with_groups(const struct class *class, struct device *parent, dev_t devt, void *drvdata, const struct attribute_group **groups, const char *fmt, ...)',
    gpl,
  ],
  device_register: ['int device_register(struct device *dev)', gpl],
  device_unregister: ['void device_unregister(struct device *dev)', gpl],
  device_initialize: ['void device_initialize(struct device *dev)', gpl],
  device_add: ['int device_add(struct device *dev)', gpl],
  device_del: ['void device_del(struct device *dev)', gpl],
  get_device: ['struct device *get_device(struct device *dev)', gpl],
  put_device: ['void put_device(struct device *dev)', gpl],
  dev_set_name: ['__printf(2, 3) int dev_set_name(struct device *dev, const char *name, ...)', gpl],
  device_create_file: [
    'int device_create_file(struct device *device, const struct device_attribute *entry)',
    gpl,
  ],
  device_remove_file: [
    'void device_remove_file(struct device *dev, const struct device_attribute *attr)',
    gpl,
  ],
  device_for_each_child: [
    'int device_for_each_child(struct device *dev, void *data, int (*fn)(struct device *dev, void *data))',
    gpl,
  ],
  root_device_unregister: ['void root_device_unregister(struct device *root)', gpl],
  __root_device_register: [
    'struct device *__root_device_register(const char *name, struct module *owner)',
    gpl,
  ],
  bus_register: ['int bus_register(const struct bus_type *bus)', gpl],
  bus_unregister: ['void bus_unregister(const struct bus_type *bus)', gpl],
  bus_create_file: ['int bus_create_file(const struct bus_type *bus, struct bus_attribute *attr)', gpl],
  bus_remove_file: ['void bus_remove_file(const struct bus_type *bus, struct bus_attribute *attr)', gpl],
  driver_register: ['int driver_register(struct device_driver *drv)', gpl],
  driver_unregister: ['void driver_unregister(struct device_driver *drv)', gpl],
  driver_create_file: [
    'int driver_create_file(struct device_driver *drv, const struct driver_attribute *attr)',
    gpl,
  ],
  driver_remove_file: [
    'void driver_remove_file(struct device_driver *drv, const struct driver_attribute *attr)',
    gpl,
  ],
  devm_kmalloc: ['void *devm_kmalloc(struct device *dev, size_t size, gfp_t gfp)', gpl],
  devm_kfree: ['void devm_kfree(struct device *dev, const void *p)', gpl],
  _dev_printk: [
    '__printf(3, 4) void _dev_printk(const char *level, const struct device *dev, const char *fmt, ...)',
    {},
  ],
});
exported('linux/platform_device.h', {
  platform_device_register: ['int platform_device_register(struct platform_device *pdev)', gpl],
  platform_device_unregister: ['void platform_device_unregister(struct platform_device *pdev)', gpl],
  platform_device_alloc: ['struct platform_device *platform_device_alloc(const char *name, int id)', gpl],
  platform_device_add: ['int platform_device_add(struct platform_device *pdev)', gpl],
  platform_device_del: ['void platform_device_del(struct platform_device *pdev)', gpl],
  platform_device_put: ['void platform_device_put(struct platform_device *pdev)', gpl],
  __platform_device_register_simple: [
    'struct platform_device *__platform_device_register_simple(const char *name, int id, const struct resource *res, unsigned int num)',
    gpl,
  ],
  __platform_driver_register: [
    'int __platform_driver_register(struct platform_driver *drv, struct module *owner)',
    gpl,
  ],
  platform_driver_unregister: ['void platform_driver_unregister(struct platform_driver *drv)', gpl],
  platform_get_resource: [
    'struct resource *platform_get_resource(struct platform_device *dev, unsigned int type, unsigned int num)',
    gpl,
  ],
  platform_get_irq: ['int platform_get_irq(struct platform_device *dev, unsigned int num)', gpl],
  platform_bus_type: ['struct bus_type platform_bus_type', { gpl: true, data: true, size: 80 }],
});
exported('linux/kobject.h', {
  kobject_init: ['void kobject_init(struct kobject *kobj, const struct kobj_type *ktype)', {}],
  kobject_add: [
    '__printf(3, 4) int kobject_add(struct kobject *kobj, struct kobject *parent, const char *fmt, ...)',
    {},
  ],
  kobject_init_and_add: [
    '__printf(4, 5) int kobject_init_and_add(struct kobject *kobj, const struct kobj_type *ktype, struct kobject *parent, const char *fmt, ...)',
    gpl,
  ],
  kobject_create_and_add: [
    'struct kobject *kobject_create_and_add(const char *name, struct kobject *parent)',
    gpl,
  ],
  kobject_del: ['void kobject_del(struct kobject *kobj)', gpl],
  kobject_get: 'struct kobject *kobject_get(struct kobject *kobj)',
  kobject_put: 'void kobject_put(struct kobject *kobj)',
  kobject_set_name: '__printf(2, 3) int kobject_set_name(struct kobject *kobj, const char *fmt, ...)',
  kobject_rename: ['int kobject_rename(struct kobject *kobj, const char *new_name)', gpl],
  kobject_uevent: ['int kobject_uevent(struct kobject *kobj, enum kobject_action action)', gpl],
  kobject_uevent_env: [
    'int kobject_uevent_env(struct kobject *kobj, enum kobject_action action, char *envp[])',
    gpl,
  ],
  add_uevent_var: [
    '__printf(2, 3) int add_uevent_var(struct kobj_uevent_env *env, const char *fmt, ...)',
    gpl,
  ],
  kset_create_and_add: [
    'struct kset *kset_create_and_add(const char *name, const struct kset_uevent_ops *u, struct kobject *parent_kobj)',
    gpl,
  ],
  kset_register: 'int kset_register(struct kset *k)',
  kset_unregister: 'void kset_unregister(struct kset *k)',
  kobj_sysfs_ops: ['const struct sysfs_ops kobj_sysfs_ops', { gpl: true, data: true, size: 16 }],
  kernel_kobj: ['struct kobject *kernel_kobj', { gpl: true, data: true, size: 8 }],
  fs_kobj: ['struct kobject *fs_kobj', { gpl: true, data: true, size: 8 }],
  mm_kobj: ['struct kobject *mm_kobj', { gpl: true, data: true, size: 8 }],
});
exported('linux/sysfs.h', {
  sysfs_create_file_ns: [
    'int sysfs_create_file_ns(struct kobject *kobj, const struct attribute *attr, const void *ns)',
    gpl,
  ],
  sysfs_remove_file_ns: [
    'void sysfs_remove_file_ns(struct kobject *kobj, const struct attribute *attr, const void *ns)',
    gpl,
  ],
  sysfs_create_files: [
    'int sysfs_create_files(struct kobject *kobj, const struct attribute *const *attr)',
    gpl,
  ],
  sysfs_remove_files: [
    'void sysfs_remove_files(struct kobject *kobj, const struct attribute *const *attr)',
    gpl,
  ],
  sysfs_create_group: [
    'int sysfs_create_group(struct kobject *kobj, const struct attribute_group *grp)',
    gpl,
  ],
  sysfs_remove_group: [
    'void sysfs_remove_group(struct kobject *kobj, const struct attribute_group *grp)',
    gpl,
  ],
  sysfs_create_groups: [
    'int sysfs_create_groups(struct kobject *kobj, const struct attribute_group **groups)',
    gpl,
  ],
  sysfs_remove_groups: [
    'void sysfs_remove_groups(struct kobject *kobj, const struct attribute_group **groups)',
    gpl,
  ],
  sysfs_create_bin_file: [
    'int sysfs_create_bin_file(struct kobject *kobj, const struct bin_attribute *attr)',
    gpl,
  ],
  sysfs_remove_bin_file: [
    'void sysfs_remove_bin_file(struct kobject *kobj, const struct bin_attribute *attr)',
    gpl,
  ],
  sysfs_create_link: [
    'int sysfs_create_link(struct kobject *kobj, struct kobject *target, const char *name)',
    gpl,
  ],
  sysfs_remove_link: ['void sysfs_remove_link(struct kobject *kobj, const char *name)', gpl],
  sysfs_notify: ['void sysfs_notify(struct kobject *kobj, const char *dir, const char *attr)', gpl],
  sysfs_emit: [
    '__printf(2, 3) int sysfs_emit(char *buf, const char *fmt, ...)',
    { gpl: true, since: kernelVersion(5, 10, 0) },
  ],
  sysfs_emit_at: [
    '__printf(3, 4) int sysfs_emit_at(char *buf, int at, const char *fmt, ...)',
    { gpl: true, since: kernelVersion(5, 10, 0) },
  ],
});
const v56 = kernelVersion(5, 6, 0);
exported('linux/proc_fs.h', {
  proc_create: [
    'struct proc_dir_entry *proc_create(const char *name, umode_t mode, struct proc_dir_entry *parent, const struct file_operations *proc_fops)',
    { until: v56 },
  ],
  proc_create_data: [
    'struct proc_dir_entry *proc_create_data(const char *name, umode_t mode, struct proc_dir_entry *parent, const struct file_operations *proc_fops, void *data)',
    { until: v56 },
  ],
  PDE_DATA: ['void *PDE_DATA(const struct inode *inode)', { until: kernelVersion(5, 17, 0) }],
});
exported('linux/proc_fs.h', {
  proc_create: [
    'struct proc_dir_entry *proc_create(const char *name, umode_t mode, struct proc_dir_entry *parent, const struct proc_ops *proc_ops)',
    { since: v56 },
  ],
  proc_create_data: [
    'struct proc_dir_entry *proc_create_data(const char *name, umode_t mode, struct proc_dir_entry *parent, const struct proc_ops *proc_ops, void *data)',
    { since: v56 },
  ],
  pde_data: ['void *pde_data(const struct inode *inode)', { since: kernelVersion(5, 17, 0) }],
  proc_create_seq_private: [
    'struct proc_dir_entry *proc_create_seq_private(const char *name, umode_t mode, struct proc_dir_entry *parent, const struct seq_operations *ops, unsigned int state_size, void *data)',
    { since: kernelVersion(4, 18, 0) },
  ],
  proc_create_single_data: [
    'struct proc_dir_entry *proc_create_single_data(const char *name, umode_t mode, struct proc_dir_entry *parent, int (*show)(struct seq_file *, void *), void *data)',
    { since: kernelVersion(4, 18, 0) },
  ],
  proc_mkdir: 'struct proc_dir_entry *proc_mkdir(const char *name, struct proc_dir_entry *parent)',
  proc_mkdir_data: [
    'struct proc_dir_entry *proc_mkdir_data(const char *name, umode_t mode, struct proc_dir_entry *parent, void *data)',
    gpl,
  ],
  proc_mkdir_mode:
    'struct proc_dir_entry *proc_mkdir_mode(const char *name, umode_t mode, struct proc_dir_entry *parent)',
  proc_symlink:
    'struct proc_dir_entry *proc_symlink(const char *name, struct proc_dir_entry *parent, const char *dest)',
  proc_remove: 'void proc_remove(struct proc_dir_entry *de)',
  remove_proc_entry: 'void remove_proc_entry(const char *name, struct proc_dir_entry *parent)',
  remove_proc_subtree: 'int remove_proc_subtree(const char *name, struct proc_dir_entry *parent)',
  proc_set_size: 'void proc_set_size(struct proc_dir_entry *de, loff_t size)',
  proc_set_user: 'void proc_set_user(struct proc_dir_entry *de, kuid_t uid, kgid_t gid)',
});
exported('linux/seq_file.h', {
  seq_open: 'int seq_open(struct file *file, const struct seq_operations *op)',
  __seq_open_private:
    'void *__seq_open_private(struct file *file, const struct seq_operations *ops, int psize)',
  seq_open_private: 'int seq_open_private(struct file *file, const struct seq_operations *ops, int psize)',
  seq_release_private: 'int seq_release_private(struct inode *inode, struct file *file)',
  seq_read: 'ssize_t seq_read(struct file *file, char __user *buf, size_t size, loff_t *ppos)',
  seq_lseek: 'loff_t seq_lseek(struct file *file, loff_t offset, int whence)',
  seq_release: 'int seq_release(struct inode *inode, struct file *file)',
  seq_printf: '__printf(2, 3) void seq_printf(struct seq_file *m, const char *fmt, ...)',
  seq_vprintf: '__printf(2, 0) void seq_vprintf(struct seq_file *m, const char *fmt, va_list args)',
  seq_puts: 'void seq_puts(struct seq_file *m, const char *s)',
  seq_putc: 'void seq_putc(struct seq_file *m, char c)',
  seq_write: 'int seq_write(struct seq_file *seq, const void *data, size_t len)',
  seq_put_decimal_ull:
    'void seq_put_decimal_ull(struct seq_file *m, const char *delimiter, unsigned long long num)',
  seq_put_decimal_ll: 'void seq_put_decimal_ll(struct seq_file *m, const char *delimiter, long long num)',
  seq_escape: 'void seq_escape(struct seq_file *m, const char *s, const char *esc)',
  seq_pad: 'void seq_pad(struct seq_file *m, char c)',
  single_open: 'int single_open(struct file *file, int (*show)(struct seq_file *, void *), void *data)',
  single_open_size:
    'int single_open_size(struct file *file, int (*show)(struct seq_file *, void *), void *data, size_t size)',
  single_release: 'int single_release(struct inode *inode, struct file *file)',
  seq_list_start: 'struct list_head *seq_list_start(struct list_head *head, loff_t pos)',
  seq_list_start_head: 'struct list_head *seq_list_start_head(struct list_head *head, loff_t pos)',
  seq_list_next: 'struct list_head *seq_list_next(void *v, struct list_head *head, loff_t *ppos)',
});
exported('linux/debugfs.h', {
  debugfs_create_file: [
    'struct dentry *debugfs_create_file(const char *name, umode_t mode, struct dentry *parent, void *data, const struct file_operations *fops)',
    gpl,
  ],
  debugfs_create_dir: ['struct dentry *debugfs_create_dir(const char *name, struct dentry *parent)', gpl],
  debugfs_create_symlink: [
    'struct dentry *debugfs_create_symlink(const char *name, struct dentry *parent, const char *dest)',
    gpl,
  ],
  debugfs_create_u8: [
    'void debugfs_create_u8(const char *name, umode_t mode, struct dentry *parent, u8 *value)',
    gpl,
  ],
  debugfs_create_u16: [
    'void debugfs_create_u16(const char *name, umode_t mode, struct dentry *parent, u16 *value)',
    gpl,
  ],
  debugfs_create_u32: [
    'void debugfs_create_u32(const char *name, umode_t mode, struct dentry *parent, u32 *value)',
    gpl,
  ],
  debugfs_create_u64: [
    'void debugfs_create_u64(const char *name, umode_t mode, struct dentry *parent, u64 *value)',
    gpl,
  ],
  debugfs_create_x8: [
    'void debugfs_create_x8(const char *name, umode_t mode, struct dentry *parent, u8 *value)',
    gpl,
  ],
  debugfs_create_x16: [
    'void debugfs_create_x16(const char *name, umode_t mode, struct dentry *parent, u16 *value)',
    gpl,
  ],
  debugfs_create_x32: [
    'void debugfs_create_x32(const char *name, umode_t mode, struct dentry *parent, u32 *value)',
    gpl,
  ],
  debugfs_create_x64: [
    'void debugfs_create_x64(const char *name, umode_t mode, struct dentry *parent, u64 *value)',
    gpl,
  ],
  debugfs_create_size_t: [
    'void debugfs_create_size_t(const char *name, umode_t mode, struct dentry *parent, size_t *value)',
    gpl,
  ],
  debugfs_create_atomic_t: [
    'void debugfs_create_atomic_t(const char *name, umode_t mode, struct dentry *parent, atomic_t *value)',
    gpl,
  ],
  debugfs_create_bool: [
    'void debugfs_create_bool(const char *name, umode_t mode, struct dentry *parent, bool *value)',
    gpl,
  ],
  debugfs_create_blob: [
    'struct dentry *debugfs_create_blob(const char *name, umode_t mode, struct dentry *parent, struct debugfs_blob_wrapper *blob)',
    gpl,
  ],
  debugfs_remove: ['void debugfs_remove(struct dentry *dentry)', gpl],
  debugfs_remove_recursive: [
    'void debugfs_remove_recursive(struct dentry *dentry)',
    { gpl: true, until: kernelVersion(5, 7, 0) },
  ],
  debugfs_create_ulong: [
    'void debugfs_create_ulong(const char *name, umode_t mode, struct dentry *parent, unsigned long *value)',
    gpl,
  ],
  debugfs_create_str: [
    'void debugfs_create_str(const char *name, umode_t mode, struct dentry *parent, char **value)',
    { gpl: true, since: kernelVersion(5, 12, 0) },
  ],
  debugfs_lookup: ['struct dentry *debugfs_lookup(const char *name, struct dentry *parent)', gpl],
});
