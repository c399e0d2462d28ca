/**
 * The table of protocols: what each does with a socket. Filled when the families are imported; never part of a VM's state. A
 * missing entry answers EOPNOTSUPP (net/socket.c's sock_no_*).
 */
import type { PollResult } from '../fs/types.ts';
import type { Kernel } from '../kernel.ts';
import type { IoBuf } from '../mm/types.ts';
import type { Outcome } from '../outcome.ts';
import type { Task } from '../task/types.ts';
import type { SendControl } from './control.ts';
import type { Socket } from './types.ts';

/** A message on its way out. `io.done` counts what a stream has taken. */
export interface SendMessage {
  io: IoBuf;
  /** Destination (struct sockaddr), or null. */
  name: Uint8Array | null;
  control: SendControl | null;
  /** MSG_*. */
  flags: number;
  nonblock: boolean;
}

/** A message to be filled. What a protocol tells besides the bytes goes into the last four. */
export interface ReceiveMessage {
  io: IoBuf;
  flags: number;
  nonblock: boolean;
  /** Room for control messages, in bytes. */
  controlRoom: number;
  name: Uint8Array | null;
  control: Uint8Array[];
  controlBytes: number;
  outFlags: number;
}

export interface Protocol {
  bind?(k: Kernel, task: Task, socket: Socket, address: Uint8Array): number;
  connect?(k: Kernel, task: Task, socket: Socket, address: Uint8Array, nonblock: boolean): Outcome;
  listen?(k: Kernel, task: Task, socket: Socket, backlog: number): number;
  /** The next connection, or what to wait for. */
  accept?(k: Kernel, task: Task, socket: Socket, nonblock: boolean): Socket | Outcome;
  /** The own or the peer's address as a struct sockaddr. */
  name(k: Kernel, socket: Socket, peer: boolean): Uint8Array | number;
  send(k: Kernel, task: Task, socket: Socket, message: SendMessage): Outcome;
  receive(k: Kernel, task: Task, socket: Socket, message: ReceiveMessage): Outcome;
  /** `how`: bits of Shut. */
  shutdown?(k: Kernel, socket: Socket, how: number): number;
  poll(k: Kernel, socket: Socket): PollResult;
  /** Options beyond SOL_SOCKET: 0 or -errno; the value's bytes, or -errno. */
  setOption?(k: Kernel, task: Task, socket: Socket, level: number, name: number, value: Uint8Array): number;
  getOption?(
    k: Kernel,
    task: Task,
    socket: Socket,
    level: number,
    name: number,
    room: number,
  ): Uint8Array | number;
  ioctl?(k: Kernel, task: Task, socket: Socket, cmd: number, arg: number): Outcome;
  /** After an option of SOL_SOCKET that may let a waiting sender go on. */
  release(k: Kernel, socket: Socket): void;
}

const protocols = new Map<string, Protocol>();

export function defineProtocol(name: string, protocol: Protocol): Protocol {
  protocols.set(name, protocol);
  return protocol;
}

export function protocolOf(socket: Socket): Protocol {
  const protocol = protocols.get(socket.proto);
  if (!protocol) throw new Error(`no protocol is called ${socket.proto}`);
  return protocol;
}

/** What socket(2) makes of a type and protocol: the protocol's name and number, or -errno. */
export interface Family {
  readonly number: number;
  create(k: Kernel, task: Task, type: number, protocol: number): { proto: string; protocol: number } | number;
  /** Fills in the family's part of a new socket. */
  init(k: Kernel, socket: Socket): void;
  /** Joins two fresh sockets (socketpair). */
  pair?(k: Kernel, task: Task, a: Socket, b: Socket): number;
}

const families = new Map<number, Family>();

export function defineFamily(family: Family): void {
  families.set(family.number, family);
}
export const findFamily = (number: number): Family | undefined => families.get(number);
