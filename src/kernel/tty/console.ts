/** The console's wire for the kernel's own messages: they go past the line discipline to the first port. */
import type { Kernel } from '../kernel.ts';
import { consoleSpace, emit } from './output.ts';

/** Bytes the console can take. */
export const consoleRoom = (k: Kernel): number => (k.tty.ports[0] ? consoleSpace(k.tty.ports[0]) : 0);

/** Puts bytes on the console's wire as they are. */
export function consoleWrite(k: Kernel, bytes: Uint8Array): void {
  const port = k.tty.ports[0];
  if (port) emit(k, port, bytes);
}
