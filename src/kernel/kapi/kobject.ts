/**
 * kobjects and ksets (lib/kobject.c, lib/kobject_uevent.c). Always true: a kobject that was added is a directory of sysfs, known by its
 * address; one in a kset is on the set's list; the last reference takes it out, calls its type's release and frees its name.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf } from '../abi/structs/index.ts';
import { emitUevent } from '../drivers/uevent.ts';
import { addDynamic, findDynamic, removeDynamic } from '../fs/kernfs-dynamic.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, readKString, writeK64, writeKString } from '../module/kmem.ts';
import { fillKernelData } from '../module/memory.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { callingModule, getField, int, loadString, pointerField, setField, sizeOf } from './access.ts';
import { arenaAlloc, listAddTail, listDelInit } from './guest.ts';
import { kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom } from './room.ts';
import { addAttributes, addFile, dirOf, removeDir } from './sysfs.ts';
import { callArgs, format } from './vsprintf.ts';

const MAX_ATTRIBUTES = 256;
const REFS = 'kref.refcount.refs.counter';
const ENTRY = fieldOf('kobject', 'entry').offset;
const KSET_KOBJ = fieldOf('kset', 'kobj').offset;

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

/** The kobj_type of sets that kset_create_and_add made: their release frees them. */
function ksetType(k: Kernel): Vaddr {
  const { objects } = k.tasking;
  const known = objects.get('kset_ktype');
  if (known !== undefined) return known;
  const made = arenaAlloc(k, sizeOf('kobj_type'));
  objects.set('kset_ktype', made);
  return made;
}

function setName(k: Kernel, task: Task, kobj: Vaddr, name: string): void {
  const old = getField(k, 'kobject', kobj, 'name') ?? 0;
  const at = kmalloc(k, task, name.length + 1);
  if (at !== 0) writeKString(k, at, name);
  setField(k, 'kobject', kobj, 'name', at);
  if (old !== 0 && kapiRoom(k).heap.objects.has(old)) kfree(k, task, old);
}

/** kobject_add: the directory below its parent, else below its set, with the attributes of its type. */
function place(k: Kernel, task: Task, kobj: Vaddr, parent: Vaddr, name: string): number {
  const kset = getField(k, 'kobject', kobj, 'kset') ?? 0;
  const above = parent !== 0 ? parent : kset !== 0 ? kset + KSET_KOBJ : 0;
  const dir = above === 0 ? { tree: 'sysfs' as const, names: [] } : dirOf(k, above);
  if (!dir) return -Errno.EINVAL;
  const names = [...dir.names, name.replaceAll('/', '!')];
  const failed = addDynamic(k, 'sysfs', names, { type: 'dir', mode: 0o755 });
  if (failed < 0) return failed;
  kapiRoom(k).dirs.set(kobj, { tree: 'sysfs', names, files: [], module: callingModule(k, task) });
  setName(k, task, kobj, name);
  setField(k, 'kobject', kobj, 'parent', above);
  if (kset !== 0) {
    listAddTail(k, task, kobj + ENTRY, kset);
    reference(k, kset + KSET_KOBJ, 1);
  }
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

function init(k: Kernel, kobj: Vaddr, type: Vaddr): void {
  setField(k, 'kobject', kobj, REFS, 1);
  setField(k, 'kobject', kobj, 'ktype', type);
  writeK64(k, kobj + ENTRY, kobj + ENTRY);
  writeK64(k, kobj + ENTRY + 8, kobj + ENTRY);
}
const named = (k: Kernel, task: Task, fmt: Vaddr, first: number): string | null => {
  const pattern = loadString(k, task, fmt, 4096);
  return pattern === null ? null : format(k, task, pattern, callArgs(k, first));
};
const reference = (k: Kernel, kobj: Vaddr, change: number): number => {
  const refs = int(getField(k, 'kobject', kobj, REFS) ?? 0) + change;
  setField(k, 'kobject', kobj, REFS, refs);
  return refs;
};

kapi('kobject_init', (k, _task, [kobj, type]) => {
  init(k, kobj, type);
  return 0;
});
kapi('kobject_set_name', (k, task, [kobj, fmt]) => {
  const name = named(k, task, fmt, 2);
  if (name !== null) setName(k, task, kobj, name);
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
kapi('kobject_rename', (k, task, [kobj, at]) => {
  const dir = dirOf(k, kobj);
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const node = dir ? findDynamic(k, dir.tree, dir.names) : null;
  if (!dir || !node) return -Errno.EINVAL;
  const names = [...dir.names.slice(0, -1), name];
  const failed = addDynamic(k, dir.tree, names, { type: 'dir', mode: node.mode });
  if (failed < 0) return failed;
  const moved = findDynamic(k, dir.tree, names);
  if (moved) moved.children = node.children;
  removeDynamic(k, dir.tree, dir.names);
  const depth = dir.names.length;
  const before = dir.names.join('/');
  for (const other of kapiRoom(k).dirs.values())
    if (other.tree === dir.tree && other.names.slice(0, depth).join('/') === before)
      other.names = [...names, ...other.names.slice(depth)];
  setName(k, task, kobj, name);
  return 0;
});
/** /devices/virtual/mem/null, in memory of its own that the caller frees. */
kapi('kobject_get_path', (k, task, [kobj]) => {
  const path = `/${dirOf(k, kobj)?.names.join('/') ?? ''}`;
  const at = kmalloc(k, task, path.length + 1);
  if (at !== 0) writeKString(k, at, path);
  return at;
});

/** kobject_del: out of sysfs and out of its set. */
function unlist(k: Kernel, task: Task, kobj: Vaddr): void {
  const dir = kapiRoom(k).dirs.get(kobj);
  if (!dir) return;
  removeDir(k, kobj);
  removeDynamic(k, dir.tree, dir.names);
  const kset = getField(k, 'kobject', kobj, 'kset') ?? 0;
  if (kset === 0) return;
  listDelInit(k, task, kobj + ENTRY);
  setField(k, 'kobject', kobj, 'kset', 0);
  reference(k, kset + KSET_KOBJ, -1);
}
kapi('kobject_del', (k, task, [kobj]) => {
  unlist(k, task, kobj);
  return 0;
});
kapi('kobject_get', (k, _task, [kobj]) => {
  if (kobj !== 0) reference(k, kobj, 1);
  return kobj;
});

/** kobject_put: the last reference cleans up. */
function put(k: Kernel, task: Task, kobj: Vaddr): Outcome {
  if (kobj === 0 || pointerField(k, task, 'kobject', kobj, REFS) === null) return 0;
  if (reference(k, kobj, -1) !== 0) return 0;
  unlist(k, task, kobj);
  const name = getField(k, 'kobject', kobj, 'name') ?? 0;
  const type = getField(k, 'kobject', kobj, 'ktype') ?? 0;
  const freeName = (): void => {
    if (name !== 0 && kapiRoom(k).heap.objects.has(name)) kfree(k, task, name);
  };
  if (type === 0 || type === ksetType(k)) {
    freeName();
    kfree(k, task, type === 0 ? kobj : kobj - KSET_KOBJ);
    return 0;
  }
  const release = getField(k, 'kobj_type', type, 'release') ?? 0;
  if (release !== 0) return call(release, [kobj], { step: 'kobject.released', state: { name } });
  freeName();
  return 0;
}
defineStep('kobject.released', (k, task, { name }: { name: Vaddr }) => {
  if (name !== 0 && kapiRoom(k).heap.objects.has(name)) kfree(k, task, name);
  return 0;
});
kapi('kobject_put', (k, task, [kobj]) => put(k, task, kobj));

const ACTIONS = ['add', 'remove', 'change', 'move', 'online', 'offline', 'bind', 'unbind'];
for (const name of ['kobject_uevent', 'kobject_uevent_env'])
  kapi(name, (k, _task, [kobj, action, envp]) => {
    const dir = dirOf(k, kobj);
    const word = ACTIONS[int(action)];
    if (word === undefined) return -Errno.EINVAL;
    // What is in no set has nobody to filter and name its events (kobject_uevent_env).
    const kset = getField(k, 'kobject', kobj, 'kset') ?? 0;
    const isDevice = dir?.names[0] === 'devices' || dir?.names[0] === 'module';
    if (!dir || (kset === 0 && !isDevice)) return -Errno.EINVAL;
    const extra: string[] = [];
    for (let i = 0; name === 'kobject_uevent_env' && envp !== 0 && i < 64; i++) {
      const at = readK64(k, envp + 8 * i);
      if (!at) break;
      extra.push(readKString(k, at, 512) ?? '');
    }
    const device = k.drivers.devices.find(({ data }) => data?.address === kobj);
    const set =
      kset === 0 ? '' : (readKString(k, getField(k, 'kobject', kset + KSET_KOBJ, 'name') ?? 0, 64) ?? '');
    emitUevent(k, word, `/${dir.names.join('/')}`, device?.class ?? set, extra);
    return 0;
  });

// ── Sets ───────────────────────────────────────────────────────────────────────────────────────────────────────

function initSet(k: Kernel, kset: Vaddr): void {
  writeK64(k, kset, kset);
  writeK64(k, kset + 8, kset);
}
kapi('kset_create_and_add', (k, task, [at, ops, parent]) => {
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const kset = kmalloc(k, task, sizeOf('kset'));
  if (kset === 0) return 0;
  initSet(k, kset);
  setField(k, 'kset', kset, 'uevent_ops', ops);
  init(k, kset + KSET_KOBJ, ksetType(k));
  if (place(k, task, kset + KSET_KOBJ, parent, name) === 0) return kset;
  kfree(k, task, kset);
  return 0;
});
kapi('kset_register', (k, task, [kset]) => {
  const kobj = kset + KSET_KOBJ;
  const at = pointerField(k, task, 'kobject', kobj, 'name');
  const name = at === null || at === 0 ? null : loadString(k, task, at, 256);
  if (name === null) return at === 0 ? -Errno.EINVAL : 0;
  initSet(k, kset);
  init(k, kobj, getField(k, 'kobject', kobj, 'ktype') ?? 0);
  return place(k, task, kobj, getField(k, 'kobject', kobj, 'parent') ?? 0, name);
});
kapi('kset_unregister', (k, task, [kset]) => {
  if (kset === 0) return 0;
  unlist(k, task, kset + KSET_KOBJ);
  return put(k, task, kset + KSET_KOBJ);
});
