/** Taint: what the kernel remembers of dubious things (Documentation/admin-guide/tainted-kernels.rst). A bit is never cleared. */
import type { Kernel } from '../kernel.ts';
import { Level, printk } from '../printk/printk.ts';

export const Taint = {
  PROPRIETARY: 1 << 0,
  FORCED_MODULE: 1 << 1,
  FORCED_RMMOD: 1 << 3,
  BAD_PAGE: 1 << 5,
  DIE: 1 << 7,
  WARN: 1 << 9,
  OUT_OF_TREE: 1 << 12,
  UNSIGNED: 1 << 13,
  SOFTLOCKUP: 1 << 14,
} as const;

/** Sets a bit. `unreliable`: lock debugging ends with it, which is said once. */
export function addTaint(k: Kernel, bit: number, unreliable: boolean): void {
  if (unreliable && !k.module.told.lockdep) {
    k.module.told.lockdep = true;
    printk(k, Level.WARNING, 'Disabling lock debugging due to kernel taint');
  }
  k.taint |= bit;
}

/** The letters of a module's own taints, in order of the bits: `POE`. */
export function taintLetters(taints: number): string {
  const letters: readonly (readonly [number, string])[] = [
    [Taint.PROPRIETARY, 'P'],
    [Taint.FORCED_MODULE, 'F'],
    [Taint.OUT_OF_TREE, 'O'],
    [Taint.UNSIGNED, 'E'],
  ];
  return letters.map(([bit, letter]) => (taints & bit ? letter : '')).join('');
}
