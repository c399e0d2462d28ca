/**
 * The bytes of TCP connections (tcp_sendmsg, tcp_recvmsg). Always true: what was written lies in the receiver's queue, at most
 * {@link capacity} bytes of it; a writer goes on when a third of that is free.
 */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import { copyFromIo } from '../../mm/uio.ts';
import type { Outcome } from '../../outcome.ts';
import type { Task } from '../../task/types.ts';
import { countPacket } from '../counters.ts';
import { Msg, Shut } from '../flags.ts';
import { countLoopback } from '../interfaces.ts';
import type { ReceiveMessage, SendMessage } from '../protocol.ts';
import { enqueue, newPacket, quotaAllows, receiveStream, type StreamHooks } from '../queue.ts';
import { brokenPipe, takeError, waitOn, wakeReaders, wakeWriters } from '../socket.ts';
import { type Socket, Tcp } from '../types.ts';
import { inetOf } from './ports.ts';
import { reset } from './tcp.ts';

/** The most bytes of one packet: the loopback interface's MTU. */
const SEGMENT = 65483;
/** Small writes are gathered up to this size. */
const GATHER = 4096;
const HEADERS = 52;

/** What lies between the two ends at most: the receive buffer of the one, the send buffer of the other. */
export const capacity = (socket: Socket, peer: Socket): number =>
  peer.options.receiveBuffer + socket.options.sendBuffer;

/** Whether poll(2) calls the socket writable. */
export function canWrite(_k: Kernel, socket: Socket): boolean {
  const { peer } = inetOf(socket);
  if (!peer) return true;
  const total = capacity(socket, peer);
  return (total - peer.receiveBytes) * 3 >= total;
}

/** send(2) and its family. */
export function sendTcp(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { io, flags } = message;
  const state = inetOf(socket);
  if ((flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
  const { sendTimeoutNs } = socket.options;
  if (state.state === Tcp.SYN_SENT) return waitOn(k, task, socket.writeWait, message.nonblock, sendTimeoutNs);
  for (;;) {
    const { peer } = state;
    if (socket.error !== 0 || (socket.shutdown & Shut.SEND) !== 0 || !peer)
      return sendError(k, task, socket, message);
    if (io.done >= io.length) return io.done;
    if (peer.released) {
      // What is sent to a closed end is answered with a RST, which the next call finds.
      reset(k, socket);
      io.done = io.length;
      return io.done;
    }
    const room = Math.min(capacity(socket, peer) - peer.receiveBytes, SEGMENT, io.length - io.done);
    if (room <= 0 || !quotaAllows(k, peer, room))
      return waitOn(k, task, socket.writeWait, message.nonblock, sendTimeoutNs, io.done);
    const bytes = copyFromIo(k, task, io, room);
    if (typeof bytes === 'number') return io.done > 0 ? io.done : bytes;
    append(k, peer, bytes);
    if (bytes.length < room) return io.done;
  }
}

function sendError(k: Kernel, task: Task, socket: Socket, message: SendMessage): number {
  if (message.io.done > 0) return message.io.done;
  const failed = takeError(socket);
  return failed < 0 && failed !== -Errno.EPIPE ? failed : brokenPipe(k, task, message.flags);
}

/** Puts bytes at the end of a receive queue; small ones join the last packet. */
export function append(k: Kernel, peer: Socket, bytes: Uint8Array): void {
  countLoopback(k, bytes.length + HEADERS);
  countPacket(k, 'Tcp');
  const last = peer.receive[peer.receive.length - 1];
  if (!last || last.bytes.length + bytes.length > GATHER) {
    enqueue(k, peer, newPacket(k, bytes));
    return;
  }
  const joined = new Uint8Array(last.bytes.length - last.taken + bytes.length);
  joined.set(last.bytes.subarray(last.taken));
  joined.set(bytes, last.bytes.length - last.taken);
  last.bytes = joined;
  last.taken = 0;
  peer.receiveBytes += bytes.length;
  k.net.queuedBytes += bytes.length;
  wakeReaders(k, peer);
}

export const streamHooks: StreamHooks = {
  visit: () => false,
  joins: () => true,
  taken(k, socket) {
    const { peer } = inetOf(socket);
    if (peer && peer.writeWait.tids.length > 0 && canWrite(k, peer)) wakeWriters(k, peer);
    else if (peer) peer.seq++;
  },
};

/** recv(2) and its family. */
export function receiveTcp(k: Kernel, task: Task, socket: Socket, message: ReceiveMessage): Outcome {
  const state = inetOf(socket);
  if ((message.flags & Msg.OOB) !== 0) return -Errno.EINVAL;
  if ((message.flags & Msg.ERRQUEUE) !== 0) return -Errno.EAGAIN;
  if (state.state === Tcp.LISTEN) return -Errno.ENOTCONN;
  if (state.state === Tcp.CLOSE && state.remote === '' && socket.receiveBytes === 0)
    return takeError(socket) || -Errno.ENOTCONN;
  return receiveStream(k, task, socket, message, streamHooks);
}
