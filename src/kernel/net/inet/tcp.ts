/**
 * TCP without packets (net/ipv4/tcp.c, inet_connection_sock.c): both ends live in this kernel, so a segment is an act on the other end.
 * Always true: established ends point at each other; what is acknowledged at once on a loopback interface is so here, hence
 * no state lasts that only waits for an acknowledgement.
 */
import { Errno } from '../../abi/errno.ts';
import { Poll } from '../../fs/flags.ts';
import type { PollResult } from '../../fs/types.ts';
import type { Kernel } from '../../kernel.ts';
import type { Outcome } from '../../outcome.ts';
import type { Task } from '../../task/types.ts';
import { isAny, isIpv4, isMulticast, isUnspec, parseInetAddress } from '../address.ts';
import { count } from '../counters.ts';
import { Shut } from '../flags.ts';
import { route, sourceFor } from '../interfaces.ts';
import { purge } from '../queue.ts';
import { newSocket, releaseSocket, takeError, waitOn, wakeAll, wakeReaders } from '../socket.ts';
import { sysctlNumber } from '../sysctl.ts';
import { type InetState, type Socket, Tcp } from '../types.ts';
import { autobind, closedConnections, findListener, hold, inetOf, letGo } from './ports.ts';
import { canWrite } from './stream.ts';

/** TCP_TIMEWAIT_LEN and tcp_fin_timeout: how long a closed connection keeps its port. */
const LINGER_NS = 60e9;
/** What six retransmissions of a SYN take (tcp_syn_retries). */
const CONNECT_NS = 130e9;
const MAX_CLOSED = 4096;

/** A fresh IP part of a socket. */
export const newInetState = (local: string, v6Only = false): InetState => ({
  local,
  port: 0,
  remote: '',
  remotePort: 0,
  bound: false,
  v6Only,
  state: Tcp.CLOSE,
  peer: null,
  connecting: false,
  backlog: -1,
  accepts: [],
  waiting: [],
  parent: null,
  icmpFilter: 0,
  icmp6Filter: null,
});

/** listen(2); a listening socket only gets a new backlog. */
export function listenTcp(k: Kernel, _task: Task, socket: Socket, backlog: number): number {
  const state = inetOf(socket);
  if (state.state !== Tcp.CLOSE && state.state !== Tcp.LISTEN) return -Errno.EINVAL;
  if (state.connecting) return -Errno.EINVAL;
  if (state.port !== 0) {
    const rivals = k.net.ports.tcp.get(state.port) ?? [];
    const rival = rivals.find((s) => s !== socket && inetOf(s).state === Tcp.LISTEN);
    const shares = socket.options.reusePort && rival?.options.reusePort;
    if (rival && !shares && inetOf(rival).local === state.local) return -Errno.EADDRINUSE;
  }
  const failed = autobind(k, socket);
  if (failed < 0) return -Errno.EADDRINUSE;
  state.backlog = Math.min(backlog >>> 0, sysctlNumber(k, 'net.core.somaxconn', 128));
  state.state = Tcp.LISTEN;
  socket.shutdown = 0;
  return 0;
}

/** connect(2). */
export function connectTcp(
  k: Kernel,
  task: Task,
  socket: Socket,
  address: Uint8Array,
  nonblock: boolean,
): Outcome {
  if (isUnspec(address)) return disconnectTcp(k, socket);
  const state = inetOf(socket);
  if (state.connecting) return connectOutcome(k, task, socket, nonblock);
  if (state.state !== Tcp.CLOSE || state.remote !== '') return -Errno.EISCONN;
  const to = parseInetAddress(socket.family, address);
  if (typeof to === 'number') return to;
  if (isAny(to.ip)) to.ip = isIpv4(to.ip) ? '7f000001' : `${'0'.repeat(31)}1`;
  if (isIpv4(to.ip) && state.v6Only) return -Errno.ENETUNREACH;
  const unreachable = isMulticast(to.ip) ? -Errno.ENETUNREACH : route(k, to.ip);
  if (unreachable < 0) return unreachable;
  const local = state.local;
  if (isAny(state.local)) state.local = sourceFor(k, to.ip);
  const failed = autobind(k, socket);
  if (failed < 0) {
    state.local = local;
    return failed;
  }
  state.remote = to.ip;
  state.remotePort = to.port;
  count(k, 'Tcp.ActiveOpens');
  const listener = findListener(k, to.ip, to.port);
  if (!listener) {
    count(k, 'Tcp.AttemptFails');
    count(k, 'Tcp.OutRsts');
    forget(k, socket);
    if (!nonblock) return -Errno.ECONNREFUSED;
    socket.error = Errno.ECONNREFUSED;
    socket.shutdown = Shut.BOTH;
  } else if (inetOf(listener).accepts.length > inetOf(listener).backlog) {
    state.state = Tcp.SYN_SENT;
    state.parent = listener;
    inetOf(listener).waiting.push(socket);
  } else {
    establish(k, socket, listener);
    if (!nonblock) return 0;
  }
  state.connecting = true;
  return nonblock ? -Errno.EINPROGRESS : connectOutcome(k, task, socket, false);
}

/** What became of a connection that was asked for before. */
function connectOutcome(k: Kernel, task: Task, socket: Socket, nonblock: boolean): Outcome {
  const state = inetOf(socket);
  if (state.state === Tcp.SYN_SENT) {
    if (nonblock) return -Errno.EALREADY;
    const { sendTimeoutNs } = socket.options;
    const outcome = waitOn(
      k,
      task,
      socket.writeWait,
      false,
      sendTimeoutNs || CONNECT_NS,
      0,
      -Errno.ETIMEDOUT,
    );
    if (typeof outcome !== 'number')
      return sendTimeoutNs > 0 ? outcome : ({ ...outcome, onSignal: -Errno.ERESTARTSYS } as Outcome);
    if (sendTimeoutNs > 0) return -Errno.EINPROGRESS;
    forget(k, socket);
    state.connecting = false;
    return outcome;
  }
  state.connecting = false;
  const failed = takeError(socket);
  if (state.peer && failed === 0) return 0;
  forget(k, socket);
  return failed || -Errno.ECONNABORTED;
}

/** A connection attempt failed, or the connection is undone: the socket is as new; a port of its own choice is given back. */
function forget(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  const waiting: Socket[] = state.parent ? inetOf(state.parent).waiting : [];
  const at = waiting.indexOf(socket);
  if (at >= 0) waiting.splice(at, 1);
  state.parent = null;
  state.state = Tcp.CLOSE;
  state.peer = null;
  state.remote = '';
  state.remotePort = 0;
  if (!state.bound) {
    letGo(k, socket);
    state.port = 0;
    state.local = isIpv4(state.local) && socket.family === 2 ? '00000000' : '0'.repeat(32);
  }
}

/** connect(AF_UNSPEC): the connection is reset, the socket may be used again. */
function disconnectTcp(k: Kernel, socket: Socket): number {
  const state = inetOf(socket);
  if (state.state === Tcp.LISTEN) closeListener(k, socket);
  if (state.peer) reset(k, state.peer);
  purge(k, socket);
  forget(k, socket);
  state.connecting = false;
  socket.error = 0;
  socket.shutdown = 0;
  wakeAll(k, socket);
  return 0;
}

/** Joins a connecting socket with a new one in the listener's backlog. */
function establish(k: Kernel, client: Socket, listener: Socket): void {
  const mine = inetOf(client);
  count(k, 'Tcp.PassiveOpens');
  const { family, type, protocol, uid } = listener;
  const child = newSocket(k, { proto: 'tcp', family, type, protocol, uid });
  child.options = { ...listener.options, others: { ...listener.options.others } };
  child.inet = {
    ...newInetState(mine.remote, inetOf(listener).v6Only),
    port: mine.remotePort,
    remote: mine.local,
    remotePort: mine.port,
    state: Tcp.ESTABLISHED,
    peer: client,
    parent: listener,
  };
  hold(k, child);
  mine.peer = child;
  mine.state = Tcp.ESTABLISHED;
  mine.parent = null;
  client.shutdown = 0;
  inetOf(listener).accepts.push(child);
  wakeReaders(k, listener);
  wakeAll(k, client);
}

/** accept(2): the oldest connection; one that waits for room in the backlog moves up. */
export function acceptTcp(k: Kernel, task: Task, socket: Socket, nonblock: boolean): Socket | Outcome {
  const state = inetOf(socket);
  if (state.state !== Tcp.LISTEN) return -Errno.EINVAL;
  const next = state.accepts.shift();
  if (!next) return waitOn(k, task, socket.readWait, nonblock, socket.options.receiveTimeoutNs);
  inetOf(next).parent = null;
  const client = state.waiting.shift();
  if (client) establish(k, client, socket);
  return next;
}

/** The socket is closed for good; its port is free unless bind(2) named it. */
function done(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  state.state = Tcp.CLOSE;
  socket.shutdown = Shut.BOTH;
  if (!state.bound) letGo(k, socket);
}

/** The port stays taken for a while in the name of a connection that is over. */
function keepClosed(k: Kernel, socket: Socket, state: number): void {
  const { local, port, remote, remotePort } = inetOf(socket);
  const closed = closedConnections(k);
  const old = closed.find(
    (entry) => entry.port === port && entry.remotePort === remotePort && entry.local === local,
  );
  if (old) {
    old.state = state;
    old.untilNs = k.time.nowNs + LINGER_NS;
  } else if (closed.length < MAX_CLOSED)
    closed.push({ local, port, remote, remotePort, state, untilNs: k.time.nowNs + LINGER_NS });
}

/** A FIN from `socket`: the other end sees the end of the data. */
function sendFin(k: Kernel, socket: Socket): void {
  if ((socket.shutdown & Shut.SEND) !== 0) return;
  const state = inetOf(socket);
  const peer = state.peer as Socket;
  socket.shutdown |= Shut.SEND;
  const theirs = inetOf(peer);
  if (state.state === Tcp.ESTABLISHED) {
    state.state = Tcp.FIN_WAIT2;
    theirs.state = Tcp.CLOSE_WAIT;
  } else if (state.state === Tcp.CLOSE_WAIT) {
    // The other end had closed first: it is the one that stays in TIME_WAIT.
    keepClosed(k, peer, Tcp.TIME_WAIT);
    done(k, socket);
    if (!peer.released) done(k, peer);
  }
  peer.shutdown |= Shut.RCV;
  wakeAll(k, peer);
}

/** A RST arrives at `socket` (tcp_reset). */
export function reset(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  if (socket.released || state.state === Tcp.CLOSE) return;
  count(k, 'Tcp.EstabResets');
  count(k, 'Tcp.OutRsts');
  socket.error = state.state === Tcp.CLOSE_WAIT ? Errno.EPIPE : Errno.ECONNRESET;
  done(k, socket);
  wakeAll(k, socket);
}

/** shutdown(2). */
export function shutdownTcp(k: Kernel, socket: Socket, how: number): number {
  const state = inetOf(socket);
  if (state.state === Tcp.LISTEN || state.state === Tcp.SYN_SENT) {
    if (state.state === Tcp.LISTEN && (how & Shut.RCV) === 0) return 0;
    if (state.state === Tcp.LISTEN) closeListener(k, socket);
    forget(k, socket);
    wakeAll(k, socket);
    return 0;
  }
  if (state.state === Tcp.CLOSE) return -Errno.ENOTCONN;
  if ((how & Shut.RCV) !== 0) socket.shutdown |= Shut.RCV;
  if ((how & Shut.SEND) !== 0) sendFin(k, socket);
  wakeAll(k, socket);
  return 0;
}

/** A listener ends: connections that nobody accepted are reset, those still waiting are refused. */
function closeListener(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  state.state = Tcp.CLOSE;
  state.backlog = -1;
  for (const child of state.accepts.splice(0)) {
    const { peer } = inetOf(child);
    if (peer) reset(k, peer);
    releaseSocket(k, child);
  }
  for (const client of state.waiting.splice(0)) {
    inetOf(client).parent = null;
    inetOf(client).state = Tcp.CLOSE;
    client.error = Errno.ECONNREFUSED;
    client.shutdown = Shut.BOTH;
    wakeAll(k, client);
  }
}

/** close(2) of the last descriptor: a FIN, or a RST when data was not read or SO_LINGER says so (tcp_close). */
export function releaseTcp(k: Kernel, socket: Socket): void {
  const state = inetOf(socket);
  const { peer } = state;
  if (state.state === Tcp.LISTEN) closeListener(k, socket);
  else if (state.state === Tcp.SYN_SENT) forget(k, socket);
  else if (peer && state.state !== Tcp.CLOSE) {
    const { lingerOn, lingerSeconds } = socket.options;
    if (socket.receiveBytes > 0 || (lingerOn && lingerSeconds === 0)) reset(k, peer);
    else {
      sendFin(k, socket);
      if (state.state === Tcp.FIN_WAIT2) keepClosed(k, socket, Tcp.FIN_WAIT2);
    }
  }
  state.state = Tcp.CLOSE;
  socket.shutdown = Shut.BOTH;
  purge(k, socket);
  letGo(k, socket);
  wakeAll(k, socket);
}

/** poll(2) (tcp_poll). */
export function pollTcp(k: Kernel, socket: Socket): PollResult {
  const state = inetOf(socket);
  const queues = [socket.readWait, socket.writeWait];
  if (state.state === Tcp.LISTEN) {
    const events = state.accepts.length > 0 ? Poll.IN | Poll.RDNORM : 0;
    return { events, queues, seq: socket.seq };
  }
  let events = 0;
  if (socket.shutdown === Shut.BOTH || state.state === Tcp.CLOSE) events |= Poll.HUP;
  if ((socket.shutdown & Shut.RCV) !== 0) events |= Poll.IN | Poll.RDNORM | Poll.RDHUP;
  if (state.state !== Tcp.SYN_SENT) {
    if (socket.receiveBytes >= Math.max(1, socket.options.receiveLow)) events |= Poll.IN | Poll.RDNORM;
    if ((socket.shutdown & Shut.SEND) !== 0 || canWrite(k, socket)) events |= Poll.OUT | Poll.WRNORM;
  }
  if (socket.error !== 0) events |= Poll.ERR;
  return { events, queues, seq: socket.seq };
}
