/** What the net room reads of its sysctls (fs/proc/sys/others.ts declares them): the written value, or the default. */
import type { Kernel } from '../kernel.ts';

export function sysctlNumbers(k: Kernel, name: string, initial: readonly number[]): readonly number[] {
  const text = k.sysctl[name];
  return text === undefined ? initial : text.split('\t').map(Number);
}

export const sysctlNumber = (k: Kernel, name: string, initial: number): number => {
  const text = k.sysctl[name];
  return text === undefined ? initial : Number(text);
};
