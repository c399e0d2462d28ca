/** The memory devices of major 1 (drivers/char/mem.c): null, zero, full, random, urandom, kmsg, mem. */
import { Errno } from '../abi/errno.ts';
import { makedev, Poll } from '../fs/flags.ts';
import { defineChrdevDriver, defineFileOps, type FileOps } from '../fs/ops.ts';
import type { File } from '../fs/types.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { ANONYMOUS_MEMORY } from '../mm/mmap.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyIn, readI32, writeI32 } from '../mm/uaccess.ts';
import { copyFromIo, copyToIo, ioRemaining, zerosToIo } from '../mm/uio.ts';
import { openKmsg } from '../printk/kmsg.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { registerChrdev, registerDevice } from './device.ts';
import { mixRandom, randomBytes } from './random.ts';

const MEM_MAJOR = 1;
/** Bytes of one piece of a long transfer. */
const PIECE = 65536;
/** The most one read of /dev/urandom gives (drivers/char/random.c). */
const MAX_RANDOM = 33554431;

/** Seeking is accepted and leads to the beginning (null_lseek). */
const seekNowhere = (_k: Kernel, _task: Task, file: File): number => {
  file.pos = 0;
  return 0;
};

/** Takes what is written without looking at it. */
const swallow: FileOps['write'] = (_k, _task, _file, buf) => {
  buf.done = buf.length;
  return buf.length;
};

const readZeros: FileOps['read'] = (k, task, _file, buf) => zerosToIo(k, task, buf, ioRemaining(buf));
const mapZeros: FileOps['mmap'] = () => ANONYMOUS_MEMORY;

defineFileOps('null', { seekable: true, llseek: seekNowhere, read: () => 0, write: swallow });
defineFileOps('zero', {
  seekable: true,
  llseek: seekNowhere,
  read: readZeros,
  write: swallow,
  mmap: mapZeros,
});
defineFileOps('full', { seekable: true, llseek: seekNowhere, read: readZeros, write: () => -Errno.ENOSPC });

function readRandom(k: Kernel, task: Task, buf: IoBuf): number {
  const want = Math.min(ioRemaining(buf), MAX_RANDOM);
  let given = 0;
  while (given < want) {
    const moved = copyToIo(k, task, buf, randomBytes(k, Math.min(PIECE, want - given)));
    if (moved < 0) return given > 0 ? given : moved;
    given += moved;
    if (moved === 0) break;
  }
  return given;
}

function writeRandom(k: Kernel, task: Task, buf: IoBuf): number {
  while (ioRemaining(buf) > 0) {
    const bytes = copyFromIo(k, task, buf, PIECE);
    if (typeof bytes === 'number') return buf.done > 0 ? buf.done : bytes;
    if (bytes.length === 0) break;
    mixRandom(k.random, bytes);
  }
  return buf.done;
}

/** ioctls of the random devices (man 4 random). */
const Rnd = {
  GETENTCNT: 0x80045200,
  ADDTOENTCNT: 0x40045201,
  ADDENTROPY: 0x40085203,
  ZAPENTCNT: 0x5204,
  CLEARPOOL: 0x5206,
  RESEEDCRNG: 0x5207,
} as const;
/** Bits of entropy the pool is said to hold: it is always full. */
const ENTROPY_BITS = 4096;

function randomIoctl(k: Kernel, task: Task, cmd: number, arg: number): number {
  if (cmd === Rnd.GETENTCNT) return writeI32(k, task, arg, ENTROPY_BITS);
  const known: number[] = Object.values(Rnd);
  if (!known.includes(cmd)) {
    unsupported(k, `ioctl ${cmd.toString(16)} of /dev/random`);
    return -Errno.EINVAL;
  }
  if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  if (cmd === Rnd.ADDENTROPY) {
    const size = readI32(k, task, arg + 4);
    if (size === null) return -Errno.EFAULT;
    if (size < 0) return -Errno.EINVAL;
    const bytes = copyIn(k, task, arg + 8, Math.min(size, PIECE));
    if (!bytes) return -Errno.EFAULT;
    mixRandom(k.random, bytes);
  }
  return 0;
}

defineFileOps('random', {
  seekable: true,
  llseek: (_k, _task, file) => file.pos,
  read: (k, task, _file, buf) => readRandom(k, task, buf),
  write: (k, task, _file, buf) => writeRandom(k, task, buf),
  ioctl: (k, task, _file, cmd, arg) => randomIoctl(k, task, cmd >>> 0, arg),
  poll: () => ({ events: Poll.IN | Poll.RDNORM | Poll.OUT | Poll.WRNORM, queues: [] }),
});

/** Physical memory: with CONFIG_STRICT_DEVMEM nobody may touch system RAM, and there is nothing else. */
defineFileOps('mem', {
  seekable: true,
  llseek(_k, _task, file, offset, whence) {
    const at = whence === 0 ? offset : whence === 1 ? file.pos + offset : -1;
    if (at < 0) return -Errno.EINVAL;
    file.pos = at;
    return at;
  },
  read: () => -Errno.EPERM,
  write: () => -Errno.EPERM,
  mmap: () => -Errno.EPERM,
});

interface MemDevice {
  minor: number;
  name: string;
  mode: number;
  /** Completes the open. */
  open: (k: Kernel, task: Task, file: File) => number;
}

const plain =
  (kind: string): MemDevice['open'] =>
  (_k, _task, file) => {
    file.kind = kind;
    return 0;
  };

const memDevices: readonly MemDevice[] = [
  {
    minor: 1,
    name: 'mem',
    mode: 0o600,
    open: (k, task, file) => (capable(task.cred, CAP.SYS_RAWIO) ? plain('mem')(k, task, file) : -Errno.EPERM),
  },
  { minor: 3, name: 'null', mode: 0o666, open: plain('null') },
  { minor: 5, name: 'zero', mode: 0o666, open: plain('zero') },
  { minor: 7, name: 'full', mode: 0o666, open: plain('full') },
  { minor: 8, name: 'random', mode: 0o666, open: plain('random') },
  { minor: 9, name: 'urandom', mode: 0o666, open: plain('random') },
  { minor: 11, name: 'kmsg', mode: 0o644, open: openKmsg },
];

defineChrdevDriver('mem', {
  open(k, task, file, minor) {
    return memDevices.find((device) => device.minor === minor)?.open(k, task, file) ?? -Errno.ENXIO;
  },
});

/** Registers the memory devices and their nodes. */
export function initMem(k: Kernel): void {
  registerChrdev(k, { major: MEM_MAJOR, baseMinor: 0, count: 256, name: 'mem', driver: 'mem' });
  for (const { minor, name, mode } of memDevices)
    registerDevice(k, {
      name,
      devpath: `virtual/mem/${name}`,
      class: 'mem',
      rdev: makedev(MEM_MAJOR, minor),
      mode,
      uevent: mode === 0o600 ? {} : { DEVMODE: `0${mode.toString(8)}` },
    });
}
