/** The HTTP layer alone: a lab of one person and one machine, and a host that answers what a test says. */
import type { AddressInfo } from 'node:net';
import type { Host } from '../../src/host/types.ts';
import { type Lab, LabError, type Principal, type VmRecord } from '../../src/lab/types.ts';
import { buildServer } from '../../src/server/app.ts';
import type { App, Limits } from '../../src/server/context.ts';

export const PRINCIPAL: Principal = {
  personId: 'p1',
  login: 'anil',
  admin: false,
  tokenId: 't1',
  tokenKind: 'api',
  courseId: null,
  role: null,
};

export const RECORD = { id: 'vm1', courseId: 'c1', ownerId: 'p1', name: 'anil-vm' } as VmRecord;

/** Services that know the token `good`, the machine `vm1`, and keep idempotency keys in a map. */
export function smallLab(over: Partial<Record<keyof Lab, object>> = {}): Lab {
  const keys = new Map<string, { hash: string; status?: number; body?: string }>();
  const tickets = new Set(['once']);
  return {
    auth: {
      authenticate: async (token: string) => {
        if (token !== 'good') throw new LabError('unauthenticated', 'The token is not known.');
        return PRINCIPAL;
      },
      redeemTicket: async (ticket: string) => {
        if (!tickets.delete(ticket)) throw new LabError('unauthenticated', 'The ticket is not known.');
        return PRINCIPAL;
      },
      isLive: async () => true,
      ...over.auth,
    },
    vms: {
      view: async (vm: VmRecord) => ({ ...vm, status: null }),
      list: async () => ({ items: [], next: null }),
      onChange: () => () => {},
      ...over.vms,
    },
    idempotency: {
      begin: async (_person: string, key: string, hash: string) => {
        const known = keys.get(key);
        if (known === undefined) {
          keys.set(key, { hash });
          return { state: 'new' };
        }
        if (known.hash !== hash)
          throw new LabError('idempotency-mismatch', 'The key belongs to another request.');
        if (known.status === undefined) throw new LabError('idempotency-busy', 'Still being carried out.');
        return { state: 'done', status: known.status, body: known.body };
      },
      finish: async (_person: string, key: string, status: number, body: string) =>
        void Object.assign(keys.get(key)!, { status, body }),
      abandon: async (_person: string, key: string) => void keys.delete(key),
    },
    authorize: async () => {},
    authorizeVm: async (_principal: Principal, _action: string, id: string) => {
      if (id !== 'vm1') throw new LabError('not-found', 'There is no such VM.');
      return RECORD;
    },
    may: async () => true,
    ping: async () => {},
    terminalSessions: { opened: async () => {}, closed: async () => {} },
  } as unknown as Lab;
}

/** A server over it that listens on a free port. */
export async function startCore(
  host: object,
  limits: Partial<Limits> = {},
  lab: Lab = smallLab(),
): Promise<{ app: App; url: string }> {
  const app = await buildServer({
    lab,
    host: { onEvent: () => () => {}, metrics: async () => ({ vmsAlive: 1 }), ...host } as unknown as Host,
    limits,
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { app, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` };
}

/** Sends bytes as they are and answers everything that comes back until the server hangs up or falls silent. */
export async function rawExchange(url: string, request: string | Uint8Array, quietMs = 300): Promise<string> {
  const { connect } = await import('node:net');
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
    let text = '';
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
