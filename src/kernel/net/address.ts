/**
 * IP addresses and socket addresses (man 7 ip, ipv6). Always true: an {@link Ip} is lower-case hexadecimal, 8 digits for IPv4 and 32
 * for IPv6; an IPv4-mapped IPv6 address is kept as the IPv4 address.
 */
import { Errno } from '../abi/errno.ts';
import { Af } from './flags.ts';
import type { Ip } from './types.ts';

export const ANY4: Ip = '00000000';
export const ANY6: Ip = '0'.repeat(32);
const MAPPED = '00000000000000000000ffff';

export const isIpv4 = (ip: Ip): boolean => ip.length === 8;
export const isAny = (ip: Ip): boolean => ip === ANY4 || ip === ANY6;
export const anyOf = (family: number): Ip => (family === Af.INET6 ? ANY6 : ANY4);
export const toNumber = (ip: Ip): number => Number.parseInt(ip, 16) | 0;
export const prefixMask = (prefix: number): number => (prefix === 0 ? 0 : -1 << (32 - prefix));
export const isLoopback = (ip: Ip): boolean =>
  isIpv4(ip) ? ip.startsWith('7f') : ip === `${'0'.repeat(31)}1`;
export const isMulticast = (ip: Ip): boolean => (isIpv4(ip) ? ip[0] === 'e' : ip.startsWith('ff'));
/** The limited broadcast address, and that of the loopback network. */
export const isBroadcast = (ip: Ip): boolean => ip === 'ffffffff' || ip === '7fffffff';

export const hex = (bytes: Uint8Array): string => {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
};

/** The bytes of an address in network order. */
export function ipBytes(ip: Ip): Uint8Array {
  const bytes = new Uint8Array(ip.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(ip.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** The bytes as a socket of `family` sees the address: 4, or 16 with IPv4 ones mapped. */
export const ipBytesFor = (family: number, ip: Ip): Uint8Array =>
  family === Af.INET6 && isIpv4(ip) ? ipBytes(ip === ANY4 ? ANY6 : MAPPED + ip) : ipBytes(ip);

export interface Endpoint {
  ip: Ip;
  port: number;
}

/** struct sockaddr_in or sockaddr_in6 for a socket of `family`. */
export function inetAddress(family: number, ip: Ip, port: number): Uint8Array {
  const v6 = family === Af.INET6;
  const bytes = new Uint8Array(v6 ? 28 : 16);
  bytes[0] = family;
  bytes[2] = port >> 8;
  bytes[3] = port;
  bytes.set(ipBytesFor(family, ip), v6 ? 8 : 4);
  return bytes;
}

/** Reads a struct sockaddr_in or sockaddr_in6 given to a socket of `family`: -EINVAL, -EAFNOSUPPORT. */
export function parseInetAddress(family: number, address: Uint8Array): Endpoint | number {
  if (address.length < 2) return -Errno.EINVAL;
  const given = address[0] | (address[1] << 8);
  if (family === Af.INET6) {
    if (address.length < 24) return -Errno.EINVAL;
    if (given !== Af.INET6) return -Errno.EAFNOSUPPORT;
    const raw = hex(address.subarray(8, 24));
    return { ip: raw.startsWith(MAPPED) ? raw.slice(24) : raw, port: (address[2] << 8) | address[3] };
  }
  if (address.length < 16) return -Errno.EINVAL;
  if (given !== Af.INET && given !== Af.UNSPEC) return -Errno.EAFNOSUPPORT;
  return { ip: hex(address.subarray(4, 8)), port: (address[2] << 8) | address[3] };
}

/** Whether an address given to connect(2) or sendto(2) is of family AF_UNSPEC. */
export const isUnspec = (address: Uint8Array): boolean =>
  address.length >= 2 && address[0] === 0 && address[1] === 0;
