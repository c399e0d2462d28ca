/**
 * Attributes, kobjects, debugfs of modules (fs/sysfs, lib/kobject.c, fs/debugfs). Always true: a directory is known by the address of
 * what it belongs to (kobject, device, class, debugfs dentry); files are dynamic nodes of the tree that hold addresses only.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf } from '../abi/structs/index.ts';
import { addDynamic, defineKernfsHandler, removeDynamic } from '../fs/kernfs-dynamic.ts';
import { bytesOf as bytesBetween, stringOf } from '../fs/kernfs-fs.ts';
import { defineFileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyFromIo, copyToIo } from '../mm/uio.ts';
import { readK, readK64, readKBig, writeK, writeK64, writeKBig, writeKString } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { getModule, putModule } from '../module/refs.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { callingModule, getField, int, loadString, pointerField, setField, sizeOf } from './access.ts';
import { dropFilp, inodeOf, makeFilp, openModuleFile } from './filp.ts';
import { kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom, type TreeDir } from './room.ts';
import { kstrto, parseBool } from './string.ts';
import { callArgs, format } from './vsprintf.ts';

/** The directory that belongs to an address; a module's own kobject is /sys/module/NAME. */
export function dirOf(k: Kernel, owner: Vaddr): TreeDir | undefined {
  const known = kapiRoom(k).dirs.get(owner);
  if (known) return known;
  const module = k.module.modules.find(
    (each) => each.address + fieldOf('module', 'mkobj.kobj').offset === owner,
  );
  if (!module) return undefined;
  const made: TreeDir = { tree: 'sysfs', names: ['module', module.name], files: [] };
  kapiRoom(k).dirs.set(owner, made);
  return made;
}

interface AttributeData {
  owner: Vaddr;
  attr: Vaddr;
  /** Functions of the attribute, or of the kobject's type. */
  show: Vaddr;
  store: Vaddr;
}

/** sysfs_create_file in a directory of `owner`, or in a group below it. */
export function addFile(k: Kernel, task: Task, owner: Vaddr, attr: Vaddr, group = ''): number {
  const dir = dirOf(k, owner);
  if (!dir) return -Errno.EINVAL;
  const at = pointerField(k, task, 'attribute', attr, 'name');
  const name = at === null ? null : loadString(k, task, at, 256);
  if (name === null) return 0;
  const mode = (getField(k, 'attribute', attr, 'mode') ?? 0o444) & 0o777;
  const data: AttributeData = {
    owner,
    attr,
    show: readK64(k, attr + 16) ?? 0,
    store: readK64(k, attr + 24) ?? 0,
  };
  const ops = typeOps(k, owner, dir);
  if (ops !== 0) {
    data.show = getField(k, 'sysfs_ops', ops, 'show') ?? 0;
    data.store = getField(k, 'sysfs_ops', ops, 'store') ?? 0;
  }
  const names = [...dir.names, ...(group === '' ? [] : [group]), name];
  if (group !== '') {
    addDynamic(k, dir.tree, [...dir.names, group], { type: 'dir', mode: 0o755 });
    if (!dir.files.includes(group)) dir.files.push(group);
  }
  const failed = addDynamic(k, dir.tree, names, { type: 'file', mode, handler: 'module.attribute', data });
  if (failed === 0 && group === '') dir.files.push(name);
  return failed;
}

/** sysfs_ops of a kobject whose type has its own; 0: the attribute's own functions serve. */
function typeOps(k: Kernel, owner: Vaddr, dir: TreeDir): Vaddr {
  if (dir.names[0] === 'devices' || dir.names[0] === 'class' || dir.names[0] === 'module') return 0;
  const type = getField(k, 'kobject', owner, 'ktype') ?? 0;
  const ops = type === 0 ? 0 : (getField(k, 'kobj_type', type, 'sysfs_ops') ?? 0);
  return ops === kernelSymbol(k, 'kobj_sysfs_ops') ? 0 : ops;
}

export function removeFile(k: Kernel, task: Task, owner: Vaddr, attr: Vaddr, group = ''): number {
  const dir = dirOf(k, owner);
  const at = dir ? pointerField(k, task, 'attribute', attr, 'name') : null;
  const name = at === null ? null : loadString(k, task, at, 256);
  if (!dir || name === null) return 0;
  removeDynamic(k, dir.tree, [...dir.names, ...(group === '' ? [] : [group]), name]);
  dir.files = dir.files.filter((each) => each !== name);
  return 0;
}

const MAX_ATTRIBUTES = 256;

/** One attribute_group; the functions that hide attributes are not asked. */
function groupFiles(k: Kernel, task: Task, owner: Vaddr, group: Vaddr, add: boolean): number {
  const attrs = pointerField(k, task, 'attribute_group', group, 'attrs');
  const at = getField(k, 'attribute_group', group, 'name') ?? 0;
  const name = at === 0 ? '' : (loadString(k, task, at, 256) ?? '');
  for (let i = 0; attrs && i < MAX_ATTRIBUTES; i++) {
    const attr = readK64(k, attrs + 8 * i);
    if (!attr) break;
    const failed = add ? addFile(k, task, owner, attr, name) : removeFile(k, task, owner, attr, name);
    if (failed < 0) return failed;
  }
  const dir = dirOf(k, owner);
  if (!add && name !== '' && dir) removeDynamic(k, dir.tree, [...dir.names, name]);
  return 0;
}

/** A null-terminated list of groups. */
export function addAttributes(k: Kernel, task: Task, owner: Vaddr, groups: Vaddr, add = true): number {
  for (let i = 0; i < MAX_ATTRIBUTES; i++) {
    const group = readK64(k, groups + 8 * i);
    if (!group) break;
    const failed = groupFiles(k, task, owner, group, add);
    if (failed < 0) return failed;
  }
  return 0;
}

/** Takes away what was made in the directory of `owner`, and forgets it. */
export function removeDir(k: Kernel, owner: Vaddr): void {
  const dir = kapiRoom(k).dirs.get(owner);
  if (!dir) return;
  for (const name of dir.files) removeDynamic(k, dir.tree, [...dir.names, name]);
  kapiRoom(k).dirs.delete(owner);
}

// ── Reading and writing an attribute ───────────────────────────────────────────────────────────────────────────

interface OpenAttribute {
  data: AttributeData;
  text: string | null;
  page: Vaddr;
}
defineKernfsHandler('module.attribute', { kind: 'module.attribute', size: 4096, strict: true });

const attributeOf = (file: File): OpenAttribute => file.data as OpenAttribute;

defineFileOps('module.attribute', {
  seekable: true,
  read(k, task, file, io, pos) {
    const state = attributeOf(file);
    const at = pos ?? file.pos;
    if (state.text !== undefined && state.text !== null && at > 0)
      return giveText(k, task, file, state.text, io, pos);
    if (state.data.show === 0) return -Errno.EIO;
    state.page = kmalloc(k, task, 4096);
    if (state.page === 0) return -Errno.ENOMEM;
    const { owner, attr, show } = state.data;
    return call(show, [owner, attr, state.page], {
      step: 'module.attribute.shown',
      state: { file, io, pos },
    });
  },
  write(k, task, file, io) {
    const { owner, attr, store } = attributeOf(file).data;
    if (store === 0) return -Errno.EIO;
    const bytes = copyFromIo(k, task, io, 4095);
    if (typeof bytes === 'number') return bytes;
    const page = kmalloc(k, task, 4096);
    if (page === 0) return -Errno.ENOMEM;
    writeK(k, page, bytes);
    return call(store, [owner, attr, page, bytes.length], {
      step: 'module.attribute.stored',
      state: { page },
    });
  },
  llseek(_k, _task, file, offset, whence) {
    const target = whence === 0 ? offset : whence === 1 ? file.pos + offset : -1;
    if (target < 0) return -Errno.EINVAL;
    file.pos = target;
    return target;
  },
});
type Reading = { file: File; io: Parameters<typeof copyToIo>[2]; pos: number | null };

function giveText(
  k: Kernel,
  task: Task,
  file: File,
  text: string,
  io: Reading['io'],
  pos: number | null,
): number {
  const at = pos ?? file.pos;
  const count = Math.min(io.length - io.done, text.length - at);
  if (count <= 0) return 0;
  const copied = copyToIo(k, task, io, bytesBetween(text, at, at + count));
  if (copied > 0 && pos === null) file.pos = at + copied;
  return copied;
}
defineStep('module.attribute.shown', (k, task, { file, io, pos }: Reading, entry) => {
  const state = attributeOf(file);
  const length = entry.by === 'result' ? entry.value : -Errno.EINTR;
  const bytes = length > 0 ? readK(k, state.page, Math.min(length, 4096)) : null;
  kfree(k, task, state.page);
  state.page = 0;
  if (length < 0) return length;
  state.text = bytes ? stringOf(bytes) : '';
  return giveText(k, task, file, state.text, io, pos);
});
defineStep('module.attribute.stored', (k, task, { page }: { page: Vaddr }, entry) => {
  kfree(k, task, page);
  return entry.by === 'result' ? entry.value : -Errno.EINTR;
});

// ── kobjects ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Kernel objects that are always there: kernel_kobj and its like point to a kobject of their own. */
const STANDING: readonly (readonly [string, readonly string[]])[] = [
  ['kernel_kobj', ['kernel']],
  ['fs_kobj', ['fs']],
  ['mm_kobj', ['kernel', 'mm']],
];
fillKernelData((k) => {
  for (const [name, names] of STANDING) {
    const at = kernelSymbol(k, name);
    if (at === 0) continue;
    // The pointer's slot is 64 bytes: what it points to need only be an address that nothing else has.
    writeK64(k, at, at + 8);
    kapiRoom(k).dirs.set(at + 8, { tree: 'sysfs', names: [...names], files: [] });
  }
});

function place(k: Kernel, task: Task, kobj: Vaddr, parent: Vaddr, name: string): number {
  const kset = getField(k, 'kobject', kobj, 'kset') ?? 0;
  const above = parent !== 0 ? parent : kset !== 0 ? kset + fieldOf('kset', 'kobj').offset : 0;
  const dir = above === 0 ? { tree: 'sysfs' as const, names: [] } : dirOf(k, above);
  if (!dir) return -Errno.EINVAL;
  const names = [...dir.names, name];
  const failed = addDynamic(k, 'sysfs', names, { type: 'dir', mode: 0o755 });
  if (failed < 0) return failed;
  kapiRoom(k).dirs.set(kobj, { tree: 'sysfs', names, files: [], module: callingModule(k, task) });
  const at = kmalloc(k, task, name.length + 1);
  if (at !== 0) writeKString(k, at, name);
  setField(k, 'kobject', kobj, 'name', at);
  setField(k, 'kobject', kobj, 'parent', above);
  const type = getField(k, 'kobject', kobj, 'ktype') ?? 0;
  const groups = type === 0 ? 0 : (getField(k, 'kobj_type', type, 'default_groups') ?? 0);
  if (groups !== 0) addAttributes(k, task, kobj, groups);
  const attrs = type === 0 ? 0 : (getField(k, 'kobj_type', type, 'default_attrs') ?? 0);
  for (let i = 0; attrs !== 0 && i < MAX_ATTRIBUTES; i++) {
    const attr = readK64(k, attrs + 8 * i);
    if (!attr) break;
    addFile(k, task, kobj, attr);
  }
  return 0;
}
const REFS = 'kref.refcount.refs.counter';
function init(k: Kernel, kobj: Vaddr, type: Vaddr): void {
  setField(k, 'kobject', kobj, REFS, 1);
  setField(k, 'kobject', kobj, 'ktype', type);
  const entry = kobj + fieldOf('kobject', 'entry').offset;
  writeK64(k, entry, entry);
  writeK64(k, entry + 8, entry);
}
function named(k: Kernel, task: Task, fmt: Vaddr, first: number): string | null {
  const pattern = loadString(k, task, fmt, 4096);
  return pattern === null ? null : format(k, task, pattern, callArgs(k, first));
}
kapi('kobject_init', (k, _task, [kobj, type]) => {
  init(k, kobj, type);
  return 0;
});
kapi('kobject_add', (k, task, [kobj, parent, fmt]) => {
  const name = named(k, task, fmt, 3);
  return name === null ? 0 : place(k, task, kobj, parent, name);
});
kapi('kobject_init_and_add', (k, task, [kobj, type, parent, fmt]) => {
  const name = named(k, task, fmt, 4);
  if (name === null) return 0;
  init(k, kobj, type);
  return place(k, task, kobj, parent, name);
});
kapi('kobject_create_and_add', (k, task, [at, parent]) => {
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const kobj = kmalloc(k, task, sizeOf('kobject'));
  if (kobj === 0) return 0;
  init(k, kobj, 0);
  if (place(k, task, kobj, parent, name) === 0) return kobj;
  kfree(k, task, kobj);
  return 0;
});
function unlist(k: Kernel, kobj: Vaddr): void {
  const dir = kapiRoom(k).dirs.get(kobj);
  if (!dir) return;
  removeDir(k, kobj);
  removeDynamic(k, dir.tree, dir.names);
}
kapi('kobject_del', (k, _task, [kobj]) => {
  unlist(k, kobj);
  return 0;
});
kapi('kobject_get', (k, _task, [kobj]) => {
  if (kobj !== 0) setField(k, 'kobject', kobj, REFS, int(getField(k, 'kobject', kobj, REFS) ?? 0) + 1);
  return kobj;
});
kapi('kobject_put', (k, task, [kobj]) => {
  if (kobj === 0) return 0;
  const refs = pointerFieldInt(k, task, kobj);
  if (refs === null) return 0;
  setField(k, 'kobject', kobj, REFS, refs - 1);
  if (refs !== 1) return 0;
  unlist(k, kobj);
  const type = getField(k, 'kobject', kobj, 'ktype') ?? 0;
  const release = type === 0 ? 0 : (getField(k, 'kobj_type', type, 'release') ?? 0);
  if (release !== 0) return call(release, [kobj]);
  if (type === 0) kfree(k, task, kobj);
  return 0;
});
function pointerFieldInt(k: Kernel, task: Task, kobj: Vaddr): number | null {
  const value = pointerField(k, task, 'kobject', kobj, REFS);
  return value === null ? null : int(value);
}
for (const name of ['kobject_uevent', 'kobject_uevent_env'])
  kapi(name, (k) => {
    k.drivers.ueventSeq++;
    return 0;
  });
kapi('sysfs_create_file_ns', (k, task, [kobj, attr]) => addFile(k, task, kobj, attr));
kapi('sysfs_remove_file_ns', (k, task, [kobj, attr]) => removeFile(k, task, kobj, attr));
for (const add of [true, false]) {
  const word = add ? 'create' : 'remove';
  kapi(`sysfs_${word}_group`, (k, task, [kobj, group]) => groupFiles(k, task, kobj, group, add));
  kapi(`sysfs_${word}_groups`, (k, task, [kobj, groups]) =>
    groups === 0 ? 0 : addAttributes(k, task, kobj, groups, add),
  );
  kapi(`sysfs_${word}_files`, (k, task, [kobj, attrs]) => {
    for (let i = 0; i < MAX_ATTRIBUTES; i++) {
      const attr = readK64(k, attrs + 8 * i);
      if (!attr) break;
      const failed = add ? addFile(k, task, kobj, attr) : removeFile(k, task, kobj, attr);
      if (failed < 0) return failed;
    }
    return 0;
  });
}
kapi('sysfs_notify', () => 0);
kapi('sysfs_create_link', (k, task, [kobj, target, at]) => {
  const dir = dirOf(k, kobj);
  const to = dirOf(k, target);
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  if (!dir || !to) return -Errno.EINVAL;
  const data = `${'../'.repeat(dir.names.length)}${to.names.join('/')}`;
  const failed = addDynamic(k, 'sysfs', [...dir.names, name], { type: 'link', mode: 0o777, data });
  if (failed === 0) dir.files.push(name);
  return failed;
});
kapi('sysfs_remove_link', (k, task, [kobj, at]) => {
  const dir = dirOf(k, kobj);
  const name = loadString(k, task, at, 256);
  if (dir && name !== null) removeDynamic(k, 'sysfs', [...dir.names, name]);
  return 0;
});

// ── debugfs ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Adds an entry below `parent` (0: the root); the handle is a struct dentry, as modules may look at its d_inode. */
function debugEntry(
  k: Kernel,
  task: Task,
  at: Vaddr,
  parent: Vaddr,
  node: Parameters<typeof addDynamic>[3],
): number {
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const above = parent > 0 || parent < -4095 ? kapiRoom(k).dirs.get(parent)?.names : [];
  if (!above) return -Errno.ENOENT;
  const names = [...above, name];
  const failed = addDynamic(k, 'debugfs', names, node);
  if (failed < 0) return failed;
  const dentry = kmalloc(k, task, sizeOf('dentry'));
  if (dentry === 0) return -Errno.ENOMEM;
  kapiRoom(k).dirs.set(dentry, { tree: 'debugfs', names, files: [], module: callingModule(k, task) });
  return dentry;
}
kapi('debugfs_create_dir', (k, task, [name, parent]) =>
  debugEntry(k, task, name, parent, { type: 'dir', mode: 0o755 }),
);
for (const name of ['debugfs_create_file', 'debugfs_create_file_unsafe'])
  kapi(name, (k, task, [at, mode, parent, data, fops]) =>
    debugEntry(k, task, at, parent, {
      type: 'file',
      mode: mode & 0o777,
      handler: 'module.debugfs',
      data: { data, fops },
    }),
  );
kapi('debugfs_create_symlink', (k, task, [at, parent, target]) => {
  const text = loadString(k, task, target, 4096);
  return text === null ? 0 : debugEntry(k, task, at, parent, { type: 'link', mode: 0o777, data: text });
});
interface Value {
  at: Vaddr;
  size: number;
  form: 'u' | 'x' | 'bool' | 'int' | 'blob' | 'str';
}
const values: readonly (readonly [string, number, Value['form']])[] = [
  ['u8', 1, 'u'],
  ['u16', 2, 'u'],
  ['u32', 4, 'u'],
  ['u64', 8, 'u'],
  ['ulong', 8, 'u'],
  ['size_t', 8, 'u'],
  ['x8', 1, 'x'],
  ['x16', 2, 'x'],
  ['x32', 4, 'x'],
  ['x64', 8, 'x'],
  ['atomic_t', 4, 'int'],
  ['bool', 1, 'bool'],
  ['blob', 16, 'blob'],
  ['str', 8, 'str'],
];
for (const [name, size, form] of values)
  kapi(`debugfs_create_${name}`, (k, task, [at, mode, parent, value]) =>
    debugEntry(k, task, at, parent, {
      type: 'file',
      mode: mode & (form === 'blob' ? 0o444 : 0o777),
      handler: 'module.debugfs.value',
      data: { at: value, size, form } satisfies Value,
    }),
  );
defineKernfsHandler('module.debugfs.value', {
  show(k, ctx) {
    const { at, size, form } = ctx.data as Value;
    const raw = readKBig(k, at);
    if (raw === null) return -Errno.EIO;
    if (form === 'blob')
      return stringOf(
        readK(k, Number(BigInt.asIntN(64, raw)), Math.min(readK64(k, at + 8) ?? 0, 65536)) ??
          new Uint8Array(0),
      );
    if (form === 'str') return `${loadText(k, Number(BigInt.asIntN(64, raw)))}\n`;
    const value = BigInt.asUintN(size * 8, raw);
    if (form === 'bool') return value === 0n ? 'N\n' : 'Y\n';
    if (form === 'int') return `${BigInt.asIntN(32, raw)}\n`;
    return form === 'u' ? `${value}\n` : `0x${value.toString(16).padStart(size * 2, '0')}\n`;
  },
  store(k, _task, ctx, text) {
    const { at, size, form } = ctx.data as Value;
    const old = readKBig(k, at);
    if (old === null || form === 'blob' || form === 'str') return -Errno.EIO;
    const value =
      form === 'bool' ? BigInt(parseBool(text) ?? false) : kstrto(text, 0, size * 8, form === 'int');
    if (typeof value === 'number') return value;
    const mask = (1n << BigInt(size * 8)) - 1n;
    writeKBig(k, at, (old & ~mask) | (value & mask));
    return text.length;
  },
});
function loadText(k: Kernel, at: Vaddr): string {
  const bytes = readK(k, at, 1) ? (readK(k, at, 256) ?? new Uint8Array(0)) : new Uint8Array(0);
  const nul = bytes.indexOf(0);
  return stringOf(nul < 0 ? bytes : bytes.subarray(0, nul));
}
function removeTree(k: Kernel, task: Task, dentry: Vaddr): void {
  const { dirs } = kapiRoom(k);
  const gone = dirs.get(dentry);
  if (!gone) return;
  removeDynamic(k, 'debugfs', gone.names);
  for (const [address, dir] of dirs)
    if (dir.tree === 'debugfs' && gone.names.every((name, i) => dir.names[i] === name)) {
      dirs.delete(address);
      kfree(k, task, address);
    }
}
for (const name of ['debugfs_remove', 'debugfs_remove_recursive'])
  kapi(name, (k, task, [dentry]) => {
    removeTree(k, task, dentry);
    return 0;
  });
kapi('debugfs_lookup', (k, task, [at, parent]) => {
  const name = loadString(k, task, at, 256);
  const above = parent === 0 ? [] : kapiRoom(k).dirs.get(parent)?.names;
  if (name === null || !above) return 0;
  const path = [...above, name].join('/');
  for (const [address, dir] of kapiRoom(k).dirs)
    if (dir.tree === 'debugfs' && dir.names.join('/') === path) return address;
  return 0;
});

/** A file of debugfs with operations of its own: like a device, its data in i_private. */
defineKernfsHandler('module.debugfs', {
  open(k, task, file, ctx): Outcome {
    const { data, fops } = ctx.data as { data: Vaddr; fops: Vaddr };
    const owner = fops === 0 ? 0 : pointerField(k, task, 'file_operations', fops, 'owner');
    if (owner === null) return -Errno.EIO;
    if (fops === 0) return -Errno.ENXIO;
    if (!getModule(k, owner)) return -Errno.ENXIO;
    const owners = owner === 0 ? [] : [owner];
    if (!makeFilp(k, task, file, { fops, owners })) {
      for (const held of owners) putModule(k, held);
      return -Errno.ENOMEM;
    }
    setField(k, 'inode', inodeOf(k, file), 'i_private', data);
    const outcome = openModuleFile(k, task, file);
    if (typeof outcome === 'number' && outcome !== 0) dropFilp(k, task, file);
    return outcome;
  },
});
