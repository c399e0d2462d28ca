/** The door of the drivers room: device numbers, the device model, memory and misc devices, the entropy generator. */
import type { Kernel } from '../kernel.ts';
import { registerChrdev } from './device.ts';
import { initMem } from './mem.ts';
import { initMisc } from './misc.ts';

export {
  createDriversRoom,
  registerChrdev,
  registerClass,
  registerDevice,
  unregisterChrdev,
  unregisterClass,
  unregisterDevice,
} from './device.ts';
export { MISC_DYNAMIC_MINOR, registerMisc } from './misc.ts';
export { createRandom, mixRandom, randomBelow, randomBytes } from './random.ts';

/** Drivers whose devices this machine does not have; their majors, of the dynamic ones, are taken as on the recorded machine. */
const WITHOUT_DEVICES: readonly (readonly [major: number, name: string])[] = [
  [254, 'gpiochip'],
  [253, 'tpm'],
  [252, 'dax'],
  [251, 'cxl'],
  [250, 'rtc'],
  [249, 'pps'],
  [248, 'ptp'],
  [247, 'bsg'],
  [246, 'ttySIF'],
  [245, 'virtio-portsdev'],
];

/** Registers what every kernel has; devtmpfs must be there. Terminals follow with the terminal room. */
export function initDrivers(k: Kernel): void {
  initMem(k);
  initMisc(k);
  for (const [major, name] of WITHOUT_DEVICES)
    registerChrdev(k, { major, baseMinor: 0, count: 256, name, driver: 'none' });
}
