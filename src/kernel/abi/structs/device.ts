/** Device model, character devices, misc devices, sysfs and debugfs as C sees them. */
import { kernelVersion } from '../../kapi/declarations/declare.ts';
import { struct, variant } from './declare.ts';

const sysfs = 'linux/sysfs.h';
struct('attribute', sysfs, { name: 'const char *', mode: 'umode_t' });
struct('attribute_group', sysfs, {
  name: 'const char *',
  is_visible: 'umode_t (*)(struct kobject *, struct attribute *, int)',
  is_bin_visible: 'umode_t (*)(struct kobject *, struct bin_attribute *, int)',
  attrs: 'struct attribute **',
  bin_attrs: 'struct bin_attribute **',
});
struct('bin_attribute', sysfs, {
  attr: 'struct attribute',
  size: 'size_t',
  private: 'void *',
  read: 'ssize_t (*)(struct file *, struct kobject *, struct bin_attribute *, char *, loff_t, size_t)',
  write: 'ssize_t (*)(struct file *, struct kobject *, struct bin_attribute *, char *, loff_t, size_t)',
  mmap: 'int (*)(struct file *, struct kobject *, struct bin_attribute *, struct vm_area_struct *)',
});
struct('sysfs_ops', sysfs, {
  show: 'ssize_t (*)(struct kobject *, struct attribute *, char *)',
  store: 'ssize_t (*)(struct kobject *, struct attribute *, const char *, size_t)',
});
const kobject = 'linux/kobject.h';
struct('kobject', kobject, {
  name: 'const char *',
  entry: 'struct list_head',
  parent: 'struct kobject *',
  kset: 'struct kset *',
  ktype: 'const struct kobj_type *',
  sd: 'struct kernfs_node *',
  kref: 'struct kref',
  state_flags: 'unsigned int',
});
struct('kset', kobject, {
  list: 'struct list_head',
  list_lock: 'spinlock_t',
  kobj: 'struct kobject',
  uevent_ops: 'const struct kset_uevent_ops *',
});
struct('kobj_type', kobject, {
  release: 'void (*)(struct kobject *kobj)',
  sysfs_ops: 'const struct sysfs_ops *',
  default_attrs: 'struct attribute **',
  default_groups: 'const struct attribute_group **',
});
struct('kobj_attribute', kobject, {
  attr: 'struct attribute',
  show: 'ssize_t (*)(struct kobject *kobj, struct kobj_attribute *attr, char *buf)',
  store: 'ssize_t (*)(struct kobject *kobj, struct kobj_attribute *attr, const char *buf, size_t count)',
});
struct('kobj_uevent_env', kobject, {
  argv: 'char *[3]',
  envp: 'char *[64]',
  envp_idx: 'int',
  buf: 'char[2048]',
  buflen: 'int',
});
variant('kobj_uevent_env', 'argv', 0, '\tchar *argv[3];');
variant('kobj_uevent_env', 'envp', 0, '\tchar *envp[64];');

const cls = 'linux/device/class.h';
struct('class', cls, {
  name: 'const char *',
  owner: 'struct module *',
  class_groups: 'const struct attribute_group **',
  dev_groups: 'const struct attribute_group **',
  dev_kobj: 'struct kobject *',
  dev_uevent: 'int (*)(struct device *dev, struct kobj_uevent_env *env)',
  devnode: 'char * (*)(struct device *dev, umode_t *mode)',
  class_release: 'void (*)(struct class *class)',
  dev_release: 'void (*)(struct device *dev)',
  shutdown_pre: 'int (*)(struct device *dev)',
  ns_type: 'const void *',
  namespace: 'const void * (*)(const struct device *dev)',
  pm: 'const struct dev_pm_ops *',
  p: 'void *',
});
const v64 = kernelVersion(6, 4, 0);
variant('class', 'owner', v64, '\tstruct module *__reserved_owner;');
variant(
  'class',
  'dev_uevent',
  v64,
  '\tint (*dev_uevent)(const struct device *dev, struct kobj_uevent_env *env);',
);
variant('class', 'devnode', v64, '\tchar *(*devnode)(const struct device *dev, umode_t *mode);');
variant('class', 'class_release', v64, '\tvoid (*class_release)(const struct class *class);');
struct('class_attribute', cls, {
  attr: 'struct attribute',
  show: 'ssize_t (*)(struct class *class, struct class_attribute *attr, char *buf)',
  store: 'ssize_t (*)(struct class *class, struct class_attribute *attr, const char *buf, size_t count)',
});
variant(
  'class_attribute',
  'show',
  v64,
  '\tssize_t (*show)(const struct class *class, const struct class_attribute *attr, char *buf);',
);
variant(
  'class_attribute',
  'store',
  v64,
  '\tssize_t (*store)(const struct class *class, const struct class_attribute *attr, const char *buf, size_t count);',
);
const device = 'linux/device.h';
struct('bus_type', device, {
  name: 'const char *',
  dev_name: 'const char *',
  dev_groups: 'const struct attribute_group **',
  drv_groups: 'const struct attribute_group **',
  match: 'int (*)(struct device *dev, struct device_driver *drv)',
  uevent: 'int (*)(struct device *dev, struct kobj_uevent_env *env)',
  probe: 'int (*)(struct device *dev)',
  remove: 'void (*)(struct device *dev)',
  shutdown: 'void (*)(struct device *dev)',
  p: 'void *',
});
variant(
  'bus_type',
  'match',
  kernelVersion(6, 11, 0),
  '\tint (*match)(struct device *dev, const struct device_driver *drv);',
);
variant(
  'bus_type',
  'uevent',
  kernelVersion(6, 3, 0),
  '\tint (*uevent)(const struct device *dev, struct kobj_uevent_env *env);',
);
variant('bus_type', 'remove', 0, '\tint (*remove)(struct device *dev);');
variant('bus_type', 'remove', kernelVersion(5, 15, 0), '\tvoid (*remove)(struct device *dev);');
struct('device_driver', device, {
  name: 'const char *',
  bus: 'const struct bus_type *',
  owner: 'struct module *',
  mod_name: 'const char *',
  of_match_table: 'const struct of_device_id *',
  probe: 'int (*)(struct device *dev)',
  remove: 'int (*)(struct device *dev)',
  shutdown: 'void (*)(struct device *dev)',
  groups: 'const struct attribute_group **',
  dev_groups: 'const struct attribute_group **',
  pm: 'const struct dev_pm_ops *',
  p: 'void *',
});
variant('device_driver', 'bus', 0, '\tstruct bus_type *bus;');
variant('device_driver', 'bus', kernelVersion(6, 4, 0), '\tconst struct bus_type *bus;');
struct('device', device, {
  kobj: 'struct kobject',
  parent: 'struct device *',
  p: 'void *',
  init_name: 'const char *',
  type: 'const struct device_type *',
  bus: 'const struct bus_type *',
  driver: 'struct device_driver *',
  platform_data: 'void *',
  driver_data: 'void *',
  mutex: 'struct mutex',
  dma_mask: 'u64 *',
  coherent_dma_mask: 'u64',
  of_node: 'struct device_node *',
  devt: 'dev_t',
  id: 'u32',
  devres_head: 'struct list_head',
  class: 'struct class *',
  groups: 'const struct attribute_group **',
  release: 'void (*)(struct device *dev)',
});
variant('device', 'bus', 0, '\tstruct bus_type *bus;');
variant('device', 'bus', kernelVersion(6, 3, 0), '\tconst struct bus_type *bus;');
variant('device', 'class', v64, '\tconst struct class *class;');
struct('device_attribute', device, {
  attr: 'struct attribute',
  show: 'ssize_t (*)(struct device *dev, struct device_attribute *attr, char *buf)',
  store: 'ssize_t (*)(struct device *dev, struct device_attribute *attr, const char *buf, size_t count)',
});
struct('driver_attribute', device, {
  attr: 'struct attribute',
  show: 'ssize_t (*)(struct device_driver *driver, char *buf)',
  store: 'ssize_t (*)(struct device_driver *driver, const char *buf, size_t count)',
});
struct('bus_attribute', device, {
  attr: 'struct attribute',
  show: 'ssize_t (*)(struct bus_type *bus, char *buf)',
  store: 'ssize_t (*)(struct bus_type *bus, const char *buf, size_t count)',
});
variant('bus_attribute', 'show', v64, '\tssize_t (*show)(const struct bus_type *bus, char *buf);');
variant(
  'bus_attribute',
  'store',
  v64,
  '\tssize_t (*store)(const struct bus_type *bus, const char *buf, size_t count);',
);
struct('cdev', 'linux/cdev.h', {
  kobj: 'struct kobject',
  owner: 'struct module *',
  ops: 'const struct file_operations *',
  list: 'struct list_head',
  dev: 'dev_t',
  count: 'unsigned int',
});
struct('miscdevice', 'linux/miscdevice.h', {
  minor: 'int',
  name: 'const char *',
  fops: 'const struct file_operations *',
  list: 'struct list_head',
  parent: 'struct device *',
  this_device: 'struct device *',
  groups: 'const struct attribute_group **',
  nodename: 'const char *',
  mode: 'umode_t',
});
struct('resource', 'linux/ioport.h', {
  start: 'resource_size_t',
  end: 'resource_size_t',
  name: 'const char *',
  flags: 'unsigned long',
  parent: 'struct resource *',
  sibling: 'struct resource *',
  child: 'struct resource *',
});
struct('platform_device_id', 'linux/mod_devicetable.h', { name: 'char[24]', driver_data: 'unsigned long' });
struct('of_device_id', 'linux/mod_devicetable.h', {
  name: 'char[32]',
  type: 'char[32]',
  compatible: 'char[128]',
  data: 'const void *',
});
struct('platform_device', 'linux/platform_device.h', {
  name: 'const char *',
  id: 'int',
  id_auto: 'bool',
  dev: 'struct device',
  num_resources: 'u32',
  resource: 'struct resource *',
  id_entry: 'const struct platform_device_id *',
});
struct('platform_driver', 'linux/platform_device.h', {
  probe: 'int (*)(struct platform_device *)',
  remove: 'int (*)(struct platform_device *)',
  shutdown: 'void (*)(struct platform_device *)',
  suspend: 'int (*)(struct platform_device *, pm_message_t state)',
  resume: 'int (*)(struct platform_device *)',
  driver: 'struct device_driver',
  id_table: 'const struct platform_device_id *',
  prevent_deferred_probe: 'bool',
});
variant('platform_driver', 'remove', kernelVersion(6, 11, 0), '\tvoid (*remove)(struct platform_device *);');
struct('debugfs_blob_wrapper', 'linux/debugfs.h', { data: 'void *', size: 'unsigned long' });
struct('mempool_s', 'linux/mempool.h', {
  lock: 'spinlock_t',
  min_nr: 'int',
  curr_nr: 'int',
  elements: 'void **',
  pool_data: 'void *',
  alloc: 'void * (*)(gfp_t gfp_mask, void *pool_data)',
  free: 'void (*)(void *element, void *pool_data)',
});
struct('ctl_table', 'linux/sysctl.h', {
  procname: 'const char *',
  data: 'void *',
  maxlen: 'int',
  mode: 'umode_t',
  child: 'struct ctl_table *',
  proc_handler: 'proc_handler *',
  poll: 'void *',
  extra1: 'void *',
  extra2: 'void *',
});
