/**
 * Answers to rtnetlink requests (man 7 rtnetlink, net/core/rtnetlink.c). Always true: a dump ends with NLMSG_DONE, a failed request
 * with its error, an acknowledged one with error 0; changes need CAP_NET_ADMIN.
 */
import { Errno } from '../../abi/errno.ts';
import { type Kernel, unsupported } from '../../kernel.ts';
import { CAP, capable } from '../../task/capability.ts';
import type { Task } from '../../task/types.ts';
import type { Socket } from '../types.ts';
import { changeAddress, dumpAddresses } from './address.ts';
import { changeLink, dumpLinks, getLink } from './link.ts';
import { concat, le32, message, NLMSG_DONE, NLMSG_ERROR, Nlm, type Request } from './message.ts';
import { changeRoute, dumpRoutes, dumpRules, getRoute } from './route.ts';

/** What a request is answered with: messages, or 0 or -errno. */
export type Answer = Uint8Array[] | number;

/** Makes one message of an answer; the request's sequence number and port go with it. */
export type Compose = (type: number, fixed: Uint8Array, list: Parameters<typeof message>[5]) => Uint8Array;

export const Rtm = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  GETNEIGH: 30,
  NEWRULE: 32,
  GETRULE: 34,
  GETQDISC: 38,
  GETADDRLABEL: 74,
  GETNETCONF: 82,
} as const;

type Handler = (k: Kernel, task: Task, request: Request, compose: Compose) => Answer;

const dumps: Record<number, Handler> = {
  [Rtm.GETLINK]: dumpLinks,
  [Rtm.GETADDR]: dumpAddresses,
  [Rtm.GETROUTE]: dumpRoutes,
  [Rtm.GETRULE]: dumpRules,
  // A loopback interface has no neighbours, no queueing discipline to show and no address labels of its own.
  [Rtm.GETNEIGH]: () => [],
  [Rtm.GETQDISC]: () => [],
  [Rtm.GETADDRLABEL]: () => [],
};
const gets: Record<number, Handler> = {
  [Rtm.GETLINK]: getLink,
  [Rtm.GETROUTE]: getRoute,
};
const changes: Record<number, Handler> = {
  [Rtm.NEWLINK]: changeLink,
  [Rtm.SETLINK]: changeLink,
  [Rtm.NEWADDR]: changeAddress,
  [Rtm.DELADDR]: changeAddress,
  [Rtm.NEWROUTE]: changeRoute,
  [Rtm.DELROUTE]: changeRoute,
};

const NETLINK_ROUTE = 0;

/** The most bytes put into one datagram of a dump: what programs read at once. */
const DUMP_SIZE = 8192;

/** The kind of a request is in the two low bits of its type: new, delete, get, set. */
const isGet = (type: number): boolean => (type & 3) === 2;

function handle(k: Kernel, task: Task, socket: Socket, request: Request, compose: Compose): Answer {
  const { type, flags } = request;
  // No family has a sock_diag module here: ss(8) reads /proc/net instead.
  if (socket.protocol !== NETLINK_ROUTE) return -Errno.ENOENT;
  if (!isGet(type)) {
    if (!capable(task.cred, CAP.NET_ADMIN)) return -Errno.EPERM;
    return changes[type] ? changes[type](k, task, request, compose) : missing(k, type);
  }
  const table = (flags & Nlm.DUMP) !== 0 ? dumps : gets;
  return table[type] ? table[type](k, task, request, compose) : missing(k, type);
}

function missing(k: Kernel, type: number): number {
  unsupported(k, `rtnetlink message ${type}`);
  return -Errno.EOPNOTSUPP;
}

/** The datagrams that answer one request of a socket. */
export function answerRequest(k: Kernel, task: Task, socket: Socket, request: Request): Uint8Array[] {
  const { type, flags, seq } = request;
  if ((flags & Nlm.REQUEST) === 0 || type < 16) {
    return (flags & Nlm.ACK) !== 0 ? [acknowledge(socket, request, 0)] : [];
  }
  const portId = socket.netlink?.portId ?? 0;
  const dump = isGet(type) && (flags & Nlm.DUMP) !== 0;
  const compose: Compose = (kind, fixed, list) =>
    message(kind, dump ? Nlm.MULTI : 0, seq, portId, fixed, list);
  const answer = handle(k, task, socket, request, compose);
  if (typeof answer === 'number')
    return answer < 0 || (flags & Nlm.ACK) !== 0 ? [acknowledge(socket, request, answer)] : [];
  if (!dump) return (flags & Nlm.ACK) !== 0 ? [...answer, acknowledge(socket, request, 0)] : answer;
  return pack([...answer, message(NLMSG_DONE, Nlm.MULTI, seq, portId, le32(0))]);
}

/** Gathers messages into datagrams. */
function pack(messages: readonly Uint8Array[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  let batch: Uint8Array[] = [];
  let size = 0;
  for (const one of messages) {
    if (size > 0 && size + one.length > DUMP_SIZE) {
      out.push(concat(batch));
      batch = [];
      size = 0;
    }
    batch.push(one);
    size += one.length;
  }
  if (batch.length > 0) out.push(concat(batch));
  return out;
}

/** NLMSG_ERROR: an error comes with the whole request, success with its header. */
function acknowledge(socket: Socket, request: Request, error: number): Uint8Array {
  const capped = error === 0 || (socket.options.others['270:10'] ?? 0) !== 0;
  const original = capped ? request.raw.subarray(0, 16) : request.raw;
  const flags = capped ? Nlm.CAPPED : 0;
  const portId = socket.netlink?.portId ?? 0;
  return message(NLMSG_ERROR, flags, request.seq, portId, concat([le32(error), original]));
}
