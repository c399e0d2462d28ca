/** The door of the terminal room: line discipline, serial ports to the host, pseudo terminals, controlling terminals. */
import '../syscalls/tty.ts';
import './devpts.ts';
import './file.ts';
import './pty.ts';
import { registerChrdev, registerDevice } from '../drivers/device.ts';
import { makedev } from '../fs/flags.ts';
import type { Kernel } from '../kernel.ts';
import { PTS_MAJOR, SERIAL_MINOR, TTY_MAJOR, TTYAUX_MAJOR } from './device.ts';

export { createTtyRoom, newPort } from './device.ts';
export { vhangup } from './hangup.ts';
export { disassociateCtty, setControllingTty } from './job.ts';
export { portInput, portOutput, portPending, setWinsize } from './port.ts';

/** Registers the terminal drivers and their nodes in /dev. */
export function initTty(k: Kernel): void {
  const serial = k.tty.ports.length;
  registerChrdev(k, {
    major: TTY_MAJOR,
    baseMinor: SERIAL_MINOR,
    count: serial,
    name: 'ttyS',
    driver: 'ttyS',
  });
  registerChrdev(k, { major: TTYAUX_MAJOR, baseMinor: 0, count: 1, name: '/dev/tty', driver: 'tty' });
  registerChrdev(k, { major: TTYAUX_MAJOR, baseMinor: 1, count: 1, name: '/dev/console', driver: 'console' });
  registerChrdev(k, { major: TTYAUX_MAJOR, baseMinor: 2, count: 1, name: '/dev/ptmx', driver: 'ptmx' });
  registerChrdev(k, { major: 128, baseMinor: 0, count: 0, name: 'ptm', driver: 'ptmx' });
  registerChrdev(k, { major: PTS_MAJOR, baseMinor: 0, count: 1 << 20, name: 'pts', driver: 'pts' });
  const aux = [
    ['tty', 0, 0o666],
    ['console', 1, 0o600],
    ['ptmx', 2, 0o666],
  ] as const;
  for (const [name, minor, mode] of aux)
    registerDevice(k, {
      name,
      devpath: `virtual/tty/${name}`,
      class: 'tty',
      rdev: makedev(TTYAUX_MAJOR, minor),
      mode,
      uevent: mode === 0o666 ? { DEVMODE: '0666' } : {},
      attributes: name === 'console' ? { active: `${k.tty.ports[0]?.name ?? ''}\n` } : {},
    });
  for (const port of k.tty.ports)
    registerDevice(k, {
      name: port.name,
      devpath: `platform/10000000.serial/tty/${port.name}`,
      class: 'tty',
      rdev: port.rdev,
      mode: 0o600,
    });
}
