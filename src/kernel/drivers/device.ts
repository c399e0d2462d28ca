/**
 * Who answers for which device numbers, and the device model (fs/char_dev.c, drivers/base/core.c). Always true: ranges of
 * character devices do not overlap; a device with a node is in /dev from the moment it is registered to its end.
 */
import { Errno } from '../abi/errno.ts';
import { devtmpfsCreate, devtmpfsRemove } from '../fs/devtmpfs.ts';
import { majorOf, minorOf, S } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import type { ChrdevRegion, Device, DriversRoom } from './types.ts';
import { emitUevent } from './uevent.ts';

/** The highest major, and the reaches that dynamic ones come from, each counted down (CHRDEV_MAJOR_DYN_*). */
export const CHRDEV_MAJOR_MAX = 511;
const DYNAMIC: readonly (readonly [from: number, to: number])[] = [
  [254, 234],
  [511, 384],
];

export function createDriversRoom(): DriversRoom {
  return { chrdevs: [], devices: [], classes: [], ueventSeq: 0 };
}

function freeMajor(k: Kernel): number {
  const taken = new Set(k.drivers.chrdevs.map((region) => region.major));
  for (const [from, to] of DYNAMIC)
    for (let major = from; major >= to; major--) if (!taken.has(major)) return major;
  return -Errno.EBUSY;
}

const overlap = (a: ChrdevRegion, b: ChrdevRegion): boolean =>
  a.major === b.major && a.baseMinor < b.baseMinor + b.count && b.baseMinor < a.baseMinor + a.count;

/**
 * Registers a range of character devices (__register_chrdev_region); major 0 asks for a free one. Answers the major, or
 * -EBUSY, -EINVAL.
 */
export function registerChrdev(k: Kernel, wanted: ChrdevRegion): number {
  if (wanted.major < 0 || wanted.major > CHRDEV_MAJOR_MAX) return -Errno.EINVAL;
  const major = wanted.major === 0 ? freeMajor(k) : wanted.major;
  if (major < 0) return major;
  const region = { ...wanted, major };
  if (k.drivers.chrdevs.some((other) => overlap(other, region))) return -Errno.EBUSY;
  k.drivers.chrdevs.push(region);
  return major;
}

/** Gives a range back (unregister_chrdev_region). Answers whether it was registered so. */
export function unregisterChrdev(k: Kernel, major: number, baseMinor: number, count: number): boolean {
  const { chrdevs } = k.drivers;
  const at = chrdevs.findIndex((r) => r.major === major && r.baseMinor === baseMinor && r.count === count);
  if (at >= 0) chrdevs.splice(at, 1);
  return at >= 0;
}

/** Tells of a device with the variables of dev_uevent. */
function deviceEvent(k: Kernel, action: string, device: Device): void {
  const extra: string[] = [];
  if (device.rdev !== 0) extra.push(`MAJOR=${majorOf(device.rdev)}`, `MINOR=${minorOf(device.rdev)}`);
  if (device.rdev !== 0 && device.node !== null) extra.push(`DEVNAME=${device.node}`);
  for (const [name, value] of Object.entries(device.uevent)) extra.push(`${name}=${value}`);
  emitUevent(k, action, `/devices/${device.devpath}`, device.class ?? '', extra);
}

/** What a device is made of; a node named like the device unless `node` says otherwise. */
export type DeviceInit = Pick<Device, 'name' | 'devpath' | 'class' | 'rdev'> & Partial<Device>;

/** Adds a device: its class, its node in /dev, one uevent (device_add). 0 or -EEXIST. */
export function registerDevice(k: Kernel, init: DeviceInit): number {
  if (k.drivers.devices.some((other) => other.devpath === init.devpath)) return -Errno.EEXIST;
  const device: Device = {
    block: false,
    node: init.rdev !== 0 ? init.name.replaceAll('!', '/') : null,
    mode: 0o600,
    uid: 0,
    gid: 0,
    uevent: {},
    attributes: {},
    data: null,
    ...init,
  };
  if (device.class !== null) registerClass(k, device.class, null);
  k.drivers.devices.push(device);
  if (device.node !== null) {
    const type = device.block ? S.IFBLK : S.IFCHR;
    devtmpfsCreate(k, device.node, type | device.mode, device.uid, device.gid, device.rdev);
  }
  deviceEvent(k, 'add', device);
  return 0;
}

/** Removes the device with its node (device_del). Answers whether it was there. */
export function unregisterDevice(k: Kernel, device: Device): boolean {
  const at = k.drivers.devices.indexOf(device);
  if (at < 0) return false;
  k.drivers.devices.splice(at, 1);
  if (device.node !== null) devtmpfsRemove(k, device.node, device.rdev);
  deviceEvent(k, 'remove', device);
  return true;
}

/** Adds a class below /sys/class; 0, or -EEXIST when it is there. */
export function registerClass(k: Kernel, name: string, owner: string | null): number {
  if (k.drivers.classes.some((other) => other.name === name)) return -Errno.EEXIST;
  k.drivers.classes.push({ name, owner });
  return 0;
}

/** Removes a class. */
export function unregisterClass(k: Kernel, name: string): void {
  const at = k.drivers.classes.findIndex((other) => other.name === name);
  if (at >= 0) k.drivers.classes.splice(at, 1);
}
