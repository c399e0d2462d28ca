/** AF_INET and AF_INET6 (man 7 ip, ipv6): what socket(2) makes, and the protocols' entries. */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import { anyOf, inetAddress, isUnspec, parseInetAddress } from '../address.ts';
import { Af, IpProto, Sock } from '../flags.ts';
import { defineFamily, defineProtocol, type Protocol } from '../protocol.ts';
import { sysctlNumbers } from '../sysctl.ts';
import { type Socket, Tcp } from '../types.ts';
import { bindRaw, sendPing, sendRaw } from './icmp.ts';
import { getInetOption, setInetOption } from './options.ts';
import { bindPort, inetOf } from './ports.ts';
import { receiveTcp, sendTcp } from './stream.ts';
import { acceptTcp, connectTcp, listenTcp, newInetState, pollTcp, releaseTcp, shutdownTcp } from './tcp.ts';
import {
  connectDatagram,
  pollDatagram,
  receiveIp,
  releaseDatagram,
  sendUdp,
  shutdownDatagram,
} from './udp.ts';

/** What TCP sockets have instead of net.core's buffers; a send buffer grows to this on the loopback interface. */
const TCP_SEND_BUFFER = 2626560;
const TCP_RECEIVE_BUFFER = 131072;

/** sysctl net.ipv4.ping_group_range: whose groups may have ICMP sockets. */
function mayPing(k: Kernel, task: Task): boolean {
  const [low, high] = sysctlNumbers(k, 'net.ipv4.ping_group_range', [0, 2147483647]);
  const within = (gid: number): boolean => gid >= low && gid <= high;
  return within(task.cred.egid) || task.cred.groups.some(within);
}

function create(
  k: Kernel,
  task: Task,
  family: number,
  type: number,
  protocol: number,
): { proto: string; protocol: number } | number {
  if (protocol < 0 || protocol > 255) return -Errno.EINVAL;
  const icmp = family === Af.INET6 ? IpProto.ICMPV6 : IpProto.ICMP;
  switch (type) {
    case Sock.STREAM:
      if (protocol !== 0 && protocol !== IpProto.TCP) return -Errno.EPROTONOSUPPORT;
      return { proto: 'tcp', protocol: IpProto.TCP };
    case Sock.DGRAM:
      if (protocol === 0 || protocol === IpProto.UDP) return { proto: 'udp', protocol: IpProto.UDP };
      if (protocol !== icmp) return -Errno.EPROTONOSUPPORT;
      return mayPing(k, task) ? { proto: 'ping', protocol: icmp } : -Errno.EACCES;
    case Sock.RAW:
      if (protocol === 0) return -Errno.EPROTONOSUPPORT;
      return capable(task.cred, CAP.NET_RAW) ? { proto: 'raw', protocol } : -Errno.EPERM;
    default:
      return -Errno.ESOCKTNOSUPPORT;
  }
}

for (const number of [Af.INET, Af.INET6])
  defineFamily({
    number,
    create: (k, task, type, protocol) => create(k, task, number, type, protocol),
    init(k, socket) {
      socket.inet = newInetState(anyOf(number));
      if (socket.proto === 'raw') k.net.raw.push(socket);
      if (socket.proto !== 'tcp') return;
      socket.options.sendBuffer = TCP_SEND_BUFFER;
      socket.options.receiveBuffer = TCP_RECEIVE_BUFFER;
    },
  });

function bind(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number {
  // An AF_UNSPEC address is taken for INADDR_ANY by IPv4.
  if (socket.family === Af.INET && isUnspec(address) && address.subarray(4, 8).some((byte) => byte !== 0))
    return -Errno.EAFNOSUPPORT;
  const at = parseInetAddress(socket.family, address);
  return typeof at === 'number' ? at : bindPort(k, task, socket, at);
}

function name(_k: Kernel, socket: Socket, peer: boolean): Uint8Array | number {
  const state = inetOf(socket);
  if (!peer) return inetAddress(socket.family, state.local, state.port);
  const closed = state.state === Tcp.CLOSE || state.state === Tcp.SYN_SENT;
  if (state.remote === '' || (closed && socket.proto === 'tcp')) return -Errno.ENOTCONN;
  return inetAddress(socket.family, state.remote, state.remotePort);
}

const common = { name, setOption: setInetOption, getOption: getInetOption };

defineProtocol('tcp', {
  ...common,
  bind,
  connect: connectTcp,
  listen: listenTcp,
  accept: acceptTcp,
  send: sendTcp,
  receive: receiveTcp,
  shutdown: shutdownTcp,
  poll: pollTcp,
  release: releaseTcp,
});

const datagram = {
  ...common,
  bind,
  connect: connectDatagram,
  receive: receiveIp,
  shutdown: shutdownDatagram,
  poll: pollDatagram,
  release: releaseDatagram,
} satisfies Omit<Protocol, 'send'>;

defineProtocol('udp', { ...datagram, send: sendUdp });
defineProtocol('ping', { ...datagram, send: sendPing });
defineProtocol('raw', { ...datagram, bind: bindRaw, send: sendRaw });
