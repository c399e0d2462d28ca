/** ioctls of all sockets: bytes to read, owners, and the interfaces (man 7 netdevice, socket). */
import { Errno } from '../abi/errno.ts';
import { setOwner } from '../fs/async.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, readI32, readLong, writeI32, writeU32 } from '../mm/uaccess.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { isIpv4, prefixMask, toNumber } from './address.ts';
import { Af, Iff, Sock } from './flags.ts';
import { findInterface, interfaceByIndex, setInterfaceUp, showInSysfs, shownFlags } from './interfaces.ts';
import type { NetInterface, Socket } from './types.ts';

const IFREQ_SIZE = 40;
const NAME_SIZE = 16;
const ARPHRD_LOOPBACK = 772;

const Sio = {
  FIONREAD: 0x541b,
  TIOCOUTQ: 0x5411,
  FIOSETOWN: 0x8901,
  SPGRP: 0x8902,
  FIOGETOWN: 0x8903,
  GPGRP: 0x8904,
  ATMARK: 0x8905,
  GIFNAME: 0x8910,
  GIFCONF: 0x8912,
  GIFFLAGS: 0x8913,
  SIFFLAGS: 0x8914,
  GIFADDR: 0x8915,
  SIFADDR: 0x8916,
  GIFDSTADDR: 0x8917,
  GIFBRDADDR: 0x8919,
  GIFNETMASK: 0x891b,
  GIFMETRIC: 0x891d,
  GIFMTU: 0x8921,
  SIFMTU: 0x8922,
  GIFHWADDR: 0x8927,
  GIFINDEX: 0x8933,
  GIFTXQLEN: 0x8942,
  GIFMAP: 0x8970,
  ETHTOOL: 0x8946,
} as const;

/** What FIONREAD tells: bytes of a stream, or of the next datagram. */
export const readable = (socket: Socket): number =>
  socket.type === Sock.STREAM ? socket.receiveBytes : (socket.receive[0]?.bytes.length ?? 0);

/** ioctl(2) on any socket; -ENOTTY for what is not known. */
export function socketIoctl(k: Kernel, task: Task, socket: Socket, cmd: number, arg: number): number {
  switch (cmd) {
    case Sio.FIONREAD:
      if (socket.unix?.listening || (socket.inet?.backlog ?? -1) >= 0) return -Errno.EINVAL;
      return writeI32(k, task, arg, readable(socket));
    case Sio.TIOCOUTQ:
      return writeI32(k, task, arg, socket.sendCharge);
    case Sio.FIOSETOWN:
    case Sio.SPGRP: {
      const pid = readI32(k, task, arg);
      if (pid === null) return -Errno.EFAULT;
      return socket.file ? setOwner(k, task, socket.file, pid) : 0;
    }
    case Sio.FIOGETOWN:
    case Sio.GPGRP:
      return writeI32(k, task, arg, socket.file?.owner.pid ?? 0);
    case Sio.ATMARK:
      return writeI32(k, task, arg, 0);
    case Sio.GIFCONF:
      return listInterfaces(k, task, arg);
    default:
      return cmd >= 0x8900 && cmd <= 0x89ff ? interfaceIoctl(k, task, cmd, arg) : -Errno.ENOTTY;
  }
}

function addressBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Af.INET, true);
  view.setInt32(4, value, false);
  return bytes;
}

function nameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(NAME_SIZE);
  for (let i = 0; i < name.length && i < NAME_SIZE - 1; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}

/** SIOCGIFCONF: a struct ifreq for each IPv4 address. */
function listInterfaces(k: Kernel, task: Task, va: number): number {
  const room = readI32(k, task, va);
  const buffer = readLong(k, task, va + 8);
  if (room === null || buffer === null) return -Errno.EFAULT;
  let used = 0;
  for (const device of k.net.interfaces)
    for (const address of device.addresses) {
      if (!isIpv4(address.ip)) continue;
      if (buffer !== 0) {
        if (used + IFREQ_SIZE > room) break;
        const bytes = new Uint8Array(IFREQ_SIZE);
        bytes.set(nameBytes(device.name));
        bytes.set(addressBytes(toNumber(address.ip)), NAME_SIZE);
        if (copyOut(k, task, buffer + used, bytes) < 0) return -Errno.EFAULT;
      }
      used += IFREQ_SIZE;
    }
  return writeU32(k, task, va, used);
}

/** Calls that take a struct ifreq naming an interface. */
function interfaceIoctl(k: Kernel, task: Task, cmd: number, va: number): number {
  const raw = copyIn(k, task, va, IFREQ_SIZE);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset);
  const value = va + NAME_SIZE;
  if (cmd === Sio.GIFNAME) {
    const device = interfaceByIndex(k, view.getInt32(NAME_SIZE, true));
    return device ? copyOut(k, task, va, nameBytes(device.name)) : -Errno.ENODEV;
  }
  const end = raw.subarray(0, NAME_SIZE).indexOf(0);
  const name = String.fromCharCode(...raw.subarray(0, end < 0 ? NAME_SIZE - 1 : end)).split(':')[0];
  const device = findInterface(k, name);
  if (!device) return -Errno.ENODEV;
  const address = device.addresses.find((a) => isIpv4(a.ip));
  switch (cmd) {
    case Sio.GIFFLAGS:
      return writeShort(k, task, value, shownFlags(device) & 0xffff);
    case Sio.SIFFLAGS:
      if (!capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      setInterfaceUp(k, device, (view.getUint16(NAME_SIZE, true) & Iff.UP) !== 0);
      return 0;
    case Sio.GIFADDR:
    case Sio.GIFDSTADDR:
      return address ? copyOut(k, task, value, addressBytes(toNumber(address.ip))) : -Errno.EADDRNOTAVAIL;
    case Sio.GIFBRDADDR:
      return address ? copyOut(k, task, value, addressBytes(0)) : -Errno.EADDRNOTAVAIL;
    case Sio.GIFNETMASK:
      return address
        ? copyOut(k, task, value, addressBytes(prefixMask(address.prefix)))
        : -Errno.EADDRNOTAVAIL;
    case Sio.GIFMETRIC:
      return writeI32(k, task, value, 0);
    case Sio.GIFMTU:
      return writeI32(k, task, value, device.mtu);
    case Sio.SIFMTU:
      return setMtu(k, task, device, view.getInt32(NAME_SIZE, true));
    case Sio.GIFHWADDR: {
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setUint16(0, ARPHRD_LOOPBACK, true);
      return copyOut(k, task, value, bytes);
    }
    case Sio.GIFINDEX:
      return writeI32(k, task, value, device.index);
    case Sio.GIFTXQLEN:
      return writeI32(k, task, value, device.txQueueLength);
    case Sio.GIFMAP:
      return copyOut(k, task, value, new Uint8Array(24));
    case Sio.ETHTOOL:
      return -Errno.EOPNOTSUPP;
    default:
      return -Errno.ENOTTY;
  }
}

function setMtu(k: Kernel, task: Task, device: NetInterface, mtu: number): number {
  if (!capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
  if (mtu < 0) return -Errno.EINVAL;
  device.mtu = mtu;
  showInSysfs(k, device);
  return 0;
}

const writeShort = (k: Kernel, task: Task, va: number, value: number): number =>
  copyOut(k, task, va, Uint8Array.of(value, value >> 8));
