/**
 * A WebSocket may stay open for days; rights change meanwhile. Always true: within {@link Limits.recheckMs} of a token's end, of a
 * person's leaving the course or of a change of what they may do there, their sockets are closed: for good where nothing is
 * allowed any more, to come again where only writing has changed.
 */
import type { FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { LabError, type Principal, type VmRecord } from '../lab/types.ts';
import type { App } from './context.ts';
import { CLOSE } from './sockets.ts';

interface Holder {
  principal: Principal;
  vm: VmRecord;
  mayUse: boolean;
}

/** Watches the sockets of machines. */
export function recheckSockets(app: App): void {
  const { lab } = app;
  const asked = new WeakMap<FastifyRequest['raw'], Holder>();
  const holders = new Map<WebSocket, Holder>();

  app.addHook('preHandler', async (request) => {
    const { principal, vm } = request;
    if (!request.ws || principal === null || vm === null) return;
    asked.set(request.raw, { principal, vm, mayUse: await lab.may(principal, 'vm.use', vm) });
  });
  app.websocketServer.on('connection', (socket: WebSocket, raw: FastifyRequest['raw']) => {
    const holder = asked.get(raw);
    if (holder === undefined) return;
    holders.set(socket, holder);
    socket.on('close', () => holders.delete(socket));
  });

  async function check(socket: WebSocket, { principal, vm, mayUse }: Holder, live: boolean): Promise<void> {
    if (!live) return socket.close(CLOSE.policy, 'the token is no longer good: sign in again');
    try {
      await lab.authorizeVm(principal, 'vm.read', vm.id);
    } catch (error) {
      if (error instanceof LabError) return socket.close(CLOSE.policy, 'you may no longer see this VM');
      throw error;
    }
    if ((await lab.may(principal, 'vm.use', vm)) !== mayUse)
      socket.close(CLOSE.restart, 'what you may do here has changed');
  }

  let running = false;
  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    const tokens = new Map<string, boolean>();
    try {
      for (const [socket, holder] of [...holders]) {
        const { principal } = holder;
        const live = tokens.get(principal.tokenId) ?? (await lab.auth.isLive(principal));
        tokens.set(principal.tokenId, live);
        await check(socket, holder, live);
      }
    } catch (error) {
      app.log.warn({ err: error }, 'rights could not be asked anew');
    } finally {
      running = false;
    }
  }, app.limits.recheckMs);
  timer.unref();
  app.addHook('onClose', async () => clearInterval(timer));
}
