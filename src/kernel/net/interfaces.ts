/**
 * Network interfaces and what leads where (man 7 netdevice, net/core/dev.c). Always true: `lo` is interface 1; an address is local
 * when an interface that is up has it, or lies in its loopback network; nothing else can be reached.
 */
import { Errno } from '../abi/errno.ts';
import { registerDevice } from '../drivers/device.ts';
import type { Kernel } from '../kernel.ts';
import { isIpv4, isLoopback, isMulticast, prefixMask, toNumber } from './address.ts';
import { Iff } from './flags.ts';
import type { InterfaceAddress, Ip, NetInterface } from './types.ts';

const ARPHRD_LOOPBACK = 772;
const V4_LOOPBACK: InterfaceAddress = { ip: '7f000001', prefix: 8, label: 'lo', scope: 254 };
const V6_LOOPBACK: InterfaceAddress = { ip: `${'0'.repeat(31)}1`, prefix: 128, label: '', scope: 254 };

/** The loopback interface as it is born: down, without addresses. */
export const loopback = (): NetInterface => ({
  index: 1,
  name: 'lo',
  flags: Iff.LOOPBACK,
  mtu: 65536,
  txQueueLength: 1000,
  addresses: [],
  packets: 0,
  bytes: 0,
});

export const findInterface = (k: Kernel, name: string): NetInterface | undefined =>
  k.net.interfaces.find((device) => device.name === name);
export const interfaceByIndex = (k: Kernel, index: number): NetInterface | undefined =>
  k.net.interfaces.find((device) => device.index === index);

const isUp = (device: NetInterface): boolean => (device.flags & Iff.UP) !== 0;

/** What SIOCGIFFLAGS and ip(8) show: an interface that is up is running, too. */
export const shownFlags = (device: NetInterface): number =>
  isUp(device) ? device.flags | Iff.RUNNING | Iff.LOWER_UP : device.flags;

/** Brings an interface up or down; `lo` gets its addresses when it comes up (inetdev_event, addrconf_notify). */
export function setInterfaceUp(k: Kernel, device: NetInterface, up: boolean): void {
  if (up === isUp(device)) return;
  device.flags = up ? device.flags | Iff.UP : device.flags & ~Iff.UP;
  if (up && !device.addresses.some((address) => isIpv4(address.ip)))
    device.addresses.unshift({ ...V4_LOOPBACK });
  if (up) device.addresses.push({ ...V6_LOOPBACK });
  else device.addresses = device.addresses.filter((address) => isIpv4(address.ip));
  showInSysfs(k, device);
}

/** Brings /sys/class/net up to date with an interface (net/core/net-sysfs.c). */
export function showInSysfs(k: Kernel, device: NetInterface): void {
  const up = isUp(device);
  const texts: Record<string, string | number> = {
    addr_len: 6,
    address: '00:00:00:00:00:00',
    broadcast: '00:00:00:00:00:00',
    carrier: up ? 1 : '',
    dev_id: '0x0',
    flags: `0x${device.flags.toString(16)}`,
    ifindex: device.index,
    iflink: device.index,
    link_mode: 0,
    mtu: device.mtu,
    operstate: up ? 'unknown' : 'down',
    tx_queue_len: device.txQueueLength,
    type: ARPHRD_LOOPBACK,
  };
  const shown = k.drivers.devices.find((each) => each.class === 'net' && each.name === device.name);
  if (shown) for (const [name, value] of Object.entries(texts)) shown.attributes[name] = `${value}\n`;
}

/** Enters an interface into the device model. */
export function registerInterface(k: Kernel, device: NetInterface): void {
  registerDevice(k, {
    name: device.name,
    devpath: `virtual/net/${device.name}`,
    class: 'net',
    rdev: 0,
    node: null,
    uevent: { INTERFACE: device.name, IFINDEX: String(device.index) },
    attributes: {},
  });
  showInSysfs(k, device);
}

/** Adds an address: -EEXIST. IPv4 addresses come before IPv6 ones. */
export function addAddress(device: NetInterface, address: InterfaceAddress): number {
  if (device.addresses.some((old) => old.ip === address.ip && old.prefix === address.prefix))
    return -Errno.EEXIST;
  const at = device.addresses.findIndex((old) => !isIpv4(old.ip));
  if (isIpv4(address.ip) && at >= 0) device.addresses.splice(at, 0, address);
  else device.addresses.push(address);
  return 0;
}

/** Takes an address away: -EADDRNOTAVAIL. */
export function removeAddress(device: NetInterface, ip: Ip, prefix: number): number {
  const at = device.addresses.findIndex(
    (address) => address.ip === ip && (prefix < 0 || address.prefix === prefix),
  );
  if (at < 0) return -Errno.EADDRNOTAVAIL;
  device.addresses.splice(at, 1);
  return 0;
}

/** Whether the machine itself answers to `ip`: the local routing table. */
export function isLocalAddress(k: Kernel, ip: Ip): boolean {
  for (const device of k.net.interfaces) {
    if (!isUp(device)) continue;
    for (const address of device.addresses) {
      if (address.ip === ip) return true;
      // Each network on a loopback interface is local as a whole.
      if (isIpv4(ip) && isIpv4(address.ip) && (device.flags & Iff.LOOPBACK) !== 0) {
        const mask = prefixMask(address.prefix);
        if (((toNumber(ip) ^ toNumber(address.ip)) & mask) === 0) return true;
      }
    }
  }
  return false;
}

/** Whether a packet can be sent to `ip` at all: 0, or -ENETUNREACH. */
export const route = (k: Kernel, ip: Ip): number =>
  !isMulticast(ip) && isLocalAddress(k, ip) ? 0 : -Errno.ENETUNREACH;

/** The source address of a packet to the local address `to` (inet_select_addr). */
export function sourceFor(k: Kernel, to: Ip): Ip {
  if (!isIpv4(to)) return to;
  if (!isLoopback(to)) return to;
  for (const device of k.net.interfaces)
    for (const address of device.addresses) if (address.ip === to) return to;
  return V4_LOOPBACK.ip;
}

/** Counts a packet that went through the loopback interface. */
export function countLoopback(k: Kernel, bytes: number): void {
  const device = k.net.interfaces[0];
  device.packets++;
  device.bytes += bytes;
}
