/**
 * Character devices of modules (fs/char_dev.c, drivers/char/misc.c). Always true: a region is in `k.drivers.chrdevs` with the driver
 * `module`; what opens it is a cdev of the room; an open counts the cdev's owner once and the operations' owner once.
 */
import type { Vaddr } from '../../cpu/machine.ts';
import { Errno } from '../abi/errno.ts';
import { registerChrdev, unregisterChrdev, unregisterDevice } from '../drivers/device.ts';
import { findMisc, MISC_MAJOR, registerMisc } from '../drivers/misc.ts';
import { majorOf } from '../fs/flags.ts';
import { defineChrdevDriver } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { readK64, writeK32 } from '../module/kmem.ts';
import { getModule, putModule } from '../module/refs.ts';
import type { Outcome } from '../outcome.ts';
import { wait } from '../outcome.ts';
import { Level, printk } from '../printk/index.ts';
import type { Task } from '../task/types.ts';
import {
  callingModule,
  fieldAddress,
  getField,
  int,
  load,
  loadString,
  pointerField,
  setField,
  sizeOf,
  uint,
} from './access.ts';
import { dropFilp, inodeOf, makeFilp, openModuleFile } from './filp.ts';
import { kfree, kmalloc } from './memory.ts';
import { kapi } from './registry.ts';
import { kapiRoom, type ModuleCdev } from './room.ts';

const MINOR_BITS = 20;
const major = (dev: number): number => dev >>> MINOR_BITS;
const minor = (dev: number): number => dev & ((1 << MINOR_BITS) - 1);
const kdev = (a: number, b: number): number => ((a << MINOR_BITS) | b) >>> 0;

/** Reads where the module lies that owns a cdev: memory that may be gone with the module, whose lock the fault then keeps. */
function ownerAlive(k: Kernel, task: Task, owner: Vaddr): boolean {
  if (owner === 0 || readK64(k, owner) !== null) return true;
  kapiRoom(k).warned.add('cdev_lock');
  load(k, task, owner, 8);
  return false;
}

/** Finishes an open with these operations; `owners` are held already. */
function openWith(k: Kernel, task: Task, file: File, fops: Vaddr, owners: Vaddr[], cdev: Vaddr): Outcome {
  const owner = pointerField(k, task, 'file_operations', fops, 'owner');
  if (owner === null) return -Errno.ENXIO;
  const drop = (answer: number): number => {
    for (const held of owners) putModule(k, held);
    return answer;
  };
  if (!getModule(k, owner)) return drop(-Errno.ENXIO);
  const all = owner === 0 ? owners : [...owners, owner];
  if (!makeFilp(k, task, file, { fops, owners: all })) {
    for (const held of all) putModule(k, held);
    return -Errno.ENOMEM;
  }
  if (cdev !== 0) setField(k, 'inode', inodeOf(k, file), 'i_cdev', cdev);
  const outcome = openModuleFile(k, task, file);
  if (typeof outcome === 'number' && outcome !== 0) dropFilp(k, task, file);
  return outcome;
}

defineChrdevDriver('module', {
  open(k, task, file, minorNumber) {
    const room = kapiRoom(k);
    const number = majorOf(file.inode.rdev);
    const found = room.cdevs.find(
      (c) => c.major === number && minorNumber >= c.baseMinor && minorNumber < c.baseMinor + c.count,
    );
    if (!found) return -Errno.ENXIO;
    if (room.warned.has('cdev_lock')) return wait([], { interruptible: 'no' });
    if (!ownerAlive(k, task, found.owner)) return -Errno.ENXIO;
    if (!getModule(k, found.owner)) return -Errno.ENXIO;
    const owners = found.owner === 0 ? [] : [found.owner];
    const fops = found.cdev === 0 ? found.fops : pointerField(k, task, 'cdev', found.cdev, 'ops');
    if (fops === null) return -Errno.ENXIO;
    if (fops === 0) {
      for (const held of owners) putModule(k, held);
      return -Errno.ENXIO;
    }
    return openWith(k, task, file, fops, owners, found.cdev);
  },
});

const CHRDEV_MAX_NAME = 64;

function nameAt(k: Kernel, task: Task, at: number): string | null {
  const name = loadString(k, task, at, 256);
  return name === null ? null : name.slice(0, CHRDEV_MAX_NAME - 1).replaceAll('/', '!');
}

/** __register_chrdev_region of a driver called `module`; the major or -errno. */
function region(k: Kernel, task: Task, wanted: number, base: number, count: number, name: string): number {
  if (wanted > 511) {
    const text = `CHRDEV "${name}" major requested (${wanted}) is greater than the maximum (511)`;
    printk(k, Level.ERR, text);
    return -Errno.EINVAL;
  }
  if (base + count > 1 << MINOR_BITS) return -Errno.EINVAL;
  return registerChrdev(k, {
    major: wanted,
    baseMinor: base,
    count,
    name,
    driver: 'module',
    module: callingModule(k, task),
  });
}

kapi('__register_chrdev', (k, task, [wanted, base, count, at, fops]) => {
  const name = nameAt(k, task, at);
  if (name === null) return 0;
  const owner = pointerField(k, task, 'file_operations', fops, 'owner');
  if (owner === null) return 0;
  const made = region(k, task, uint(wanted), uint(base), uint(count), name);
  if (made < 0) return made;
  const { cdevs } = kapiRoom(k);
  cdevs.push({
    major: made,
    baseMinor: uint(base),
    count: uint(count),
    fops,
    cdev: 0,
    owner,
    module: callingModule(k, task),
  });
  return uint(wanted) === 0 ? made : 0;
});
kapi('__unregister_chrdev', (k, _task, [number, base, count]) => {
  const room = kapiRoom(k);
  unregisterChrdev(k, uint(number), uint(base), uint(count));
  const at = room.cdevs.findIndex(
    (c) => c.cdev === 0 && c.major === uint(number) && c.baseMinor === uint(base),
  );
  if (at >= 0) room.cdevs.splice(at, 1);
  return 0;
});
kapi('register_chrdev_region', (k, task, [from, count, at]) => {
  const name = nameAt(k, task, at);
  if (name === null) return 0;
  const made = region(k, task, major(uint(from)), minor(uint(from)), uint(count), name);
  return made < 0 ? made : 0;
});
kapi('alloc_chrdev_region', (k, task, [out, base, count, at]) => {
  const name = nameAt(k, task, at);
  if (name === null) return 0;
  const made = region(k, task, 0, uint(base), uint(count), name);
  if (made < 0) return made;
  if (!writeK32(k, out, kdev(made, uint(base)))) load(k, task, out, 4);
  return 0;
});
kapi('unregister_chrdev_region', (k, _task, [from, count]) => {
  unregisterChrdev(k, major(uint(from)), minor(uint(from)), uint(count));
  return 0;
});

function initCdev(k: Kernel, task: Task, cdev: Vaddr, fops: Vaddr): void {
  for (let i = 0; i < sizeOf('cdev'); i += 8) if (!setWord(k, task, cdev + i, 0)) return;
  const list = fieldAddress('cdev', cdev, 'list');
  setWord(k, task, list, list);
  setWord(k, task, list + 8, list);
  setField(k, 'cdev', cdev, 'ops', fops);
}
function setWord(k: Kernel, task: Task, at: Vaddr, value: number): boolean {
  const low = BigInt.asUintN(64, BigInt(value));
  if (writeK32(k, at, Number(low & 0xffffffffn)) && writeK32(k, at + 4, Number(low >> 32n))) return true;
  load(k, task, at, 8);
  return false;
}
kapi('cdev_init', (k, task, [cdev, fops]) => {
  initCdev(k, task, cdev, fops);
  return 0;
});
kapi('cdev_alloc', (k, task) => {
  const cdev = kmalloc(k, task, sizeOf('cdev'));
  if (cdev !== 0) initCdev(k, task, cdev, 0);
  return cdev;
});

export function addCdev(k: Kernel, task: Task, cdev: Vaddr, dev: number, count: number): number {
  const owner = pointerField(k, task, 'cdev', cdev, 'owner');
  if (owner === null) return 0;
  if (count === 0) return -Errno.EINVAL;
  setField(k, 'cdev', cdev, 'dev', dev);
  setField(k, 'cdev', cdev, 'count', count);
  const { cdevs } = kapiRoom(k);
  if (cdevs.length >= 4096) return -Errno.ENOMEM;
  cdevs.push({
    major: major(dev),
    baseMinor: minor(dev),
    count,
    fops: 0,
    cdev,
    owner,
    module: callingModule(k, task),
  });
  return 0;
}
export function delCdev(k: Kernel, cdev: Vaddr): void {
  const room = kapiRoom(k);
  room.cdevs = room.cdevs.filter((each: ModuleCdev) => each.cdev !== cdev || cdev === 0);
}
kapi('cdev_add', (k, task, [cdev, dev, count]) => addCdev(k, task, cdev, uint(dev), uint(count)));
kapi('cdev_del', (k, _task, [cdev]) => {
  delCdev(k, cdev);
  return 0;
});
kapi('cdev_put', () => 0);

// ── Misc devices ───────────────────────────────────────────────────────────────────────────────────────────────

defineChrdevDriver('module.misc', {
  open(k, task, file, minorNumber) {
    const misc = findMisc(k, minorNumber)?.data.own?.misc as Vaddr | undefined;
    if (misc === undefined) return -Errno.ENODEV;
    const fops = pointerField(k, task, 'miscdevice', misc, 'fops');
    if (fops === null) return -Errno.ENODEV;
    if (fops === 0) return -Errno.ENODEV;
    const outcome = openWith(k, task, file, fops, [], 0);
    // misc_open: the driver finds its miscdevice in private_data. Its open runs after this, for the call begins later.
    if (file.kind === 'module' && !file.data.released)
      setField(k, 'file', file.data.filp, 'private_data', misc);
    return outcome === -Errno.ENXIO ? -Errno.ENODEV : outcome;
  },
});

kapi('misc_register', (k, task, [misc]) => {
  const nameAt = pointerField(k, task, 'miscdevice', misc, 'name');
  const name = nameAt === null ? null : loadString(k, task, nameAt, 256);
  if (name === null) return 0;
  const wanted = int(getField(k, 'miscdevice', misc, 'minor') ?? 255);
  const nodeAt = getField(k, 'miscdevice', misc, 'nodename') ?? 0;
  const node = nodeAt === 0 ? null : loadString(k, task, nodeAt, 256);
  const mode = getField(k, 'miscdevice', misc, 'mode') ?? 0;
  const made = registerMisc(k, {
    name,
    minor: wanted,
    mode: mode === 0 ? 0o600 : mode & 0o777,
    driver: 'module.misc',
    own: { misc },
    module: callingModule(k, task),
    ...(node ? { node } : {}),
  });
  if (made < 0) return made;
  setField(k, 'miscdevice', misc, 'minor', made);
  const device = kmalloc(k, task, sizeOf('device'));
  if (device !== 0) {
    setField(k, 'device', device, 'kobj.name', nameAt!);
    setField(k, 'device', device, 'devt', kdev(MISC_MAJOR, made));
    setField(k, 'device', device, 'driver_data', misc);
    setField(k, 'miscdevice', misc, 'this_device', device);
    kapiRoom(k).dirs.set(device, {
      tree: 'sysfs',
      names: ['devices', 'virtual', 'misc', name],
      files: [],
      module: callingModule(k, task),
    });
  }
  return 0;
});
kapi('misc_deregister', (k, task, [misc]) => {
  const device = k.drivers.devices.find((each) => each.class === 'misc' && each.data?.own?.misc === misc);
  if (device) unregisterDevice(k, device);
  const own = getField(k, 'miscdevice', misc, 'this_device') ?? 0;
  if (own !== 0) {
    kapiRoom(k).dirs.delete(own);
    kfree(k, task, own);
    setField(k, 'miscdevice', misc, 'this_device', 0);
  }
  return 0;
});
