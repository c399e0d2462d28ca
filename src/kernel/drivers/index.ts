/** The door of the drivers room: device numbers, the device model, memory and misc devices, the entropy generator. */
import type { Kernel } from '../kernel.ts';
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

/** Registers what every kernel has; devtmpfs must be there. Terminals follow with the terminal room. */
export function initDrivers(k: Kernel): void {
  initMem(k);
  initMisc(k);
}
