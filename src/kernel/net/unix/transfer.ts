/** Sending and receiving over AF_UNIX, with credentials and files (net/unix/af_unix.c). */
import { Errno } from '../../abi/errno.ts';
import { putFile } from '../../fs/file.ts';
import { RLIMIT_NOFILE } from '../../fs/flags.ts';
import type { Kernel } from '../../kernel.ts';
import { copyFromIo } from '../../mm/uio.ts';
import type { Outcome } from '../../outcome.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import { putControl, putRights, type SendControl, senderCred, takeFiles, ucredBytes } from '../control.ts';
import { Msg, Scm, Shut, Sock, Sol } from '../flags.ts';
import type { ReceiveMessage, SendMessage } from '../protocol.ts';
import {
  enqueue,
  newPacket,
  quotaAllows,
  receiveDatagram,
  receiveStream,
  type StreamHooks,
} from '../queue.ts';
import { brokenPipe, takeError, waitOn } from '../socket.ts';
import type { Packet, Socket } from '../types.ts';
import { isConnectionless, queueFull, unixOf } from './connection.ts';
import { collectInFlight, collectWhenMany } from './garbage.ts';
import { autobind, findUnix, unixAddress } from './name.ts';

/** The most bytes one packet of a stream holds. */
const CHUNK = 32768;

/** Files in flight are bounded by the sender's limit of open files (too_many_unix_fds). */
function mayFly(k: Kernel, task: Task, control: SendControl | null): number {
  if (!control || control.files.length === 0) return 0;
  collectWhenMany(k);
  if (k.net.inFlight + control.files.length <= task.group.rlimits[RLIMIT_NOFILE].cur) return 0;
  collectInFlight(k);
  if (k.net.inFlight + control.files.length <= task.group.rlimits[RLIMIT_NOFILE].cur) return 0;
  const mighty = capable(task.cred, CAP.SYS_RESOURCE) || capable(task.cred, CAP.SYS_ADMIN);
  return mighty && k.net.inFlight < k.fs.maxFiles ? 0 : -Errno.ETOOMANYREFS;
}

/** send(2) and its family. */
export function sendUnix(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  if ((message.flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
  const denied = mayFly(k, task, message.control);
  if (denied < 0) return denied;
  if (socket.type === Sock.STREAM) return sendStream(k, task, socket, message);
  if (socket.type === Sock.SEQPACKET) return sendPacket(k, task, socket, message);
  return sendDatagram(k, task, socket, message);
}

function sendStream(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { io, flags, control } = message;
  const { peer } = unixOf(socket);
  if (message.name) return peer ? -Errno.EISCONN : -Errno.EOPNOTSUPP;
  if (!peer) return -Errno.ENOTCONN;
  while (io.done < io.length) {
    if ((socket.shutdown & Shut.SEND) !== 0 || peer.released || (peer.shutdown & Shut.RCV) !== 0)
      return brokenPipe(k, task, flags, io.done);
    const failed = io.done === 0 ? takeError(socket) : 0;
    if (failed < 0) return failed;
    const room = socket.options.sendBuffer - socket.sendCharge;
    const size = Math.min(io.length - io.done, CHUNK, room);
    if (size <= 0 || !quotaAllows(k, peer, size))
      return waitOn(k, task, socket.writeWait, message.nonblock, socket.options.sendTimeoutNs, io.done);
    const first = io.done === 0;
    const bytes = copyFromIo(k, task, io, size);
    if (typeof bytes === 'number') return io.done > 0 ? io.done : bytes;
    const files = first ? takeFiles(control) : null;
    enqueue(k, peer, newPacket(k, bytes, { sender: socket, cred: control?.cred ?? senderCred(task), files }));
    if (bytes.length < size) return io.done;
  }
  return io.done;
}

/** SOCK_SEQPACKET: a connection that keeps the borders of messages. */
function sendPacket(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const { peer } = unixOf(socket);
  const failed = takeError(socket);
  if (failed < 0) return failed;
  if (!peer) return -Errno.ENOTCONN;
  if ((socket.shutdown & Shut.SEND) !== 0 || peer.released || (peer.shutdown & Shut.RCV) !== 0)
    return brokenPipe(k, task, message.flags);
  return sendWhole(k, task, socket, peer, message);
}

function sendDatagram(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome {
  const state = unixOf(socket);
  if (socket.options.passCred && state.name === null) autobind(k, socket);
  let target: Socket;
  if (message.name) {
    const found = findUnix(k, task, message.name, socket.type);
    if (typeof found === 'number') return found;
    target = found;
  } else {
    if (!state.peer) return -Errno.ENOTCONN;
    target = state.peer;
    if (target.released) {
      state.peer = null;
      socket.error = 0;
      return -Errno.ECONNREFUSED;
    }
  }
  const failed = takeError(socket);
  if (failed < 0) return failed;
  if ((socket.shutdown & Shut.SEND) !== 0) return brokenPipe(k, task, message.flags);
  if ((target.shutdown & Shut.RCV) !== 0) return brokenPipe(k, task, message.flags);
  const theirs = unixOf(target).peer;
  if (theirs && theirs !== socket) return -Errno.EPERM;
  if (theirs !== socket && queueFull(k, target))
    return waitOn(k, task, target.writeWait, message.nonblock, socket.options.sendTimeoutNs);
  return sendWhole(k, task, socket, target, message);
}

/** Puts one message into the target's queue, when the sender's buffer has room for it. */
function sendWhole(k: Kernel, task: Task, socket: Socket, target: Socket, message: SendMessage): Outcome {
  const { io, control } = message;
  if (io.length > socket.options.sendBuffer - 32) return -Errno.EMSGSIZE;
  const room = socket.options.sendBuffer - socket.sendCharge;
  if (!quotaAllows(k, target, io.length))
    return waitOn(k, task, target.writeWait, message.nonblock, socket.options.sendTimeoutNs);
  if ((socket.sendCharge > 0 && room < io.length) || room <= 0)
    return waitOn(k, task, socket.writeWait, message.nonblock, socket.options.sendTimeoutNs);
  const bytes = io.length === 0 ? new Uint8Array(0) : copyFromIo(k, task, io, io.length);
  if (typeof bytes === 'number') return bytes;
  if (bytes.length < io.length) return -Errno.EFAULT;
  const { name } = unixOf(socket);
  const from = name === null ? null : unixAddress(name);
  const cred = control?.cred ?? senderCred(task);
  enqueue(k, target, newPacket(k, bytes, { sender: socket, from, cred, files: takeFiles(control) }));
  return bytes.length;
}

/** SO_PASSCRED. */
function tellCred(socket: Socket, message: ReceiveMessage, packet: Packet): void {
  if (socket.options.passCred && packet.cred)
    putControl(message, Sol.SOCKET, Scm.CREDENTIALS, ucredBytes(packet.cred));
}

const sameCred = (a: Packet, b: Packet): boolean =>
  a.cred?.pid === b.cred?.pid && a.cred?.uid === b.cred?.uid && a.cred?.gid === b.cred?.gid;

const hooks: StreamHooks = {
  visit(k, task, socket, message, packet, begins) {
    if (begins) tellCred(socket, message, packet);
    if (!packet.files) return false;
    putRights(k, task, message, packet.files);
    if ((message.flags & Msg.PEEK) === 0) {
      // Files go with the first byte of their packet.
      for (const file of packet.files) putFile(k, file);
      k.net.inFlight -= packet.files.length;
      packet.files = null;
    }
    return true;
  },
  joins: (socket, first, packet) => !socket.options.passCred || sameCred(first, packet),
  taken() {},
};

/** recv(2) and its family. */
export function receiveUnix(k: Kernel, task: Task, socket: Socket, message: ReceiveMessage): Outcome {
  if ((message.flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
  const state = unixOf(socket);
  if (!isConnectionless(socket) && (!state.peer || state.listening))
    return socket.type === Sock.STREAM ? -Errno.EINVAL : -Errno.ENOTCONN;
  if (socket.type === Sock.STREAM) return receiveStream(k, task, socket, message, hooks);
  const outcome = receiveDatagram(k, task, socket, message, (packet) => {
    tellCred(socket, message, packet);
    if (packet.files) putRights(k, task, message, packet.files);
    if (socket.type === Sock.SEQPACKET) message.outFlags |= Msg.EOR;
  });
  return outcome;
}
