/**
 * Sockets that only messages in flight lead to (net/unix/garbage.c): a socket sent over itself would never be freed. After
 * {@link collectInFlight} every socket file is reachable from a descriptor, or its queue is empty.
 */
import type { File } from '../../fs/types.ts';
import type { Kernel } from '../../kernel.ts';
import { purge } from '../queue.ts';
import type { Socket } from '../types.ts';

/** The socket files in a socket's queue, and in those of connections that it has not accepted. */
function* inQueue(socket: Socket): Generator<Socket> {
  for (const packet of socket.receive)
    for (const file of packet.files ?? []) if (isUnixFile(file)) yield file.data as Socket;
  for (const waiting of socket.unix?.accepts ?? []) yield* inQueue(waiting);
}

const isUnixFile = (file: File): boolean => file.kind === 'socket' && (file.data as Socket).unix !== null;

/** Looks for unreachable sockets when many files are in flight: before more are sent. */
export function collectWhenMany(k: Kernel): void {
  if (k.net.collectAt >= 0 && k.net.inFlight >= k.net.collectAt) collectInFlight(k);
}

/** Looks for unreachable sockets after releases: not so often that closing many sockets costs the square of their number. */
export function collectAfterRelease(k: Kernel): void {
  if (k.net.inFlight > 0 && ++k.net.releases * 8 >= k.net.sockets.size) collectInFlight(k);
}

/** Empties the queues of all sockets that can no longer be reached; does nothing while it is at it. */
export function collectInFlight(k: Kernel): void {
  if (k.net.collectAt < 0) return;
  k.net.collectAt = -1;
  k.net.releases = 0;
  for (const socket of unreachable(k)) {
    purge(k, socket);
    for (const waiting of socket.unix?.accepts ?? []) purge(k, waiting);
  }
  k.net.collectAt = Math.max(1000, k.net.inFlight * 2);
}

function unreachable(k: Kernel): Set<Socket> {
  const flying = new Map<Socket, number>();
  for (const socket of k.net.sockets.values())
    for (const packet of socket.receive)
      for (const file of packet.files ?? [])
        if (isUnixFile(file)) flying.set(file.data as Socket, (flying.get(file.data as Socket) ?? 0) + 1);
  const candidates = new Set<Socket>();
  for (const [socket, count] of flying) if (socket.file && socket.file.refs === count) candidates.add(socket);
  // Whatever a socket outside the candidates holds is reachable, and so is what that holds.
  const reach = [...k.net.sockets.values()].filter((socket) => !candidates.has(socket) && isRoot(socket));
  for (let i = 0; i < reach.length; i++)
    for (const inner of inQueue(reach[i])) if (candidates.delete(inner)) reach.push(inner);
  return candidates;
}

/** An accepted socket is a root by itself; one in a backlog is reached through its listener. */
const isRoot = (socket: Socket): boolean => socket.file !== null;
