/**
 * Sockets as open files (net/socket.c). Always true: a socket's file is of kind `socket` and its `data` is the socket; releasing the
 * file releases the socket.
 */
import { Errno } from '../abi/errno.ts';
import { Band, objectReady } from '../fs/async.ts';
import { getFile, installFd, installOrPut, newFile, putFile } from '../fs/file.ts';
import { O, S } from '../fs/flags.ts';
import { newInode } from '../fs/inode.ts';
import { defineFileOps } from '../fs/ops.ts';
import { deadlineOf } from '../fs/poll.ts';
import type { File } from '../fs/types.ts';
import { type Kernel, unsupported } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import { newWaitQueue, type Outcome, type WaitQueue, wait } from '../outcome.ts';
import { kernelSigInfo, sendSignalTask } from '../signal/send.ts';
import type { Task } from '../task/types.ts';
import { wakeUp } from '../task/wait.ts';
import { Msg, Sock } from './flags.ts';
import { socketIoctl } from './ioctl.ts';
import { defaultOptions } from './options.ts';
import { findFamily, protocolOf, type ReceiveMessage, type SendMessage } from './protocol.ts';
import type { Socket } from './types.ts';

const SIGPIPE = 13;

/** A socket without a file yet. */
export function newSocket(
  k: Kernel,
  init: { proto: string; family: number; type: number; protocol: number; uid: number; gid?: number },
): Socket {
  const inode = newInode(k, k.net.sockfs, {
    mode: S.IFSOCK | 0o777,
    uid: init.uid,
    gid: init.gid ?? 0,
    nlink: 1,
  });
  const socket: Socket = {
    proto: init.proto,
    family: init.family,
    type: init.type,
    protocol: init.protocol,
    inode,
    file: null,
    released: false,
    uid: init.uid,
    options: defaultOptions(k),
    filter: null,
    error: 0,
    shutdown: 0,
    receive: [],
    receiveBytes: 0,
    errors: [],
    sendCharge: 0,
    readWait: newWaitQueue(),
    writeWait: newWaitQueue(),
    seq: 0,
    unix: null,
    inet: null,
    netlink: null,
  };
  k.net.sockets.set(inode.ino, socket);
  return socket;
}

/** Gives a socket its open file; -ENFILE releases the socket. */
export function socketFile(k: Kernel, socket: Socket, flags: number): File | number {
  const file = newFile(k, {
    kind: 'socket',
    inode: socket.inode,
    flags: O.RDWR | (flags & O.NONBLOCK),
    label: `socket:[${socket.inode.ino}]`,
    uid: socket.uid,
    data: socket,
  });
  if (typeof file === 'number') releaseSocket(k, socket);
  else socket.file = file;
  return file;
}

/** The end of a socket: its protocol lets go of peers, names and queues. */
export function releaseSocket(k: Kernel, socket: Socket): void {
  if (socket.released) return;
  socket.released = true;
  socket.file = null;
  protocolOf(socket).release(k, socket);
  k.net.sockets.delete(socket.inode.ino);
}

function createSocket(
  k: Kernel,
  task: Task,
  domain: number,
  type: number,
  protocol: number,
): Socket | number {
  const family = findFamily(domain);
  if (!family) return -Errno.EAFNOSUPPORT;
  const what = family.create(k, task, type, protocol);
  if (typeof what === 'number') return what;
  const { fsuid: uid, fsgid: gid } = task.cred;
  const socket = newSocket(k, { ...what, family: domain, type, uid, gid });
  family.init(k, socket);
  return socket;
}

const typeOf = (typeAndFlags: number): number => typeAndFlags & 0xf;
const badFlags = (typeAndFlags: number): boolean =>
  (typeAndFlags & ~0xf & ~(Sock.CLOEXEC | Sock.NONBLOCK)) !== 0;

/** socket(2). */
export function socket(
  k: Kernel,
  task: Task,
  domain: number,
  typeAndFlags: number,
  protocol: number,
): number {
  if (badFlags(typeAndFlags)) return -Errno.EINVAL;
  const type = typeOf(typeAndFlags);
  if (domain < 0 || domain > 45) return -Errno.EAFNOSUPPORT;
  if (type > 10) return -Errno.EINVAL;
  const made = createSocket(k, task, domain, type, protocol);
  if (typeof made === 'number') return made;
  return installOrPut(k, task, socketFile(k, made, typeAndFlags), (typeAndFlags & Sock.CLOEXEC) !== 0);
}

/** socketpair(2): the two descriptors, or -errno. */
export function socketpair(
  k: Kernel,
  task: Task,
  domain: number,
  typeAndFlags: number,
  protocol: number,
): [number, number] | number {
  if (badFlags(typeAndFlags)) return -Errno.EINVAL;
  const family = findFamily(domain);
  if (!family) return -Errno.EAFNOSUPPORT;
  const type = typeOf(typeAndFlags);
  const a = createSocket(k, task, domain, type, protocol);
  if (typeof a === 'number') return a;
  const b = createSocket(k, task, domain, type, protocol) as Socket;
  const failed = family.pair?.(k, task, a, b) ?? -Errno.EOPNOTSUPP;
  if (failed < 0) {
    releaseSocket(k, a);
    releaseSocket(k, b);
    return failed;
  }
  const cloexec = (typeAndFlags & Sock.CLOEXEC) !== 0;
  const fileA = socketFile(k, a, typeAndFlags);
  const fileB = socketFile(k, b, typeAndFlags);
  if (typeof fileA === 'number' || typeof fileB === 'number') {
    if (typeof fileA !== 'number') putFile(k, fileA);
    if (typeof fileB !== 'number') putFile(k, fileB);
    return -Errno.ENFILE;
  }
  const fdA = installFd(k, task, fileA, cloexec);
  const fdB = fdA < 0 ? fdA : installFd(k, task, fileB, cloexec);
  if (fdB >= 0) return [fdA, fdB];
  putFile(k, fileB);
  if (fdA >= 0) task.files.fds[fdA] = null;
  putFile(k, fileA);
  return fdB;
}

/** accept4(2): a descriptor for the next connection, with its socket. */
export function accept(
  k: Kernel,
  task: Task,
  file: File,
  flags: number,
): { fd: number; socket: Socket } | Outcome {
  if ((flags & ~(Sock.CLOEXEC | Sock.NONBLOCK)) !== 0) return -Errno.EINVAL;
  const listener = file.data as Socket;
  const protocol = protocolOf(listener);
  if (!protocol.accept) return -Errno.EOPNOTSUPP;
  const fd = freeDescriptor(k, task);
  if (fd < 0) return fd;
  const next = protocol.accept(k, task, listener, (file.flags & O.NONBLOCK) !== 0);
  if (typeof next === 'number' || 'kind' in next) return next;
  const accepted = socketFile(k, next, flags);
  const installed = installOrPut(k, task, accepted, (flags & Sock.CLOEXEC) !== 0);
  return installed < 0 ? installed : { fd: installed, socket: next };
}

/** Whether the task could open one more: Linux takes the descriptor before the connection. */
function freeDescriptor(k: Kernel, task: Task): number {
  if (k.fs.openFiles >= k.fs.maxFiles) return -Errno.ENFILE;
  const { fds } = task.files;
  let fd = 0;
  while (fd < fds.length && fds[fd]) fd++;
  return fd >= task.group.rlimits[7].cur ? -Errno.EMFILE : fd;
}

/** The socket file of a descriptor: -EBADF, -ENOTSOCK. */
export function socketOf(task: Task, fd: number): File | number {
  const file = getFile(task, fd);
  if (!file) return -Errno.EBADF;
  return file.kind === 'socket' ? file : -Errno.ENOTSOCK;
}

/** Takes the pending error of a socket: 0 or -errno (sock_error). */
export function takeError(socket: Socket): number {
  const { error } = socket;
  socket.error = 0;
  return -error;
}

/** Tells whoever waits that a socket may be read from. */
export function wakeReaders(k: Kernel, socket: Socket): void {
  socket.seq++;
  if (socket.readWait.tids.length > 0) wakeUp(k, socket.readWait);
  objectReady(k, socket, Band.IN);
}
export function wakeWriters(k: Kernel, socket: Socket): void {
  socket.seq++;
  if (socket.writeWait.tids.length > 0) wakeUp(k, socket.writeWait);
}
export function wakeAll(k: Kernel, socket: Socket): void {
  wakeReaders(k, socket);
  wakeWriters(k, socket);
}

/**
 * Waits on a socket's queue for at most its time-out (SO_RCVTIMEO, SO_SNDTIMEO): `done` above 0 is what an interrupted or timed out
 * call has achieved already; `late` is the error without that.
 */
export function waitOn(
  k: Kernel,
  task: Task,
  queue: WaitQueue,
  nonblock: boolean,
  timeoutNs: number,
  done = 0,
  late: number = -Errno.EAGAIN,
): Outcome {
  if (nonblock) return done > 0 ? done : late;
  if (timeoutNs <= 0) return wait([queue], done > 0 ? { onSignal: done } : {});
  const untilNs = deadlineOf(k, task, timeoutNs);
  if (k.time.nowNs >= untilNs) return done > 0 ? done : late;
  return wait([queue], { untilNs, onSignal: done > 0 ? done : -Errno.EINTR });
}

/** What a writer to a connection that is gone gets (man 2 send, EPIPE). */
export function brokenPipe(k: Kernel, task: Task, flags: number, done = 0): number {
  if (done > 0) return done;
  if ((flags & Msg.NOSIGNAL) === 0) sendSignalTask(k, task, kernelSigInfo(SIGPIPE));
  return -Errno.EPIPE;
}

/** A receive without a place for address or control messages. */
export const plainReceive = (io: IoBuf, flags: number, nonblock: boolean): ReceiveMessage => ({
  io,
  flags,
  nonblock,
  controlRoom: 0,
  name: null,
  control: [],
  controlBytes: 0,
  outFlags: 0,
});

const nonblocking = (file: File): boolean => (file.flags & O.NONBLOCK) !== 0;

defineFileOps('socket', {
  read(k, task, file, io) {
    if (io.length === 0 && (file.data as Socket).type === Sock.STREAM) return 0;
    const target = file.data as Socket;
    return protocolOf(target).receive(k, task, target, plainReceive(io, 0, nonblocking(file)));
  },
  write(k, task, file, io) {
    const target = file.data as Socket;
    const flags = target.type === Sock.SEQPACKET ? Msg.EOR : 0;
    const message: SendMessage = { io, name: null, control: null, flags, nonblock: nonblocking(file) };
    return protocolOf(target).send(k, task, target, message);
  },
  poll(k, file) {
    const target = file.data as Socket;
    return protocolOf(target).poll(k, target);
  },
  ioctl(k, task, file, cmd, arg) {
    const target = file.data as Socket;
    const outcome = protocolOf(target).ioctl?.(k, task, target, cmd, arg) ?? -Errno.ENOIOCTLCMD;
    if (outcome !== -Errno.ENOIOCTLCMD) return outcome;
    const general = socketIoctl(k, task, target, cmd, arg);
    if (general === -Errno.ENOTTY && cmd >= 0x8900)
      unsupported(k, `ioctl 0x${cmd.toString(16)} on ${target.proto} socket`);
    return general;
  },
  release: (k, file) => releaseSocket(k, file.data as Socket),
});
