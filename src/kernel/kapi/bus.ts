/**
 * Buses and drivers (drivers/base/bus.c, dd.c, driver.c). Always true: a device is bound to at most one driver, whose address its struct
 * device shows; matching and probing run module code, so they are steps over a list of pairs that are still to be tried.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { fieldOf } from '../abi/structs/index.ts';
import { addDynamic, defineKernfsHandler, removeDynamic } from '../fs/kernfs-dynamic.ts';
import type { Kernel } from '../kernel.ts';
import { readKString } from '../module/kmem.ts';
import { moduleOf } from '../module/refs.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import type { Task } from '../task/types.ts';
import {
  callingModule,
  getField,
  int,
  loadString,
  pointerField,
  setField,
  since,
  unsigned,
} from './access.ts';
import { kernelSymbol } from './image.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { type Bus, type BusDriver, kapiRoom } from './room.ts';
import { addAttributes, addFile, dirOf, removeDir, removeFile } from './sysfs.ts';

const PLATFORM_DRIVER = fieldOf('platform_driver', 'driver').offset;
const PLATFORM_DEVICE = fieldOf('platform_device', 'dev').offset;
const MAX_IDS = 256;
const ID_BYTES = 32;

const up = (depth: number): string => '../'.repeat(depth);
export const isPlatform = (k: Kernel, bus: Vaddr): boolean =>
  bus !== 0 && bus === kernelSymbol(k, 'platform_bus_type');

/** The bus at an address; the platform bus is there from the first question on. */
export function busAt(k: Kernel, address: Vaddr): Bus | undefined {
  const room = kapiRoom(k);
  const known = room.buses.find((bus) => bus.address === address);
  if (known || !isPlatform(k, address)) return known;
  const bus: Bus = { address, name: 'platform', devices: [], drivers: [] };
  room.buses.push(bus);
  return bus;
}
const nameAt = (k: Kernel, device: Vaddr): string =>
  dirOf(k, device)?.names.at(-1) ?? readKString(k, getField(k, 'device', device, 'kobj.name') ?? 0, 64) ?? '';

// ── Binding ────────────────────────────────────────────────────────────────────────────────────────────────────

interface Pair {
  device: Vaddr;
  driver: Vaddr;
}
interface Binding {
  bus: Vaddr;
  left: Pair[];
  now: Pair;
  /** What the call that began it answers in the end. */
  answer: number;
}

/** Tries the pairs that are left. */
function tryNext(k: Kernel, task: Task, state: Binding): Outcome {
  for (;;) {
    const pair = state.left.shift();
    const bus = busAt(k, state.bus);
    if (!pair || !bus) return state.answer;
    if ((getField(k, 'device', pair.device, 'driver') ?? 1) !== 0) continue;
    state.now = pair;
    if (isPlatform(k, bus.address)) {
      if (platformMatch(k, pair)) return probe(k, task, state);
      continue;
    }
    const match = getField(k, 'bus_type', bus.address, 'match') ?? 0;
    if (match === 0) return probe(k, task, state);
    return call(match, [pair.device, pair.driver], { step: 'bus.matched', state });
  }
}
defineStep('bus.matched', (k, task, state: Binding, entry) =>
  entry.by === 'result' && int(entry.value) > 0 ? probe(k, task, state) : tryNext(k, task, state),
);

/** platform_match: the driver's table of ids, else its name. */
function platformMatch(k: Kernel, { device, driver }: Pair): boolean {
  const pdev = device - PLATFORM_DEVICE;
  const pdrv = driver - PLATFORM_DRIVER;
  const name = readKString(k, getField(k, 'platform_device', pdev, 'name') ?? 0, 64);
  const table = getField(k, 'platform_driver', pdrv, 'id_table') ?? 0;
  for (let i = 0; table !== 0 && i < MAX_IDS; i++) {
    const id = readKString(k, table + i * ID_BYTES, 24);
    if (!id) return false;
    if (id !== name) continue;
    setField(k, 'platform_device', pdev, 'id_entry', table + i * ID_BYTES);
    return true;
  }
  return name !== null && name === readKString(k, getField(k, 'device_driver', driver, 'name') ?? 0, 64);
}

/** really_probe. */
function probe(k: Kernel, task: Task, state: Binding): Outcome {
  const { device, driver } = state.now;
  setField(k, 'device', device, 'driver', driver);
  const platform = isPlatform(k, state.bus);
  const fn = platform
    ? (getField(k, 'platform_driver', driver - PLATFORM_DRIVER, 'probe') ?? 0)
    : getField(k, 'bus_type', state.bus, 'probe') || getField(k, 'device_driver', driver, 'probe') || 0;
  if (fn === 0) return bound(k, task, state);
  return call(fn, [platform ? device - PLATFORM_DEVICE : device], { step: 'bus.probed', state });
}
defineStep('bus.probed', (k, task, state: Binding, entry) => {
  const result = entry.by === 'result' ? int(entry.value) : -Errno.EINTR;
  if (result >= 0) return bound(k, task, state);
  const { device, driver } = state.now;
  setField(k, 'device', device, 'driver', 0);
  setField(k, 'device', device, 'driver_data', 0);
  freeManaged(k, task, device);
  if (result !== -Errno.ENODEV && result !== -Errno.ENXIO && result !== -517) {
    const name = readKString(k, getField(k, 'device_driver', driver, 'name') ?? 0, 64) ?? '';
    const text = since(k, 6, 6)
      ? `${name} ${nameAt(k, device)}: probe with driver ${name} failed with error ${result}`
      : `${name}: probe of ${nameAt(k, device)} failed with error ${result}`;
    printk(k, Level.WARNING, text);
  }
  return tryNext(k, task, state);
});
function bound(k: Kernel, task: Task, state: Binding): Outcome {
  const { device, driver } = state.now;
  const bus = busAt(k, state.bus);
  const entry = bus?.drivers.find((each) => each.address === driver);
  const at = dirOf(k, device);
  if (bus && entry && at) {
    entry.devices.push(device);
    link(k, ['bus', bus.name, 'drivers', entry.name, at.names.at(-1)!], at.names);
    link(k, [...at.names, 'driver'], ['bus', bus.name, 'drivers', entry.name]);
  }
  return tryNext(k, task, state);
}
function link(k: Kernel, from: readonly string[], to: readonly string[]): void {
  addDynamic(k, 'sysfs', from, { type: 'link', mode: 0o777, data: `${up(from.length - 1)}${to.join('/')}` });
}

/** A device was added: it is on its bus's list, and the drivers are asked. Answers `answer` in the end. */
export function attachDevice(k: Kernel, task: Task, device: Vaddr, answer: number): Outcome {
  const address = getField(k, 'device', device, 'bus') ?? 0;
  const bus = address === 0 ? undefined : busAt(k, address);
  const at = dirOf(k, device);
  if (!bus || !at) return answer;
  bus.devices.push(device);
  link(k, ['bus', bus.name, 'devices', at.names.at(-1)!], at.names);
  link(k, [...at.names, 'subsystem'], ['bus', bus.name]);
  const left = bus.drivers.map(({ address: driver }) => ({ device, driver }));
  return tryNext(k, task, { bus: bus.address, left, now: { device, driver: 0 }, answer });
}

// ── Unbinding ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Release {
  bus: Vaddr;
  driver: Vaddr;
  /** Devices whose driver is still to go. */
  left: Vaddr[];
  now: Vaddr;
}

/** Takes the driver off the devices, one after the other. */
function releaseNext(k: Kernel, task: Task, state: Release): Outcome {
  const device = state.left.shift();
  if (device === undefined) return 0;
  state.now = device;
  const platform = isPlatform(k, state.bus);
  const fn = platform
    ? (getField(k, 'platform_driver', state.driver - PLATFORM_DRIVER, 'remove') ?? 0)
    : getField(k, 'bus_type', state.bus, 'remove') ||
      getField(k, 'device_driver', state.driver, 'remove') ||
      0;
  if (fn === 0) return released(k, task, state);
  return call(fn, [platform ? device - PLATFORM_DEVICE : device], { step: 'bus.released', state });
}
defineStep('bus.released', (k, task, state: Release) => released(k, task, state));
function released(k: Kernel, task: Task, state: Release): Outcome {
  const { now: device, driver } = state;
  setField(k, 'device', device, 'driver', 0);
  setField(k, 'device', device, 'driver_data', 0);
  freeManaged(k, task, device);
  const bus = busAt(k, state.bus);
  const entry = bus?.drivers.find((each) => each.address === driver);
  const at = dirOf(k, device);
  if (bus && entry) {
    entry.devices = entry.devices.filter((each) => each !== device);
    if (at) {
      removeDynamic(k, 'sysfs', ['bus', bus.name, 'drivers', entry.name, at.names.at(-1)!]);
      removeDynamic(k, 'sysfs', [...at.names, 'driver']);
    }
  }
  return releaseNext(k, task, state);
}

/** device_release_driver and the bus's part of device_del. */
export function detachDevice(k: Kernel, task: Task, device: Vaddr, fromBus: boolean): Outcome {
  const address = getField(k, 'device', device, 'bus') ?? 0;
  const bus = address === 0 ? undefined : busAt(k, address);
  if (!bus) {
    if (fromBus) freeManaged(k, task, device);
    return 0;
  }
  const at = dirOf(k, device);
  if (fromBus) {
    bus.devices = bus.devices.filter((each) => each !== device);
    if (at) {
      removeDynamic(k, 'sysfs', ['bus', bus.name, 'devices', at.names.at(-1)!]);
      removeDynamic(k, 'sysfs', [...at.names, 'subsystem']);
    }
  }
  const driver = getField(k, 'device', device, 'driver') ?? 0;
  if (driver === 0) return 0;
  return releaseNext(k, task, { bus: address, driver, left: [device], now: 0 });
}
kapi('device_release_driver', (k, task, [device]) => detachDevice(k, task, device, false));
kapi('device_attach', (k, task, [device]) => {
  const bus = busAt(k, getField(k, 'device', device, 'bus') ?? 0);
  if (!bus) return 0;
  const left = bus.drivers.map(({ address: driver }) => ({ device, driver }));
  return tryNext(k, task, { bus: bus.address, left, now: { device, driver: 0 }, answer: 0 });
});

// ── Buses ──────────────────────────────────────────────────────────────────────────────────────────────────────

const MAX_BUSES = 256;
defineKernfsHandler('module.constant', {
  show: (_k, ctx) => (ctx.data as { text: string }).text,
  size: 4096,
});

kapi('bus_register', (k, task, [address]) => {
  const at = pointerField(k, task, 'bus_type', address, 'name');
  const name = at === null ? null : loadString(k, task, at, 64);
  if (name === null) return 0;
  const room = kapiRoom(k);
  if (room.buses.length >= MAX_BUSES) return -Errno.ENOMEM;
  const failed = addDynamic(k, 'sysfs', ['bus', name], { type: 'dir', mode: 0o755 });
  if (failed < 0) return failed;
  for (const dir of ['devices', 'drivers'])
    addDynamic(k, 'sysfs', ['bus', name, dir], { type: 'dir', mode: 0o755 });
  const data = { text: '1\n' };
  addDynamic(k, 'sysfs', ['bus', name, 'drivers_autoprobe'], {
    type: 'file',
    mode: 0o644,
    handler: 'module.constant',
    data,
  });
  room.dirs.set(address, { tree: 'sysfs', names: ['bus', name], files: [], module: callingModule(k, task) });
  room.buses.push({ address, name, devices: [], drivers: [] });
  return 0;
});
kapi('bus_unregister', (k, _task, [address]) => {
  const room = kapiRoom(k);
  const bus = room.buses.find((each) => each.address === address);
  if (!bus) return 0;
  room.buses = room.buses.filter((each) => each !== bus);
  removeDir(k, address);
  removeDynamic(k, 'sysfs', ['bus', bus.name]);
  return 0;
});
kapi('bus_create_file', (k, task, [bus, attr]) => addFile(k, task, bus, attr, '', true));
kapi('bus_remove_file', (k, task, [bus, attr]) => removeFile(k, task, bus, attr));

// ── Drivers ────────────────────────────────────────────────────────────────────────────────────────────────────

/** driver_register: the driver's directory, then a try with every device of the bus. */
export function addDriver(k: Kernel, task: Task, driver: Vaddr): Outcome {
  const at = pointerField(k, task, 'device_driver', driver, 'name');
  const name = at === null ? null : loadString(k, task, at, 64);
  const bus = busAt(k, getField(k, 'device_driver', driver, 'bus') ?? 0);
  if (name === null) return 0;
  if (!bus) return -Errno.EINVAL;
  if (bus.drivers.some((other) => other.name === name)) {
    printk(k, Level.ERR, `Error: Driver '${name}' is already registered, aborting...`);
    return -Errno.EBUSY;
  }
  const names = ['bus', bus.name, 'drivers', name];
  addDynamic(k, 'sysfs', names, { type: 'dir', mode: 0o755 });
  for (const file of ['bind', 'unbind'])
    addDynamic(k, 'sysfs', [...names, file], {
      type: 'file',
      mode: 0o200,
      handler: `module.driver.${file}`,
      data: { bus: bus.address, driver },
    });
  const owner = moduleOf(k, getField(k, 'device_driver', driver, 'owner') ?? 0);
  if (owner) link(k, [...names, 'module'], ['module', owner.name]);
  const entry: BusDriver = { address: driver, name, devices: [], module: callingModule(k, task) };
  bus.drivers.push(entry);
  kapiRoom(k).dirs.set(driver, { tree: 'sysfs', names, files: [], module: entry.module });
  const groups = getField(k, 'device_driver', driver, 'groups') ?? 0;
  if (groups !== 0) addAttributes(k, task, driver, groups);
  const left = bus.devices.map((device) => ({ device, driver }));
  return tryNext(k, task, { bus: bus.address, left, now: { device: 0, driver }, answer: 0 });
}
kapi('driver_register', (k, task, [driver]) => addDriver(k, task, driver));

/** driver_unregister: off all its devices, then its directory goes. */
export function removeDriver(k: Kernel, task: Task, driver: Vaddr): Outcome {
  const bus = busAt(k, getField(k, 'device_driver', driver, 'bus') ?? 0);
  const entry = bus?.drivers.find((each) => each.address === driver);
  if (!bus || !entry) return 0;
  const outcome = releaseNext(k, task, { bus: bus.address, driver, left: [...entry.devices], now: 0 });
  if (typeof outcome === 'number') return forgetDriver(k, bus.address, driver);
  if (outcome.kind !== 'call') return outcome;
  const last = { step: 'bus.driver.gone', state: { bus: bus.address, driver } };
  return { ...outcome, then: [last, ...outcome.then] };
}
function forgetDriver(k: Kernel, address: Vaddr, driver: Vaddr): number {
  const bus = busAt(k, address);
  const entry = bus?.drivers.find((each) => each.address === driver);
  if (!bus || !entry) return 0;
  bus.drivers = bus.drivers.filter((each) => each !== entry);
  removeDir(k, driver);
  removeDynamic(k, 'sysfs', ['bus', bus.name, 'drivers', entry.name]);
  return 0;
}
defineStep('bus.driver.gone', (k, _task, { bus, driver }: { bus: Vaddr; driver: Vaddr }) =>
  forgetDriver(k, bus, driver),
);
kapi('driver_unregister', (k, task, [driver]) => removeDriver(k, task, driver));
kapi('driver_create_file', (k, task, [driver, attr]) => addFile(k, task, driver, attr, '', true));
kapi('driver_remove_file', (k, task, [driver, attr]) => removeFile(k, task, driver, attr));

for (const bind of [true, false])
  defineKernfsHandler(`module.driver.${bind ? 'bind' : 'unbind'}`, {
    size: 4096,
    strict: true,
    store(k, task, ctx, text): Outcome {
      const { bus: address, driver } = ctx.data as { bus: Vaddr; driver: Vaddr };
      const device = busAt(k, address)?.devices.find((each) => nameAt(k, each) === text.trim());
      const now = device === undefined ? 0 : (getField(k, 'device', device, 'driver') ?? 0);
      if (device === undefined || (bind ? now !== 0 : now !== driver)) return -Errno.ENODEV;
      if (bind)
        return tryNext(k, task, {
          bus: address,
          left: [{ device, driver }],
          now: { device, driver },
          answer: text.length,
        });
      const outcome = releaseNext(k, task, { bus: address, driver, left: [device], now: 0 });
      if (typeof outcome === 'number') return text.length;
      const last = { step: 'bus.unbound', state: { answer: text.length } };
      return outcome.kind === 'call' ? { ...outcome, then: [last, ...outcome.then] } : outcome;
    },
  });
defineStep('bus.unbound', (_k, _task, { answer }: { answer: number }) => answer);

// ── Memory that goes with a driver ─────────────────────────────────────────────────────────────────────────────

/** devm_kmalloc: freed when the driver lets the device go. */
for (const name of ['devm_kmalloc', 'devm_kzalloc'])
  kapi(name, (k, task, [device, size]) => {
    const address = kmalloc(k, task, unsigned(size));
    const { managed } = kapiRoom(k);
    if (address !== 0) managed.set(device, [...(managed.get(device) ?? []), address]);
    return address;
  });
kapi('devm_kfree', (k, task, [device, address]) => {
  const { managed } = kapiRoom(k);
  managed.set(
    device,
    (managed.get(device) ?? []).filter((each) => each !== address),
  );
  kfree(k, task, address);
  return 0;
});
export function freeManaged(k: Kernel, task: Task, device: Vaddr): void {
  const { managed } = kapiRoom(k);
  for (const address of managed.get(device)?.reverse() ?? []) kfree(k, task, address);
  managed.delete(device);
}
