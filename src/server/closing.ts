/**
 * Letting go of clients when the server closes. Always true: nothing that streams for ever (WebSockets, event streams, a download
 * nobody reads) holds the end of the server back for longer than {@link PATIENCE_MS}.
 */
import type { WebSocket } from 'ws';
import type { App } from './context.ts';
import { CLOSE } from './sockets.ts';

const PATIENCE_MS = 2000;

/** What @fastify/websocket does before the server closes: tells every client to come again. */
export function closeSockets(this: App, done: () => void): void {
  const { websocketServer } = this;
  const clients = [...(websocketServer.clients as Set<WebSocket>)];
  for (const client of clients) {
    client.resume();
    client.close(CLOSE.restart, 'the server is shutting down');
  }
  setTimeout(() => {
    for (const client of clients) client.terminate();
  }, PATIENCE_MS).unref();
  websocketServer.close(() => {});
  done();
}

/** Ends streams that were taken out of Fastify's hands, and cuts connections that linger. */
export function endStreams(app: App): void {
  const streams = new Set<() => void>();
  app.decorate('whileOpen', (end: () => void) => {
    streams.add(end);
    return () => void streams.delete(end);
  });
  app.addHook('preClose', async () => {
    for (const end of streams) end();
    setTimeout(() => app.server.closeAllConnections(), PATIENCE_MS).unref();
  });
}
