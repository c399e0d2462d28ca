/** Options of socket level (man 7 socket, net/core/sock.c). Always true: buffer sizes are twice what was asked for, as on Linux. */
import { Errno } from '../abi/errno.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import { copyIn } from '../mm/uaccess.ts';
import { CAP, capable } from '../task/capability.ts';
import type { Task } from '../task/types.ts';
import { ucredBytes } from './control.ts';
import { parseFilter } from './filter.ts';
import { Af, So, Sol } from './flags.ts';
import { protocolOf } from './protocol.ts';
import { sysctlNumber } from './sysctl.ts';
import type { Socket, SocketOptions } from './types.ts';

const MIN_SEND = 4608;
const MIN_RECEIVE = 2304;

export const defaultOptions = (k: Kernel): SocketOptions => ({
  sendBuffer: sysctlNumber(k, 'net.core.wmem_default', 212992),
  receiveBuffer: sysctlNumber(k, 'net.core.rmem_default', 212992),
  reuseAddress: false,
  reusePort: false,
  keepAlive: false,
  broadcast: false,
  oobInline: false,
  lingerOn: false,
  lingerSeconds: 0,
  passCred: false,
  timestamp: 0,
  receiveTimeoutNs: 0,
  sendTimeoutNs: 0,
  receiveLow: 1,
  device: '',
  others: {},
});

/** A C int as bytes, cut to the caller's room. */
export function intBytes(value: number, room = 4): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes.subarray(0, Math.max(0, Math.min(4, room)));
}

/** The int that an option's value begins with. */
export const intOf = (value: Uint8Array): number =>
  new DataView(value.buffer, value.byteOffset, value.byteLength).getInt32(0, true);

/** Options that are switches, by the field they move. */
const SWITCHES: Record<number, keyof SocketOptions> = {
  [So.REUSEADDR]: 'reuseAddress',
  [So.REUSEPORT]: 'reusePort',
  [So.KEEPALIVE]: 'keepAlive',
  [So.BROADCAST]: 'broadcast',
  [So.OOBINLINE]: 'oobInline',
  [So.PASSCRED]: 'passCred',
};

/** Options that are remembered and told again, but change nothing in this machine. */
const REMEMBERED = new Set<number>([
  So.DONTROUTE,
  So.NO_CHECK,
  So.PASSSEC,
  So.RXQ_OVFL,
  So.WIFI_STATUS,
  So.NOFCS,
  So.BUSY_POLL,
  So.PEEK_OFF,
  So.TIMESTAMPING,
]);

function setTimeout(socket: Socket, which: 'receiveTimeoutNs' | 'sendTimeoutNs', value: Uint8Array): number {
  if (value.length < 16) return -Errno.EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const sec = Number(view.getBigInt64(0, true));
  const usec = Number(view.getBigInt64(8, true));
  if (usec < 0 || usec >= 1_000_000) return -Errno.EDOM;
  socket.options[which] = sec < 0 ? 1 : sec > 1e9 ? 0 : sec * 1e9 + usec * 1000;
  return 0;
}

/** setsockopt(2) at SOL_SOCKET. */
function setSocketOption(k: Kernel, task: Task, socket: Socket, name: number, value: Uint8Array): number {
  const { options } = socket;
  if (name === So.BINDTODEVICE) return bindToDevice(k, task, socket, value);
  if (value.length < 4) return -Errno.EINVAL;
  const number = intOf(value);
  const field = SWITCHES[name];
  if (field) {
    (options[field] as boolean) = number !== 0;
    return 0;
  }
  if (REMEMBERED.has(name)) {
    options.others[`${Sol.SOCKET}:${name}`] = number;
    return 0;
  }
  switch (name) {
    case So.DEBUG:
      return number !== 0 && !capable(task.cred, CAP.NET_ADMIN) ? -Errno.EACCES : 0;
    case So.SNDBUF:
    case So.SNDBUFFORCE: {
      if (name === So.SNDBUFFORCE && !capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      const most = sysctlNumber(k, 'net.core.wmem_max', 212992);
      const wanted = name === So.SNDBUF ? Math.min(number >>> 0, most) : Math.min(number >>> 0, 2 ** 24);
      options.sendBuffer = Math.max(wanted * 2, MIN_SEND);
      return 0;
    }
    case So.RCVBUF:
    case So.RCVBUFFORCE: {
      if (name === So.RCVBUFFORCE && !capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      const most = sysctlNumber(k, 'net.core.rmem_max', 212992);
      const wanted = name === So.RCVBUF ? Math.min(number >>> 0, most) : Math.min(number >>> 0, 2 ** 24);
      options.receiveBuffer = Math.max(wanted * 2, MIN_RECEIVE);
      return 0;
    }
    case So.PRIORITY:
      if ((number < 0 || number > 6) && !capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      options.others[`${Sol.SOCKET}:${name}`] = number;
      return 0;
    case So.MARK:
      if (!capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      options.others[`${Sol.SOCKET}:${name}`] = number;
      return 0;
    case So.LINGER:
      if (value.length < 8) return -Errno.EINVAL;
      options.lingerOn = number !== 0;
      options.lingerSeconds = intOf(value.subarray(4));
      return 0;
    case So.RCVLOWAT:
      options.receiveLow = number < 0 ? 0x7fffffff : number || 1;
      return 0;
    case So.RCVTIMEO:
      return setTimeout(socket, 'receiveTimeoutNs', value);
    case So.SNDTIMEO:
      return setTimeout(socket, 'sendTimeoutNs', value);
    case So.TIMESTAMP:
    case So.TIMESTAMPNS:
      options.timestamp = number === 0 ? 0 : name === So.TIMESTAMP ? 1 : 2;
      return 0;
    case So.BSDCOMPAT:
      return 0;
    case So.DETACH_FILTER: {
      const had = socket.filter !== null;
      socket.filter = null;
      return had ? 0 : -Errno.ENOENT;
    }
    case So.ATTACH_FILTER:
      return attachFilter(k, task, socket, value);
    case So.TYPE:
    case So.PROTOCOL:
    case So.DOMAIN:
    case So.ERROR:
      return -Errno.ENOPROTOOPT;
    default:
      unsupported(k, `setsockopt SOL_SOCKET ${name}`);
      return -Errno.ENOPROTOOPT;
  }
}

/** SO_ATTACH_FILTER: struct sock_fprog has the number of instructions and where they are. */
function attachFilter(k: Kernel, task: Task, socket: Socket, value: Uint8Array): number {
  if (value.length < 16) return -Errno.EINVAL;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const raw = copyIn(k, task, Number(view.getBigInt64(8, true)), view.getUint16(0, true) * 8);
  if (!raw) return -Errno.EFAULT;
  const program = parseFilter(raw);
  if (typeof program === 'number') return program;
  socket.filter = program;
  return 0;
}

function bindToDevice(k: Kernel, task: Task, socket: Socket, value: Uint8Array): number {
  if (!capable(task.cred, CAP.NET_RAW)) return -Errno.EPERM;
  const end = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, Math.min(15, end < 0 ? value.length : end)));
  if (name !== '' && !k.net.interfaces.some((device) => device.name === name)) return -Errno.ENODEV;
  socket.options.device = name;
  return 0;
}

function timeoutBytes(ns: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(ns / 1e9)), true);
  view.setBigInt64(8, BigInt(Math.floor((ns % 1e9) / 1000)), true);
  return bytes;
}

/** getsockopt(2) at SOL_SOCKET. */
function getSocketOption(k: Kernel, socket: Socket, name: number, room: number): Uint8Array | number {
  const { options } = socket;
  const field = SWITCHES[name];
  if (field) return intBytes(options[field] ? 1 : 0, room);
  if (REMEMBERED.has(name))
    return intBytes(options.others[`${Sol.SOCKET}:${name}`] ?? (name === So.PEEK_OFF ? -1 : 0), room);
  switch (name) {
    case So.DEBUG:
    case So.BSDCOMPAT:
      return intBytes(0, room);
    case So.TYPE:
      return intBytes(socket.type, room);
    case So.DOMAIN:
      return intBytes(socket.family, room);
    case So.PROTOCOL:
      return intBytes(socket.protocol, room);
    case So.ERROR: {
      const { error } = socket;
      socket.error = 0;
      return intBytes(error, room);
    }
    case So.SNDBUF:
      return intBytes(options.sendBuffer, room);
    case So.RCVBUF:
      return intBytes(options.receiveBuffer, room);
    case So.PRIORITY:
    case So.MARK:
      return intBytes(options.others[`${Sol.SOCKET}:${name}`] ?? 0, room);
    case So.LINGER: {
      const bytes = new Uint8Array(8);
      bytes.set(intBytes(options.lingerOn ? 1 : 0));
      bytes.set(intBytes(options.lingerSeconds), 4);
      return bytes.subarray(0, room);
    }
    case So.RCVLOWAT:
      return intBytes(options.receiveLow, room);
    case So.SNDLOWAT:
      return intBytes(1, room);
    case So.RCVTIMEO:
      return room < 16 ? -Errno.EINVAL : timeoutBytes(options.receiveTimeoutNs);
    case So.SNDTIMEO:
      return room < 16 ? -Errno.EINVAL : timeoutBytes(options.sendTimeoutNs);
    case So.TIMESTAMP:
      return intBytes(options.timestamp === 1 ? 1 : 0, room);
    case So.TIMESTAMPNS:
      return intBytes(options.timestamp === 2 ? 1 : 0, room);
    case So.ACCEPTCONN:
      return intBytes(socket.unix?.listening || (socket.inet?.backlog ?? -1) >= 0 ? 1 : 0, room);
    case So.PEERCRED: {
      const none = { pid: 0, uid: 0xffffffff, gid: 0xffffffff };
      return ucredBytes(socket.unix?.peerCred ?? none).subarray(0, room);
    }
    case So.PEERNAME: {
      const name = protocolOf(socket).name(k, socket, true);
      return typeof name === 'number' ? -Errno.ENOTCONN : name.subarray(0, room);
    }
    case So.BINDTODEVICE: {
      if (options.device === '') return new Uint8Array(0);
      return Uint8Array.from(`${options.device}\0`, (c) => c.charCodeAt(0)).subarray(0, room);
    }
    case So.PEERSEC:
    case So.PEERGROUPS:
      return -Errno.ENOPROTOOPT;
    default:
      unsupported(k, `getsockopt SOL_SOCKET ${name}`);
      return -Errno.ENOPROTOOPT;
  }
}

/** setsockopt(2) once the value has been read. */
export function setOption(
  k: Kernel,
  task: Task,
  socket: Socket,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  if (level === Sol.SOCKET) return setSocketOption(k, task, socket, name, value);
  const answer = protocolOf(socket).setOption?.(k, task, socket, level, name, value) ?? noOption(socket);
  if (answer === -Errno.ENOPROTOOPT) unsupported(k, `setsockopt level ${level} option ${name}`);
  return answer;
}

const noOption = (socket: Socket): number =>
  socket.family === Af.UNIX ? -Errno.EOPNOTSUPP : -Errno.ENOPROTOOPT;

/** getsockopt(2): the bytes of the value, at most `room`. */
export function getOption(
  k: Kernel,
  task: Task,
  socket: Socket,
  level: number,
  name: number,
  room: number,
): Uint8Array | number {
  if (level === Sol.SOCKET) return getSocketOption(k, socket, name, room);
  const answer = protocolOf(socket).getOption?.(k, task, socket, level, name, room) ?? noOption(socket);
  if (answer === -Errno.ENOPROTOOPT) unsupported(k, `getsockopt level ${level} option ${name}`);
  return answer;
}
