/** System calls of sockets. */
import { Errno } from '../abi/errno.ts';
import { O } from '../fs/flags.ts';
import type { File } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import { copyIn, copyOut, readI32, writeI32 } from '../mm/uaccess.ts';
import {
  readAddress,
  receiveFrom,
  receiveMessage,
  receiveMessages,
  sendMessage,
  sendMessages,
  sendTo,
  writeAddress,
} from '../net/message.ts';
import { getOption, setOption } from '../net/options.ts';
import { protocolOf } from '../net/protocol.ts';
import { accept, socket, socketOf, socketpair } from '../net/socket.ts';
import type { Socket } from '../net/types.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import { readTimespec, toNs } from '../time/clocks.ts';
import { syscall } from './table.ts';

/** Runs `body` with the socket of a descriptor. */
function withSocket(task: Task, fd: number, body: (socket: Socket, file: File) => Outcome): Outcome {
  const file = socketOf(task, fd);
  return typeof file === 'number' ? file : body(file.data as Socket, file);
}

syscall(198, 'socket', ['int', 'int', 'int'], socket, 'partial', 'AF_UNIX, AF_INET, AF_INET6, AF_NETLINK');

syscall(199, 'socketpair', ['int', 'int', 'int', 'ptr'], (k, task, domain, type, protocol, va) => {
  const pair = socketpair(k, task, domain, type, protocol);
  if (typeof pair === 'number') return pair;
  return writeI32(k, task, va, pair[0]) || writeI32(k, task, va + 4, pair[1]);
});

syscall(200, 'bind', ['fd', 'ptr', 'int'], (k, task, fd, va, length) =>
  withSocket(task, fd, (target) => {
    const address = readAddress(k, task, va, length);
    if (typeof address === 'number') return address;
    const { bind } = protocolOf(target);
    return bind ? bind(k, task, target, address ?? new Uint8Array(0)) : -Errno.EOPNOTSUPP;
  }),
);

syscall(201, 'listen', ['fd', 'int'], (k, task, fd, backlog) =>
  withSocket(
    task,
    fd,
    (target) => protocolOf(target).listen?.(k, task, target, backlog) ?? -Errno.EOPNOTSUPP,
  ),
);

function acceptFrom(k: Kernel, task: Task, fd: number, va: number, lengthVa: number, flags: number): Outcome {
  return withSocket(task, fd, (_listener, file) => {
    const accepted = accept(k, task, file, flags);
    if (typeof accepted === 'number' || 'kind' in accepted) return accepted;
    if (va === 0) return accepted.fd;
    const name = protocolOf(accepted.socket).name(k, accepted.socket, true);
    const failed = writeAddress(k, task, va, lengthVa, typeof name === 'number' ? null : name);
    return failed < 0 ? failed : accepted.fd;
  });
}
syscall(202, 'accept', ['fd', 'ptr', 'ptr'], (k, task, fd, va, lengthVa) =>
  acceptFrom(k, task, fd, va, lengthVa, 0),
);
syscall(242, 'accept4', ['fd', 'ptr', 'ptr', 'int'], acceptFrom);

syscall(203, 'connect', ['fd', 'ptr', 'int'], (k, task, fd, va, length) =>
  withSocket(task, fd, (target, file) => {
    const address = readAddress(k, task, va, length);
    if (typeof address === 'number') return address;
    const { connect } = protocolOf(target);
    if (!connect) return -Errno.EOPNOTSUPP;
    return connect(k, task, target, address ?? new Uint8Array(0), (file.flags & O.NONBLOCK) !== 0);
  }),
);

function tellName(k: Kernel, task: Task, fd: number, va: number, lengthVa: number, peer: boolean): Outcome {
  return withSocket(task, fd, (target) => {
    const name = protocolOf(target).name(k, target, peer);
    return typeof name === 'number' ? name : writeAddress(k, task, va, lengthVa, name);
  });
}
syscall(204, 'getsockname', ['fd', 'ptr', 'ptr'], (k, task, fd, va, lengthVa) =>
  tellName(k, task, fd, va, lengthVa, false),
);
syscall(205, 'getpeername', ['fd', 'ptr', 'ptr'], (k, task, fd, va, lengthVa) =>
  tellName(k, task, fd, va, lengthVa, true),
);

syscall(
  206,
  'sendto',
  ['fd', 'ptr', 'size', 'uint', 'ptr', 'int'],
  (k, task, fd, va, length, flags, nameVa, nameLength) =>
    withSocket(task, fd, (_socket, file) => sendTo(k, task, file, va, length, flags, nameVa, nameLength)),
);
syscall(
  207,
  'recvfrom',
  ['fd', 'ptr', 'size', 'uint', 'ptr', 'ptr'],
  (k, task, fd, va, length, flags, nameVa, nameLengthVa) =>
    withSocket(task, fd, (_socket, file) =>
      receiveFrom(k, task, file, va, length, flags, nameVa, nameLengthVa),
    ),
);
syscall(211, 'sendmsg', ['fd', 'ptr', 'uint'], (k, task, fd, va, flags) =>
  withSocket(task, fd, (_socket, file) => sendMessage(k, task, file, va, flags)),
);
syscall(212, 'recvmsg', ['fd', 'ptr', 'uint'], (k, task, fd, va, flags) =>
  withSocket(task, fd, (_socket, file) => receiveMessage(k, task, file, va, flags)),
);
syscall(269, 'sendmmsg', ['fd', 'ptr', 'uint', 'uint'], (k, task, fd, va, count, flags) =>
  withSocket(task, fd, (_socket, file) => sendMessages(k, task, file, va, count, flags)),
);
syscall(243, 'recvmmsg', ['fd', 'ptr', 'uint', 'uint', 'ptr'], (k, task, fd, va, count, flags, timeout) =>
  withSocket(task, fd, (_socket, file) => {
    const time = timeout === 0 ? null : readTimespec(k, task, timeout);
    if (timeout !== 0 && !time) return -Errno.EFAULT;
    return receiveMessages(k, task, file, va, count, flags, time && toNs(time));
  }),
);

syscall(210, 'shutdown', ['fd', 'int'], (k, task, fd, how) =>
  withSocket(task, fd, (target) => {
    if (how < 0 || how > 2) return -Errno.EINVAL;
    return protocolOf(target).shutdown?.(k, target, how + 1) ?? -Errno.EOPNOTSUPP;
  }),
);

/** The longest option value that is read. */
const MAX_OPTION = 4096;
syscall(208, 'setsockopt', ['fd', 'int', 'int', 'ptr', 'int'], (k, task, fd, level, name, va, length) => {
  if (length < 0) return -Errno.EINVAL;
  return withSocket(task, fd, (target) => {
    const value = copyIn(k, task, va, Math.min(length, MAX_OPTION));
    return value ? setOption(k, task, target, level, name, value) : -Errno.EFAULT;
  });
});
syscall(209, 'getsockopt', ['fd', 'int', 'int', 'ptr', 'ptr'], (k, task, fd, level, name, va, lengthVa) =>
  withSocket(task, fd, (target) => {
    const room = readI32(k, task, lengthVa);
    if (room === null) return -Errno.EFAULT;
    if (room < 0) return -Errno.EINVAL;
    const value = getOption(k, task, target, level, name, room);
    if (typeof value === 'number') return value;
    return copyOut(k, task, va, value) || writeI32(k, task, lengthVa, value.length);
  }),
);
