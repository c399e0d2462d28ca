/**
 * Connections of AF_UNIX (net/unix/af_unix.c). Always true: the two ends of a stream point at each other until one is released; a
 * released end stays known to the other as its dead peer.
 */
import { Errno } from '../../abi/errno.ts';
import { Poll } from '../../fs/flags.ts';
import type { PollResult } from '../../fs/types.ts';
import type { Kernel } from '../../kernel.ts';
import type { Outcome } from '../../outcome.ts';
import type { Task } from '../../task/types.ts';
import { ucredOf } from '../control.ts';
import { Shut, Sock } from '../flags.ts';
import { purge } from '../queue.ts';
import { newSocket, releaseSocket, waitOn, wakeAll, wakeReaders, wakeWriters } from '../socket.ts';
import { sysctlNumber } from '../sysctl.ts';
import type { Socket, UnixState } from '../types.ts';
import { collectAfterRelease } from './garbage.ts';
import { autobind, findUnix, unbind } from './name.ts';

export const unixOf = (socket: Socket): UnixState => socket.unix as UnixState;
export const isConnectionless = (socket: Socket): boolean => socket.type === Sock.DGRAM;

/** listen(2). */
export function listenUnix(k: Kernel, task: Task, socket: Socket, backlog: number): number {
  const state = unixOf(socket);
  if (isConnectionless(socket)) return -Errno.EOPNOTSUPP;
  if (state.name === null || state.peer) return -Errno.EINVAL;
  const most = sysctlNumber(k, 'net.core.somaxconn', 128);
  state.backlog = Math.min(backlog >>> 0, most);
  state.listening = true;
  state.peerCred = ucredOf(task);
  wakeWriters(k, socket);
  return 0;
}

/** connect(2). */
export function connectUnix(
  k: Kernel,
  task: Task,
  socket: Socket,
  address: Uint8Array,
  nonblock: boolean,
): Outcome {
  if (isConnectionless(socket)) return connectDatagram(k, task, socket, address);
  const state = unixOf(socket);
  if (state.listening) return -Errno.EINVAL;
  if (state.peer) return -Errno.EISCONN;
  const listener = findUnix(k, task, address, socket.type);
  if (typeof listener === 'number') return listener;
  const target = unixOf(listener);
  if (!target.listening || (listener.shutdown & Shut.RCV) !== 0) return -Errno.ECONNREFUSED;
  if (target.accepts.length > target.backlog)
    return waitOn(k, task, listener.writeWait, nonblock, socket.options.sendTimeoutNs);
  const { fsuid: uid, fsgid: gid } = task.cred;
  const other = newSocket(k, {
    proto: 'unix',
    family: socket.family,
    type: socket.type,
    protocol: 0,
    uid,
    gid,
  });
  other.unix = {
    name: target.name,
    bound: null,
    peer: socket,
    listening: false,
    backlog: 0,
    accepts: [],
    peerCred: ucredOf(task),
    clients: [],
  };
  other.options.passCred = listener.options.passCred;
  state.peer = other;
  state.peerCred = target.peerCred;
  target.accepts.push(other);
  wakeReaders(k, listener);
  wakeWriters(k, socket);
  return 0;
}

/** A datagram socket takes a default receiver; AF_UNSPEC takes it away. */
function connectDatagram(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number {
  const state = unixOf(socket);
  let peer: Socket | null = null;
  if (address.length < 2 || (address[0] | (address[1] << 8)) !== 0) {
    const found = findUnix(k, task, address, socket.type);
    if (typeof found === 'number') return found;
    const theirs = unixOf(found).peer;
    if (theirs && theirs !== socket) return -Errno.EPERM;
    peer = found;
  }
  forgetPeer(socket);
  if (peer) {
    if (socket.options.passCred) autobind(k, socket);
    state.peer = peer;
    unixOf(peer).clients.push(socket);
  } else purge(k, socket);
  wakeWriters(k, socket);
  return 0;
}

function forgetPeer(socket: Socket): void {
  const state = unixOf(socket);
  const clients = state.peer ? unixOf(state.peer).clients : [];
  const at = clients.indexOf(socket);
  if (at >= 0) clients.splice(at, 1);
  state.peer = null;
}

/** accept(2): the connection that waits longest. */
export function acceptUnix(k: Kernel, task: Task, socket: Socket, nonblock: boolean): Socket | Outcome {
  if (isConnectionless(socket)) return -Errno.EOPNOTSUPP;
  const state = unixOf(socket);
  if (!state.listening) return -Errno.EINVAL;
  const next = state.accepts.shift();
  if (next) {
    wakeWriters(k, socket);
    return next;
  }
  if ((socket.shutdown & Shut.RCV) !== 0) return -Errno.EINVAL;
  return waitOn(k, task, socket.readWait, nonblock, socket.options.receiveTimeoutNs);
}

/** shutdown(2): the other end sees the mirror image. */
export function shutdownUnix(k: Kernel, socket: Socket, how: number): number {
  const { peer } = unixOf(socket);
  socket.shutdown |= how;
  if (peer && !isConnectionless(socket)) {
    if ((how & Shut.RCV) !== 0) peer.shutdown |= Shut.SEND;
    if ((how & Shut.SEND) !== 0) peer.shutdown |= Shut.RCV;
    wakeAll(k, peer);
  }
  wakeAll(k, socket);
  return 0;
}

/** Whether a sender may put more into its peers' queues without waiting (unix_writable). */
const isWritable = (socket: Socket): boolean => socket.sendCharge * 4 <= socket.options.sendBuffer;

/** Whether a datagram socket's queue takes no more (unix_recvq_full). */
export const queueFull = (k: Kernel, socket: Socket): boolean =>
  socket.receive.length > sysctlNumber(k, 'net.unix.max_dgram_qlen', 512);

/** poll(2). */
export function pollUnix(k: Kernel, socket: Socket): PollResult {
  const state = unixOf(socket);
  const queues = [socket.readWait, socket.writeWait];
  let events = 0;
  if (socket.error !== 0) events |= Poll.ERR;
  if (socket.shutdown === Shut.BOTH) events |= Poll.HUP;
  if ((socket.shutdown & Shut.RCV) !== 0) events |= Poll.RDHUP | Poll.IN | Poll.RDNORM;
  if (socket.receive.length > 0 || state.accepts.length > 0) events |= Poll.IN | Poll.RDNORM;
  if (!isConnectionless(socket) && !state.listening && !state.peer) events |= Poll.HUP;
  let writable = isWritable(socket) && !state.listening;
  if (isConnectionless(socket) && state.peer && writable && unixOf(state.peer).peer !== socket) {
    writable = !queueFull(k, state.peer);
    if (!writable) queues.push(state.peer.writeWait);
  }
  if (writable) events |= Poll.OUT | Poll.WRNORM | Poll.WRBAND;
  return { events, queues, seq: socket.seq };
}

/** The last file is gone (unix_release_sock). */
export function releaseUnix(k: Kernel, socket: Socket): void {
  const state = unixOf(socket);
  unbind(k, socket);
  const { peer } = state;
  if (peer && !isConnectionless(socket)) {
    if (!peer.released) {
      peer.shutdown = Shut.BOTH;
      if (socket.receive.length > 0 || state.listening) peer.error = Errno.ECONNRESET;
      wakeAll(k, peer);
    }
  } else if (peer) forgetPeer(socket);
  // Whoever sends to it by default learns of its death at the next send.
  for (const client of state.clients) {
    client.error = Errno.ECONNRESET;
    wakeAll(k, client);
  }
  for (const waiting of state.accepts.splice(0)) {
    const client = unixOf(waiting).peer;
    releaseSocket(k, waiting);
    if (client && !client.released) client.error = Errno.ECONNRESET;
  }
  purge(k, socket);
  wakeAll(k, socket);
  collectAfterRelease(k);
}
