/** Memory descriptors, areas and pages as C sees them. */
import { kernelVersion } from '../../kapi/declarations/declare.ts';
import { struct, variant } from './declare.ts';

const types = 'linux/mm_types.h';
struct('page', types, {
  flags: 'unsigned long',
  lru: 'struct list_head',
  mapping: 'struct address_space *',
  index: 'unsigned long',
  private: 'unsigned long',
  _mapcount: 'atomic_t',
  _refcount: 'atomic_t',
  virtual: 'void *',
});
struct('vm_area_struct', types, {
  vm_start: 'unsigned long',
  vm_end: 'unsigned long',
  vm_next: 'struct vm_area_struct *',
  vm_prev: 'struct vm_area_struct *',
  vm_mm: 'struct mm_struct *',
  vm_page_prot: 'pgprot_t',
  vm_flags: 'unsigned long',
  vm_ops: 'const struct vm_operations_struct *',
  vm_pgoff: 'unsigned long',
  vm_file: 'struct file *',
  vm_private_data: 'void *',
});
const v61 = kernelVersion(6, 1, 0);
variant('vm_area_struct', 'vm_next', v61, '\tvoid *__reserved_next;');
variant('vm_area_struct', 'vm_prev', v61, '\tvoid *__reserved_prev;');
variant('vm_area_struct', 'vm_flags', kernelVersion(6, 3, 0), '\tconst unsigned long vm_flags;');
struct('mm_struct', types, {
  mmap: 'struct vm_area_struct *',
  pgd: 'pgd_t *',
  mm_users: 'atomic_t',
  mm_count: 'atomic_t',
  map_count: 'int',
  page_table_lock: 'spinlock_t',
  mmap_sem: 'struct rw_semaphore',
  mmlist: 'struct list_head',
  hiwater_rss: 'unsigned long',
  hiwater_vm: 'unsigned long',
  total_vm: 'unsigned long',
  locked_vm: 'unsigned long',
  pinned_vm: 'unsigned long',
  data_vm: 'unsigned long',
  exec_vm: 'unsigned long',
  stack_vm: 'unsigned long',
  def_flags: 'unsigned long',
  task_size: 'unsigned long',
  start_code: 'unsigned long',
  end_code: 'unsigned long',
  start_data: 'unsigned long',
  end_data: 'unsigned long',
  start_brk: 'unsigned long',
  brk: 'unsigned long',
  start_stack: 'unsigned long',
  arg_start: 'unsigned long',
  arg_end: 'unsigned long',
  env_start: 'unsigned long',
  env_end: 'unsigned long',
  rss_stat: 'atomic_long_t[4]',
  flags: 'unsigned long',
  owner: 'struct task_struct *',
  exe_file: 'struct file *',
});
variant('mm_struct', 'mmap', v61, '\tvoid *mm_mt;');
variant('mm_struct', 'mmap_sem', kernelVersion(5, 8, 0), '\tstruct rw_semaphore mmap_lock;');
const mm = 'linux/mm.h';
struct('vm_fault', mm, {
  vma: 'struct vm_area_struct *',
  gfp_mask: 'gfp_t',
  pgoff: 'pgoff_t',
  address: 'unsigned long',
  real_address: 'unsigned long',
  flags: 'unsigned int',
  page: 'struct page *',
  cow_page: 'struct page *',
});
struct('vm_operations_struct', mm, {
  open: 'void (*)(struct vm_area_struct *area)',
  close: 'void (*)(struct vm_area_struct *area)',
  fault: 'vm_fault_t (*)(struct vm_fault *vmf)',
  page_mkwrite: 'vm_fault_t (*)(struct vm_fault *vmf)',
  access: 'int (*)(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)',
  name: 'const char * (*)(struct vm_area_struct *vma)',
});
// The answer of a fault is an int before it has a type of its own.
for (const name of ['fault', 'page_mkwrite']) {
  variant('vm_operations_struct', name, 0, `\tint (*${name})(struct vm_fault *vmf);`);
  variant(
    'vm_operations_struct',
    name,
    kernelVersion(4, 17, 0),
    `\tvm_fault_t (*${name})(struct vm_fault *vmf);`,
  );
}
struct('sysinfo', mm, {
  uptime: 'long',
  loads: 'unsigned long[3]',
  totalram: 'unsigned long',
  freeram: 'unsigned long',
  sharedram: 'unsigned long',
  bufferram: 'unsigned long',
  totalswap: 'unsigned long',
  freeswap: 'unsigned long',
  procs: 'u16',
  totalhigh: 'unsigned long',
  freehigh: 'unsigned long',
  mem_unit: 'u32',
});
