/**
 * Receive queues (net/core/datagram.c, sock.c). Always true: `receiveBytes` is what the packets of a queue still hold; what all
 * queues of the VM hold is bounded by {@link queueLimit}, but a single packet may always enter an empty queue.
 */
import { Errno } from '../abi/errno.ts';
import { putFile } from '../fs/file.ts';
import { currentTime } from '../fs/inode.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyToIo } from '../mm/uio.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { putTimestamp } from './control.ts';
import { Msg, Shut } from './flags.ts';
import type { ReceiveMessage } from './protocol.ts';
import { takeError, waitOn, wakeReaders, wakeWriters } from './socket.ts';
import type { IpInfo, Packet, Socket, Ucred } from './types.ts';

/** What a packet costs besides its bytes (struct sk_buff with its overhead). */
const OVERHEAD = 576;
const MAX_QUEUED = 32 * 1024 * 1024;

/** What the queues of a VM hold at most: an eighth of its memory, 32 MiB at the most. */
const queueLimit = (k: Kernel): number => Math.min(MAX_QUEUED, k.quotas.memoryPages * 512);

/** Whether the VM's quota lets `bytes` more into this queue. */
export const quotaAllows = (k: Kernel, socket: Socket, bytes: number): boolean =>
  socket.receive.length === 0 || k.net.queuedBytes + bytes <= queueLimit(k);

export function newPacket(
  k: Kernel,
  bytes: Uint8Array,
  init: {
    from?: Uint8Array | null;
    cred?: Ucred | null;
    files?: File[] | null;
    sender?: Socket | null;
    ip?: IpInfo | null;
  } = {},
): Packet {
  return {
    bytes,
    taken: 0,
    from: init.from ?? null,
    cred: init.cred ?? null,
    files: init.files ?? null,
    sender: init.sender ?? null,
    charge: init.sender ? bytes.length + OVERHEAD : 0,
    time: currentTime(k),
    ip: init.ip ?? null,
  };
}

/** Puts a packet at the end of a queue and wakes its readers. */
export function enqueue(k: Kernel, socket: Socket, packet: Packet): void {
  socket.receive.push(packet);
  socket.receiveBytes += packet.bytes.length;
  k.net.queuedBytes += packet.bytes.length;
  if (packet.sender) packet.sender.sendCharge += packet.charge;
  if (packet.files) k.net.inFlight += packet.files.length;
  wakeReaders(k, socket);
}

/** Counts bytes of the first packet as gone. */
function discount(k: Kernel, socket: Socket, bytes: number): void {
  socket.receiveBytes -= bytes;
  k.net.queuedBytes -= bytes;
}

/** Takes the first packet out of the queue; its sender may go on. */
export function dequeue(k: Kernel, socket: Socket): Packet {
  const packet = socket.receive.shift()!;
  discount(k, socket, packet.bytes.length - packet.taken);
  if (packet.files) k.net.inFlight -= packet.files.length;
  socket.seq++;
  if (packet.sender) {
    packet.sender.sendCharge -= packet.charge;
    if (!packet.sender.released) wakeWriters(k, packet.sender);
  }
  if (socket.writeWait.tids.length > 0) wakeWriters(k, socket);
  return packet;
}

/** Drops everything that was not read. */
export function purge(k: Kernel, socket: Socket): void {
  while (socket.receive.length > 0) {
    const packet = dequeue(k, socket);
    if (packet.files) dropFiles(k, packet.files);
  }
  socket.errors = [];
}

/** Puts files of a message. What their release drops in turn is put by the outermost call. */
function dropFiles(k: Kernel, files: readonly File[]): void {
  if (k.net.doomed) {
    k.net.doomed.push(...files);
    return;
  }
  k.net.doomed = [...files];
  for (let file = k.net.doomed.pop(); file; file = k.net.doomed.pop()) putFile(k, file);
  k.net.doomed = null;
}

/** Takes `count` bytes of the first packet of a stream. */
export function takeBytes(k: Kernel, socket: Socket, count: number): void {
  const packet = socket.receive[0];
  packet.taken += count;
  discount(k, socket, count);
  socket.seq++;
  if (packet.taken >= packet.bytes.length) dequeue(k, socket);
}

/** What the kinds of streams do as a read goes from packet to packet. */
export interface StreamHooks {
  /** Before bytes of a packet are taken; true when the read ends with this packet. `begins`: it is the first of the read. */
  visit(
    k: Kernel,
    task: Task,
    socket: Socket,
    message: ReceiveMessage,
    packet: Packet,
    begins: boolean,
  ): boolean;
  /** Whether bytes of `packet` may follow those of `first` in one read. */
  joins(socket: Socket, first: Packet, packet: Packet): boolean;
  /** After bytes were taken: the writer may go on. */
  taken(k: Kernel, socket: Socket): void;
}

/** Reads from a stream: what is there, at least SO_RCVLOWAT bytes, everything with MSG_WAITALL (man 2 recv). */
export function receiveStream(
  k: Kernel,
  task: Task,
  socket: Socket,
  message: ReceiveMessage,
  hooks: StreamHooks,
): Outcome {
  const { io, flags } = message;
  if ((flags & Msg.PEEK) !== 0) return peekStream(k, task, socket, message, hooks);
  const target = (flags & Msg.WAITALL) !== 0 ? io.length : Math.min(io.length, socket.options.receiveLow);
  let first: Packet | null = null;
  while (socket.receive.length > 0 && io.done < io.length) {
    const packet = socket.receive[0];
    if (first && !hooks.joins(socket, first, packet)) return io.done;
    const last = hooks.visit(k, task, socket, message, packet, first === null);
    const part = packet.bytes.subarray(packet.taken, packet.taken + io.length - io.done);
    const moved = copyToIo(k, task, io, part);
    if (moved < 0) return io.done > 0 ? io.done : moved;
    first ??= packet;
    takeBytes(k, socket, moved);
    hooks.taken(k, socket);
    if (last || moved < part.length) return io.done;
  }
  if (io.done >= Math.max(target, 1) || io.length === 0) return io.done;
  return streamEnd(k, task, socket, message);
}

/** What a stream answers that has too little to give. */
function streamEnd(k: Kernel, task: Task, socket: Socket, message: ReceiveMessage): Outcome {
  const { done } = message.io;
  if (socket.error !== 0) return done > 0 ? done : takeError(socket);
  if ((socket.shutdown & Shut.RCV) !== 0) return done;
  return waitOn(k, task, socket.readWait, message.nonblock, socket.options.receiveTimeoutNs, done);
}

function peekStream(
  k: Kernel,
  task: Task,
  socket: Socket,
  message: ReceiveMessage,
  hooks: StreamHooks,
): Outcome {
  const { io, flags } = message;
  const target = (flags & Msg.WAITALL) !== 0 ? io.length : 1;
  const more = socket.error === 0 && (socket.shutdown & Shut.RCV) === 0 && !message.nonblock;
  if (socket.receiveBytes === 0 || (socket.receiveBytes < target && more))
    return streamEnd(k, task, socket, message);
  let first: Packet | null = null;
  for (const packet of socket.receive) {
    if (io.done >= io.length) break;
    if (first && !hooks.joins(socket, first, packet)) break;
    const last = hooks.visit(k, task, socket, message, packet, first === null);
    first ??= packet;
    const part = packet.bytes.subarray(packet.taken, packet.taken + io.length - io.done);
    const moved = copyToIo(k, task, io, part);
    if (moved < 0) return io.done > 0 ? io.done : moved;
    if (last) break;
  }
  return io.done;
}

/**
 * The packet that a datagram receive is about, or what to wait for. With MSG_PEEK it stays in the queue. `tell` fills in address and
 * control messages.
 */
export function receiveDatagram(
  k: Kernel,
  task: Task,
  socket: Socket,
  message: ReceiveMessage,
  tell: (packet: Packet) => void,
): Outcome {
  const failed = takeError(socket);
  if (failed < 0) return failed;
  const packet = socket.receive[0];
  if (!packet) {
    if ((socket.shutdown & Shut.RCV) !== 0) return 0;
    return waitOn(k, task, socket.readWait, message.nonblock, socket.options.receiveTimeoutNs);
  }
  const outcome = deliver(k, task, socket, message, packet, tell);
  if ((message.flags & Msg.PEEK) === 0) {
    dequeue(k, socket);
    // Files that were not received are closed with the message.
    if (packet.files) dropFiles(k, packet.files);
  }
  return outcome;
}

/** Copies one packet out: its length, or what MSG_TRUNC asks for. */
export function deliver(
  k: Kernel,
  task: Task,
  socket: Socket,
  message: ReceiveMessage,
  packet: Packet,
  tell: (packet: Packet) => void,
): number {
  const { io } = message;
  const { length } = packet.bytes;
  const room = Math.min(io.length, length);
  if (room > 0) {
    const moved = copyToIo(k, task, io, packet.bytes.subarray(0, room));
    if (moved < room) return -Errno.EFAULT;
  }
  if (length > room) message.outFlags |= Msg.TRUNC;
  message.name = packet.from;
  putTimestamp(socket, message, packet);
  tell(packet);
  return (message.flags & Msg.TRUNC) !== 0 ? length : room;
}
