/**
 * The device tree and what modules that are gone have left in the kernel. Always true: looking changes nothing; what a module
 * registered is under the name of the module whose code registered it.
 */
import { allocations } from '../kernel/kapi/memory.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { hex64 } from '../kernel/panic/trace.ts';
import { moduleOfCode } from './inspect-code.ts';
import type { ChrdevView, DevicesView, DeviceView, LeftoverView } from './inspect-schema.ts';

export const chrdevViews = (k: Kernel): ChrdevView[] =>
  k.drivers.chrdevs.map(({ major, baseMinor, count, name, module }) => ({
    major,
    baseMinor,
    count,
    name,
    module: module ?? null,
  }));

const deviceViews = (k: Kernel): DeviceView[] =>
  k.drivers.devices.map(({ name, devpath, class: className, block, rdev, node, mode, module }) => ({
    name,
    path: devpath,
    class: className,
    block,
    major: rdev === 0 ? null : (rdev >> 8) & 0xfff,
    minor: rdev === 0 ? null : (rdev & 0xff) | ((rdev >> 12) & ~0xff),
    node,
    mode,
    module: module ?? null,
  }));

/** What is still there of modules that are not. */
export function leftoverViews(k: Kernel): LeftoverView[] {
  const loaded = new Set<string | null | undefined>(k.module.modules.map(({ name }) => name));
  const left: LeftoverView[] = [];
  const add = (kind: LeftoverView['kind'], name: string, module: string | null | undefined): void => {
    if (module !== null && module !== undefined && !loaded.has(module)) left.push({ kind, name, module });
  };
  for (const each of allocations(k))
    add('allocation', `${each.size} bytes at ${hex64(each.address)}`, each.module);
  for (const { major, name, module } of k.drivers.chrdevs) add('chrdev', `${major} ${name}`, module);
  for (const { name, owner } of k.drivers.classes) add('class', name, owner);
  for (const { devpath, module } of k.drivers.devices) add('device', devpath, module);
  for (const { names, module } of k.kapi?.procs.values() ?? [])
    add('proc', `/proc/${names.join('/')}`, module);
  for (const { tree, names, module } of k.kapi?.dirs.values() ?? [])
    if (tree === 'debugfs' || !['class', 'devices'].includes(names[0]))
      add('sysfs', `${tree === 'debugfs' ? '/sys/kernel/debug' : '/sys'}/${names.join('/')}`, module);
  for (const { tid, module } of k.tasking.kthreads.values()) {
    const task = k.task.tasks.get(tid);
    if (task && task.state !== 'zombie') add('thread', `${task.comm} (${tid})`, module);
  }
  for (const { name, module } of k.tasking.workqueues.values()) add('workqueue', name, module);
  for (const [irq, actions] of k.tasking.irqs)
    for (const { handler, name } of actions)
      if (moduleOfCode(k, handler) === undefined)
        left.push({ kind: 'irq', name: `${irq} ${name}`, module: null });
  return left;
}

/** /proc/devices, /sys/class and /sys/devices. */
export function devicesView(k: Kernel): DevicesView {
  const devices = deviceViews(k);
  return {
    chrdevs: chrdevViews(k),
    classes: k.drivers.classes.map(({ name, owner }) => ({
      name,
      module: owner,
      devices: devices.filter((device) => device.class === name).map((device) => device.name),
    })),
    devices,
    leftovers: leftoverViews(k),
  };
}
