/** What IP tells a receiver besides the bytes (man 7 ip, ipv6): packet info, hop limit, type of service, errors of what it sent. */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { type Endpoint, inetAddress, ipBytes, ipBytesFor, isIpv4 } from '../address.ts';
import { putControl } from '../control.ts';
import { Af, Sol } from '../flags.ts';
import { intBytes } from '../options.ts';
import type { ReceiveMessage } from '../protocol.ts';
import { newPacket } from '../queue.ts';
import { wakeAll } from '../socket.ts';
import type { Ip, Packet, Socket } from '../types.ts';
import { Ip4, Ip6, optionOf } from './options.ts';

const MAX_ERRORS = 32;
const ORIGIN_ICMP = 2;
const ORIGIN_ICMP6 = 3;

/** Whether errors of what was sent to `ip` go to the error queue (IP_RECVERR). */
export const wantsErrors = (socket: Socket, ip: Ip): boolean =>
  isIpv4(ip) && socket.family === Af.INET
    ? optionOf(socket, Sol.IP, Ip4.RECVERR) !== 0
    : optionOf(socket, Sol.IPV6, Ip6.RECVERR) !== 0;

/** The port was unreachable: what the sender of `bytes` to `to` learns. */
export function refused(k: Kernel, socket: Socket, bytes: Uint8Array, to: Endpoint): void {
  socket.error = Errno.ECONNREFUSED;
  if (wantsErrors(socket, to.ip) && socket.errors.length < MAX_ERRORS) {
    const v4 = isIpv4(to.ip);
    const offender = inetAddress(v4 ? Af.INET : Af.INET6, to.ip, 0);
    const error = new Uint8Array(16 + offender.length);
    new DataView(error.buffer).setUint32(0, Errno.ECONNREFUSED, true);
    error[4] = v4 ? ORIGIN_ICMP : ORIGIN_ICMP6;
    // Destination unreachable: port unreachable, of ICMP or ICMPv6.
    error[5] = v4 ? 3 : 1;
    error[6] = v4 ? 3 : 4;
    error.set(offender, 16);
    const from = inetAddress(socket.family, to.ip, to.port);
    socket.errors.push(newPacket(k, bytes, { from, ip: { to: to.ip, ttl: 64, tos: 0, error } }));
  }
  wakeAll(k, socket);
}

/** Adds the control messages that a socket asked for. */
export function tellIp(socket: Socket, message: ReceiveMessage, packet: Packet): void {
  const { ip } = packet;
  if (!ip) return;
  if (ip.error) {
    const v6 = socket.family === Af.INET6;
    putControl(message, v6 ? Sol.IPV6 : Sol.IP, v6 ? Ip6.RECVERR : Ip4.RECVERR, ip.error);
    return;
  }
  const wants = (level: number, name: number): boolean => optionOf(socket, level, name) !== 0;
  if (socket.family === Af.INET) {
    if (wants(Sol.IP, Ip4.PKTINFO)) {
      const info = new Uint8Array(12);
      info[0] = 1;
      info.set(ipBytes(ip.to), 4);
      info.set(ipBytes(ip.to), 8);
      putControl(message, Sol.IP, Ip4.PKTINFO, info);
    }
    if (wants(Sol.IP, Ip4.RECVTTL)) putControl(message, Sol.IP, Ip4.TTL, intBytes(ip.ttl));
    if (wants(Sol.IP, Ip4.RECVTOS)) putControl(message, Sol.IP, Ip4.TOS, Uint8Array.of(ip.tos));
    return;
  }
  if (wants(Sol.IPV6, Ip6.RECVPKTINFO)) {
    const info = new Uint8Array(20);
    info.set(ipBytesFor(Af.INET6, ip.to));
    info[16] = 1;
    putControl(message, Sol.IPV6, Ip6.PKTINFO, info);
  }
  if (wants(Sol.IPV6, Ip6.RECVHOPLIMIT)) putControl(message, Sol.IPV6, Ip6.HOPLIMIT, intBytes(ip.ttl));
  if (wants(Sol.IPV6, Ip6.RECVTCLASS)) putControl(message, Sol.IPV6, Ip6.TCLASS, intBytes(ip.tos));
}
