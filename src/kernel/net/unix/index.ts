/** AF_UNIX (man 7 unix): what the family and its protocol do. */
import { Errno } from '../../abi/errno.ts';
import type { Task } from '../../task/types.ts';
import { ucredOf } from '../control.ts';
import { Af, Sock } from '../flags.ts';
import { defineFamily, defineProtocol } from '../protocol.ts';
import type { Socket, UnixState } from '../types.ts';
import { acceptUnix, connectUnix, listenUnix, pollUnix, releaseUnix, shutdownUnix } from './connection.ts';
import { bindUnix, unixAddress } from './name.ts';
import { receiveUnix, sendUnix } from './transfer.ts';

export const newUnixState = (): UnixState => ({
  name: null,
  bound: null,
  peer: null,
  listening: false,
  backlog: 0,
  accepts: [],
  peerCred: null,
  clients: [],
});

defineFamily({
  number: Af.UNIX,
  create(_k, _task, type, protocol) {
    if (protocol !== 0 && protocol !== Af.UNIX) return -Errno.EPROTONOSUPPORT;
    if (type !== Sock.STREAM && type !== Sock.DGRAM && type !== Sock.SEQPACKET && type !== Sock.RAW)
      return -Errno.ESOCKTNOSUPPORT;
    return { proto: 'unix', protocol: 0 };
  },
  init(_k, socket) {
    // BSD's raw sockets of this family are datagram sockets.
    if (socket.type === Sock.RAW) socket.type = Sock.DGRAM;
    socket.unix = newUnixState();
  },
  pair(_k, task, a, b) {
    join(task, a, b);
    join(task, b, a);
    return 0;
  },
});

function join(task: Task, socket: Socket, peer: Socket): void {
  const state = socket.unix as UnixState;
  state.peer = peer;
  state.peerCred = ucredOf(task);
  if (socket.type === Sock.DGRAM) (peer.unix as UnixState).clients.push(socket);
}

defineProtocol('unix', {
  bind: bindUnix,
  connect: connectUnix,
  listen: listenUnix,
  accept: acceptUnix,
  name(_k, socket, peer) {
    const state = socket.unix as UnixState;
    if (!peer) return unixAddress(state.name);
    if (!state.peer) return -Errno.ENOTCONN;
    return unixAddress((state.peer.unix as UnixState).name);
  },
  send: sendUnix,
  receive: receiveUnix,
  shutdown: shutdownUnix,
  poll: pollUnix,
  release: releaseUnix,
});
