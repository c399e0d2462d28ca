/** Exports of arrays with holes, per-processor memory, sysctl tables, threads that work queues off, and names known to probes alone. */
import { exported, kernelVersion } from './declare.ts';

const gpl = { gpl: true } as const;
const v57 = kernelVersion(5, 7, 0);

exported('linux/xarray.h', {
  xa_load: 'void *xa_load(struct xarray *xa, unsigned long index)',
  xa_store: 'void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)',
  xa_erase: 'void *xa_erase(struct xarray *xa, unsigned long index)',
  __xa_insert: 'int __xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)',
  __xa_alloc: 'int __xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp)',
  xa_find: 'void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter)',
  xa_find_after:
    'void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter)',
  xa_destroy: 'void xa_destroy(struct xarray *xa)',
});
exported('linux/radix-tree.h', {
  radix_tree_insert: 'int radix_tree_insert(struct radix_tree_root *root, unsigned long index, void *item)',
  radix_tree_lookup: 'void *radix_tree_lookup(const struct radix_tree_root *root, unsigned long index)',
  radix_tree_delete: 'void *radix_tree_delete(struct radix_tree_root *root, unsigned long index)',
  radix_tree_gang_lookup:
    'unsigned int radix_tree_gang_lookup(const struct radix_tree_root *root, void **results, unsigned long first_index, unsigned int max_items)',
});
exported('linux/percpu.h', {
  __alloc_percpu: ['void __percpu *__alloc_percpu(size_t size, size_t align)', gpl],
  free_percpu: ['void free_percpu(void __percpu *ptr)', gpl],
});
exported('linux/kthread.h', {
  kthread_worker_fn: ['int kthread_worker_fn(void *worker_ptr)', gpl],
  kthread_create_worker: [
    '__printf(2, 3) struct kthread_worker *kthread_create_worker(unsigned int flags, const char *namefmt, ...)',
    {},
  ],
  kthread_queue_work: [
    'bool kthread_queue_work(struct kthread_worker *worker, struct kthread_work *work)',
    gpl,
  ],
  kthread_flush_work: ['void kthread_flush_work(struct kthread_work *work)', gpl],
  kthread_cancel_work_sync: ['bool kthread_cancel_work_sync(struct kthread_work *work)', gpl],
  kthread_flush_worker: ['void kthread_flush_worker(struct kthread_worker *worker)', gpl],
  kthread_destroy_worker: 'void kthread_destroy_worker(struct kthread_worker *worker)',
});
exported('linux/sysctl.h', {
  register_sysctl_table: [
    'struct ctl_table_header *register_sysctl_table(struct ctl_table *table)',
    { until: kernelVersion(6, 6, 0) },
  ],
  register_sysctl: [
    'struct ctl_table_header *register_sysctl(const char *path, struct ctl_table *table)',
    { until: kernelVersion(6, 6, 0) },
  ],
  register_sysctl_sz: [
    'struct ctl_table_header *register_sysctl_sz(const char *path, struct ctl_table *table, size_t table_size)',
    { since: kernelVersion(6, 6, 0) },
  ],
  unregister_sysctl_table: 'void unregister_sysctl_table(struct ctl_table_header *header)',
  proc_dointvec: 'proc_handler proc_dointvec',
  proc_dointvec_minmax: 'proc_handler proc_dointvec_minmax',
  proc_dostring: 'proc_handler proc_dostring',
});
exported('linux/mempool.h', {
  mempool_kmalloc: 'void *mempool_kmalloc(gfp_t gfp, void *pool_data)',
  mempool_kfree: 'void mempool_kfree(void *element, void *pool_data)',
  mempool_alloc_pages: 'void *mempool_alloc_pages(gfp_t gfp, void *pool_data)',
  mempool_free_pages: 'void mempool_free_pages(void *element, void *pool_data)',
});
exported('linux/uaccess.h', {
  get_addr_limit: ['unsigned long get_addr_limit(void)', { until: kernelVersion(5, 10, 0) }],
  set_addr_limit: ['void set_addr_limit(unsigned long limit)', { until: kernelVersion(5, 10, 0) }],
});
exported('linux/device.h', {
  bus_for_each_dev: [
    'int bus_for_each_dev(const struct bus_type *bus, struct device *start, void *data, int (*fn)(struct device *, void *))',
    gpl,
  ],
  bus_for_each_drv: [
    'int bus_for_each_drv(const struct bus_type *bus, struct device_driver *start, void *data, int (*fn)(struct device_driver *, void *))',
    gpl,
  ],
  bus_find_device: [
    'struct device *bus_find_device(const struct bus_type *bus, struct device *start, const void *data, int (*match)(struct device *dev, const void *data))',
    gpl,
  ],
  driver_for_each_device: [
    'int driver_for_each_device(struct device_driver *drv, struct device *start, void *data, int (*fn)(struct device *, void *))',
    gpl,
  ],
  device_attach: ['int device_attach(struct device *dev)', gpl],
  device_release_driver: ['void device_release_driver(struct device *dev)', gpl],
});
exported('linux/kobject.h', {
  kobject_get_path: ['char *kobject_get_path(const struct kobject *kobj, gfp_t flag)', gpl],
});

const hidden = { hidden: true } as const;
exported('linux/kallsyms.h', {
  kallsyms_lookup_name: [
    'unsigned long kallsyms_lookup_name(const char *name)',
    { hidden: true, since: v57 },
  ],
});
exported('linux/kprobes.h', {
  kretprobe_trampoline: ['void kretprobe_trampoline(void)', { hidden: true, until: kernelVersion(5, 18, 0) }],
  arch_rethook_trampoline: [
    'void arch_rethook_trampoline(void)',
    { hidden: true, since: kernelVersion(5, 18, 0) },
  ],
});
exported('linux/platform_device.h', {
  platform_device_release: ['void platform_device_release(struct device *dev)', hidden],
});
exported('linux/mm.h', {
  set_memory_rw: ['int set_memory_rw(unsigned long addr, int numpages)', hidden],
  set_memory_ro: ['int set_memory_ro(unsigned long addr, int numpages)', hidden],
});
