/** struct module, parameters, exports, kprobes as C sees them: the sections of a .ko file hold these. */
import { kernelVersion } from '../../kapi/declarations/declare.ts';
import { struct, variant } from './declare.ts';

const params = 'linux/moduleparam.h';
struct('kernel_param_ops', params, {
  flags: 'unsigned int',
  set: 'int (*)(const char *val, const struct kernel_param *kp)',
  get: 'int (*)(char *buffer, const struct kernel_param *kp)',
  free: 'void (*)(void *arg)',
});
struct('kernel_param', params, {
  name: 'const char *',
  mod: 'struct module *',
  ops: 'const struct kernel_param_ops *',
  perm: 'const u16',
  level: 's8',
  flags: 'u8',
  arg: 'void *',
});
variant(
  'kernel_param',
  'arg',
  0,
  '\tunion {\n\t\tvoid *arg;\n\t\tconst struct kparam_string *str;\n\t\tconst struct kparam_array *arr;\n\t};',
);
struct('kparam_string', params, { maxlen: 'unsigned int', string: 'char *' });
struct('kparam_array', params, {
  max: 'unsigned int',
  elemsize: 'unsigned int',
  num: 'unsigned int *',
  ops: 'const struct kernel_param_ops *',
  elem: 'void *',
});

const module = 'linux/module.h';
struct('modversion_info', module, { crc: 'unsigned long', name: 'char[56]' });
struct('module_kobject', module, {
  kobj: 'struct kobject',
  mod: 'struct module *',
  drivers_dir: 'struct kobject *',
  kobj_completion: 'struct completion *',
});
struct('module_memory', module, { base: 'void *', size: 'unsigned int', text_size: 'unsigned int' });
struct('module', module, {
  state: 'int',
  list: 'struct list_head',
  name: 'char[56]',
  mkobj: 'struct module_kobject',
  version: 'const char *',
  srcversion: 'const char *',
  holders_dir: 'struct kobject *',
  kp: 'struct kernel_param *',
  num_kp: 'unsigned int',
  init: 'int (*)(void)',
  core_layout: 'struct module_memory',
  init_layout: 'struct module_memory',
  taints: 'unsigned long',
  args: 'char *',
  source_list: 'struct list_head',
  target_list: 'struct list_head',
  exit: 'void (*)(void)',
  refcnt: 'atomic_t',
});
variant('module', 'state', 0, '\tenum module_state state;\n\tstruct { } arch;');
/** What EXPORT_SYMBOL leaves in the sections __ksymtab and __ksymtab_gpl (absolute addresses). */
struct('kernel_symbol', 'linux/export.h', {
  value: 'unsigned long',
  name: 'const char *',
  namespace: 'const char *',
});
/** What BUG() and WARN() leave in the section __bug_table: addresses of the ebreak, of the file name, line, flags. */
struct('bug_entry', 'asm/bug.h', {
  bug_addr: 'unsigned long',
  file: 'const char *',
  line: 'unsigned short',
  flags: 'unsigned short',
});
struct('kprobe', 'linux/kprobes.h', {
  hlist: 'struct hlist_node',
  list: 'struct list_head',
  nmissed: 'unsigned long',
  addr: 'void *',
  symbol_name: 'const char *',
  offset: 'unsigned int',
  pre_handler: 'kprobe_pre_handler_t',
  post_handler: 'kprobe_post_handler_t',
  fault_handler: 'void *',
  opcode: 'u32',
  flags: 'u32',
});
variant('kprobe', 'fault_handler', 0, '\tint (*fault_handler)(struct kprobe *, struct pt_regs *, int);');
variant('kprobe', 'fault_handler', kernelVersion(5, 14, 0), '\tvoid *__reserved_fault;');
struct('kretprobe', 'linux/kprobes.h', {
  kp: 'struct kprobe',
  handler: 'kretprobe_handler_t',
  entry_handler: 'kretprobe_handler_t',
  maxactive: 'int',
  nmissed: 'int',
  data_size: 'size_t',
});
struct('kretprobe_instance', 'linux/kprobes.h', {
  rp: 'struct kretprobe *',
  ret_addr: 'void *',
  task: 'struct task_struct *',
  data: 'char[64]',
});
struct('va_format', 'linux/printk.h', { fmt: 'const char *', va: 'va_list *' });
