/** The VM's serial console, ttyS0, whose wire is the host. */
import { portInput, portOutput, setWinsize } from '../kernel/tty/port.ts';
import type { Vm } from './vm.ts';

/** Types bytes on the console; answers how many were taken (0: come back after running the VM). */
export const consoleWrite = (vm: Vm, bytes: Uint8Array): number =>
  portInput(vm.kernel, vm.kernel.tty.ports[0], bytes);

/** What the console has printed since the last call, at most `max` bytes. A full console makes its writers wait. */
export const consoleRead = (vm: Vm, max = 65536): Uint8Array =>
  portOutput(vm.kernel, vm.kernel.tty.ports[0], max);

/** Tells the console how large the window at the other end is. */
export const consoleResize = (vm: Vm, size: { rows: number; cols: number }): void =>
  setWinsize(vm.kernel, vm.kernel.tty.ports[0], size);
