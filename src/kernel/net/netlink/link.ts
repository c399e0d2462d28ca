/** Interfaces in rtnetlink: RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK (man 7 rtnetlink, linux/if_link.h). */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';
import { Iff } from '../flags.ts';
import { findInterface, interfaceByIndex, setInterfaceUp, showInSysfs, shownFlags } from '../interfaces.ts';
import type { NetInterface } from '../types.ts';
import { addressMessages } from './address.ts';
import type { Answer, Compose } from './answer.ts';
import {
  type Attribute,
  attributes,
  concat,
  cstring,
  le16,
  le32,
  message,
  type Request,
  stringIn,
  u8,
  u32,
} from './message.ts';
import { broadcastNetlink, Netlink } from './netlink.ts';

const RTM_NEWLINK = 16;
const LINK_SIZE = 16;
const ARPHRD_LOOPBACK = 772;
const GROUP_LINK = 1;
const IfOper = { UNKNOWN: 0, DOWN: 2 } as const;

const Ifla = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  QDISC: 6,
  STATS: 7,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKMODE: 17,
  LINKINFO: 18,
  STATS64: 23,
  GROUP: 27,
  PROMISCUITY: 30,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  CARRIER: 33,
  CARRIER_CHANGES: 35,
  PROTO_DOWN: 39,
  GSO_MAX_SEGS: 40,
  GSO_MAX_SIZE: 41,
} as const;

/** struct rtnl_link_stats of 23 counters, each of `size` bytes: packets and bytes both ways. */
function statistics(device: NetInterface, size: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(23 * size);
  const view = new DataView(bytes.buffer);
  [device.packets, device.packets, device.bytes, device.bytes].forEach((value, i) => {
    view.setUint32(i * size, value % 2 ** 32, true);
    if (size === 8) view.setUint32(i * size + 4, Math.floor(value / 2 ** 32), true);
  });
  return bytes;
}

const linkHeader = (device: NetInterface, change: number): Uint8Array =>
  concat([
    Uint8Array.of(0, 0),
    le16(ARPHRD_LOOPBACK),
    le32(device.index),
    le32(shownFlags(device)),
    le32(change),
  ]);

function linkAttributes(device: NetInterface): Attribute[] {
  const up = (device.flags & Iff.UP) !== 0;
  return [
    [Ifla.IFNAME, cstring(device.name)],
    [Ifla.TXQLEN, le32(device.txQueueLength)],
    [Ifla.OPERSTATE, u8(up ? IfOper.UNKNOWN : IfOper.DOWN)],
    [Ifla.LINKMODE, u8(0)],
    [Ifla.MTU, le32(device.mtu)],
    [Ifla.GROUP, le32(0)],
    [Ifla.PROMISCUITY, le32(0)],
    [Ifla.NUM_TX_QUEUES, le32(1)],
    [Ifla.GSO_MAX_SEGS, le32(65535)],
    [Ifla.GSO_MAX_SIZE, le32(65536)],
    [Ifla.NUM_RX_QUEUES, le32(1)],
    [Ifla.CARRIER, u8(1)],
    [Ifla.QDISC, cstring(up ? 'noqueue' : 'noop')],
    [Ifla.CARRIER_CHANGES, le32(0)],
    [Ifla.PROTO_DOWN, u8(0)],
    [Ifla.ADDRESS, new Uint8Array(6)],
    [Ifla.BROADCAST, new Uint8Array(6)],
    [Ifla.STATS64, statistics(device, 8)],
    [Ifla.STATS, statistics(device, 4)],
  ];
}

const linkMessage = (device: NetInterface, compose: Compose, change = 0): Uint8Array =>
  compose(RTM_NEWLINK, linkHeader(device, change), linkAttributes(device));

/** RTM_GETLINK with NLM_F_DUMP. */
export const dumpLinks = (k: Kernel, _task: Task, _request: Request, compose: Compose): Answer =>
  k.net.interfaces.map((device) => linkMessage(device, compose));

/** The interface that a request is about, by index or name. */
function deviceOf(k: Kernel, request: Request): NetInterface | undefined {
  const index = u32(request.body, 4);
  if (index !== 0) return interfaceByIndex(k, index);
  const name = attributes(request.body, LINK_SIZE).get(Ifla.IFNAME);
  return name ? findInterface(k, stringIn(name)) : undefined;
}

/** RTM_GETLINK of one interface. */
export function getLink(k: Kernel, _task: Task, request: Request, compose: Compose): Answer {
  if (request.body.length < LINK_SIZE) return -Errno.EINVAL;
  const device = deviceOf(k, request);
  return device ? [linkMessage(device, compose)] : -Errno.ENODEV;
}

/** RTM_NEWLINK and RTM_SETLINK: up, down, MTU, queue length. New interfaces cannot be made. */
export function changeLink(k: Kernel, _task: Task, request: Request): Answer {
  if (request.body.length < LINK_SIZE) return -Errno.EINVAL;
  const list = attributes(request.body, LINK_SIZE);
  const device = deviceOf(k, request);
  if (!device) return list.has(Ifla.LINKINFO) ? -Errno.EOPNOTSUPP : -Errno.ENODEV;
  const mtu = list.get(Ifla.MTU);
  if (mtu) device.mtu = u32(mtu);
  const length = list.get(Ifla.TXQLEN);
  if (length) device.txQueueLength = u32(length);
  const before = shownFlags(device);
  const change = u32(request.body, 12) || 0xffffffff;
  if ((change & Iff.UP) !== 0) setInterfaceUp(k, device, (u32(request.body, 8) & Iff.UP) !== 0);
  showInSysfs(k, device);
  announce(k, device, before);
  return 0;
}

/** Tells `ip monitor` and its like. */
function announce(k: Kernel, device: NetInterface, before: number): void {
  const compose: Compose = (type, fixed, list) => message(type, 0, 0, 0, fixed, list);
  const changed = before ^ shownFlags(device);
  broadcastNetlink(k, Netlink.ROUTE, GROUP_LINK, linkMessage(device, compose, changed));
  if ((changed & Iff.UP) !== 0 && (device.flags & Iff.UP) !== 0)
    for (const { groups, bytes } of addressMessages(device, compose))
      broadcastNetlink(k, Netlink.ROUTE, groups, bytes);
}
