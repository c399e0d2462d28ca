/**
 * Platform devices and drivers (drivers/base/platform.c). Always true: a platform device lies below /sys/devices/platform and is named
 * by name and id; what platform_device_alloc made is freed with its last reference.
 */
import './bus-walk.ts';
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf } from '../abi/structs/index.ts';
import type { Kernel } from '../kernel.ts';
import { readK, writeK, writeKString } from '../module/kmem.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { getField, int, loadString, pointerField, setField, sizeOf, uint } from './access.ts';
import { addDriver, removeDriver } from './bus.ts';
import { add, delDevice, putDevice } from './device.ts';
import { kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';

const DEV = fieldOf('platform_device', 'dev').offset;
const DRIVER = fieldOf('platform_driver', 'driver').offset;
const REFS = 'kobj.kref.refcount.refs.counter';
const ID = { NONE: -1, AUTO: -2 } as const;
const MAX_RESOURCES = 256;

/** platform_device_add. */
function addPlatform(k: Kernel, task: Task, pdev: Vaddr, callers: readonly string[]): Outcome {
  const at = pointerField(k, task, 'platform_device', pdev, 'name');
  const name = at === null ? null : loadString(k, task, at, 64);
  if (name === null) return 0;
  const device = pdev + DEV;
  const id = int(getField(k, 'platform_device', pdev, 'id') ?? ID.NONE);
  const auto = id === ID.AUTO ? `.${freeId(k, name)}.auto` : '';
  const full = id === ID.NONE ? name : id === ID.AUTO ? `${name}${auto}` : `${name}.${id}`;
  const room = kmalloc(k, task, full.length + 1);
  if (room === 0) return -Errno.ENOMEM;
  writeKString(k, room, full);
  setField(k, 'device', device, 'kobj.name', room);
  setField(k, 'device', device, 'bus', kernelSymbol(k, 'platform_bus_type'));
  return add(k, task, device, callers);
}
function freeId(k: Kernel, name: string): number {
  let id = 0;
  while (k.drivers.devices.some(({ devpath }) => devpath === `platform/${name}.${id}.auto`)) id++;
  return id;
}
kapi('platform_device_register', (k, task, [pdev]) => {
  setField(k, 'device', pdev + DEV, REFS, 1);
  return addPlatform(k, task, pdev, ['platform_device_add+0xf0/0x20c', 'platform_device_register+0x5e/0x6c']);
});
kapi('platform_device_add', (k, task, [pdev]) =>
  addPlatform(k, task, pdev, ['platform_device_add+0xf0/0x20c']),
);
kapi('platform_device_del', (k, task, [pdev]) => (pdev === 0 ? 0 : delDevice(k, task, pdev + DEV, false)));
kapi('platform_device_put', (k, task, [pdev]) => (pdev === 0 ? 0 : putDevice(k, task, pdev + DEV)));
kapi('platform_device_unregister', (k, task, [pdev]) => {
  if (pdev === 0 || (pdev < 0 && pdev >= -4095)) return 0;
  return delDevice(k, task, pdev + DEV, true);
});

/** platform_device_release: what {@link allocate} made goes in one piece with its resources. */
kapi('platform_device_release', (k, task, [device]) => {
  const pdev = device - DEV;
  const resources = getField(k, 'platform_device', pdev, 'resource') ?? 0;
  if (resources !== 0) kfree(k, task, resources);
  kfree(k, task, pdev);
  return 0;
});
function allocate(k: Kernel, task: Task, at: Vaddr, id: number): Vaddr {
  const name = loadString(k, task, at, 64);
  const size = sizeOf('platform_device');
  const pdev = name === null ? 0 : kmalloc(k, task, size + name.length + 1);
  if (pdev === 0 || name === null) return 0;
  writeKString(k, pdev + size, name);
  setField(k, 'platform_device', pdev, 'name', pdev + size);
  setField(k, 'platform_device', pdev, 'id', id);
  setField(k, 'device', pdev + DEV, REFS, 1);
  setField(k, 'device', pdev + DEV, 'release', kernelSymbol(k, 'platform_device_release'));
  return pdev;
}
kapi('platform_device_alloc', (k, task, [name, id]) => allocate(k, task, name, int(id)));
kapi('__platform_device_register_simple', (k, task, [name, id, res, num]) => {
  const pdev = allocate(k, task, name, int(id));
  if (pdev === 0) return -Errno.ENOMEM;
  const count = Math.min(uint(num), MAX_RESOURCES);
  const bytes = res === 0 || count === 0 ? null : readK(k, res, count * sizeOf('resource'));
  if (bytes) {
    const copy = kmalloc(k, task, bytes.length);
    if (copy !== 0) writeK(k, copy, bytes);
    setField(k, 'platform_device', pdev, 'resource', copy);
    setField(k, 'platform_device', pdev, 'num_resources', count);
  }
  const outcome = addPlatform(k, task, pdev, []);
  if (typeof outcome === 'number') return outcome < 0 ? outcome : pdev;
  const last = { step: 'platform.added', state: { pdev } };
  return outcome.kind === 'call' ? { ...outcome, then: [last, ...outcome.then] } : outcome;
});
defineStep('platform.added', (_k, _task, { pdev }: { pdev: Vaddr }, entry) =>
  entry.by === 'result' && entry.value < 0 ? entry.value : pdev,
);

kapi('__platform_driver_register', (k, task, [driver, owner]) => {
  setField(k, 'device_driver', driver + DRIVER, 'owner', owner);
  setField(k, 'device_driver', driver + DRIVER, 'bus', kernelSymbol(k, 'platform_bus_type'));
  return addDriver(k, task, driver + DRIVER);
});
kapi('platform_driver_unregister', (k, task, [driver]) => removeDriver(k, task, driver + DRIVER));

const IORESOURCE_TYPE_BITS = 0x1f00;
const IORESOURCE_IRQ = 0x400;
function resource(k: Kernel, pdev: Vaddr, type: number, index: number): Vaddr {
  const base = getField(k, 'platform_device', pdev, 'resource') ?? 0;
  const count = Math.min(uint(getField(k, 'platform_device', pdev, 'num_resources') ?? 0), MAX_RESOURCES);
  let left = index;
  for (let i = 0; base !== 0 && i < count; i++) {
    const at = base + i * sizeOf('resource');
    if (((getField(k, 'resource', at, 'flags') ?? 0) & IORESOURCE_TYPE_BITS) === type && left-- === 0)
      return at;
  }
  return 0;
}
kapi('platform_get_resource', (k, _task, [pdev, type, index]) => resource(k, pdev, uint(type), uint(index)));
kapi('platform_get_irq', (k, _task, [pdev, index]) => {
  const at = resource(k, pdev, IORESOURCE_IRQ, uint(index));
  return at === 0 ? -Errno.ENXIO : (getField(k, 'resource', at, 'start') ?? -Errno.ENXIO);
});
