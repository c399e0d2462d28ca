/** The net room's door: its state and what it does at boot. */
import type { Kernel } from '../kernel.ts';
import type { NetRoom } from './types.ts';

export const createNetRoom = (): NetRoom => ({ interfaces: [], sockets: null });

/** Brings up nothing by itself: `ip link set lo up` of the boot script does. */
export function initNet(_k: Kernel): void {}
