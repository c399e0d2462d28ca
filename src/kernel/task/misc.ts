/** The machine as programs ask about it: names, memory, randomness, power (kernel/sys.c, kernel/reboot.c). */

import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyInString } from '../mm/uaccess.ts';
import type { Outcome } from '../outcome.ts';
import { Level, printk } from '../printk/printk.ts';
import { CAP, capable } from './capability.ts';
import { loadAverages } from './sched.ts';
import type { Task } from './types.ts';

const UTS_LEN = 65;
/** The longest host or domain name. */
const HOST_NAME_MAX = 64;

/** struct new_utsname: six fields of 65 bytes. */
export function encodeUtsname(k: Kernel): Uint8Array {
  const { identity } = k;
  const fields = ['Linux', k.hostname, identity.release, identity.version, identity.machine, k.domainname];
  const bytes = new Uint8Array(UTS_LEN * fields.length);
  fields.forEach((field, index) => {
    for (let i = 0; i < Math.min(field.length, UTS_LEN - 1); i++)
      bytes[index * UTS_LEN + i] = field.charCodeAt(i);
  });
  return bytes;
}

/** sethostname(2) and setdomainname(2). */
export function setNodeName(
  k: Kernel,
  task: Task,
  which: 'hostname' | 'domainname',
  va: number,
  length: number,
): number {
  if (!capable(task.cred, CAP.SYS_ADMIN)) return -Errno.EPERM;
  if (length < 0 || length > HOST_NAME_MAX) return -Errno.EINVAL;
  const bytes = copyIn(k, task, va, length);
  if (!bytes) return -Errno.EFAULT;
  let name = '';
  for (const byte of bytes) {
    if (byte === 0) break;
    name += String.fromCharCode(byte);
  }
  k[which] = name;
  return 0;
}

/** struct sysinfo of riscv64: 112 bytes, memory in bytes. */
export function encodeSysinfo(k: Kernel): Uint8Array {
  const bytes = new Uint8Array(112);
  const view = new DataView(bytes.buffer);
  const long = (at: number, value: number): void => view.setBigInt64(at, BigInt(Math.floor(value)), true);
  const total = k.quotas.memoryPages;
  const free = Math.max(0, total - k.guest.usedPages);
  long(0, k.time.nowNs / 1e9);
  loadAverages(k).forEach((load, i) => {
    long(8 + 8 * i, load * 65536);
  });
  long(32, total * 4096);
  long(40, free * 4096);
  view.setUint16(80, k.task.tasks.size, true);
  view.setUint32(104, 1, true);
  return bytes;
}

const MAGIC1 = 0xfee1dead;
const MAGIC2 = [672274793, 85072278, 369367448, 537993216];
const Reboot = {
  CAD_OFF: 0,
  CAD_ON: 0x89abcdef,
  RESTART: 0x01234567,
  HALT: 0xcdef0123,
  POWER_OFF: 0x4321fedc,
  RESTART2: 0xa1b2c3d4,
} as const;

/** reboot(2): stops the VM, in one of Linux's ways. */
export function reboot(
  k: Kernel,
  task: Task,
  magic1: number,
  magic2: number,
  command: number,
  arg: number,
): Outcome {
  if (!capable(task.cred, CAP.SYS_BOOT)) return -Errno.EPERM;
  if (magic1 !== MAGIC1 || !MAGIC2.includes(magic2)) return -Errno.EINVAL;
  switch (command) {
    case Reboot.CAD_ON:
    case Reboot.CAD_OFF:
      return 0;
    case Reboot.RESTART:
      return notice(k, task, 'restart', 'reboot: Restarting system');
    case Reboot.RESTART2: {
      const text = copyInString(k, task, arg, 256);
      if (typeof text === 'number') return -Errno.EFAULT;
      return notice(k, task, 'restart', `reboot: Restarting system with command '${text}'`);
    }
    case Reboot.HALT:
      return notice(k, task, 'halt', 'reboot: System halted');
    case Reboot.POWER_OFF:
      return notice(k, task, 'poweroff', 'reboot: Power down');
    default:
      return -Errno.EINVAL;
  }
}

type StopReason = 'restart' | 'halt' | 'poweroff';
type RebootNotice = (k: Kernel, task: Task, reason: StopReason, text: string) => Outcome;
let notice: RebootNotice = (k, _task, reason, text) => stopMachine(k, reason, text);

/** Who tells modules before the machine stops registers here. */
export function provideRebootNotice(tell: RebootNotice): void {
  notice = tell;
}

/** The VM ends, with its last words on the console. */
export function stopMachine(k: Kernel, reason: StopReason, text: string): number {
  printk(k, Level.EMERG, text);
  k.halted = { reason, text };
  return 0;
}

/** Personality flags that mean something here: ADDR_NO_RANDOMIZE is honoured by exec. */
export function personality(task: Task, value: number): number {
  const old = task.group.personality;
  if (value !== 0xffffffff) task.group.personality = value;
  return old;
}
