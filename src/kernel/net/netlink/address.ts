/** Addresses in rtnetlink: RTM_GETADDR, RTM_NEWADDR, RTM_DELADDR (man 7 rtnetlink, linux/if_addr.h). */
import { Errno } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';
import { hex, ipBytes, isIpv4 } from '../address.ts';
import { Af } from '../flags.ts';
import { addAddress, interfaceByIndex, removeAddress } from '../interfaces.ts';
import type { InterfaceAddress, NetInterface } from '../types.ts';
import type { Answer, Compose } from './answer.ts';
import {
  type Attribute,
  attributes,
  concat,
  cstring,
  le32,
  message,
  Nlm,
  type Request,
  stringIn,
  u32,
} from './message.ts';
import { broadcastNetlink, Netlink } from './netlink.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const ADDR_SIZE = 8;
const IFA_F_PERMANENT = 0x80;
const Ifa = { ADDRESS: 1, LOCAL: 2, LABEL: 3, CACHEINFO: 6, FLAGS: 8 } as const;
const FOREVER = 0xffffffff;
/** Addresses of one interface. */
const MAX_ADDRESSES = 256;
/** RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR. */
const GROUPS = { v4: 0x10, v6: 0x100 } as const;

const familyOf = (address: InterfaceAddress): number => (isIpv4(address.ip) ? Af.INET : Af.INET6);

function addressMessage(
  device: NetInterface,
  address: InterfaceAddress,
  compose: Compose,
  type: number,
): Uint8Array {
  const v4 = isIpv4(address.ip);
  const fixed = concat([
    Uint8Array.of(familyOf(address), address.prefix, IFA_F_PERMANENT, address.scope),
    le32(device.index),
  ]);
  const bytes = ipBytes(address.ip);
  const list: Attribute[] = [
    [Ifa.ADDRESS, bytes],
    v4 ? [Ifa.LOCAL, bytes] : null,
    v4 ? [Ifa.LABEL, cstring(address.label || device.name)] : null,
    [Ifa.CACHEINFO, concat([le32(FOREVER), le32(FOREVER), le32(0), le32(0)])],
    [Ifa.FLAGS, le32(IFA_F_PERMANENT)],
  ];
  return compose(type, fixed, list);
}

/** Notifications of all addresses of an interface, each with its group. */
export const addressMessages = (
  device: NetInterface,
  compose: Compose,
): { groups: number; bytes: Uint8Array }[] =>
  device.addresses.map((address) => ({
    groups: isIpv4(address.ip) ? GROUPS.v4 : GROUPS.v6,
    bytes: addressMessage(device, address, compose, RTM_NEWADDR),
  }));

/** RTM_GETADDR with NLM_F_DUMP: all families, or the one asked for. */
export function dumpAddresses(k: Kernel, _task: Task, request: Request, compose: Compose): Answer {
  const family = request.body[0] ?? 0;
  const out: Uint8Array[] = [];
  for (const wanted of [Af.INET, Af.INET6])
    for (const device of k.net.interfaces)
      for (const address of device.addresses)
        if (familyOf(address) === wanted && (family === 0 || family === wanted))
          out.push(addressMessage(device, address, compose, RTM_NEWADDR));
  return out;
}

/** RTM_NEWADDR and RTM_DELADDR. */
export function changeAddress(k: Kernel, _task: Task, request: Request): Answer {
  const { body, type, flags } = request;
  if (body.length < ADDR_SIZE) return -Errno.EINVAL;
  const family = body[0];
  const size = family === Af.INET ? 4 : family === Af.INET6 ? 16 : 0;
  if (size === 0) return -Errno.EAFNOSUPPORT;
  const list = attributes(body, ADDR_SIZE);
  const bytes = list.get(Ifa.LOCAL) ?? list.get(Ifa.ADDRESS);
  if (bytes?.length !== size || body[1] > size * 8) return -Errno.EINVAL;
  const device = interfaceByIndex(k, u32(body, 4));
  if (!device) return -Errno.ENODEV;
  const label = list.get(Ifa.LABEL);
  const address = { ip: hex(bytes), prefix: body[1], label: label ? stringIn(label) : '', scope: body[3] };
  let failed: number;
  if (type === RTM_DELADDR) failed = removeAddress(device, address.ip, address.prefix);
  else if (device.addresses.length >= MAX_ADDRESSES) failed = -Errno.ENOBUFS;
  else failed = addAddress(device, address);
  if (failed === -Errno.EEXIST && (flags & Nlm.REPLACE) !== 0) failed = 0;
  if (failed < 0) return failed;
  const compose: Compose = (kind, fixed, attrs) => message(kind, 0, 0, 0, fixed, attrs);
  const groups = family === Af.INET ? GROUPS.v4 : GROUPS.v6;
  broadcastNetlink(k, Netlink.ROUTE, groups, addressMessage(device, address, compose, type));
  return 0;
}
