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
import { readK, readK64, writeK } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getField, loadString, pointerField } from './access.ts';
import { kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom, type TreeDir } from './room.ts';

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
  /** Attributes of buses and drivers: their functions are not told which attribute it is. */
  plain: boolean;
}

/** sysfs_create_file in a directory of `owner`, or in a group below it. */
export function addFile(k: Kernel, task: Task, owner: Vaddr, attr: Vaddr, group = '', plain = false): number {
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
    plain,
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
  if (['devices', 'class', 'module', 'bus'].includes(dir.names[0])) return 0;
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
  const binary = getField(k, 'attribute_group', group, 'bin_attrs') ?? 0;
  for (let i = 0; binary !== 0 && i < MAX_ATTRIBUTES; i++) {
    const attr = readK64(k, binary + 8 * i);
    if (!attr) break;
    if (add) addBinary(k, task, owner, attr, name);
    else removeFile(k, task, owner, attr, name);
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
    const { owner, attr, show, plain } = state.data;
    return call(show, plain ? [owner, state.page] : [owner, attr, state.page], {
      step: 'module.attribute.shown',
      state: { file, io, pos },
    });
  },
  write(k, task, file, io) {
    const { owner, attr, store, plain } = attributeOf(file).data;
    if (store === 0) return -Errno.EIO;
    const bytes = copyFromIo(k, task, io, 4095);
    if (typeof bytes === 'number') return bytes;
    const page = kmalloc(k, task, 4096);
    if (page === 0) return -Errno.ENOMEM;
    writeK(k, page, bytes);
    return call(store, plain ? [owner, page, bytes.length] : [owner, attr, page, bytes.length], {
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

// ── Binary attributes: the module reads and writes at offsets ──────────────────────────────────────────────────

interface BinaryData {
  owner: Vaddr;
  attr: Vaddr;
  read: Vaddr;
  write: Vaddr;
  /** 0: no limit. */
  fileSize: number;
}

function addBinary(k: Kernel, task: Task, owner: Vaddr, attr: Vaddr, group = ''): number {
  const dir = dirOf(k, owner);
  if (!dir) return -Errno.EINVAL;
  const at = pointerField(k, task, 'bin_attribute', attr, 'attr.name');
  const name = at === null ? null : loadString(k, task, at, 256);
  if (name === null) return 0;
  const data: BinaryData = {
    owner,
    attr,
    read: getField(k, 'bin_attribute', attr, 'read') ?? 0,
    write: getField(k, 'bin_attribute', attr, 'write') ?? 0,
    fileSize: getField(k, 'bin_attribute', attr, 'size') ?? 0,
  };
  const mode = (getField(k, 'bin_attribute', attr, 'attr.mode') ?? 0o444) & 0o777;
  const names = [...dir.names, ...(group === '' ? [] : [group]), name];
  const failed = addDynamic(k, dir.tree, names, { type: 'file', mode, handler: 'module.binary', data });
  if (failed === 0 && group === '') dir.files.push(name);
  return failed;
}
defineKernfsHandler('module.binary', { kind: 'module.binary', strict: true });

interface BinaryMove {
  file: File;
  io: Reading['io'];
  pos: number | null;
  page: Vaddr;
}
/** What a transfer may still move at this place of the file; a negative number is the answer already. */
function roomAt(data: BinaryData, at: number, wanted: number): number {
  const length = Math.min(wanted, 4096);
  return data.fileSize > 0 ? Math.min(length, data.fileSize - at) : length;
}
defineFileOps('module.binary', {
  seekable: true,
  read(k, task, file, io, pos) {
    const { data } = file.data as { data: BinaryData };
    const at = pos ?? file.pos;
    const count = roomAt(data, at, io.length - io.done);
    if (count <= 0) return 0;
    if (data.read === 0) return -Errno.EIO;
    const page = kmalloc(k, task, 4096);
    if (page === 0) return -Errno.ENOMEM;
    const state: BinaryMove = { file, io, pos, page };
    return call(data.read, [0, data.owner, data.attr, page, at, count], {
      step: 'module.binary.read',
      state,
    });
  },
  write(k, task, file, io, pos) {
    const { data } = file.data as { data: BinaryData };
    const at = pos ?? file.pos;
    const count = roomAt(data, at, io.length - io.done);
    if (count <= 0) return data.fileSize > 0 && io.length > io.done ? -Errno.EFBIG : 0;
    if (data.write === 0) return -Errno.EIO;
    const bytes = copyFromIo(k, task, io, count);
    if (typeof bytes === 'number') return bytes;
    const page = kmalloc(k, task, 4096);
    if (page === 0) return -Errno.ENOMEM;
    writeK(k, page, bytes);
    const state: BinaryMove = { file, io, pos, page };
    return call(data.write, [0, data.owner, data.attr, page, at, bytes.length], {
      step: 'module.binary.written',
      state,
    });
  },
  llseek(_k, _task, file, offset, whence) {
    const { data } = file.data as { data: BinaryData };
    const from = [0, file.pos, data.fileSize][whence];
    if (from === undefined || from + offset < 0) return -Errno.EINVAL;
    file.pos = from + offset;
    return file.pos;
  },
});
defineStep('module.binary.read', (k, task, { file, io, pos, page }: BinaryMove, entry) => {
  const length = entry.by === 'result' ? entry.value : -Errno.EINTR;
  const bytes = length > 0 ? readK(k, page, Math.min(length, 4096)) : null;
  kfree(k, task, page);
  if (!bytes) return Math.min(length, 0);
  const copied = copyToIo(k, task, io, bytes);
  if (copied > 0 && pos === null) file.pos += copied;
  return copied;
});
defineStep('module.binary.written', (k, task, { file, pos, page }: BinaryMove, entry) => {
  kfree(k, task, page);
  const length = entry.by === 'result' ? entry.value : -Errno.EINTR;
  if (length > 0 && pos === null) file.pos += length;
  return length;
});

// ── Exports ────────────────────────────────────────────────────────────────────────────────────────────────────

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
kapi('sysfs_create_bin_file', (k, task, [kobj, attr]) => addBinary(k, task, kobj, attr));
kapi('sysfs_remove_bin_file', (k, task, [kobj, attr]) => removeFile(k, task, kobj, attr));
