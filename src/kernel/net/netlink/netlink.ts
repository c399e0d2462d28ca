/**
 * AF_NETLINK (man 7 netlink, net/netlink/af_netlink.c): requests to the kernel are answered before send(2) returns. Always true: the
 * port ids of two sockets of one protocol differ; a socket without one has sent nothing.
 */
import { Errno } from '../../abi/errno.ts';
import { provideBroadcast } from '../../drivers/uevent.ts';
import { Poll } from '../../fs/flags.ts';
import type { Kernel } from '../../kernel.ts';
import { copyFromIo } from '../../mm/uio.ts';
import type { Outcome } from '../../outcome.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import { putControl } from '../control.ts';
import { Af, Msg, Sock, Sol } from '../flags.ts';
import { intBytes, intOf } from '../options.ts';
import { defineFamily, defineProtocol, type SendMessage } from '../protocol.ts';
import { enqueue, newPacket, purge, quotaAllows, receiveDatagram } from '../queue.ts';
import type { NetlinkState, Socket } from '../types.ts';
import { answerRequest } from './answer.ts';
import { splitMessages } from './message.ts';

export const Netlink = { ROUTE: 0, SOCK_DIAG: 4, KOBJECT_UEVENT: 15 } as const;
const PROTOCOLS: readonly number[] = Object.values(Netlink);
const MAX_REQUEST = 212992;

const Opt = {
  ADD_MEMBERSHIP: 1,
  DROP_MEMBERSHIP: 2,
  PKTINFO: 3,
  BROADCAST_ERROR: 4,
  NO_ENOBUFS: 5,
  LISTEN_ALL_NSID: 8,
  CAP_ACK: 10,
  EXT_ACK: 11,
} as const;
const SWITCHES: readonly number[] = [
  Opt.PKTINFO,
  Opt.BROADCAST_ERROR,
  Opt.NO_ENOBUFS,
  Opt.LISTEN_ALL_NSID,
  Opt.CAP_ACK,
  Opt.EXT_ACK,
];

const stateOf = (socket: Socket): NetlinkState => socket.netlink as NetlinkState;

/** struct sockaddr_nl. */
function netlinkAddress(portId: number, groups: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Af.NETLINK, true);
  view.setUint32(4, portId, true);
  view.setUint32(8, groups, true);
  return bytes;
}

function parse(address: Uint8Array): { portId: number; groups: number } | number {
  if (address.length < 12) return -Errno.EINVAL;
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  if (view.getUint16(0, true) !== Af.NETLINK) return -Errno.EINVAL;
  return { portId: view.getUint32(4, true), groups: view.getUint32(8, true) };
}

function* others(k: Kernel, protocol: number): Generator<Socket> {
  for (const socket of k.net.sockets.values())
    if (socket.netlink && socket.protocol === protocol) yield socket;
}

function isTaken(k: Kernel, protocol: number, portId: number): boolean {
  for (const socket of others(k, protocol)) if (stateOf(socket).portId === portId) return true;
  return false;
}

/** A port id of the kernel's choice: the process id, else one from the top of the range (netlink_autobind). */
function autobind(k: Kernel, task: Task, socket: Socket): void {
  const state = stateOf(socket);
  if (state.portId !== 0) return;
  let portId = task.group.pid;
  for (let next = -4097; isTaken(k, socket.protocol, portId >>> 0); next--) portId = next;
  state.portId = portId >>> 0;
}

/** Sends a message to the sockets that joined one of `groups`: how the kernel tells of changes. */
export function broadcastNetlink(k: Kernel, protocol: number, groups: number, bytes: Uint8Array): void {
  for (const socket of others(k, protocol)) {
    if ((stateOf(socket).groups & groups) === 0) continue;
    if (
      socket.receiveBytes + bytes.length > socket.options.receiveBuffer ||
      !quotaAllows(k, socket, bytes.length)
    ) {
      if ((socket.options.others[`${Sol.NETLINK}:${Opt.NO_ENOBUFS}`] ?? 0) === 0)
        socket.error = Errno.ENOBUFS;
      continue;
    }
    enqueue(k, socket, newPacket(k, bytes, { from: netlinkAddress(0, groups) }));
  }
}

provideBroadcast(broadcastNetlink);

defineFamily({
  number: Af.NETLINK,
  create(_k, _task, type, protocol) {
    if (type !== Sock.RAW && type !== Sock.DGRAM) return -Errno.ESOCKTNOSUPPORT;
    if (!PROTOCOLS.includes(protocol)) return -Errno.EPROTONOSUPPORT;
    return { proto: 'netlink', protocol };
  },
  init(_k, socket) {
    socket.netlink = { portId: 0, groups: 0 };
  },
});

function bind(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number {
  const at = parse(address);
  if (typeof at === 'number') return at;
  const state = stateOf(socket);
  if (state.portId !== 0 && at.portId !== 0 && at.portId !== state.portId) return -Errno.EINVAL;
  if (at.portId !== 0 && at.portId !== state.portId) {
    if (isTaken(k, socket.protocol, at.portId)) return -Errno.EADDRINUSE;
    state.portId = at.portId;
  } else autobind(k, task, socket);
  state.groups = at.groups;
  return 0;
}

/** connect(2): only the kernel is a peer here. */
function connect(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number {
  if (address.length >= 2 && address[0] === 0) return 0;
  const at = parse(address);
  if (typeof at === 'number') return at;
  if ((at.groups !== 0 || at.portId !== 0) && !capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
  autobind(k, task, socket);
  return 0;
}

function send(k: Kernel, task: Task, socket: Socket, outgoing: SendMessage): Outcome {
  const { io } = outgoing;
  if ((outgoing.flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
  if (outgoing.name) {
    const to = parse(outgoing.name);
    if (typeof to === 'number') return to;
    if (to.portId !== 0 || to.groups !== 0) {
      if (!capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
      if (to.portId !== 0) return -Errno.ECONNREFUSED;
    }
  }
  autobind(k, task, socket);
  if (io.length > Math.min(MAX_REQUEST, socket.options.sendBuffer - 32)) return -Errno.EMSGSIZE;
  if (socket.protocol === Netlink.KOBJECT_UEVENT) return -Errno.ECONNREFUSED;
  const bytes = io.length === 0 ? new Uint8Array(0) : copyFromIo(k, task, io, io.length);
  if (typeof bytes === 'number') return bytes;
  if (bytes.length < io.length) return -Errno.EFAULT;
  for (const request of splitMessages(bytes))
    for (const answer of answerRequest(k, task, socket, request)) {
      if (!quotaAllows(k, socket, answer.length)) {
        socket.error = Errno.ENOBUFS;
        break;
      }
      enqueue(
        k,
        socket,
        newPacket(k, answer, { from: netlinkAddress(0, 0), cred: { pid: 0, uid: 0, gid: 0 } }),
      );
    }
  return bytes.length;
}

defineProtocol('netlink', {
  bind,
  connect,
  name(_k, socket, peer) {
    const { portId, groups } = stateOf(socket);
    return peer ? netlinkAddress(0, 0) : netlinkAddress(portId, groups);
  },
  send,
  receive(k, task, socket, incoming) {
    if ((incoming.flags & Msg.OOB) !== 0) return -Errno.EOPNOTSUPP;
    return receiveDatagram(k, task, socket, incoming, () => {
      if ((socket.options.others[`${Sol.NETLINK}:${Opt.PKTINFO}`] ?? 0) !== 0)
        putControl(incoming, Sol.NETLINK, Opt.PKTINFO, intBytes(0));
      if (socket.options.passCred) putControl(incoming, Sol.SOCKET, 2, new Uint8Array(12));
    });
  },
  poll(_k, socket) {
    let events = Poll.OUT | Poll.WRNORM | Poll.WRBAND;
    if (socket.receive.length > 0) events |= Poll.IN | Poll.RDNORM;
    if (socket.error !== 0) events |= Poll.ERR;
    return { events, queues: [socket.readWait, socket.writeWait], seq: socket.seq };
  },
  setOption(_k, _task, socket, level, name, value) {
    if (level !== Sol.NETLINK) return -Errno.ENOPROTOOPT;
    const number = value.length >= 4 ? intOf(value) : 0;
    if (name === Opt.ADD_MEMBERSHIP || name === Opt.DROP_MEMBERSHIP) {
      if (number < 1 || number > 32) return -Errno.EINVAL;
      const bit = 1 << (number - 1);
      const state = stateOf(socket);
      state.groups = (name === Opt.ADD_MEMBERSHIP ? state.groups | bit : state.groups & ~bit) >>> 0;
      return 0;
    }
    if (!SWITCHES.includes(name)) return -Errno.ENOPROTOOPT;
    socket.options.others[`${level}:${name}`] = number !== 0 ? 1 : 0;
    return 0;
  },
  getOption(_k, _task, socket, level, name, room) {
    if (level !== Sol.NETLINK || !SWITCHES.includes(name)) return -Errno.ENOPROTOOPT;
    return intBytes(socket.options.others[`${level}:${name}`] ?? 0, room);
  },
  release: purge,
});
