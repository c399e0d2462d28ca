/** Miscellaneous devices: major 10, one minor each, found by the driver they name (drivers/char/misc.c). */
import { Errno } from '../abi/errno.ts';
import { makedev, minorOf } from '../fs/flags.ts';
import { defineChrdevDriver, findChrdevDriver } from '../fs/ops.ts';
import type { Kernel } from '../kernel.ts';
import type { Plain } from '../outcome.ts';
import { registerChrdev, registerDevice } from './device.ts';
import type { Device } from './types.ts';

export const MISC_MAJOR = 10;
/** Asks for any free minor. */
export const MISC_DYNAMIC_MINOR = 255;
const DYNAMIC_MINORS = 64;

/** What a misc device keeps: the name of its driver in the table of fs/ops.ts, and the driver's own data. */
interface MiscData {
  driver: string;
  own: Plain;
}

export const findMisc = (k: Kernel, minor: number): Device | undefined =>
  k.drivers.devices.find((device) => device.class === 'misc' && minorOf(device.rdev) === minor);

/** misc_register: the minor, or -EBUSY, -EEXIST. */
export function registerMisc(
  k: Kernel,
  init: {
    name: string;
    minor: number;
    mode: number;
    driver: string;
    own?: Plain;
    node?: string;
    module?: string | null;
  },
): number {
  let { minor } = init;
  if (minor === MISC_DYNAMIC_MINOR) {
    minor = DYNAMIC_MINORS - 1;
    while (minor >= 0 && findMisc(k, minor)) minor--;
    if (minor < 0) return -Errno.EBUSY;
  } else if (findMisc(k, minor)) return -Errno.EBUSY;
  const added = registerDevice(k, {
    name: init.name,
    devpath: `virtual/misc/${init.name}`,
    class: 'misc',
    rdev: makedev(MISC_MAJOR, minor),
    node: init.node ?? init.name,
    mode: init.mode,
    data: { driver: init.driver, own: init.own ?? null } satisfies MiscData,
    module: init.module ?? null,
  });
  return added < 0 ? added : minor;
}

defineChrdevDriver('misc', {
  open(k, task, file, minor) {
    const data = findMisc(k, minor)?.data as MiscData | undefined;
    return (data && findChrdevDriver(data.driver)?.open(k, task, file, minor)) ?? -Errno.ENODEV;
  },
});

/** Registers the major. */
export function initMisc(k: Kernel): void {
  registerChrdev(k, { major: MISC_MAJOR, baseMinor: 0, count: 256, name: 'misc', driver: 'misc' });
}
