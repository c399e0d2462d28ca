/**
 * The host's ends of terminals. Always true: bytes go in and come out in order and none is lost: what is not accepted stays with
 * the host, what is not taken stays in the VM and makes its writers wait.
 */
import type { Kernel } from '../kernel.ts';
import { fromWire, wireRoom } from './flow.ts';
import { drain } from './output.ts';
import { resize } from './termios-ioctl.ts';
import type { Tty } from './types.ts';

/** Offers typed bytes; answers how many were accepted. The host offers the rest again when the VM has run on. */
export function portInput(k: Kernel, tty: Tty, bytes: Uint8Array): number {
  const count = Math.min(bytes.length, Math.max(0, wireRoom(tty)));
  if (count > 0) fromWire(k, tty, bytes.subarray(0, count));
  return count;
}

/** Takes at most `max` bytes of output; nothing while the output is stopped. */
export function portOutput(k: Kernel, tty: Tty, max: number): Uint8Array {
  return tty.stopped ? new Uint8Array(0) : drain(k, tty, max);
}

/** Bytes that {@link portOutput} would give. */
export const portPending = (tty: Tty): number => (tty.stopped ? 0 : tty.outputBytes);

/** The host's window changed its size: programs are told by SIGWINCH. */
export function setWinsize(k: Kernel, tty: Tty, size: { rows: number; cols: number }): void {
  resize(k, tty, { rows: size.rows, cols: size.cols, xpixel: 0, ypixel: 0 });
}
