/**
 * Modules with what they hold as inspect shows them. Always true: looking changes nothing; what a module registered is under the
 * name of the module whose code registered it, for as long as it is not taken back.
 */
import { fieldOf } from '../kernel/abi/structs/index.ts';
import { functionAt } from '../kernel/kapi/image.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { readK64 } from '../kernel/module/kmem.ts';
import { showParam } from '../kernel/module/params.ts';
import { taintLetters } from '../kernel/module/taint.ts';
import type { LoadedModule } from '../kernel/module/types.ts';
import { hex64, symbolic } from '../kernel/panic/trace.ts';
import { kernelPlaces, moduleOfCode } from './inspect-code.ts';
import { chrdevViews } from './inspect-devices.ts';
import { allocationViews } from './inspect-memory.ts';
import type { ModuleSummary, ModuleView, TimerView } from './inspect-schema.ts';

function moduleSummary(k: Kernel, module: LoadedModule): ModuleSummary {
  return {
    name: module.name,
    state: module.state,
    address: hex64(module.textBase),
    size: module.coreSize,
    initSize: module.initSize,
    refcount: module.refcnt,
    users: k.module.modules.filter(({ uses }) => uses.includes(module.name)).map(({ name }) => name),
    uses: [...module.uses],
    license: module.license,
    taints: taintLetters(module.taints),
    loadedNs: module.loadedNs,
  };
}

const parameterViews = (k: Kernel, module: LoadedModule): ModuleView['parameters'] =>
  module.params.map(({ name, address, mode }) => {
    const value = showParam(k, address);
    return { name, mode, value: typeof value === 'string' ? value.replace(/\n$/, '') : null };
  });

/** Directories, attribute files and debugfs entries: those it made, and those whose functions are its own. */
function sysfsPaths(k: Kernel, module: LoadedModule): string[] {
  const paths: string[] = [];
  for (const { tree, names, files, module: maker } of k.kapi?.dirs.values() ?? []) {
    const path = `${tree === 'debugfs' ? '/sys/kernel/debug' : '/sys'}/${names.join('/')}`;
    if (maker === module.name) paths.push(path, ...files.map((file) => `${path}/${file}`));
  }
  return paths;
}

function timerViews(k: Kernel, module: LoadedModule): TimerView[] {
  const views: TimerView[] = [];
  for (const [address, { id, kind }] of k.tasking.timers) {
    const field = fieldOf(kind === 'timer' ? 'timer_list' : 'hrtimer', 'function').offset;
    const fn = readK64(k, address + field) ?? 0;
    if (moduleOfCode(k, fn) !== module && moduleOfCode(k, address) !== module) continue;
    const atNs = k.time.heap.find((timer) => timer.id === id)?.atNs ?? null;
    views.push({ address: hex64(address), kind, function: symbolic(k, fn), atNs });
  }
  return views;
}

/** Kernel threads that its code made or that are inside its code. */
function threadViews(k: Kernel, module: LoadedModule): ModuleView['threads'] {
  const made = new Set<number>();
  for (const { tid, module: maker, result } of k.tasking.kthreads.values())
    if (maker === module.name && result === null) made.add(tid);
  return [...k.task.tasks.values()]
    .filter((task) => task.kthread && task.state !== 'zombie' && task.state !== 'dead')
    .filter(
      (task) =>
        made.has(task.tid) ||
        ((task.kernelMode?.depth ?? 0) > 0 && kernelPlaces(k, task).some((at) => at.module === module.name)),
    )
    .map(({ tid, comm }) => ({ tid, comm }));
}

/** Open files that hold a reference on it. */
function openFiles(k: Kernel, module: LoadedModule): ModuleView['openFiles'] {
  const files: ModuleView['openFiles'] = [];
  for (const group of k.task.groups.values())
    k.task.tasks.get(group.pid)?.files.fds.forEach((entry, fd) => {
      const owners =
        entry?.file.kind === 'module' ? (entry.file.data?.owners as number[] | undefined) : undefined;
      if (entry && owners?.includes(module.address))
        files.push({ pid: group.pid, fd, path: entry.file.path?.dentry.name ?? entry.file.label });
    });
  return files;
}

function moduleView(k: Kernel, module: LoadedModule): ModuleView {
  const by = ({ module: maker }: { module?: string | null }): boolean => maker === module.name;
  return {
    ...moduleSummary(k, module),
    parameters: parameterViews(k, module),
    info: module.modinfo.map(([key, value]) => ({ key, value })),
    sections: module.sections.map(({ name, address, size }) => ({ name, address: hex64(address), size })),
    symbols: module.symbols.map(({ name, address, size, type }) => ({
      name,
      address: hex64(address),
      size,
      type,
    })),
    exports: module.exports.map(({ name, address, gpl }) => ({
      name,
      address: hex64(address),
      gplOnly: gpl,
    })),
    allocations: allocationViews(k, module.name),
    chrdevs: chrdevViews(k).filter(by),
    classes: k.drivers.classes.filter(({ owner }) => owner === module.name).map(({ name }) => name),
    devices: k.drivers.devices.filter(by).map(({ name }) => name),
    procEntries: [...(k.kapi?.procs.values() ?? [])]
      .filter(by)
      .map(({ names }) => `/proc/${names.join('/')}`),
    sysfsEntries: sysfsPaths(k, module),
    timers: timerViews(k, module),
    threads: threadViews(k, module),
    workqueues: [...k.tasking.workqueues.values()].filter(by).map(({ name }) => name),
    irqs: [...k.tasking.irqs]
      .filter(([, actions]) => actions.some(({ handler }) => moduleOfCode(k, handler) === module))
      .map(([irq]) => irq),
    probes: [...k.tasking.kprobes]
      .filter(([, probes]) => probes.some((probe) => moduleOfCode(k, probe) === module))
      .map(([address]) => functionAt(k, address)?.name ?? hex64(address)),
    openFiles: openFiles(k, module),
  };
}

/** Every loaded module, the newest first. */
export const moduleSummaries = (k: Kernel): ModuleSummary[] =>
  k.module.modules.map((module) => moduleSummary(k, module));

/** Every loaded module with what it holds. */
export const moduleViews = (k: Kernel): ModuleView[] =>
  k.module.modules.map((module) => moduleView(k, module));

/** One loaded module; null when it is not loaded. */
export function moduleViewOf(k: Kernel, name: string): ModuleView | null {
  const module = k.module.modules.find((each) => each.name === name);
  return module ? moduleView(k, module) : null;
}
