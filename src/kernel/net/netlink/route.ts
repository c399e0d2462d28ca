/**
 * Routes and rules in rtnetlink (man 8 ip-route, ip-rule; net/ipv4/fib_frontend.c). Always true: the tables follow from the addresses
 * of interfaces that are up; no other route can be added.
 */
import { Errno } from '../../abi/errno.ts';
import { type Kernel, unsupported } from '../../kernel.ts';
import type { Task } from '../../task/types.ts';
import { hex, ipBytes, isIpv4, isLoopback, prefixMask, toNumber } from '../address.ts';
import { Af, Iff } from '../flags.ts';
import { isLocalAddress, sourceFor } from '../interfaces.ts';
import type { Ip } from '../types.ts';
import type { Answer, Compose } from './answer.ts';
import { type Attribute, attributes, concat, le32, type Request } from './message.ts';

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_NEWRULE = 32;
const ROUTE_SIZE = 12;
const RTPROT_KERNEL = 2;
const Table = { MAIN: 254, LOCAL: 255, DEFAULT: 253 } as const;
const Type = { UNICAST: 1, LOCAL: 2, BROADCAST: 3 } as const;
const Scope = { UNIVERSE: 0, LINK: 253, HOST: 254 } as const;
const Rta = { DST: 1, OIF: 4, PRIORITY: 6, PREFSRC: 7, CACHEINFO: 12, TABLE: 15, PREF: 20, UID: 25 } as const;
const RTM_F_CLONED = 0x200;
const RTCF_LOCAL = 0x80000000;

/** A route that the kernel made for an address. */
export interface KernelRoute {
  to: Ip;
  prefix: number;
  table: number;
  type: number;
  scope: number;
  source: Ip | null;
  device: number;
  metric: number;
}

const fromNumber = (value: number): Ip => (value >>> 0).toString(16).padStart(8, '0');

/** The routes that the addresses of all interfaces make, as fib_add_ifaddr and addrconf do. */
export function kernelRoutes(k: Kernel): KernelRoute[] {
  const out: KernelRoute[] = [];
  for (const device of k.net.interfaces) {
    if ((device.flags & Iff.UP) === 0) continue;
    for (const { ip, prefix } of device.addresses) {
      const common = { device: device.index, source: ip, metric: 0 };
      if (!isIpv4(ip)) {
        out.push({
          to: ip,
          prefix,
          table: Table.MAIN,
          type: Type.UNICAST,
          scope: 0,
          ...common,
          source: null,
          metric: 256,
        });
        out.push({
          to: ip,
          prefix: 128,
          table: Table.LOCAL,
          type: Type.LOCAL,
          scope: 0,
          ...common,
          source: null,
        });
        continue;
      }
      const mask = prefixMask(prefix);
      const network = fromNumber(toNumber(ip) & mask);
      const local = { table: Table.LOCAL, type: Type.LOCAL, scope: Scope.HOST, ...common };
      const broadcast = {
        table: Table.LOCAL,
        type: Type.BROADCAST,
        scope: Scope.LINK,
        prefix: 32,
        ...common,
      };
      if (prefix < 31) out.push({ to: network, ...broadcast });
      if (prefix < 32) out.push({ to: network, prefix, ...local });
      out.push({ to: ip, prefix: 32, ...local });
      if (prefix < 31) out.push({ to: fromNumber(toNumber(ip) | ~mask), ...broadcast });
    }
  }
  return out;
}

function routeMessage(route: KernelRoute, compose: Compose): Uint8Array {
  const family = isIpv4(route.to) ? Af.INET : Af.INET6;
  const { prefix, table, scope, type } = route;
  const fixed = concat([Uint8Array.of(family, prefix, 0, 0, table, RTPROT_KERNEL, scope, type), le32(0)]);
  const list: Attribute[] = [
    [Rta.TABLE, le32(table)],
    [Rta.DST, ipBytes(route.to)],
    family === Af.INET6 ? [Rta.PRIORITY, le32(route.metric)] : null,
    route.source ? [Rta.PREFSRC, ipBytes(route.source)] : null,
    [Rta.OIF, le32(route.device)],
    family === Af.INET6 ? [Rta.CACHEINFO, new Uint8Array(32)] : null,
    family === Af.INET6 ? [Rta.PREF, Uint8Array.of(0)] : null,
  ];
  return compose(RTM_NEWROUTE, fixed, list);
}

/** RTM_GETROUTE with NLM_F_DUMP. */
export function dumpRoutes(k: Kernel, _task: Task, request: Request, compose: Compose): Answer {
  const family = request.body[0] ?? 0;
  const wanted = (to: Ip): boolean => family === 0 || family === (isIpv4(to) ? Af.INET : Af.INET6);
  return kernelRoutes(k)
    .filter((route) => wanted(route.to))
    .map((route) => routeMessage(route, compose));
}

/** RTM_GETROUTE of one destination: `ip route get`. */
export function getRoute(k: Kernel, task: Task, request: Request, compose: Compose): Answer {
  const { body } = request;
  if (body.length < ROUTE_SIZE) return -Errno.EINVAL;
  const family = body[0];
  const size = family === Af.INET ? 4 : family === Af.INET6 ? 16 : 0;
  if (size === 0) return -Errno.EOPNOTSUPP;
  const bytes = attributes(body, ROUTE_SIZE).get(Rta.DST);
  if (bytes && bytes.length !== size) return -Errno.EINVAL;
  const to = bytes ? hex(bytes) : '0'.repeat(size * 2);
  if (!isLocalAddress(k, to)) return -Errno.ENETUNREACH;
  const source = isLoopback(to) ? sourceFor(k, to) : to;
  const fixed = concat([
    Uint8Array.of(family, size * 8, 0, 0, Table.LOCAL, 0, Scope.UNIVERSE, Type.LOCAL),
    le32(RTM_F_CLONED | RTCF_LOCAL),
  ]);
  const list: Attribute[] = [
    [Rta.TABLE, le32(Table.LOCAL)],
    [Rta.DST, ipBytes(to)],
    [Rta.OIF, le32(1)],
    [Rta.PREFSRC, ipBytes(source)],
    [Rta.UID, le32(task.cred.uid)],
    [Rta.CACHEINFO, new Uint8Array(32)],
  ];
  return [compose(RTM_NEWROUTE, fixed, list)];
}

/** RTM_NEWROUTE and RTM_DELROUTE: there is no way out of this machine to add. */
export function changeRoute(k: Kernel, _task: Task, request: Request): Answer {
  if (request.type === RTM_DELROUTE) return -Errno.ESRCH;
  unsupported(k, 'rtnetlink RTM_NEWROUTE');
  return -Errno.ENETUNREACH;
}

/** RTM_GETRULE: look into the local, the main and (IPv4) the default table. */
export function dumpRules(_k: Kernel, _task: Task, request: Request, compose: Compose): Answer {
  const family = request.body[0] ?? 0;
  const out: Uint8Array[] = [];
  const rule = (of: number, priority: number, table: number): void => {
    const fixed = concat([Uint8Array.of(of, 0, 0, 0, table, 0, 0, 1), le32(0)]);
    const list: Attribute[] = [[15, le32(table)], [14, le32(-1)], priority > 0 ? [6, le32(priority)] : null];
    out.push(compose(RTM_NEWRULE, fixed, list));
  };
  for (const of of [Af.INET, Af.INET6]) {
    if (family !== 0 && family !== of) continue;
    rule(of, 0, Table.LOCAL);
    rule(of, 32766, Table.MAIN);
    if (of === Af.INET) rule(of, 32767, Table.DEFAULT);
  }
  return out;
}
