/** UDP on this machine's own addresses (man 7 udp, net/ipv4/udp.c). Always true: a datagram that finds no room is dropped. */
import { Errno } from '../../abi/errno.ts';
import { Poll } from '../../fs/flags.ts';
import type { PollResult } from '../../fs/types.ts';
import type { Kernel } from '../../kernel.ts';
import { copyFromIo } from '../../mm/uio.ts';
import type { Outcome } from '../../outcome.ts';
import type { Task } from '../../task/types.ts';
import {
  type Endpoint,
  inetAddress,
  isAny,
  isBroadcast,
  isIpv4,
  isUnspec,
  parseInetAddress,
} from '../address.ts';
import { count, countPacket } from '../counters.ts';
import { runFilter } from '../filter.ts';
import { Msg, Shut } from '../flags.ts';
import { countLoopback, route, sourceFor } from '../interfaces.ts';
import type { ReceiveMessage, SendMessage } from '../protocol.ts';
import { deliver, enqueue, newPacket, purge, quotaAllows, receiveDatagram } from '../queue.ts';
import { brokenPipe, takeError, wakeAll, wakeReaders } from '../socket.ts';
import { type Ip, type IpInfo, type Socket, Tcp } from '../types.ts';
import { refused, tellIp, wantsErrors } from './info.ts';
import { hopLimit, serviceOf } from './options.ts';
import { autobind, findReceiver, inetOf, letGo } from './ports.ts';

/** The largest datagram: 65535 less the headers of IP and UDP. */
const MAX_DATAGRAM = 65507;
const HEADERS = 28;

/** Whether a datagram socket may send to `ip`: -EACCES for a broadcast without SO_BROADCAST, -ENETUNREACH. */
export function maySend(k: Kernel, socket: Socket, ip: Ip): number {
  if (isIpv4(ip) && inetOf(socket).v6Only) return -Errno.ENETUNREACH;
  if (ip === 'ffffffff') return socket.options.broadcast ? -Errno.ENETUNREACH : -Errno.EACCES;
  if (isBroadcast(ip) && !socket.options.broadcast) return -Errno.EACCES;
  return route(k, ip);
}

/** The destination that stands for "this machine" when none is named. */
export const concrete = (ip: Ip): Ip => (!isAny(ip) ? ip : isIpv4(ip) ? '7f000001' : `${'0'.repeat(31)}1`);

/** connect(2) of a datagram socket: a default destination, the only one heard from; AF_UNSPEC takes it away. */
export function connectDatagram(k: Kernel, _task: Task, socket: Socket, address: Uint8Array): number {
  const state = inetOf(socket);
  if (isUnspec(address)) {
    state.remote = '';
    state.remotePort = 0;
    state.state = Tcp.CLOSE;
    if (!state.bound) {
      letGo(k, socket);
      state.port = 0;
      state.local = socket.family === 2 ? '00000000' : '0'.repeat(32);
    }
    return 0;
  }
  const to = parseInetAddress(socket.family, address);
  if (typeof to === 'number') return to;
  const ip = concrete(to.ip);
  const denied = maySend(k, socket, ip);
  if (denied < 0) return denied;
  if (socket.proto !== 'raw') {
    const failed = autobind(k, socket);
    if (failed < 0) return -Errno.EAGAIN;
  }
  if (isAny(state.local)) state.local = sourceFor(k, ip);
  state.remote = ip;
  state.remotePort = to.port;
  state.state = Tcp.ESTABLISHED;
  return 0;
}

/** Where a message goes: its own address, or the connected one. -EDESTADDRREQ. */
export function destination(socket: Socket, message: SendMessage): Endpoint | number {
  const state = inetOf(socket);
  if (!message.name) {
    return state.remote === '' ? -Errno.EDESTADDRREQ : { ip: state.remote, port: state.remotePort };
  }
  const to = parseInetAddress(socket.family, message.name);
  return typeof to === 'number' ? to : { ip: concrete(to.ip), port: to.port };
}

/** send(2) and its family. */
export function sendUdp(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { io } = message;
  if (io.length > 0xffff) return -Errno.EMSGSIZE;
  if ((message.flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
  if (autobind(k, socket) < 0) return -Errno.EAGAIN;
  const to = destination(socket, message);
  if (typeof to === 'number') return to;
  if (to.port === 0) return -Errno.EINVAL;
  if ((socket.shutdown & Shut.SEND) !== 0) return brokenPipe(k, task, message.flags);
  const denied = maySend(k, socket, to.ip);
  if (denied < 0) return denied;
  if (io.length > MAX_DATAGRAM) return -Errno.EMSGSIZE;
  const pending = takeError(socket);
  if (pending < 0) return pending;
  const bytes = io.length === 0 ? new Uint8Array(0) : copyFromIo(k, task, io, io.length);
  if (typeof bytes === 'number') return bytes;
  if (bytes.length < io.length) return -Errno.EFAULT;
  const state = inetOf(socket);
  const from = { ip: isAny(state.local) ? sourceFor(k, to.ip) : state.local, port: state.port };
  countLoopback(k, bytes.length + HEADERS);
  countPacket(k, 'Udp');
  const info = { to: to.ip, ttl: hopLimit(socket, to.ip), tos: serviceOf(socket), error: null };
  if (isBroadcast(to.ip)) {
    for (const receiver of k.net.ports.udp.get(to.port) ?? []) accept(k, receiver, bytes, from, info);
    return bytes.length;
  }
  const receiver = findReceiver(k, 'udp', to, from);
  if (!receiver) count(k, 'Udp.NoPorts');
  if (receiver) accept(k, receiver, bytes, from, info);
  else if (state.remote !== '' || wantsErrors(socket, to.ip)) refused(k, socket, bytes, to);
  return bytes.length;
}

/** What a socket's filter leaves of a datagram: it sees UDP's header, too. Null: nothing. */
function filtered(socket: Socket, bytes: Uint8Array, from: Endpoint): Uint8Array | null {
  if (!socket.filter) return bytes;
  const head = socket.proto === 'udp' ? 8 : 0;
  const whole = new Uint8Array(head + bytes.length);
  whole.set(bytes, head);
  if (head > 0) {
    const view = new DataView(whole.buffer);
    view.setUint16(0, from.port);
    view.setUint16(2, inetOf(socket).port);
    view.setUint16(4, whole.length);
  }
  const kept = runFilter(socket.filter, whole);
  return kept === 0 ? null : bytes.slice(0, Math.max(0, kept - head));
}

/** A datagram arrives at a socket. */
export function accept(k: Kernel, socket: Socket, arrived: Uint8Array, from: Endpoint, ip: IpInfo): void {
  if ((socket.shutdown & Shut.RCV) !== 0) return;
  const bytes = filtered(socket, arrived, from);
  if (!bytes) return;
  const overhead = (socket.receive.length + 1) * 256;
  if (socket.receiveBytes + bytes.length + overhead > socket.options.receiveBuffer) {
    if (socket.proto === 'udp') count(k, 'Udp.RcvbufErrors');
    return;
  }
  if (!quotaAllows(k, socket, bytes.length)) return;
  if (socket.proto === 'udp') count(k, 'Udp.InDatagrams');
  enqueue(k, socket, newPacket(k, bytes, { from: inetAddress(socket.family, from.ip, from.port), ip }));
}

/** recv(2) and its family, of all IP sockets that keep messages apart. */
export function receiveIp(k: Kernel, task: Task, socket: Socket, message: ReceiveMessage): Outcome {
  const tell = (packet: Socket['receive'][number]): void => tellIp(socket, message, packet);
  if ((message.flags & Msg.ERRQUEUE) !== 0) {
    const packet = socket.errors.shift();
    if (!packet) return -Errno.EAGAIN;
    if (socket.errors.length === 0) socket.error = 0;
    message.outFlags |= Msg.ERRQUEUE;
    return deliver(k, task, socket, message, packet, tell);
  }
  return receiveDatagram(k, task, socket, message, tell);
}

/** shutdown(2): only of a connected socket. */
export function shutdownDatagram(k: Kernel, socket: Socket, how: number): number {
  const connected = inetOf(socket).remote !== '';
  socket.shutdown |= how;
  wakeAll(k, socket);
  return connected ? 0 : -Errno.ENOTCONN;
}

/** poll(2) (datagram_poll). */
export function pollDatagram(_k: Kernel, socket: Socket): PollResult {
  let events = Poll.OUT | Poll.WRNORM | Poll.WRBAND;
  if (socket.error !== 0 || socket.errors.length > 0) events |= Poll.ERR;
  if ((socket.shutdown & Shut.RCV) !== 0) events |= Poll.RDHUP | Poll.IN | Poll.RDNORM;
  if (socket.shutdown === Shut.BOTH) events |= Poll.HUP;
  if (socket.receive.length > 0) events |= Poll.IN | Poll.RDNORM;
  return { events, queues: [socket.readWait, socket.writeWait], seq: socket.seq };
}

export function releaseDatagram(k: Kernel, socket: Socket): void {
  letGo(k, socket);
  k.net.raw = k.net.raw.filter((other) => other !== socket);
  purge(k, socket);
  wakeReaders(k, socket);
}
