/**
 * One line of the log for each request. Always true: it names the route and not the address, so that no ticket, path of a file or
 * query gets into it, and never a header or a body.
 */
import type { App } from '../context.ts';

const QUIET = new Set(['/healthz', '/readyz', '/metrics']);

/** Adds the hook. */
export function logRequests(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? null : (request.routeOptions.url ?? null);
    if (route !== null && QUIET.has(route)) return;
    request.log.info(
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        from: request.ip,
        who: request.principal?.login,
        vm: request.vm?.id,
      },
      'request',
    );
  });
}

/** What pino blots out wherever it appears. */
export const SECRETS = [
  'authorization',
  'token',
  'ticket',
  'signature',
  'password',
  'headers.authorization',
  'req.headers.authorization',
  '*.token',
  '*.ticket',
  '*.signature',
  '*.password',
];
