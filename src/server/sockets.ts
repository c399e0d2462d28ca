/**
 * What all WebSockets have in common: how many there may be, and noticing that the other end is gone. Always true: a socket whose
 * other end answers no ping is cut within the time-out, so that nobody stays listed as a viewer who is not there.
 */
import type { WebSocket } from 'ws';
import type { App } from './context.ts';
import { Problem } from './problem.ts';

/** Close codes of ours; 1008 and 1009 are RFC 6455's. */
export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  badFrame: 1007,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  restart: 1012,
  again: 1013,
} as const;

/** Why a socket is closed, cut to what a close frame holds. */
export const closeReason = (text: string): string => {
  let reason = text;
  while (Buffer.byteLength(reason) > 120) reason = reason.slice(0, -1);
  return reason;
};

/** Refuses sockets beyond the limits, and upgrades of routes that are none. Pings the open ones. */
export function limitSockets(app: App): void {
  const perPerson = new Map<string, number>();
  const alive = new WeakSet<WebSocket>();
  app.addHook('preHandler', async (request) => {
    if (!request.ws) return;
    if (request.is404) return;
    if (request.routeOptions.config.ticket !== true)
      throw new Problem('bad-request', 'This resource is not a WebSocket.');
    const { principal } = request;
    if (app.websocketServer.clients.size >= app.limits.sockets)
      throw new Problem(
        'rate-limited',
        'The server has all the WebSockets it takes.',
        {},
        { 'retry-after': '5' },
      );
    if (principal === null) return;
    const open = perPerson.get(principal.personId) ?? 0;
    if (open >= app.limits.socketsPerPerson)
      throw new Problem(
        'rate-limited',
        `At most ${app.limits.socketsPerPerson} WebSockets at once.`,
        {},
        {
          'retry-after': '5',
        },
      );
    perPerson.set(principal.personId, open + 1);
    request.raw.socket.once('close', () => {
      const left = (perPerson.get(principal.personId) ?? 1) - 1;
      if (left > 0) perPerson.set(principal.personId, left);
      else perPerson.delete(principal.personId);
    });
  });
  app.websocketServer.on('connection', (socket: WebSocket) => {
    alive.add(socket);
    socket.on('pong', () => alive.add(socket));
    socket.on('message', () => alive.add(socket));
  });
  const timer = setInterval(() => {
    for (const socket of app.websocketServer.clients) {
      if (!alive.has(socket)) {
        socket.terminate();
        continue;
      }
      alive.delete(socket);
      socket.ping();
    }
  }, app.limits.socketTimeoutMs / 2);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
