/** /proc/devices, misc, filesystems, locks, consoles, tty/drivers and other lists of what is registered. */
import type { Kernel } from '../../kernel.ts';
import { allFsTypes } from '../ops.ts';
import { major, minor, pad } from './format.ts';

export function showDevices(k: Kernel): string {
  const seen = new Set<string>();
  const rows = k.drivers.chrdevs
    .map((region, i) => ({ region, i }))
    .sort((a, b) => a.region.major - b.region.major || a.i - b.i)
    .map(({ region }) => `${pad(region.major, 3)} ${region.name}\n`)
    .filter((row) => !seen.has(row) && seen.add(row));
  return `Character devices:\n${rows.join('')}\nBlock devices:\n`;
}

export const showMisc = (k: Kernel): string =>
  k.drivers.devices
    .filter((device) => device.class === 'misc' && device.rdev !== 0)
    .map((device) => `${pad(minor(device.rdev), 3)} ${device.name}\n`)
    .reverse()
    .join('');

/** Types that only the kernel mounts are shown as well; our root goes by the name of what a disk would carry. */
export const showFilesystems = (): string =>
  allFsTypes()
    .map((type) => `${type.nodev ? 'nodev' : ''}\t${type.name}\n`)
    .join('');

export function showLocks(k: Kernel): string {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const kinds = { posix: 'POSIX  ADVISORY ', ofd: 'OFDLCK ADVISORY ', flock: 'FLOCK  ADVISORY ' } as const;
  let text = '';
  let id = 1;
  for (const inode of k.fs.lockedInodes)
    for (const lock of inode.locks?.list ?? []) {
      const where = `${hex(major(inode.sb.dev))}:${hex(minor(inode.sb.dev))}:${inode.ino}`;
      const end = lock.end === Number.POSITIVE_INFINITY || lock.kind === 'flock' ? 'EOF' : lock.end;
      const start = lock.kind === 'flock' ? 0 : lock.start;
      text += `${id++}: ${kinds[lock.kind]} ${lock.write ? 'WRITE' : 'READ '} ${lock.pid} ${where} ${start} ${end}\n`;
    }
  return text;
}

export const showConsoles = (k: Kernel): string =>
  k.tty.ports
    .slice(0, 1)
    .map((port) => `${port.name.padEnd(20)} -W- (EC p a) ${pad(major(port.rdev), 4)}:${minor(port.rdev)}\n`)
    .join('');

/** /proc/tty/drivers (show_tty_driver): ps finds the names of terminals with it. */
export function showTtyDrivers(k: Kernel): string {
  const row = (driver: string, name: string, number: number, minors: string, type: string): string =>
    `${driver.padEnd(20)} /dev/${name.padEnd(8)} ${pad(number, 3)} ${minors} ${type}\n`;
  const maxPty = Math.max(0, k.tty.maxPtys - 1);
  return [
    row('/dev/tty', 'tty', 5, pad(0, 7), 'system:/dev/tty'),
    row('/dev/console', 'console', 5, pad(1, 7), 'system:console'),
    row('/dev/ptmx', 'ptmx', 5, pad(2, 7), 'system'),
    row('serial', 'ttyS', 4, '64-95', 'serial'),
    row('pty_slave', 'pts', 136, `0-${maxPty}`, 'pty:slave'),
    row('pty_master', 'ptm', 128, `0-${maxPty}`, 'pty:master'),
  ].join('');
}

export const showLdiscs = (): string => 'n_tty       0\n';

export const sysvipcHeads = {
  msg: '       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n',
  sem: '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n',
  shm: '       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap\n',
} as const;
