/**
 * ICMP echo and raw sockets (man 7 icmp, raw; net/ipv4/ping.c, raw.c). Always true: a packet sent to one of this machine's addresses
 * is seen by every raw socket of its protocol, and an echo request is answered in the same instant.
 */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { copyFromIo } from '../../mm/uio.ts';
import type { Outcome } from '../../outcome.ts';
import type { Task } from '../../task/types.ts';
import { hex, ipBytes, isAny, isIpv4, parseInetAddress } from '../address.ts';
import { count, countPacket } from '../counters.ts';
import { Af, IpProto, Sol } from '../flags.ts';
import { countLoopback, isLocalAddress, sourceFor } from '../interfaces.ts';
import type { SendMessage } from '../protocol.ts';
import { takeError } from '../socket.ts';
import { sysctlNumber } from '../sysctl.ts';
import type { InetState, Ip, IpInfo, Socket } from '../types.ts';
import { hopLimit, Ip4, optionOf, serviceOf } from './options.ts';
import { autobind, covers, findReceiver, inetOf } from './ports.ts';
import { accept, destination, maySend } from './udp.ts';

const Echo = { REQUEST: 8, REPLY: 0, REQUEST6: 128, REPLY6: 129 } as const;
const IP_HEADER = 20;
const MAX_PACKET = 65535;

/** A packet on the loopback interface. */
interface IpPacket {
  from: Ip;
  to: Ip;
  protocol: number;
  payload: Uint8Array;
  ttl: number;
  tos: number;
}

/** The internet checksum (RFC 1071), over a sum that was begun. */
export function checksum(bytes: Uint8Array, begun = 0): number {
  let sum = begun;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Fills in the checksum of an ICMP or ICMPv6 message; the latter covers a pseudo header (RFC 4443). */
function seal(message: Uint8Array, from: Ip, to: Ip): void {
  message[2] = 0;
  message[3] = 0;
  let begun = 0;
  if (!isIpv4(to)) {
    for (const half of [...ipBytes(from), ...ipBytes(to)].entries())
      begun += half[0] % 2 === 0 ? half[1] << 8 : half[1];
    begun += message.length + IpProto.ICMPV6;
  }
  const sum = checksum(message, begun);
  message[2] = sum >> 8;
  message[3] = sum;
}

/** The IPv4 header of a packet. */
function header(k: Kernel, packet: IpPacket): Uint8Array {
  const bytes = new Uint8Array(IP_HEADER);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  bytes[1] = packet.tos;
  view.setUint16(2, IP_HEADER + packet.payload.length);
  k.net.nextIpId = (k.net.nextIpId + 1) & 0xffff;
  view.setUint16(4, k.net.nextIpId);
  bytes[8] = packet.ttl;
  bytes[9] = packet.protocol;
  bytes.set(ipBytes(packet.from), 12);
  bytes.set(ipBytes(packet.to), 16);
  view.setUint16(10, checksum(bytes));
  return bytes;
}

const join = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
};

/** Whether a raw socket's ICMP filter keeps a type away. */
function isFiltered(state: InetState, protocol: number, type: number): boolean {
  if (protocol === IpProto.ICMP) return type < 32 && ((state.icmpFilter >>> type) & 1) !== 0;
  if (protocol !== IpProto.ICMPV6 || !state.icmp6Filter) return false;
  return (((state.icmp6Filter[type >> 5] ?? 0) >>> (type & 31)) & 1) !== 0;
}

/** A packet comes in on the loopback interface: raw sockets see it, ICMP acts on it. */
function arrive(k: Kernel, packet: IpPacket, head: Uint8Array | null): void {
  const { from, to, protocol, payload } = packet;
  const v4 = isIpv4(to);
  countLoopback(k, payload.length + (v4 ? IP_HEADER : 40));
  const info: IpInfo = { to, ttl: packet.ttl, tos: packet.tos, error: null };
  const source = { ip: from, port: 0 };
  for (const socket of k.net.raw) {
    const state = inetOf(socket);
    if (socket.protocol !== protocol || !covers(state, to)) continue;
    if ((socket.family === Af.INET) !== v4 || (state.remote !== '' && state.remote !== from)) continue;
    if (isFiltered(state, protocol, payload[0])) continue;
    accept(k, socket, v4 ? join(head ?? header(k, packet), payload) : payload, source, info);
  }
  if (payload.length < 8) return;
  if (protocol === IpProto.ICMP) countPacket(k, 'Icmp');
  if (protocol === (v4 ? IpProto.ICMP : IpProto.ICMPV6)) echo(k, packet, info);
}

function echo(k: Kernel, packet: IpPacket, info: IpInfo): void {
  const { from, to, payload } = packet;
  const v4 = isIpv4(to);
  if (payload[0] === (v4 ? Echo.REQUEST : Echo.REQUEST6) && payload[1] === 0) {
    if (v4 && sysctlNumber(k, 'net.ipv4.icmp_echo_ignore_all', 0) !== 0) return;
    if (v4) {
      count(k, 'Icmp.InEchos');
      count(k, 'Icmp.OutEchoReps');
    }
    const answer = payload.slice();
    answer[0] = v4 ? Echo.REPLY : Echo.REPLY6;
    seal(answer, to, from);
    arrive(k, { ...packet, from: to, to: from, payload: answer, ttl: 64 }, null);
  } else if (payload[0] === (v4 ? Echo.REPLY : Echo.REPLY6)) {
    if (v4) count(k, 'Icmp.InEchoReps');
    const ident = (payload[4] << 8) | payload[5];
    const receiver = findReceiver(k, 'ping', { ip: to, port: ident }, { ip: from, port: 0 });
    if (receiver) accept(k, receiver, payload, { ip: from, port: 0 }, info);
  }
}

/** Takes the whole message; -EFAULT. */
function payloadOf(k: Kernel, task: Task, message: SendMessage): Uint8Array | number {
  const { io } = message;
  if (io.length === 0) return new Uint8Array(0);
  const bytes = copyFromIo(k, task, io, io.length);
  return typeof bytes === 'number' || bytes.length === io.length ? bytes : -Errno.EFAULT;
}

/** send(2) on a datagram ICMP socket: echo requests only; the kernel sets identifier and checksum. */
export function sendPing(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { length } = message.io;
  if (length > MAX_PACKET - 28) return -Errno.EMSGSIZE;
  if (length < 8) return -Errno.EINVAL;
  const to = destination(socket, message);
  if (typeof to === 'number') return to;
  const denied = maySend(k, socket, to.ip);
  if (denied < 0) return denied;
  const pending = takeError(socket);
  if (pending < 0) return pending;
  const payload = payloadOf(k, task, message);
  if (typeof payload === 'number') return payload;
  const v6 = socket.family === Af.INET6;
  if (payload[0] !== (v6 ? Echo.REQUEST6 : Echo.REQUEST) || payload[1] !== 0) return -Errno.EINVAL;
  if (autobind(k, socket) < 0) return -Errno.EAGAIN;
  const state = inetOf(socket);
  const from = isAny(state.local) ? sourceFor(k, to.ip) : state.local;
  payload[4] = state.port >> 8;
  payload[5] = state.port;
  seal(payload, from, to.ip);
  const protocol = v6 ? IpProto.ICMPV6 : IpProto.ICMP;
  const ttl = hopLimit(socket, to.ip);
  arrive(k, { from, to: to.ip, protocol, payload, ttl, tos: serviceOf(socket) }, null);
  return length;
}

/** send(2) on a raw socket; with IP_HDRINCL the sender wrote the IP header. */
export function sendRaw(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { length } = message.io;
  if (length > MAX_PACKET) return -Errno.EMSGSIZE;
  const to = destination(socket, message);
  if (typeof to === 'number') return to;
  const denied = maySend(k, socket, to.ip);
  if (denied < 0) return denied;
  const payload = payloadOf(k, task, message);
  if (typeof payload === 'number') return payload;
  const v4 = socket.family === Af.INET;
  const included = v4 && (socket.protocol === IpProto.RAW || optionOf(socket, Sol.IP, Ip4.HDRINCL) !== 0);
  if (included) return sendIncluded(k, payload, length);
  const state = inetOf(socket);
  const from = isAny(state.local) ? sourceFor(k, to.ip) : state.local;
  if (!v4 && socket.protocol === IpProto.ICMPV6 && payload.length >= 4) seal(payload, from, to.ip);
  const packet = { from, to: to.ip, protocol: socket.protocol, payload, ttl: hopLimit(socket, to.ip) };
  arrive(k, { ...packet, tos: serviceOf(socket) }, null);
  return length;
}

/** A packet whose header the sender wrote: length, identification, source and checksum are filled in where they are zero. */
function sendIncluded(k: Kernel, bytes: Uint8Array, length: number): number {
  const size = (bytes[0] & 0xf) * 4;
  if (bytes.length < IP_HEADER || size < IP_HEADER || size > bytes.length) return -Errno.EINVAL;
  const head = bytes.slice(0, size);
  const view = new DataView(head.buffer);
  const to = hex(head.subarray(16, 20));
  if (!isLocalAddress(k, to)) return -Errno.ENETUNREACH;
  view.setUint16(2, bytes.length);
  if (view.getUint32(12) === 0) head.set(ipBytes(sourceFor(k, to)), 12);
  if (view.getUint16(4) === 0) {
    k.net.nextIpId = (k.net.nextIpId + 1) & 0xffff;
    view.setUint16(4, k.net.nextIpId);
  }
  view.setUint16(10, 0);
  view.setUint16(10, checksum(head));
  const from = hex(head.subarray(12, 16));
  const payload = bytes.slice(size);
  arrive(k, { from, to, protocol: head[9], payload, ttl: head[8], tos: head[1] }, head);
  return length;
}

/** bind(2) of a raw socket: only the address counts. */
export function bindRaw(k: Kernel, _task: Task, socket: Socket, address: Uint8Array): number {
  const at = parseInetAddress(socket.family, address);
  if (typeof at === 'number') return at;
  if (!isAny(at.ip) && !isLocalAddress(k, at.ip)) return -Errno.EADDRNOTAVAIL;
  inetOf(socket).local = at.ip;
  return 0;
}
