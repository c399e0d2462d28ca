/**
 * Ports (net/ipv4/inet_connection_sock.c, udp.c). Always true: a socket with a port is in the list of that port; two sockets share a
 * port only where their addresses differ or their options allow it.
 */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import { ANY4, ANY6, type Endpoint, isAny, isBroadcast, isIpv4, isMulticast } from '../address.ts';
import { isLocalAddress } from '../interfaces.ts';
import { sysctlNumber, sysctlNumbers } from '../sysctl.ts';
import { type InetState, type Ip, type Socket, Tcp } from '../types.ts';

export const inetOf = (socket: Socket): InetState => socket.inet as InetState;

/** Which table of ports a protocol uses. */
type Table = 'tcp' | 'udp' | 'ping';
const tableOf = (socket: Socket): Table => socket.proto as Table;

/** Whether a socket bound to `state.local` gets what is sent to `ip`. */
export function covers(state: InetState, ip: Ip): boolean {
  if (state.local === ip) return true;
  if (state.local === ANY4) return isIpv4(ip);
  return state.local === ANY6 && (!isIpv4(ip) || !state.v6Only);
}

const overlap = (a: InetState, b: InetState): boolean => covers(a, b.local) || covers(b, a.local);

/** Whether `socket` may not have the port beside `other`. */
function conflicts(socket: Socket, other: Socket): boolean {
  if (socket === other || !overlap(inetOf(socket), inetOf(other))) return false;
  const [mine, theirs] = [socket.options, other.options];
  if (mine.reusePort && theirs.reusePort && socket.uid === other.uid) return false;
  if (!mine.reuseAddress || !theirs.reuseAddress) return true;
  return socket.proto === 'tcp' && inetOf(other).state === Tcp.LISTEN;
}

/** Connections that are closed but keep their port, without those whose time is over. */
export function closedConnections(k: Kernel): Kernel['net']['closed'] {
  if (k.net.closed.some((entry) => entry.untilNs <= k.time.nowNs))
    k.net.closed = k.net.closed.filter((entry) => entry.untilNs > k.time.nowNs);
  return k.net.closed;
}

function isTaken(k: Kernel, socket: Socket, port: number): boolean {
  if (k.net.ports[tableOf(socket)].get(port)?.some((other) => conflicts(socket, other))) return true;
  if (socket.proto !== 'tcp' || socket.options.reuseAddress) return false;
  const state = inetOf(socket);
  return closedConnections(k).some((entry) => entry.port === port && covers(state, entry.local));
}

/** Enters a socket under its port. */
export function hold(k: Kernel, socket: Socket): void {
  const table = k.net.ports[tableOf(socket)];
  const { port } = inetOf(socket);
  const list = table.get(port);
  if (!list) table.set(port, [socket]);
  else if (!list.includes(socket)) list.push(socket);
}

/** Takes a socket out of its port's list. */
export function letGo(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  if (state.port === 0 || socket.proto === 'raw') return;
  const table = k.net.ports[tableOf(socket)];
  const list = table.get(state.port);
  const at = list ? list.indexOf(socket) : -1;
  if (at >= 0) list?.splice(at, 1);
  if (list?.length === 0) table.delete(state.port);
}

/** Gives a socket without a port a free one of ip_local_port_range: -EADDRNOTAVAIL. */
export function autobind(k: Kernel, socket: Socket): number {
  const state = inetOf(socket);
  if (state.port !== 0) return 0;
  const [low, high] = sysctlNumbers(k, 'net.ipv4.ip_local_port_range', [32768, 60999]);
  const count = high - low + 1;
  for (let tries = 0; tries < count; tries++) {
    const port = low + (k.net.nextPort++ % count);
    if (k.net.ports[tableOf(socket)].has(port) || isTaken(k, socket, port)) continue;
    state.port = port;
    hold(k, socket);
    return 0;
  }
  return -Errno.EADDRNOTAVAIL;
}

/** bind(2) of a TCP, UDP or ping socket. */
export function bindPort(k: Kernel, task: Task, socket: Socket, endpoint: Endpoint): number {
  const state = inetOf(socket);
  const { ip, port } = endpoint;
  const special = socket.proto === 'udp' && (isMulticast(ip) || isBroadcast(ip));
  if (!isAny(ip) && !special && !isLocalAddress(k, ip)) return -Errno.EADDRNOTAVAIL;
  if (isIpv4(ip) && state.v6Only) return -Errno.EINVAL;
  const privileged = sysctlNumber(k, 'net.ipv4.ip_unprivileged_port_start', 1024);
  if (socket.proto !== 'ping' && port !== 0 && port < privileged)
    if (!capable(task.cred, CAP.NET_BIND_SERVICE)) return -Errno.EACCES;
  if (state.port !== 0 || state.state !== Tcp.CLOSE) return -Errno.EINVAL;
  const before = state.local;
  state.local = ip;
  let failed = 0;
  if (port === 0) failed = autobind(k, socket);
  else if (isTaken(k, socket, port)) failed = -Errno.EADDRINUSE;
  else {
    state.port = port;
    hold(k, socket);
  }
  if (failed < 0) state.local = before;
  else state.bound = true;
  return failed === -Errno.EADDRNOTAVAIL ? -Errno.EADDRINUSE : failed;
}

/** The listening socket for a connection to `ip`:`port`: one bound to the address goes before one for any. */
export function findListener(k: Kernel, ip: Ip, port: number): Socket | null {
  let best: Socket | null = null;
  let bestScore = 0;
  for (const socket of k.net.ports.tcp.get(port) ?? []) {
    const state = inetOf(socket);
    if (state.state !== Tcp.LISTEN || !covers(state, ip)) continue;
    const score = state.local === ip ? 3 : state.local === ANY4 ? 2 : 1;
    if (score > bestScore) {
      best = socket;
      bestScore = score;
    }
  }
  return best;
}

/** The datagram socket that gets what `from` sends to `to`: the closest match, of equals the youngest. */
export function findReceiver(k: Kernel, table: 'udp' | 'ping', to: Endpoint, from: Endpoint): Socket | null {
  let best: Socket | null = null;
  let bestScore = 0;
  for (const socket of k.net.ports[table].get(to.port) ?? []) {
    const state = inetOf(socket);
    if (!covers(state, to.ip)) continue;
    const connected = state.remote !== '';
    if (connected && (state.remote !== from.ip || (table === 'udp' && state.remotePort !== from.port)))
      continue;
    const score = (connected ? 4 : 0) + (state.local === to.ip ? 2 : 0) + 1;
    if (score >= bestScore) {
      best = socket;
      bestScore = score;
    }
  }
  return best;
}
