/**
 * debugfs of modules (fs/debugfs). Always true: an entry is known by its struct dentry; files are dynamic nodes of the tree that hold
 * addresses only, and a directory goes with all that is below it.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { addDynamic, defineKernfsHandler, removeDynamic } from '../fs/kernfs-dynamic.ts';
import { stringOf } from '../fs/kernfs-fs.ts';
import type { Kernel } from '../kernel.ts';
import { readK, readK64, readKBig, writeKBig } from '../module/kmem.ts';
import { getModule, putModule } from '../module/refs.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { callingModule, loadString, pointerField, setField, sizeOf } from './access.ts';
import { dropFilp, inodeOf, makeFilp, openModuleFile } from './filp.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { kstrto, parseBool } from './string.ts';

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
