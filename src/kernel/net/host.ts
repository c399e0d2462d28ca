/**
 * TCP connections that the host opens to ports of the VM's own loopback (a forwarded port of ssh -L). Always true: the host's end is
 * an ordinary socket without a file, found by its inode number, so that a checkpoint has it like any other; the program in the
 * VM sees a peer on 127.0.0.1, or on ::1 where it listens only there.
 */
import { Errno } from '../abi/errno.ts';
import type { Kernel } from '../kernel.ts';
import { rootCred } from '../task/cred.ts';
import type { Task } from '../task/types.ts';
import { ANY4, ANY6, inetAddress } from './address.ts';
import { Af, IpProto, Shut, Sock } from './flags.ts';
import { findListener, inetOf } from './inet/ports.ts';
import { append, capacity, streamHooks } from './inet/stream.ts';
import { connectTcp, newInetState, reset, shutdownTcp } from './inet/tcp.ts';
import { quotaAllows, takeBytes } from './queue.ts';
import { newSocket, releaseSocket } from './socket.ts';
import { type Socket, Tcp } from './types.ts';

const LOOPBACK4 = '7f000001';
const LOOPBACK6 = `${'0'.repeat(31)}1`;
/** The send buffer of a socket on the loopback interface (see inet/index.ts). */
const SEND_BUFFER = 262144;

/** The host's end of a connection, by inode number. */
export type HostConnection = number;

/** connect(2) from the loopback address of the VM to its `port`: the connection, or -errno (-ECONNREFUSED). */
export function hostConnect(k: Kernel, port: number): HostConnection | number {
  const v4 = findListener(k, LOOPBACK4, port);
  if (!v4 && !findListener(k, LOOPBACK6, port)) return -Errno.ECONNREFUSED;
  const family = v4 ? Af.INET : Af.INET6;
  const socket = newSocket(k, { proto: 'tcp', family, type: Sock.STREAM, protocol: IpProto.TCP, uid: 0 });
  socket.inet = newInetState(v4 ? ANY4 : ANY6);
  socket.options.sendBuffer = SEND_BUFFER;
  // Only a wait would look at who asks, and a connect that does not block never waits.
  const actor = { tid: 0, cred: rootCred } as unknown as Task;
  const to = inetAddress(family, v4 ? LOOPBACK4 : LOOPBACK6, port);
  const failed = connectTcp(k, actor, socket, to, true);
  if (typeof failed === 'number' && failed < 0 && failed !== -Errno.EINPROGRESS) {
    releaseSocket(k, socket);
    return failed;
  }
  return socket.inode.ino;
}

/** The socket behind a connection; null when it is closed. */
const socketOf = (k: Kernel, connection: HostConnection): Socket | null =>
  k.net.sockets.get(connection) ?? null;

/**
 * At most `max` bytes that the program has sent: none while it has sent nothing, null at the end of the stream (it closed, or
 * the connection is gone).
 */
export function hostReceive(k: Kernel, connection: HostConnection, max: number): Uint8Array | null {
  const socket = socketOf(k, connection);
  if (!socket) return null;
  const out = new Uint8Array(Math.min(max, socket.receiveBytes));
  let done = 0;
  while (done < out.length) {
    const { bytes, taken } = socket.receive[0];
    const count = Math.min(out.length - done, bytes.length - taken);
    out.set(bytes.subarray(taken, taken + count), done);
    takeBytes(k, socket, count);
    done += count;
  }
  if (done > 0) streamHooks.taken(k, socket);
  if (done > 0 || inetOf(socket).state === Tcp.SYN_SENT) return out;
  const open = socket.error === 0 && inetOf(socket).peer && (socket.shutdown & Shut.RCV) === 0;
  return open ? out : null;
}

/** Sends bytes: how many were taken (0: full, come back when the VM has run on), or -EPIPE when nobody will read them. */
export function hostSend(k: Kernel, connection: HostConnection, bytes: Uint8Array): number {
  const socket = socketOf(k, connection);
  if (!socket) return -Errno.EPIPE;
  const { peer, state } = inetOf(socket);
  if (state === Tcp.SYN_SENT) return 0;
  if (!peer || socket.error !== 0 || (socket.shutdown & Shut.SEND) !== 0) return -Errno.EPIPE;
  if (peer.released) {
    reset(k, socket);
    return -Errno.EPIPE;
  }
  const room = Math.min(capacity(socket, peer) - peer.receiveBytes, bytes.length);
  if (room <= 0 || !quotaAllows(k, peer, room)) return 0;
  append(k, peer, bytes.slice(0, room));
  return room;
}

/** End of what the host sends: the program reads an end of file, and may still answer. */
export function hostShutdown(k: Kernel, connection: HostConnection): void {
  const socket = socketOf(k, connection);
  if (socket && inetOf(socket).peer) shutdownTcp(k, socket, Shut.SEND);
}

/** close(2) of the host's end. */
export function hostDisconnect(k: Kernel, connection: HostConnection): void {
  const socket = socketOf(k, connection);
  if (socket) releaseSocket(k, socket);
}
