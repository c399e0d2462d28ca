/**
 * Options of IP, IPv6, TCP, UDP and raw sockets (man 7 ip, ipv6, tcp, udp, raw). Always true: an option that changes nothing on a
 * machine whose only network is its own loopback is remembered, and told again.
 */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import { isIpv4 } from '../address.ts';
import { Af, IpProto, Sock, Sol } from '../flags.ts';
import { intBytes, intOf } from '../options.ts';
import type { Ip, Socket } from '../types.ts';
import { inetOf } from './ports.ts';

/** Options of IPPROTO_IP. */
export const Ip4 = {
  TOS: 1,
  TTL: 2,
  HDRINCL: 3,
  OPTIONS: 4,
  PKTINFO: 8,
  MTU_DISCOVER: 10,
  RECVERR: 11,
  RECVTTL: 12,
  RECVTOS: 13,
  MTU: 14,
  TRANSPARENT: 19,
  MULTICAST_IF: 32,
  MULTICAST_TTL: 33,
  MULTICAST_LOOP: 34,
  ADD_MEMBERSHIP: 35,
  DROP_MEMBERSHIP: 36,
  MULTICAST_ALL: 49,
} as const;
/** Others that are remembered: router alert, options to receive, free bind, minimal TTL, late ports, unicast interface. */
const REMEMBERED4 = new Set<number>([1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 15, 21, 24, 32, 33, 34, 49, 50]);
const DEFAULTS4: Record<number, number> = { 2: 64, 10: 1, 33: 1, 34: 1, 49: 1 };

/** Options of IPPROTO_IPV6. */
export const Ip6 = {
  UNICAST_HOPS: 16,
  ADD_MEMBERSHIP: 20,
  DROP_MEMBERSHIP: 21,
  MTU: 24,
  RECVERR: 25,
  V6ONLY: 26,
  RECVPKTINFO: 49,
  PKTINFO: 50,
  RECVHOPLIMIT: 51,
  HOPLIMIT: 52,
  RECVTCLASS: 66,
  TCLASS: 67,
} as const;
const REMEMBERED6 = new Set<number>([
  7, 8, 11, 16, 17, 18, 19, 23, 25, 33, 49, 51, 53, 54, 56, 58, 60, 61, 62, 66, 67, 70, 72, 74, 78,
]);
const DEFAULTS6: Record<number, number> = { 16: 64, 18: 1, 19: 1, 23: 1, 70: 1 };

/** Options of IPPROTO_TCP. */
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const REMEMBERED_TCP = new Set<number>([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 17, 18, 23, 24, 25, 30]);
const DEFAULTS_TCP: Record<number, number> = { 2: 65483, 4: 7200, 5: 75, 6: 9, 7: 6, 8: 60, 12: 1 };
/** TCP_KEEPIDLE, KEEPINTVL and KEEPCNT take what lies between 1 and these. */
const MOST_TCP: Record<number, number> = { 4: 32767, 5: 32767, 6: 127, 7: 127 };

const ICMP_FILTER = 1;

/** The value of a remembered option. */
export const optionOf = (socket: Socket, level: number, name: number): number =>
  socket.options.others[`${level}:${name}`] ?? 0;

/** The TTL or hop limit of what a socket sends to `ip`. */
export function hopLimit(socket: Socket, ip: Ip): number {
  const { others } = socket.options;
  const set = isIpv4(ip) ? others[`${Sol.IP}:${Ip4.TTL}`] : others[`${Sol.IPV6}:${Ip6.UNICAST_HOPS}`];
  return set === undefined || set < 0 ? 64 : set;
}
/** The type of service. */
export const serviceOf = (socket: Socket): number =>
  socket.family === Af.INET ? optionOf(socket, Sol.IP, Ip4.TOS) : optionOf(socket, Sol.IPV6, Ip6.TCLASS);

/** Options of IP may be given as one byte. */
const numberIn = (value: Uint8Array): number => (value.length >= 4 ? intOf(value) : (value[0] ?? 0));

function remember(socket: Socket, level: number, name: number, number: number): number {
  socket.options.others[`${level}:${name}`] = number;
  return 0;
}

function setIp4(task: Task, socket: Socket, name: number, value: Uint8Array): number {
  const number = numberIn(value);
  if (name === Ip4.ADD_MEMBERSHIP) return value.length < 8 ? -Errno.EINVAL : -Errno.ENODEV;
  if (name === Ip4.DROP_MEMBERSHIP) return value.length < 8 ? -Errno.EINVAL : -Errno.EADDRNOTAVAIL;
  if (name === Ip4.OPTIONS) return value.length === 0 ? 0 : -Errno.EINVAL;
  if (name === Ip4.TRANSPARENT) return capable(task.cred, CAP.NET_ADMIN) ? 0 : -Errno.EPERM;
  if (!REMEMBERED4.has(name)) return -Errno.ENOPROTOOPT;
  if (value.length === 0) return -Errno.EINVAL;
  if (name === Ip4.TTL && number !== -1 && (number < 1 || number > 255)) return -Errno.EINVAL;
  if (name === Ip4.HDRINCL && socket.type !== Sock.RAW) return -Errno.ENOPROTOOPT;
  if (name === Ip4.MTU_DISCOVER && (number < 0 || number > 5)) return -Errno.EINVAL;
  return remember(socket, Sol.IP, name, number);
}

function setIp6(socket: Socket, name: number, value: Uint8Array): number {
  const state = inetOf(socket);
  if (name === Ip6.ADD_MEMBERSHIP) return -Errno.ENODEV;
  if (name === Ip6.DROP_MEMBERSHIP) return -Errno.EADDRNOTAVAIL;
  if (value.length < 4) return -Errno.EINVAL;
  const number = intOf(value);
  if (name === Ip6.V6ONLY) {
    if (state.port !== 0) return -Errno.EINVAL;
    state.v6Only = number !== 0;
    return 0;
  }
  if (!REMEMBERED6.has(name)) return -Errno.ENOPROTOOPT;
  if (name === Ip6.UNICAST_HOPS && (number < -1 || number > 255)) return -Errno.EINVAL;
  return remember(socket, Sol.IPV6, name, number);
}

const CONGESTION = ['cubic', 'reno'];
const text = (value: Uint8Array): string => String.fromCharCode(...value).split('\0')[0];

function setTcp(socket: Socket, name: number, value: Uint8Array): number {
  if (name === TCP_CONGESTION) {
    const which = CONGESTION.indexOf(text(value));
    return which < 0 ? -Errno.ENOENT : remember(socket, Sol.TCP, name, which);
  }
  if (!REMEMBERED_TCP.has(name)) return -Errno.ENOPROTOOPT;
  if (value.length < 4) return -Errno.EINVAL;
  const number = intOf(value);
  if (MOST_TCP[name] && (number < 1 || number > MOST_TCP[name])) return -Errno.EINVAL;
  return remember(socket, Sol.TCP, name, number);
}

/** setsockopt(2) beyond SOL_SOCKET. */
export function setInetOption(
  _k: Kernel,
  task: Task,
  socket: Socket,
  level: number,
  name: number,
  value: Uint8Array,
): number {
  if (level === Sol.TCP && socket.proto === 'tcp') return setTcp(socket, name, value);
  if (level === Sol.IP) return setIp4(task, socket, name, value);
  if (level === Sol.IPV6 && socket.family === Af.INET6) return setIp6(socket, name, value);
  if (level === Sol.RAW && socket.proto === 'raw' && name === ICMP_FILTER) {
    if (socket.protocol !== IpProto.ICMP) return -Errno.EOPNOTSUPP;
    inetOf(socket).icmpFilter = value.length >= 4 ? intOf(value) : 0;
    return 0;
  }
  if (level === Sol.ICMPV6 && socket.proto === 'raw' && name === ICMP_FILTER) {
    if (socket.protocol !== IpProto.ICMPV6) return -Errno.EOPNOTSUPP;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    const words = Math.min(8, value.length >> 2);
    inetOf(socket).icmp6Filter = Array.from({ length: words }, (_, i) => view.getUint32(i * 4, true));
    return 0;
  }
  // The checksum of ICMPv6 is always made by the kernel (level SOL_RAW, IPV6_CHECKSUM).
  if (level === Sol.RAW && socket.family === Af.INET6 && name === 7) return 0;
  if (level === Sol.UDP && socket.proto === 'udp' && name >= 100 && name <= 102) return 0;
  return -Errno.ENOPROTOOPT;
}

/** The beginning of struct tcp_info: state, options and timers of a connection on the loopback interface. */
function tcpInfo(socket: Socket): Uint8Array {
  const bytes = new Uint8Array(104);
  const view = new DataView(bytes.buffer);
  bytes[0] = inetOf(socket).state;
  // Window scaling and timestamps are on, the scale is 7 both ways.
  bytes[5] = 7;
  bytes[6] = 0x77;
  view.setUint32(8, 204000, true);
  view.setUint32(12, 40000, true);
  view.setUint32(16, 65483, true);
  view.setUint32(20, 536, true);
  view.setUint32(60, 65535, true);
  view.setUint32(68, 20, true);
  view.setUint32(72, 10, true);
  view.setUint32(80, 10, true);
  view.setUint32(84, 65483, true);
  return bytes;
}

function getTcp(socket: Socket, name: number, room: number): Uint8Array | number {
  if (name === TCP_INFO) return tcpInfo(socket).subarray(0, room);
  const { others } = socket.options;
  if (name === TCP_CONGESTION) {
    const bytes = new Uint8Array(16);
    bytes.set(Array.from(CONGESTION[others[`${Sol.TCP}:${name}`] ?? 0], (c) => c.charCodeAt(0)));
    return bytes.subarray(0, room);
  }
  if (!REMEMBERED_TCP.has(name)) return -Errno.ENOPROTOOPT;
  return intBytes(others[`${Sol.TCP}:${name}`] ?? DEFAULTS_TCP[name] ?? 0, room);
}

/** getsockopt(2) beyond SOL_SOCKET. */
export function getInetOption(
  _k: Kernel,
  _task: Task,
  socket: Socket,
  level: number,
  name: number,
  room: number,
): Uint8Array | number {
  const { others } = socket.options;
  const connected = inetOf(socket).remote !== '';
  if (level === Sol.TCP && socket.proto === 'tcp') return getTcp(socket, name, room);
  if (level === Sol.IP) {
    if (name === Ip4.MTU) return connected ? intBytes(65535, room) : -Errno.ENOTCONN;
    if (name === Ip4.OPTIONS) return new Uint8Array(0);
    if (!REMEMBERED4.has(name)) return -Errno.ENOPROTOOPT;
    const value = others[`${Sol.IP}:${name}`];
    return intBytes(value === undefined || value === -1 ? (DEFAULTS4[name] ?? 0) : value, room);
  }
  if (level === Sol.IPV6 && socket.family === Af.INET6) {
    if (name === Ip6.V6ONLY) return intBytes(inetOf(socket).v6Only ? 1 : 0, room);
    if (name === Ip6.MTU) return connected ? intBytes(65536, room) : -Errno.ENOTCONN;
    if (!REMEMBERED6.has(name)) return -Errno.ENOPROTOOPT;
    const value = others[`${Sol.IPV6}:${name}`];
    return intBytes(value === undefined || value === -1 ? (DEFAULTS6[name] ?? 0) : value, room);
  }
  if (level === Sol.RAW && socket.proto === 'raw' && name === ICMP_FILTER)
    return intBytes(inetOf(socket).icmpFilter, room);
  return -Errno.ENOPROTOOPT;
}
