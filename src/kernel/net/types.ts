/**
 * Networking as data. Always true: a socket is in `NetRoom.sockets` from its birth until it is released; `queuedBytes` is what
 * all packets in receive queues hold; a packet's `charge` is part of its sender's `sendCharge` until it is taken or dropped.
 */
import type { File, Inode, Superblock, Timespec } from '../fs/types.ts';
import type { Plain, WaitQueue } from '../outcome.ts';
import type { Instruction } from './filter.ts';

/** An IP address in hexadecimal: 8 digits for IPv4, 32 for IPv6 (never an IPv4-mapped one). */
export type Ip = string;

/** struct ucred (man 7 unix). */
export interface Ucred {
  pid: number;
  uid: number;
  gid: number;
}

/** One unit in a receive queue: a datagram, or bytes of a stream. */
export interface Packet {
  bytes: Uint8Array;
  /** Bytes at the front that a stream's reader has taken. */
  taken: number;
  /** The sender's address as a struct sockaddr; null: none is told. */
  from: Uint8Array | null;
  cred: Ucred | null;
  /** Files in flight (SCM_RIGHTS), each with a reference. */
  files: File[] | null;
  sender: Socket | null;
  charge: number;
  /** When it arrived, of the realtime clock. */
  time: Timespec;
  /** What IP says of it; null for other families. */
  ip: IpInfo | null;
}

/** What an IP datagram's receiver may ask for: destination, time to live; and for an error queue the error itself. */
export interface IpInfo {
  to: Ip;
  ttl: number;
  tos: number;
  /** struct sock_extended_err with the offender's address, for MSG_ERRQUEUE. */
  error: Uint8Array | null;
}

/** Options of socket level (man 7 socket). Times in nanoseconds, 0: none. */
export interface SocketOptions {
  sendBuffer: number;
  receiveBuffer: number;
  reuseAddress: boolean;
  reusePort: boolean;
  keepAlive: boolean;
  broadcast: boolean;
  oobInline: boolean;
  lingerOn: boolean;
  lingerSeconds: number;
  passCred: boolean;
  /** SO_TIMESTAMP: 1 microseconds, 2 nanoseconds. */
  timestamp: 0 | 1 | 2;
  receiveTimeoutNs: number;
  sendTimeoutNs: number;
  receiveLow: number;
  device: string;
  /** Integers that are remembered and told again, by `level:option`. */
  others: Record<string, number>;
}

/** struct socket and struct sock in one. */
export interface Socket {
  /** Key of the table of protocols: `unix`, `tcp`, `udp`, `ping`, `raw`, `netlink`. */
  proto: string;
  family: number;
  type: number;
  protocol: number;
  inode: Inode;
  /** The open file that shows it; null while it waits to be accepted, and once it is released. */
  file: File | null;
  released: boolean;
  /** Made by whom: SO_PEERCRED, /proc/net. */
  uid: number;
  options: SocketOptions;
  /** SO_ATTACH_FILTER: datagrams that it drops never arrive; see net/filter.ts. */
  filter: Instruction[] | null;
  /** Pending error (SO_ERROR), as a positive errno. */
  error: number;
  /** RCV_SHUTDOWN 1, SEND_SHUTDOWN 2. */
  shutdown: number;
  receive: Packet[];
  receiveBytes: number;
  /** Errors told by MSG_ERRQUEUE. */
  errors: Packet[];
  /** What its packets in other sockets' queues are charged. */
  sendCharge: number;
  readWait: WaitQueue;
  writeWait: WaitQueue;
  /** Bumped at each arrival, departure and change of state: edges for epoll. */
  seq: number;
  unix: UnixState | null;
  inet: InetState | null;
  netlink: NetlinkState | null;
}

/** What AF_UNIX keeps of a socket. */
export interface UnixState {
  /** Path, or NUL and the abstract name; null: unnamed. */
  name: string | null;
  /** The inode of a path-bound socket, with a reference. */
  bound: Inode | null;
  peer: Socket | null;
  listening: boolean;
  backlog: number;
  /** Connections not accepted yet. */
  accepts: Socket[];
  peerCred: Ucred | null;
  /** Datagram sockets that are connected to this one. */
  clients: Socket[];
}

/** States of TCP as /proc/net/tcp numbers them (net/tcp_states.h). */
export const Tcp = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LISTEN: 10,
} as const;

/** What AF_INET and AF_INET6 keep of a socket. */
export interface InetState {
  /** Local address; all zeros for any. */
  local: Ip;
  port: number;
  /** Remote address, '' while not connected. */
  remote: Ip;
  remotePort: number;
  /** bind(2) named the address. */
  bound: boolean;
  v6Only: boolean;
  state: number;
  peer: Socket | null;
  /** A connect(2) that has not been told its outcome yet. */
  connecting: boolean;
  backlog: number;
  accepts: Socket[];
  /** Connecting sockets that found the backlog full. */
  waiting: Socket[];
  /** The listener that an unaccepted or waiting socket belongs to. */
  parent: Socket | null;
  /** ICMP_FILTER of a raw socket: a bit for each type that is not wanted. */
  icmpFilter: number;
  /** ICMP6_FILTER: 256 such bits in 8 words; null: everything passes. */
  icmp6Filter: number[] | null;
}

/** What AF_NETLINK keeps of a socket. */
export interface NetlinkState {
  portId: number;
  /** A bit for each multicast group it joined. */
  groups: number;
}

/** A connection whose socket is gone but whose port is not free yet. */
export interface ClosedConnection {
  local: Ip;
  port: number;
  remote: Ip;
  remotePort: number;
  state: number;
  untilNs: number;
}

export interface InterfaceAddress {
  ip: Ip;
  prefix: number;
  label: string;
  scope: number;
}

/** A network interface (man 7 netdevice). */
export interface NetInterface {
  index: number;
  name: string;
  /** IFF_*. */
  flags: number;
  mtu: number;
  txQueueLength: number;
  addresses: InterfaceAddress[];
  packets: number;
  bytes: number;
}

export interface NetRoom {
  /** Interfaces: `lo` first. */
  interfaces: NetInterface[];
  sockfs: Superblock;
  /** All sockets by inode number, in order of birth. */
  sockets: Map<number, Socket>;
  queuedBytes: number;
  /** Path-bound AF_UNIX sockets by file system and inode number; abstract ones by name. */
  unixPaths: Map<string, Socket>;
  unixNames: Map<string, Socket>;
  nextAutobind: number;
  /** Files that lie in the queues of AF_UNIX sockets. */
  inFlight: number;
  /** Files of dropped messages that are being put, so that a chain of sockets in messages is freed without recursion. */
  doomed: File[] | null;
  /** Sockets released since unreachable ones were last looked for. */
  releases: number;
  /** At how many files in flight unreachable sockets are looked for; -1 while they are being freed. */
  collectAt: number;
  /** Sockets that hold a port, by protocol and port. */
  ports: { tcp: Map<number, Socket[]>; udp: Map<number, Socket[]>; ping: Map<number, Socket[]> };
  raw: Socket[];
  closed: ClosedConnection[];
  nextPort: number;
  nextIpId: number;
  /** Counters of the IP stack, by group and name: see net/counters.ts. */
  counters: Record<string, number>;
}

export type { Plain };
