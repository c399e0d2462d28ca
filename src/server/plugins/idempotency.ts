/**
 * Idempotency-Key on creating calls (draft-ietf-httpapi-idempotency-key-header). Always true: the same person with the same key
 * and the same request gets the first answer again, and nothing is made twice; an answer of the server's own failure is not kept.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { App } from '../context.ts';
import { Problem } from '../problem.ts';

const KEY = /^[\x21-\x7e]{1,200}$/;

/** A key on a route that honours it; null: none. */
function keyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined || !request.routeOptions.config.idempotent) return null;
  if (typeof key !== 'string' || !KEY.test(key))
    throw new Problem('invalid-request', undefined, {
      errors: [{ in: 'headers', field: 'idempotency-key', message: 'is 1 to 200 visible ASCII characters' }],
    });
  return key;
}

const hashOf = (request: FastifyRequest): string =>
  createHash('sha256')
    .update(`${request.method} ${request.url}\n${JSON.stringify(request.body ?? null)}`)
    .digest('hex');

/** Adds the hooks. The key's row is begun after validation, so that a wrong request may be mended under the same key. */
export function idempotencyKeys(app: App): void {
  const begun = new WeakMap<FastifyRequest, string>();
  app.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request);
    if (key === null || request.principal === null) return;
    const earlier = await app.lab.idempotency.begin(request.principal.personId, key, hashOf(request));
    if (earlier.state === 'new') {
      begun.set(request, key);
      return;
    }
    reply
      .code(earlier.status)
      .header('idempotency-replayed', 'true')
      .header(
        'content-type',
        earlier.status < 400 ? 'application/json; charset=utf-8' : 'application/problem+json',
      )
      .serializer((text: string) => text)
      .send(earlier.body);
    return reply;
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const key = begun.get(request);
    if (key === undefined || request.principal === null) return payload;
    begun.delete(request);
    const { personId } = request.principal;
    if (reply.statusCode < 500 && typeof payload === 'string')
      await app.lab.idempotency.finish(personId, key, reply.statusCode, payload);
    else await app.lab.idempotency.abandon(personId, key);
    return payload;
  });
}
