/**
 * Devices of modules (drivers/base/core.c). Always true: struct device is in guest memory;
 * what it shows in /sys and /dev is in the drivers room, found by the address kept in the device's data.
 */
import './class.ts';
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { registerDevice, unregisterDevice } from '../drivers/device.ts';
import type { Device } from '../drivers/types.ts';
import { makedev } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, readKString, writeK64, writeKString } from '../module/kmem.ts';
import { call } from '../module/runtime.ts';
import { defineStep, type Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import {
  callingModule,
  fieldAddress,
  getField,
  int,
  loadString,
  pointerField,
  setField,
  sizeOf,
  uint,
} from './access.ts';
import { attachDevice, detachDevice, isPlatform } from './bus.ts';
import { addCdev, delCdev } from './chrdev.ts';
import { duplicateName } from './class.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kernelWarn } from './report.ts';
import { kapiRoom } from './room.ts';
import { addAttributes, addFile, removeDir, removeFile } from './sysfs.ts';
import { callArgs, format } from './vsprintf.ts';

/** dev_t of the kernel as user space has it. */
const userDev = (devt: number): number => makedev(devt >>> 20, devt & 0xfffff);

export const deviceAt = (k: Kernel, address: Vaddr): Device | undefined =>
  k.drivers.devices.find((device) => device.data?.address === address);

interface Adding {
  device: Vaddr;
  name: string;
  /** What the call answers when it went well, and whether a failure frees the struct. */
  answer: number;
  owned: boolean;
  groups: Vaddr;
  /** Whose code adds it. */
  module: string | null;
  /** Where devnode puts the mode and the uevent its variables; 0: not called. */
  memory: Vaddr;
  devpath: string;
}

/** The directory of a device below /sys/devices (get_device_parent). */
function pathFor(k: Kernel, device: Vaddr, name: string, className: string | undefined): string {
  const kobjectName = name.replaceAll('/', '!');
  const parent = getField(k, 'device', device, 'parent') ?? 0;
  const above =
    parent === 0
      ? undefined
      : (deviceAt(k, parent)?.devpath ?? kapiRoom(k).dirs.get(parent)?.names.slice(1).join('/'));
  const bus = getField(k, 'device', device, 'bus') ?? 0;
  if (parent === 0 && isPlatform(k, bus)) return `platform/${kobjectName}`;
  if (className === undefined) return above ? `${above}/${kobjectName}` : kobjectName;
  return above ? `${above}/${className}/${kobjectName}` : `virtual/${className}/${kobjectName}`;
}

/** device_add: name and number are set. */
function addDevice(k: Kernel, task: Task, state: Adding, callers: readonly string[]): Outcome {
  const cls = getField(k, 'device', state.device, 'class') ?? 0;
  const className = kapiRoom(k).classes.get(cls);
  state.devpath = pathFor(k, state.device, state.name, className);
  if (k.drivers.devices.some(({ devpath }) => devpath === state.devpath)) {
    duplicateName(k, task, `/devices/${state.devpath}`, [
      'kobject_add+0x58/0xc0',
      'device_add+0xaa/0x7e0',
      ...callers,
    ]);
    if (state.owned) kfree(k, task, state.device);
    return -Errno.EEXIST;
  }
  const devnode = cls === 0 ? 0 : (getField(k, 'class', cls, 'devnode') ?? 0);
  if (devnode === 0 || (getField(k, 'device', state.device, 'devt') ?? 0) === 0)
    return placed(k, task, state, null, 0);
  state.memory = kmalloc(k, task, 16);
  if (state.memory === 0) return -Errno.ENOMEM;
  return call(devnode, [state.device, state.memory], { step: 'device.devnode', state });
}
defineStep('device.devnode', (k, task, state: Adding, entry) => {
  const at = entry.by === 'result' ? entry.value : 0;
  const node = at === 0 ? null : (readKString(k, at, 256) ?? null);
  const mode = (readK64(k, state.memory) ?? 0) & 0o7777;
  kfree(k, task, state.memory);
  state.memory = 0;
  if (at !== 0 && at < 0) kfree(k, task, at);
  return placed(k, task, state, node, mode);
});

/** The device gets its place; then the class may add variables to the event. */
function placed(k: Kernel, task: Task, state: Adding, node: string | null, mode: number): Outcome {
  const { device, name } = state;
  const devt = getField(k, 'device', device, 'devt') ?? 0;
  const cls = getField(k, 'device', device, 'class') ?? 0;
  const className = kapiRoom(k).classes.get(cls) ?? null;
  const failed = registerDevice(k, {
    name,
    devpath: state.devpath,
    class: className,
    rdev: devt === 0 ? 0 : userDev(devt),
    data: { address: device },
    module: state.module,
    ...(node ? { node } : {}),
    ...(mode ? { mode, uevent: { DEVMODE: `0${mode.toString(8)}` } } : {}),
  });
  if (failed < 0) return failed;
  kapiRoom(k).dirs.set(device, {
    tree: 'sysfs',
    names: ['devices', ...state.devpath.split('/')],
    files: [],
    module: state.module,
  });
  const lists = [state.groups, getField(k, 'device', device, 'groups') ?? 0];
  if (cls !== 0) lists.push(getField(k, 'class', cls, 'dev_groups') ?? 0);
  for (const groups of lists) if (groups !== 0) addAttributes(k, task, device, groups);
  const uevent = cls === 0 ? 0 : (getField(k, 'class', cls, 'dev_uevent') ?? 0);
  if (uevent === 0) return attachDevice(k, task, device, state.answer);
  state.memory = kmalloc(k, task, sizeOf('kobj_uevent_env'));
  if (state.memory === 0) return attachDevice(k, task, device, state.answer);
  return call(uevent, [device, state.memory], { step: 'device.uevent', state });
}
defineStep('device.uevent', (k, task, state: Adding) => {
  const count = Math.min(getField(k, 'kobj_uevent_env', state.memory, 'envp_idx') ?? 0, 64);
  const shown = deviceAt(k, state.device);
  for (let i = 0; i < count && shown; i++) {
    const at = readK64(k, fieldAddress('kobj_uevent_env', state.memory, 'envp') + 8 * i) ?? 0;
    const [name, value] = (readKString(k, at, 512) ?? '').split(/=(.*)/s, 2);
    if (name !== '') shown.uevent[name] = value ?? '';
  }
  kfree(k, task, state.memory);
  return attachDevice(k, task, state.device, state.answer);
});
kapi('add_uevent_var', (k, task, [env, fmt]) => {
  const pattern = loadString(k, task, fmt, 4096);
  const text = pattern === null ? null : format(k, task, pattern, callArgs(k, 2));
  if (text === null) return 0;
  const index = getField(k, 'kobj_uevent_env', env, 'envp_idx') ?? 64;
  const used = getField(k, 'kobj_uevent_env', env, 'buflen') ?? 2048;
  if (index >= 64 || used + text.length + 1 > 2048) return -Errno.ENOMEM;
  const at = fieldAddress('kobj_uevent_env', env, 'buf') + used;
  writeKString(k, at, text);
  writeK64(k, fieldAddress('kobj_uevent_env', env, 'envp') + 8 * index, at);
  setField(k, 'kobj_uevent_env', env, 'envp_idx', index + 1);
  setField(k, 'kobj_uevent_env', env, 'buflen', used + text.length + 1);
  return 0;
});

/** A struct device with name, class, number: for device_create. */
function createDevice(
  k: Kernel,
  task: Task,
  [cls, parent, devt, data]: readonly number[],
  fmt: Vaddr,
  first: number,
  groups: Vaddr,
): Outcome {
  if (cls <= 0 && cls >= -4095) return -Errno.ENODEV;
  const pattern = loadString(k, task, fmt, 4096);
  const name = pattern === null ? null : format(k, task, pattern, callArgs(k, first));
  if (name === null) return 0;
  const size = sizeOf('device');
  const device = kmalloc(k, task, size + name.length + 1);
  if (device === 0) return -Errno.ENOMEM;
  writeKString(k, device + size, name.replaceAll('/', '!'));
  setField(k, 'device', device, 'kobj.name', device + size);
  setField(k, 'device', device, 'parent', parent);
  setField(k, 'device', device, 'devt', uint(devt));
  setField(k, 'device', device, 'driver_data', data);
  setField(k, 'device', device, 'class', cls);
  const state: Adding = {
    device,
    name,
    answer: device,
    owned: true,
    groups,
    module: callingModule(k, task),
    memory: 0,
    devpath: '',
  };
  return addDevice(k, task, state, ['device_create_groups_vargs+0xbe/0xde', 'device_create+0x3a/0x58']);
}
kapi('device_create', (k, task, args) => createDevice(k, task, args, args[4], 5, 0));
kapi('device_create_with_groups', (k, task, args) => createDevice(k, task, args, args[5], 6, args[4]));

function removeDevice(k: Kernel, task: Task, device: Vaddr, owned: boolean): void {
  const shown = deviceAt(k, device);
  if (!shown) return;
  removeDir(k, device);
  unregisterDevice(k, shown);
  if (owned) kfree(k, task, device);
}
kapi('device_destroy', (k, task, [cls, devt]) => {
  const name = kapiRoom(k).classes.get(cls);
  const rdev = userDev(uint(devt));
  const found = k.drivers.devices.find(
    (device) =>
      device.class === name &&
      name !== undefined &&
      device.rdev === rdev &&
      device.data?.address !== undefined,
  );
  if (found) removeDevice(k, task, found.data.address, true);
  return 0;
});

/** The name of a struct device: set, or init_name. */
function nameOf(k: Kernel, task: Task, device: Vaddr): string | null {
  const at = pointerField(k, task, 'device', device, 'kobj.name');
  if (at === null) return null;
  const from = at || getField(k, 'device', device, 'init_name') || 0;
  if (from === 0) return '';
  if (at === 0) setField(k, 'device', device, 'kobj.name', from);
  return loadString(k, task, from, 256);
}
export const add = (k: Kernel, task: Task, device: Vaddr, callers: readonly string[]): Outcome => {
  const name = nameOf(k, task, device);
  if (name === null) return 0;
  if (name === '') return -Errno.EINVAL;
  return addDevice(
    k,
    task,
    {
      device,
      name,
      answer: 0,
      owned: false,
      groups: 0,
      module: callingModule(k, task),
      memory: 0,
      devpath: '',
    },
    callers,
  );
};
kapi('device_initialize', (k, _task, [device]) => {
  setField(k, 'device', device, 'kobj.kref.refcount.refs.counter', 1);
  return 0;
});
kapi('device_add', (k, task, [device]) => add(k, task, device, []));
kapi('device_register', (k, task, [device]) => {
  setField(k, 'device', device, 'kobj.kref.refcount.refs.counter', 1);
  return add(k, task, device, ['device_register+0x1a/0x26']);
});
/** device_del, then `then`: the driver goes first, which runs its code. */
export function delDevice(k: Kernel, task: Task, device: Vaddr, put: boolean): Outcome {
  const outcome = detachDevice(k, task, device, true);
  if (typeof outcome === 'number') return deleted(k, task, device, put);
  const last = { step: 'device.deleted', state: { device, put } };
  return outcome.kind === 'call' ? { ...outcome, then: [last, ...outcome.then] } : outcome;
}
function deleted(k: Kernel, task: Task, device: Vaddr, put: boolean): Outcome {
  removeDevice(k, task, device, false);
  return put ? putDevice(k, task, device) : 0;
}
defineStep('device.deleted', (k, task, { device, put }: { device: Vaddr; put: boolean }) =>
  deleted(k, task, device, put),
);
kapi('device_del', (k, task, [device]) => delDevice(k, task, device, false));

/** One reference less; at none the release function of the device, its type or its class is called and its name freed. */
export function putDevice(k: Kernel, task: Task, device: Vaddr): Outcome {
  if (device === 0) return 0;
  const refs = int(getField(k, 'device', device, 'kobj.kref.refcount.refs.counter') ?? 0) - 1;
  setField(k, 'device', device, 'kobj.kref.refcount.refs.counter', refs);
  if (refs !== 0) return 0;
  const cls = getField(k, 'device', device, 'class') ?? 0;
  const release =
    getField(k, 'device', device, 'release') ||
    (cls === 0 ? 0 : getField(k, 'class', cls, 'dev_release')) ||
    0;
  const at = getField(k, 'device', device, 'kobj.name') ?? 0;
  const name = kapiRoom(k).heap.objects.has(at) ? at : 0;
  if (release !== 0) return call(release, [device], { step: 'device.released', state: { name } });
  kernelWarn(
    k,
    task,
    { file: 'drivers/base/core.c:2567', symbol: 'device_release+0x8c/0x92' },
    `Device '${readKString(k, at, 64) ?? ''}' does not have a release() function, it is broken and must be fixed. See Documentation/core-api/kobject.rst.`,
  );
  if (name !== 0) kfree(k, task, name);
  return 0;
}
defineStep('device.released', (k, task, { name }: { name: Vaddr }) => {
  if (name !== 0 && kapiRoom(k).heap.objects.has(name)) kfree(k, task, name);
  return 0;
});
kapi('get_device', (k, _task, [device]) => {
  if (device !== 0) {
    const refs = int(getField(k, 'device', device, 'kobj.kref.refcount.refs.counter') ?? 0);
    setField(k, 'device', device, 'kobj.kref.refcount.refs.counter', refs + 1);
  }
  return device;
});
kapi('put_device', (k, task, [device]) => putDevice(k, task, device));
kapi('device_unregister', (k, task, [device]) => {
  const owned =
    (getField(k, 'device', device, 'release') ?? 0) === 0 &&
    (getField(k, 'device', device, 'kobj.kref.refcount.refs.counter') ?? 0) === 0;
  if (!owned) return delDevice(k, task, device, true);
  removeDevice(k, task, device, true);
  return 0;
});
kapi('dev_set_name', (k, task, [device, fmt]) => {
  const pattern = loadString(k, task, fmt, 4096);
  const name = pattern === null ? null : format(k, task, pattern, callArgs(k, 2));
  if (name === null) return 0;
  const at = kmalloc(k, task, name.length + 1);
  if (at === 0) return -Errno.ENOMEM;
  writeKString(k, at, name.replaceAll('/', '!'));
  setField(k, 'device', device, 'kobj.name', at);
  return 0;
});
kapi('device_create_file', (k, task, [device, attr]) => (device === 0 ? 0 : addFile(k, task, device, attr)));
kapi('device_remove_file', (k, task, [device, attr]) =>
  device === 0 ? 0 : removeFile(k, task, device, attr),
);
kapi('cdev_device_add', (k, task, [cdev, device]) => {
  const devt = getField(k, 'device', device, 'devt') ?? 0;
  if (devt !== 0) {
    const failed = addCdev(k, task, cdev, devt, 1);
    if (failed < 0) return failed;
  }
  return add(k, task, device, ['cdev_device_add+0x4e/0x9a']);
});
kapi('cdev_device_del', (k, task, [cdev, device]) => {
  removeDevice(k, task, device, false);
  delCdev(k, cdev);
  return 0;
});
kapi('__root_device_register', (k, task, [at]) => {
  const name = loadString(k, task, at, 256);
  if (name === null) return 0;
  const size = sizeOf('device');
  const device = kmalloc(k, task, size + name.length + 1);
  if (device === 0) return -Errno.ENOMEM;
  writeKString(k, device + size, name);
  setField(k, 'device', device, 'kobj.name', device + size);
  return addDevice(
    k,
    task,
    {
      device,
      name,
      answer: device,
      owned: true,
      groups: 0,
      module: callingModule(k, task),
      memory: 0,
      devpath: '',
    },
    [],
  );
});
kapi('root_device_unregister', (k, task, [device]) => {
  removeDevice(k, task, device, true);
  return 0;
});
