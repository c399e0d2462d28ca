/**
 * Files and directories of modules in /proc (fs/proc/generic.c). Always true: an entry is a dynamic node of the tree that holds the
 * address of its struct proc_dir_entry; removing it releases the files that are open, so that no call reaches the module later.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { treeOf } from '../fs/kernfs.ts';
import { addDynamic, defineKernfsHandler, findDynamic, removeDynamic } from '../fs/kernfs-dynamic.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readK64 } from '../module/kmem.ts';
import { andThen, defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { callingModule, fieldAddress, getField, loadString, setField, since } from './access.ts';
import { dropFilp, inodeOf, makeFilp, moduleFile, openModuleFile, release } from './filp.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kernelWarn } from './report.ts';
import { kapiRoom, type ProcEntry } from './room.ts';
import { closeSeq, openSeq, openSingle } from './seqfile.ts';

const MODE = 0o7777;

/** Names from the root for a name that may have slashes, below a parent entry. Null: no such parent. */
function namesFor(k: Kernel, parent: Vaddr, name: string): string[] | null {
  const above = parent === 0 ? [] : kapiRoom(k).procs.get(parent)?.names;
  return above ? [...above, ...name.split('/').filter((part) => part !== '')] : null;
}

function addEntry(
  k: Kernel,
  task: Task,
  at: Vaddr,
  mode: number,
  parent: Vaddr,
  init: Partial<ProcEntry> & { kind: ProcEntry['kind'] },
  creator: string,
  target = '',
): number {
  const name = loadString(k, task, at, 256);
  const names = name === null ? null : namesFor(k, parent, name);
  if (!names || names.length === 0) return 0;
  const handle = kmalloc(k, task, 128);
  if (handle === 0) return 0;
  const declared = names.length === 1 && treeOf('proc').root.children.has(names[0]);
  const type = init.kind === 'dir' ? 'dir' : init.kind === 'link' ? 'link' : 'file';
  const failed = declared
    ? -Errno.EEXIST
    : addDynamic(k, 'proc', names, {
        type,
        mode,
        handler: type === 'file' ? 'module.proc' : '',
        data: type === 'link' ? target : { entry: handle },
      });
  if (failed < 0) {
    const text = `proc_dir_entry '${names.length > 1 ? names[names.length - 2] : '/proc'}/${names[names.length - 1]}' already registered`;
    const place = { file: 'fs/proc/generic.c:399', symbol: 'proc_register+0x142/0x1d6' };
    kernelWarn(k, task, place, text);
    void creator;
    kfree(k, task, handle);
    return 0;
  }
  kapiRoom(k).heap.objects.delete(handle);
  kapiRoom(k).procs.set(handle, {
    names,
    ops: 0,
    data: 0,
    stateSize: 0,
    module: callingModule(k, task),
    ...init,
  });
  return handle;
}

/** A mode without permission bits means 0444 for files, 0555 for directories. */
const fileMode = (mode: number): number => ((mode & MODE) === 0 ? 0o444 : mode & MODE);

const createOps = (k: Kernel, task: Task, args: readonly number[], data: number): number =>
  addEntry(
    k,
    task,
    args[0],
    fileMode(args[1]),
    args[2],
    { kind: 'ops', ops: args[3], data },
    'proc_create_data',
  );
kapi('proc_create', (k, task, args) => createOps(k, task, args, 0));
kapi('proc_create_data', (k, task, args) => createOps(k, task, args, args[4]));
kapi('proc_create_seq_private', (k, task, [at, mode, parent, ops, stateSize, data]) =>
  addEntry(
    k,
    task,
    at,
    fileMode(mode),
    parent,
    { kind: 'seq', ops, data, stateSize: stateSize >>> 0 },
    'proc_create_seq_private',
  ),
);
kapi('proc_create_single_data', (k, task, [at, mode, parent, show, data]) =>
  addEntry(
    k,
    task,
    at,
    fileMode(mode),
    parent,
    { kind: 'single', ops: show, data },
    'proc_create_single_data',
  ),
);
kapi('proc_mkdir', (k, task, [at, parent]) =>
  addEntry(k, task, at, 0o555, parent, { kind: 'dir' }, 'proc_mkdir'),
);
kapi('proc_mkdir_mode', (k, task, [at, mode, parent]) =>
  addEntry(k, task, at, mode & MODE || 0o555, parent, { kind: 'dir' }, 'proc_mkdir_mode'),
);
kapi('proc_mkdir_data', (k, task, [at, mode, parent, data]) =>
  addEntry(k, task, at, mode & MODE || 0o555, parent, { kind: 'dir', data }, 'proc_mkdir_data'),
);
kapi('proc_symlink', (k, task, [at, parent, target]) => {
  const text = loadString(k, task, target, 4096);
  return text === null ? 0 : addEntry(k, task, at, 0o777, parent, { kind: 'link' }, 'proc_symlink', text);
});
kapi('proc_set_size', (k, _task, [entry, size]) => {
  const names = kapiRoom(k).procs.get(entry)?.names;
  const node = names && findDynamic(k, 'proc', names);
  if (node) node.data = { ...node.data, fileSize: size };
  return 0;
});
kapi('proc_set_user', (k, _task, [entry, uid, gid]) => {
  const names = kapiRoom(k).procs.get(entry)?.names;
  const node = names && findDynamic(k, 'proc', names);
  if (node) node.data = { ...node.data, uid: uid >>> 0, gid: gid >>> 0 };
  return 0;
});
for (const name of ['PDE_DATA', 'pde_data'])
  kapi(
    name,
    (k, task, [inode]) =>
      readK64(k, fieldAddress('inode', inode, 'i_private')) ?? (loadString(k, task, inode, 1) ? 0 : 0),
  );

// ── Opening ────────────────────────────────────────────────────────────────────────────────────────────────────

defineKernfsHandler('module.proc', {
  open(k, task, file, ctx): Outcome {
    const handle = (ctx.data as { entry: Vaddr }).entry;
    const entry = kapiRoom(k).procs.get(handle);
    if (!entry) return -Errno.ENOENT;
    const modern = since(k, 5, 6);
    const style = modern ? 'proc_ops' : 'file_operations';
    const ops = entry.kind === 'ops' ? entry.ops : 0;
    if (entry.kind === 'ops' && ops === 0) return -Errno.EINVAL;
    if (!makeFilp(k, task, file, { fops: modern ? 0 : ops, style, ops, entry: handle })) return -Errno.ENOMEM;
    setField(k, 'inode', inodeOf(k, file), 'i_private', entry.data);
    if (entry.kind === 'ops') {
      const outcome = openModuleFile(k, task, file);
      if (typeof outcome === 'number' && outcome !== 0) dropFilp(k, task, file);
      return outcome;
    }
    file.kind = 'module.seq';
    const { filp } = moduleFile(file);
    const failed =
      entry.kind === 'single'
        ? openSingle(k, task, filp, entry.ops, entry.data)
        : openSeq(k, task, filp, entry.ops, entry.stateSize);
    if (failed < 0) dropFilp(k, task, file);
    else if (entry.kind === 'seq' && entry.stateSize === 0) {
      const m = getField(k, 'file', filp, 'private_data') ?? 0;
      setField(k, 'seq_file', m, 'private', 0);
    }
    return failed;
  },
});

// ── Removing ───────────────────────────────────────────────────────────────────────────────────────────────────

/** Every open file of the VM that was opened from one of these entries. */
function openFiles(k: Kernel, entries: ReadonlySet<Vaddr>): File[] {
  const found = new Set<File>();
  for (const task of k.task.tasks.values())
    for (const fd of task.files.fds) {
      const file = fd?.file;
      if (
        file &&
        (file.kind === 'module' || file.kind === 'module.seq') &&
        entries.has(moduleFile(file).entry)
      )
        found.add(file);
    }
  return [...found];
}

/** Takes an entry and all below it away. */
function remove(k: Kernel, task: Task, names: readonly string[]): Outcome {
  const { procs } = kapiRoom(k);
  const gone = new Set<Vaddr>();
  for (const [handle, entry] of procs)
    if (names.every((name, i) => entry.names[i] === name)) gone.add(handle);
  removeDynamic(k, 'proc', names);
  const files = openFiles(k, gone);
  for (const handle of gone) {
    procs.delete(handle);
    kfree(k, task, handle);
  }
  return releaseAll(k, task, { files });
}
/** proc_entry_rundown: what is open is released now, by the task that removes. */
function releaseAll(k: Kernel, task: Task, state: { files: File[] }): Outcome {
  for (;;) {
    const file = state.files.pop();
    if (!file) return 0;
    const outcome = file.kind === 'module.seq' ? closeSeq(k, task, file) : release(k, task, file);
    if (typeof outcome !== 'number')
      return andThen(k, task, outcome, { step: 'module.proc.released', state });
  }
}
defineStep('module.proc.released', (k, task, state: { files: File[] }) => releaseAll(k, task, state));

for (const name of ['remove_proc_entry', 'remove_proc_subtree'])
  kapi(name, (k, task, [at, parent]) => {
    const text = loadString(k, task, at, 256);
    const names = text === null ? null : namesFor(k, parent, text);
    if (!names) return 0;
    const known = [...kapiRoom(k).procs.values()].some((entry) => entry.names.join('/') === names.join('/'));
    if (!known) {
      if (name === 'remove_proc_entry')
        kernelWarn(
          k,
          task,
          { file: 'fs/proc/generic.c:711', symbol: 'remove_proc_entry+0x152/0x16c' },
          `name '${names[names.length - 1]}'`,
        );
      return name === 'remove_proc_subtree' ? -Errno.ENOENT : 0;
    }
    return remove(k, task, names);
  });
kapi('proc_remove', (k, task, [entry]) => {
  const names = entry === 0 ? undefined : kapiRoom(k).procs.get(entry)?.names;
  return names ? remove(k, task, names) : 0;
});
