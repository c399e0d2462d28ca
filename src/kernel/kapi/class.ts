/**
 * Classes of modules (drivers/base/class.c), and what sysfs says of a name that is taken. Always true: a class is known by the address of
 * its struct class and is gone from /sys/class with it.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { registerClass, unregisterClass } from '../drivers/device.ts';
import type { Kernel } from '../kernel.ts';
import { writeKString } from '../module/kmem.ts';
import { Level, printk } from '../printk/index.ts';
import type { Task } from '../task/types.ts';
import { callingModule, getField, loadString, pointerField, setField, since, sizeOf } from './access.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { dumpStack } from './report.ts';
import { kapiRoom } from './room.ts';
import { addAttributes, addFile, removeDir, removeFile } from './sysfs.ts';

const SHOW = [
  'dump_backtrace+0x28/0x30',
  'show_stack+0x38/0x44',
  'dump_stack_lvl+0x5a/0x7c',
  'dump_stack+0x18/0x20',
];
const DUPLICATE = [
  ...SHOW,
  'sysfs_warn_dup+0x62/0x7a',
  'sysfs_create_dir_ns+0xbe/0xd8',
  'kobject_add_internal+0xe4/0x2e8',
];

/** What sysfs says of a name that is taken, with the callers of kobject_add_internal. */
export function duplicateName(k: Kernel, task: Task, path: string, callers: readonly string[]): void {
  printk(k, Level.WARNING, `sysfs: cannot create duplicate filename '${path}'`);
  dumpStack(k, task, [...DUPLICATE, ...callers]);
  const name = path.slice(path.lastIndexOf('/') + 1);
  printk(
    k,
    Level.ERR,
    `kobject: kobject_add_internal failed for ${name} with -EEXIST, don't try to register things with the same name in the same directory.`,
  );
}

function addClass(k: Kernel, task: Task, cls: Vaddr, name: string, created: boolean): number {
  const module = callingModule(k, task);
  if (registerClass(k, name, module) < 0) {
    const callers = ['kset_register+0x4a/0x9e', 'class_register+0x136/0x19a'];
    duplicateName(k, task, `/class/${name}`, created ? [...callers, 'class_create+0x4a/0x78'] : callers);
    return -Errno.EEXIST;
  }
  const room = kapiRoom(k);
  room.classes.set(cls, name);
  room.dirs.set(cls, { tree: 'sysfs', names: ['class', name], files: [], module });
  const groups = getField(k, 'class', cls, 'class_groups') ?? 0;
  if (groups !== 0) addAttributes(k, task, cls, groups);
  return 0;
}

function createClass(k: Kernel, task: Task, owner: Vaddr, at: Vaddr): number {
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const size = sizeOf('class');
  const cls = kmalloc(k, task, size + name.length + 1);
  if (cls === 0) return -Errno.ENOMEM;
  writeKString(k, cls + size, name);
  setField(k, 'class', cls, 'name', at);
  setField(k, 'class', cls, 'owner', owner);
  const failed = addClass(k, task, cls, name, true);
  if (failed < 0) kfree(k, task, cls);
  return failed < 0 ? failed : cls;
}
kapi('__class_create', (k, task, [owner, name]) => createClass(k, task, owner, name));
kapi('class_create', (k, task, [first, second]) =>
  since(k, 6, 4) ? createClass(k, task, 0, first) : createClass(k, task, first, second),
);
for (const register of ['class_register', '__class_register'])
  kapi(register, (k, task, [cls]) => {
    const at = pointerField(k, task, 'class', cls, 'name');
    const name = at === null ? null : loadString(k, task, at, 256);
    return name === null ? 0 : addClass(k, task, cls, name, false);
  });

function removeClass(k: Kernel, cls: Vaddr): void {
  const room = kapiRoom(k);
  const name = room.classes.get(cls);
  if (name === undefined) return;
  room.classes.delete(cls);
  removeDir(k, cls);
  unregisterClass(k, name);
}
kapi('class_unregister', (k, _task, [cls]) => {
  removeClass(k, cls);
  return 0;
});
kapi('class_destroy', (k, task, [cls]) => {
  if (cls <= 0 && cls >= -4095) return 0;
  const known = kapiRoom(k).classes.has(cls);
  removeClass(k, cls);
  if (known) kfree(k, task, cls);
  return 0;
});
kapi('class_create_file_ns', (k, task, [cls, attr]) => addFile(k, task, cls, attr));
kapi('class_remove_file_ns', (k, task, [cls, attr]) => removeFile(k, task, cls, attr));
