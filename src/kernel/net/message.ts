/**
 * Sending and receiving messages between user memory and protocols (net/socket.c). Always true: a call that parked goes on with the
 * buffer it began with, kept in `task.syscall.scratch`; a message's address and control data are read again.
 */
import { Errno } from '../abi/errno.ts';
import { O } from '../fs/flags.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { copyIn, copyOut, readI32, writeLong, writeU32 } from '../mm/uaccess.ts';
import { importIovec, userBuf } from '../mm/uio.ts';
import type { Outcome } from '../outcome.ts';
import type { SyscallState, Task } from '../task/types.ts';
import { parseControl, type SendControl } from './control.ts';
import { Msg } from './flags.ts';
import { protocolOf, type ReceiveMessage } from './protocol.ts';
import { plainReceive } from './socket.ts';
import type { Socket } from './types.ts';

/** sizeof(struct sockaddr_storage): the longest address. */
const MAX_ADDRESS = 128;
const MAX_CONTROL = 20480;
/** UIO_MAXIOV: messages of one sendmmsg or recvmmsg, and segments of one message. */
const MAX_VECTOR = 1024;

/** Offsets in struct msghdr of a 64-bit machine (linux/socket.h); msg_len follows it in struct mmsghdr. */
const Hdr = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  size: 56,
} as const;
export const MMSG_SIZE = 64;

/** An address argument: null for none, or -errno (move_addr_to_kernel). */
export function readAddress(k: Kernel, task: Task, va: number, length: number): Uint8Array | null | number {
  if (length < 0 || length > MAX_ADDRESS) return -Errno.EINVAL;
  if (va === 0 || length === 0) return null;
  return copyIn(k, task, va, length) ?? -Errno.EFAULT;
}

/** Stores an address and its true length, cut to the caller's room (move_addr_to_user). */
export function writeAddress(
  k: Kernel,
  task: Task,
  va: number,
  lengthVa: number,
  address: Uint8Array | null,
): number {
  const room = readI32(k, task, lengthVa);
  if (room === null) return -Errno.EFAULT;
  if (room < 0) return -Errno.EINVAL;
  const bytes = address ?? new Uint8Array(0);
  const failed = copyOut(k, task, va, bytes.subarray(0, Math.min(room, bytes.length)));
  return failed < 0 ? failed : writeU32(k, task, lengthVa, bytes.length);
}

/** The buffer that this call parked with, or a new one. */
function bufferOf(task: Task, make: () => IoBuf | number): IoBuf | number {
  return (task.syscall?.scratch?.io as IoBuf | undefined) ?? make();
}

function keep(task: Task, io: IoBuf, outcome: Outcome): Outcome {
  const call = task.syscall as SyscallState;
  if (typeof outcome !== 'number') {
    if (call.scratch?.io !== io) call.scratch = { ...call.scratch, io };
  } else if (call.scratch?.io) call.scratch = { ...call.scratch, io: undefined };
  return outcome;
}

const isNonblocking = (file: File, flags: number): boolean =>
  (file.flags & O.NONBLOCK) !== 0 || (flags & Msg.DONTWAIT) !== 0;

function transmit(
  k: Kernel,
  task: Task,
  file: File,
  io: IoBuf,
  name: Uint8Array | null,
  control: SendControl | null,
  flags: number,
): Outcome {
  const socket = file.data as Socket;
  const message = { io, name, control, flags, nonblock: isNonblocking(file, flags) };
  return keep(task, io, protocolOf(socket).send(k, task, socket, message));
}

/** sendto(2). */
export function sendTo(
  k: Kernel,
  task: Task,
  file: File,
  va: number,
  length: number,
  flags: number,
  nameVa: number,
  nameLength: number,
): Outcome {
  const name = readAddress(k, task, nameVa, nameVa === 0 ? 0 : nameLength);
  if (typeof name === 'number') return name;
  const io = bufferOf(task, () => userBuf(va, length)) as IoBuf;
  return transmit(k, task, file, io, name, null, flags);
}

/** sendmsg(2) of the struct msghdr at `va`. */
export function sendMessage(k: Kernel, task: Task, file: File, va: number, flags: number): Outcome {
  const raw = copyIn(k, task, va, Hdr.size);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset);
  const pointer = (at: number): number => Number(view.getBigInt64(at, true));
  const nameVa = pointer(Hdr.name);
  const nameLength = Math.min(view.getInt32(Hdr.nameLength, true), MAX_ADDRESS);
  const name = readAddress(k, task, nameVa, nameVa === 0 ? 0 : nameLength);
  if (typeof name === 'number') return name;
  const count = pointer(Hdr.iovLength);
  if (count < 0 || count > MAX_VECTOR) return -Errno.EMSGSIZE;
  const io = bufferOf(task, () => importIovec(k, task, pointer(Hdr.iov), count));
  if (typeof io === 'number') return io;
  const controlLength = pointer(Hdr.controlLength);
  if (controlLength < 0 || controlLength > MAX_CONTROL) return -Errno.ENOBUFS;
  let control: SendControl | null = null;
  if (controlLength > 0) {
    const bytes = copyIn(k, task, pointer(Hdr.control), controlLength);
    if (!bytes) return -Errno.EFAULT;
    const parsed = parseControl(task, bytes);
    if (typeof parsed === 'number') return parsed;
    control = parsed;
  }
  return transmit(k, task, file, io, name, control, flags);
}

function take(k: Kernel, task: Task, file: File, message: ReceiveMessage): Outcome {
  const socket = file.data as Socket;
  return keep(task, message.io, protocolOf(socket).receive(k, task, socket, message));
}

/** recvfrom(2). */
export function receiveFrom(
  k: Kernel,
  task: Task,
  file: File,
  va: number,
  length: number,
  flags: number,
  nameVa: number,
  nameLengthVa: number,
): Outcome {
  const io = bufferOf(task, () => userBuf(va, length)) as IoBuf;
  const message = plainReceive(io, flags, isNonblocking(file, flags));
  const outcome = take(k, task, file, message);
  if (typeof outcome !== 'number' || outcome < 0 || nameVa === 0) return outcome;
  const failed = writeAddress(k, task, nameVa, nameLengthVa, message.name);
  return failed < 0 ? failed : outcome;
}

/** recvmsg(2) into the struct msghdr at `va`. */
export function receiveMessage(k: Kernel, task: Task, file: File, va: number, flags: number): Outcome {
  const raw = copyIn(k, task, va, Hdr.size);
  if (!raw) return -Errno.EFAULT;
  const view = new DataView(raw.buffer, raw.byteOffset);
  const pointer = (at: number): number => Number(view.getBigInt64(at, true));
  const count = pointer(Hdr.iovLength);
  if (count < 0 || count > MAX_VECTOR) return -Errno.EMSGSIZE;
  const io = bufferOf(task, () => importIovec(k, task, pointer(Hdr.iov), count));
  if (typeof io === 'number') return io;
  const message = plainReceive(io, flags, isNonblocking(file, flags));
  message.controlRoom = Math.max(0, pointer(Hdr.controlLength));
  const outcome = take(k, task, file, message);
  if (typeof outcome !== 'number' || outcome < 0) return outcome;
  return writeHeader(k, task, va, view, message) || outcome;
}

/** Stores what a message told besides its bytes. */
function writeHeader(k: Kernel, task: Task, va: number, view: DataView, message: ReceiveMessage): number {
  const nameVa = Number(view.getBigInt64(Hdr.name, true));
  if (nameVa !== 0) {
    const room = view.getInt32(Hdr.nameLength, true);
    if (room < 0) return -Errno.EINVAL;
    const name = message.name ?? new Uint8Array(0);
    if (copyOut(k, task, nameVa, name.subarray(0, room)) < 0) return -Errno.EFAULT;
    if (writeU32(k, task, va + Hdr.nameLength, name.length) < 0) return -Errno.EFAULT;
  }
  let at = Number(view.getBigInt64(Hdr.control, true));
  for (const part of message.control) {
    if (copyOut(k, task, at, part) < 0) return -Errno.EFAULT;
    at += part.length;
  }
  if (writeLong(k, task, va + Hdr.controlLength, message.controlBytes) < 0) return -Errno.EFAULT;
  return writeU32(k, task, va + Hdr.flags, message.outFlags | (message.flags & Msg.CMSG_CLOEXEC));
}

/** Messages a sendmmsg or recvmmsg that parked has finished already. */
const finished = (task: Task): number => (task.syscall?.scratch?.messages as number | undefined) ?? 0;

/** Runs `one` for each struct mmsghdr; the length of each is stored, the answer is how many were done. */
function vectored(
  k: Kernel,
  task: Task,
  va: number,
  count: number,
  one: (at: number, index: number) => Outcome,
): Outcome {
  const total = Math.min(count, MAX_VECTOR);
  for (let i = finished(task); i < total; i++) {
    const at = va + i * MMSG_SIZE;
    const outcome = one(at, i);
    if (typeof outcome !== 'number') {
      const call = task.syscall as SyscallState;
      call.scratch = { ...call.scratch, messages: i };
      return i > 0 && outcome.kind === 'wait' ? { ...outcome, onSignal: i } : outcome;
    }
    if (outcome < 0) return i > 0 ? i : outcome;
    if (writeU32(k, task, at + Hdr.size, outcome) < 0) return i > 0 ? i : -Errno.EFAULT;
  }
  return total;
}

/** sendmmsg(2). */
export function sendMessages(
  k: Kernel,
  task: Task,
  file: File,
  va: number,
  count: number,
  flags: number,
): Outcome {
  return vectored(k, task, va, count, (at) => sendMessage(k, task, file, at, flags));
}

/** recvmmsg(2). The time-out (null: none) is looked at after each message, as on Linux. */
export function receiveMessages(
  k: Kernel,
  task: Task,
  file: File,
  va: number,
  count: number,
  flags: number,
  timeoutNs: number | null,
): Outcome {
  const call = task.syscall as SyscallState;
  const begun = (call.scratch?.begunNs as number | undefined) ?? k.time.nowNs;
  if (timeoutNs !== null) call.scratch = { ...call.scratch, begunNs: begun };
  const { error } = file.data as Socket;
  if (error !== 0 && finished(task) === 0) {
    (file.data as Socket).error = 0;
    return -error;
  }
  return vectored(k, task, va, count, (at, index) => {
    const late = timeoutNs !== null && index > 0 && k.time.nowNs - begun >= timeoutNs;
    const patient = index === 0 || (flags & Msg.WAITFORONE) === 0;
    if (late) return -Errno.EAGAIN;
    return receiveMessage(k, task, file, at, (flags & ~Msg.WAITFORONE) | (patient ? 0 : Msg.DONTWAIT));
  });
}
