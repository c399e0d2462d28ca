/** Capabilities (man 7 capabilities) as bit masks over their numbers (linux/capability.h). */
import type { Cred } from './types.ts';

export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  LINUX_IMMUTABLE: 9,
  NET_BIND_SERVICE: 10,
  NET_BROADCAST: 11,
  NET_ADMIN: 12,
  NET_RAW: 13,
  IPC_LOCK: 14,
  IPC_OWNER: 15,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_PACCT: 20,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_NICE: 23,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  SYS_TTY_CONFIG: 26,
  MKNOD: 27,
  LEASE: 28,
  AUDIT_WRITE: 29,
  AUDIT_CONTROL: 30,
  SETFCAP: 31,
  MAC_OVERRIDE: 32,
  MAC_ADMIN: 33,
  SYSLOG: 34,
  WAKE_ALARM: 35,
  BLOCK_SUSPEND: 36,
  AUDIT_READ: 37,
} as const;
/** The highest capability of 4.15: /proc/sys/kernel/cap_last_cap. */
export const CAP_LAST = 37;
export const ALL_CAPS = (1n << BigInt(CAP_LAST + 1)) - 1n;

const bits = Array.from({ length: CAP_LAST + 1 }, (_, cap) => 1n << BigInt(cap));

/** Mask of one capability. */
export const capBit = (cap: number): bigint => bits[cap] ?? 0n;

/** Whether the effective set has `cap`. */
export const capable = (cred: Cred, cap: number): boolean => (cred.capEffective & bits[cap]) !== 0n;

/** What fsuid 0 grants for files: dropped and regained when fsuid changes (CAP_FS_SET). */
export const FS_CAPS =
  bits[CAP.CHOWN] |
  bits[CAP.MKNOD] |
  bits[CAP.DAC_OVERRIDE] |
  bits[CAP.DAC_READ_SEARCH] |
  bits[CAP.FOWNER] |
  bits[CAP.FSETID] |
  bits[CAP.LINUX_IMMUTABLE] |
  bits[CAP.MAC_OVERRIDE];

/** SECBIT_* of prctl(PR_SET_SECUREBITS). */
export const Secbit = {
  NOROOT: 1,
  NOROOT_LOCKED: 2,
  NO_SETUID_FIXUP: 4,
  NO_SETUID_FIXUP_LOCKED: 8,
  KEEP_CAPS: 16,
  KEEP_CAPS_LOCKED: 32,
  NO_CAP_AMBIENT_RAISE: 64,
  NO_CAP_AMBIENT_RAISE_LOCKED: 128,
} as const;
