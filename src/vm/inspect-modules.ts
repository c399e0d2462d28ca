/**
 * Modules, memory they own and reports of faults as typed JSON. Always true: looking changes nothing; what a module forgot to give
 * back is shown under its name for as long as it is not given back, even after the module is gone.
 */

import { allocations } from '../kernel/kapi/memory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { showParam } from '../kernel/module/params.ts';
import { moduleAt } from '../kernel/module/symbols.ts';
import { taintLetters } from '../kernel/module/taint.ts';
import type { LoadedModule } from '../kernel/module/types.ts';
import { backtrace, hex64, placeLine, registersOf, symbolic } from '../kernel/panic/trace.ts';
import type { Task } from '../kernel/task/types.ts';

export interface AllocationView {
  address: string;
  /** Bytes asked for, and bytes taken. */
  size: number;
  room: number;
  kind: string;
  cache: string;
  /** The code that asked for it, and the module that was. */
  caller: string;
  module: string | null;
  timeNs: number;
  tid: number;
}

export interface ModuleView {
  name: string;
  state: string;
  address: string;
  size: number;
  initSize: number;
  refcount: number;
  users: string[];
  uses: string[];
  license: string;
  taints: string;
  /** `value` is null when only the module's own code can tell it. */
  parameters: { name: string; mode: number; value: string | null }[];
  sections: { name: string; address: string; size: number }[];
  symbols: { name: string; address: string; size: number; type: string }[];
  exports: { name: string; address: string; gplOnly: boolean }[];
  allocations: AllocationView[];
  chrdevs: { major: number; baseMinor: number; count: number; name: string }[];
  classes: string[];
  devices: string[];
  procEntries: string[];
  timers: { address: string; kind: string; atNs: number | null }[];
  threads: { tid: number; comm: string }[];
}

const within = (k: Kernel, module: LoadedModule, address: number): boolean =>
  address !== 0 && moduleAt(k, address) === module;

export function allocationViews(k: Kernel): AllocationView[] {
  return allocations(k).map(({ address, size, room, kind, cache, caller, module, timeNs, tid }) => ({
    address: hex64(address),
    size,
    room,
    kind,
    cache,
    caller: symbolic(k, caller),
    module,
    timeNs,
    tid,
  }));
}

/** What a task is inside of in the kernel, innermost first, as /proc/PID/stack would say; empty in user mode. */
export function kernelStack(k: Kernel, task: Task): string[] {
  if (task.state === 'zombie' || (task.state === 'running' && (task.kernelMode?.depth ?? 0) === 0)) return [];
  const waits = task.state === 'sleeping';
  return backtrace(k, task, registersOf(k, task), waits).map(placeLine);
}

/** Whether module code is on the task's kernel stack. */
const runs = (k: Kernel, task: Task, module: LoadedModule): boolean =>
  (task.kernelMode?.depth ?? 0) > 0 &&
  backtrace(k, task, registersOf(k, task), task.state === 'sleeping').some(
    (place) => place.module === module.name,
  );

function parameterViews(k: Kernel, module: LoadedModule): ModuleView['parameters'] {
  return module.params.map(({ name, address, mode }) => {
    const value = showParam(k, address);
    return { name, mode, value: typeof value === 'string' ? value.replace(/\n$/, '') : null };
  });
}

function moduleView(k: Kernel, module: LoadedModule, owned: readonly AllocationView[]): ModuleView {
  const made = (address: number): boolean =>
    within(k, module, address) ||
    owned.some((each) => each.module === module.name && each.address === hex64(address));
  const classes = [...(k.kapi?.classes ?? [])].filter(([address]) => made(address)).map(([, name]) => name);
  const cdevs = (k.kapi?.cdevs ?? []).filter(
    (cdev) => cdev.owner === module.address || within(k, module, cdev.fops) || made(cdev.cdev),
  );
  const named = (major: number, minor: number): string =>
    k.drivers.chrdevs.find(
      (region) =>
        region.major === major && minor >= region.baseMinor && minor < region.baseMinor + region.count,
    )?.name ?? '';
  const ofClass = (device: Kernel['drivers']['devices'][number]): boolean =>
    (device.class !== null && classes.includes(device.class)) ||
    cdevs.some(
      ({ major, baseMinor, count }) =>
        device.rdev !== 0 &&
        !device.block &&
        ((device.rdev >> 8) & 0xfff) === major &&
        (device.rdev & 0xff) >= baseMinor &&
        (device.rdev & 0xff) < baseMinor + count,
    );
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
    parameters: parameterViews(k, module),
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
    allocations: owned.filter((each) => each.module === module.name),
    chrdevs: cdevs.map(({ major, baseMinor, count }) => ({
      major,
      baseMinor,
      count,
      name: named(major, baseMinor),
    })),
    classes,
    devices: k.drivers.devices.filter(ofClass).map(({ name }) => name),
    procEntries: procNames(k, module),
    timers: [...k.tasking.timers]
      .filter(([address]) => within(k, module, address))
      .map(([address, { id, kind }]) => ({
        address: hex64(address),
        kind,
        atNs: k.time.heap.find((timer) => timer.id === id)?.atNs ?? null,
      })),
    threads: [...k.task.tasks.values()]
      .filter((task) => task.kthread && runs(k, task, module))
      .map(({ tid, comm }) => ({ tid, comm })),
  };
}

const procNames = (k: Kernel, module: LoadedModule): string[] =>
  [...(k.kapi?.procs.values() ?? [])]
    .filter(({ ops, data }) => within(k, module, ops) || within(k, module, data))
    .map(({ names }) => `/proc/${names.join('/')}`);

/** Every loaded module with what it still holds. */
export function moduleViews(k: Kernel): ModuleView[] {
  const owned = allocationViews(k);
  return k.module.modules.map((module) => moduleView(k, module, owned));
}

/** Allocations of modules that are gone: leaks. */
export function leakedViews(k: Kernel): AllocationView[] {
  const loaded = new Set(k.module.modules.map(({ name }) => name));
  return allocationViews(k).filter(({ module }) => module !== null && !loaded.has(module));
}
